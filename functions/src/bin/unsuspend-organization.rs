//! The Lambda binary of `unsuspend-organization`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::server::unsuspend_organization::OPERATION)
}
