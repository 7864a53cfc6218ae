//! The Lambda binary of `restore-organization`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::organizations::restore_organization::OPERATION)
}
