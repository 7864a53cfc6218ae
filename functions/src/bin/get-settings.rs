//! The Lambda binary of `get-settings`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::organizations::get_settings::OPERATION)
}
