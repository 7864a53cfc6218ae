//! The Lambda binary of `find-organizations`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::server::find_organizations::OPERATION)
}
