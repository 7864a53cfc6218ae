//! The Lambda binary of `record-mail-delivery`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::background::record_mail_delivery::OPERATION)
}
