//! The Lambda binary of `provision-organization`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::server::provision_organization::OPERATION)
}
