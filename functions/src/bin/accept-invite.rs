//! The Lambda binary of `accept-invite`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::account::accept_invite::OPERATION)
}
