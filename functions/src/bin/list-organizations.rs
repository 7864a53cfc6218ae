//! The Lambda binary of `list-organizations`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::organizations::list_organizations::OPERATION)
}
