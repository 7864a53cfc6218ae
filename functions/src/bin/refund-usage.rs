//! The Lambda binary of `refund-usage`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::usage::refund_usage::OPERATION)
}
