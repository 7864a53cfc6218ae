//! The Lambda binary of `get-usage`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::usage::get_usage::OPERATION)
}
