//! The least that a function can be: what `benches/cold.py` measures the others
//! against. A package of its own, so that it brings along nothing of theirs.

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
