//! The Lambda binary of `change-creator`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::organizations::change_creator::OPERATION)
}
