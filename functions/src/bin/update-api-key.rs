//! The Lambda binary of `update-api-key`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::api_keys::update_api_key::OPERATION)
}
