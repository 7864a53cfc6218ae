//! The Lambda binary of `authorize-api-key`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::api_keys::authorize_api_key::OPERATION)
}
