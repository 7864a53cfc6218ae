//! The Lambda binary of `describe-events`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::audit::describe_events::OPERATION)
}
