//! The Lambda binary of `apply-plan-changes`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::billing::apply_plan_changes::OPERATION)
}
