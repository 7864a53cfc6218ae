//! The Lambda binary of `erase-person`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::server::erase_person::OPERATION)
}
