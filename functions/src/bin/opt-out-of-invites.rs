//! The Lambda binary of `opt-out-of-invites`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::invites::opt_out_of_invites::OPERATION)
}
