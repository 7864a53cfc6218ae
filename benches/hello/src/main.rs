//! A minimal function: the baseline of `benches/cold.py`. It is a package of its own, so
//! that it links none of the other functions' dependencies.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(lambda_runtime::run(service_fn(
        async |_: LambdaEvent<Value>| Ok::<_, Error>(json!({"statusCode": 200})),
    )))
}
