//! The Lambda binary of `purge-organizations`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::organizations::purge_organizations::OPERATION)
}
