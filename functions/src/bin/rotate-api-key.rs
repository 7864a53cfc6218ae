//! The Lambda binary of `rotate-api-key`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::api_keys::rotate_api_key::OPERATION)
}
