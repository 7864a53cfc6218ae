//! The Lambda binary of `record-email-delivery`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::emails::record_email_delivery::OPERATION)
}
