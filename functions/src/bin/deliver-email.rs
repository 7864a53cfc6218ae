//! The Lambda binary of `deliver-email`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::emails::deliver_email::OPERATION)
}
