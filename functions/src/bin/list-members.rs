//! The Lambda binary of `list-members`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::members::list_members::OPERATION)
}
