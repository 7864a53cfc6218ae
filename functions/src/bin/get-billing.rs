//! The Lambda binary of `get-billing`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::billing::get_billing::OPERATION)
}
