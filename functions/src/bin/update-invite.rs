//! The Lambda binary of `update-invite`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::invites::update_invite::OPERATION)
}
