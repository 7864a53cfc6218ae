//! The Lambda binary of `list-invites`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::invites::list_invites::OPERATION)
}
