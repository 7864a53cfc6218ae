//! The Lambda binary of `suspend-organization`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::server::suspend_organization::OPERATION)
}
