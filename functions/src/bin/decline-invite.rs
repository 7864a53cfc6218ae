//! The Lambda binary of `decline-invite`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::account::decline_invite::OPERATION)
}
