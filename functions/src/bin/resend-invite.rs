//! The Lambda binary of `resend-invite`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::invites::resend_invite::OPERATION)
}
