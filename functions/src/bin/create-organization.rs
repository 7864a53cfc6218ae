//! The Lambda binary of `create-organization`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::organizations::create_organization::OPERATION)
}
