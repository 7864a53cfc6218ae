//! The Lambda binary of `lift-invite-pause`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::server::lift_invite_pause::OPERATION)
}
