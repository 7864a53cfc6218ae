//! The Lambda binary of `switch-organization`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::account::switch_organization::OPERATION)
}
