//! The Lambda binary of `record-billing-event`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::billing::record_billing_event::OPERATION)
}
