//! The Lambda binary of `opt-in-to-invites`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::invites::opt_in_to_invites::OPERATION)
}
