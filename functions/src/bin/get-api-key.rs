//! The Lambda binary of `get-api-key`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::api_keys::get_api_key::OPERATION)
}
