//! The Lambda binary of `update-member`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::members::update_member::OPERATION)
}
