//! The Lambda binary of `deliver-email`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::background::deliver_email::OPERATION)
}
