//! The Lambda binary of `decline-invite-by-link`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::invites::decline_invite_by_link::OPERATION)
}
