//! The Lambda binary of `authorize-server`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::server::authorize_server::OPERATION)
}
