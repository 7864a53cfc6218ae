//! The Lambda binary of `record-usage`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::usage::record_usage::OPERATION)
}
