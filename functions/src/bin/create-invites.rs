//! The Lambda binary of `create-invites`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::invites::create_invites::OPERATION)
}
