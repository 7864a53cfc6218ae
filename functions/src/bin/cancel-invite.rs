//! The Lambda binary of `cancel-invite`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::invites::cancel_invite::OPERATION)
}
