//! The Lambda binary of `expire-invites`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::invites::expire_invites::OPERATION)
}
