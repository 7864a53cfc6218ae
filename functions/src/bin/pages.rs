//! The Lambda binary of `pages`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::serve(&functions::web::pages::OPERATION)
}
