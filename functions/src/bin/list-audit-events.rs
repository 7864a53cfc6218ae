//! The Lambda binary of `list-audit-events`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::audit::list_audit_events::OPERATION)
}
