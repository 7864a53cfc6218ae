//! The Lambda binary of `update-organization`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::organizations::update_organization::OPERATION)
}
