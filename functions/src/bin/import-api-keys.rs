//! The Lambda binary of `import-api-keys`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::server::import_api_keys::OPERATION)
}
