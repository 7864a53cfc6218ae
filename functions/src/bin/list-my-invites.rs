//! The Lambda binary of `list-my-invites`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::account::list_my_invites::OPERATION)
}
