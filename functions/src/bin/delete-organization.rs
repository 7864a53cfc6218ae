//! The Lambda binary of `delete-organization`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::organizations::delete_organization::OPERATION)
}
