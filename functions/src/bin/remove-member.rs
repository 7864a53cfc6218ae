//! The Lambda binary of `remove-member`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::members::remove_member::OPERATION)
}
