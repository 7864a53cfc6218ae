//! The Lambda binary of `create-api-key`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::api_keys::create_api_key::OPERATION)
}
