//! The Lambda binary of `list-api-keys`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::api_keys::list_api_keys::OPERATION)
}
