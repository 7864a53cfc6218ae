//! The Lambda binary of `get-member`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::members::get_member::OPERATION)
}
