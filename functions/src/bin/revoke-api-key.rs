//! The Lambda binary of `revoke-api-key`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::api_keys::revoke_api_key::OPERATION)
}
