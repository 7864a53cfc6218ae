//! The Lambda binary of `get-account`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::account::get_account::OPERATION)
}
