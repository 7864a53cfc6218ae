//! The Lambda binary of `add-members`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::server::add_members::OPERATION)
}
