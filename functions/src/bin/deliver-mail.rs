//! The Lambda binary of `deliver-mail`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::background::deliver_mail::OPERATION)
}
