//! The Lambda binary of `get-organization`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::organizations::get_organization::OPERATION)
}
