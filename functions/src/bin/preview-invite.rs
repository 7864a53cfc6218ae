//! The Lambda binary of `preview-invite`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::invites::preview_invite::OPERATION)
}
