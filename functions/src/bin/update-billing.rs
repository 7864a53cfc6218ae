//! The Lambda binary of `update-billing`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::billing::update_billing::OPERATION)
}
