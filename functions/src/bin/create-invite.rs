//! The Lambda binary of `create-invite`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::invites::create_invite::OPERATION)
}
