//! What goes over the wire between the functions and AWS: recorded, and made
//! to fail or to wait where a test wants it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, oneshot};

/// A request that was made, and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The action, such as `TransactWriteItems`.
    pub action: String,
    /// The operation that made the request; `None` for one that was not invoked as Lambda
    /// invokes it.
    pub operation: Option<String>,
    /// What a function has to be allowed to do for it, such as `dynamodb:PutItem`, and the
    /// partitions that it has to be allowed to do it in, such as `partition ORG#*`.
    pub rights: BTreeSet<String>,
    /// Capacity units that the answer says were consumed.
    pub capacity: f64,
    /// Which round trip it was part of: requests that are under way together are one.
    pub round: usize,
}

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It never arrives.
    LostRequest,
    /// It takes effect, but its answer never arrives.
    LostAnswer,
    /// DynamoDB throttles it with `ThrottlingException`.
    Throttled,
    /// DynamoDB throttles it with `ProvisionedThroughputExceededException`, and SES
    /// with `TooManyRequestsException`.
    ThroughputExceeded,
    /// DynamoDB cancels the transaction. The reasons are those of its first items.
    Cancelled(&'static [&'static str]),
    /// DynamoDB leaves all keys of a batch unprocessed.
    Unprocessed,
    /// DynamoDB leaves all keys but the first of a batch unprocessed.
    PartlyUnprocessed,
}

impl Fault {
    /// The faults of every request.
    pub const ALL: [Self; 4] = [
        Self::LostRequest,
        Self::LostAnswer,
        Self::Throttled,
        Self::ThroughputExceeded,
    ];
}

struct Plan {
    /// Requests of this action, or any.
    action: Option<&'static str>,
    /// How many of them pass first.
    skip: usize,
    /// How many of them are touched after that.
    times: usize,
    what: What,
}

enum What {
    Fail(Fault),
    /// Says that the request is there, and waits until it may go on.
    Hold {
        arrived: Option<oneshot::Sender<()>>,
        gate: Arc<Semaphore>,
    },
}

#[derive(Default)]
struct State {
    exchanges: Vec<Exchange>,
    rounds: usize,
    plans: Vec<Plan>,
    /// The items of transactions in flight, where transactions conflict as on AWS.
    in_flight: Option<HashSet<String>>,
    /// Whether transactions reach the table late.
    delayed: bool,
    /// The first response of each partition of the index, where the index is stale.
    stale_index: Option<HashMap<String, Vec<u8>>>,
}

/// The wire.
#[derive(Clone)]
pub struct Wire {
    inner: SharedHttpClient,
    state: Arc<Mutex<State>>,
}

/// A request that is held before it is sent.
pub struct Held {
    arrived: Option<oneshot::Receiver<()>>,
    gate: Arc<Semaphore>,
}

impl Held {
    /// Waits until the request is about to be sent.
    pub async fn arrived(&mut self) {
        self.arrived.take().unwrap().await.unwrap();
    }

    /// Lets it be sent.
    pub fn release(self) {
        self.gate.add_permits(1);
    }
}

impl Wire {
    pub fn new() -> Self {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        Self {
            inner,
            state: Arc::default(),
        }
    }

    pub fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// What went over the wire since the last call, including what was made to fail.
    pub fn take(&self) -> Vec<Exchange> {
        let mut state = self.state.lock().unwrap();
        state.rounds = 0;
        std::mem::take(&mut state.exchanges)
    }

    /// Fails `times` requests, after `skip` others have passed from now on.
    pub fn fail(&self, skip: usize, times: usize, fault: Fault) {
        let plan = Plan {
            action: None,
            skip,
            times,
            what: What::Fail(fault),
        };
        self.state.lock().unwrap().plans.push(plan);
    }

    /// Fails `times` requests of an action, after `skip` others of it.
    pub fn fail_action(&self, action: &'static str, skip: usize, times: usize, fault: Fault) {
        let plan = Plan {
            action: Some(action),
            skip,
            times,
            what: What::Fail(fault),
        };
        self.state.lock().unwrap().plans.push(plan);
    }

    /// Makes transactions conflict as on AWS: each takes 10 to 30 ms, and one that
    /// overlaps with another in flight is cancelled.
    pub fn contend(&self) {
        self.state.lock().unwrap().in_flight = Some(HashSet::new());
    }

    /// Delays each transaction by up to 30 ms, so that transactions commit in another
    /// order than they were decided in.
    pub fn delay(&self) {
        self.state.lock().unwrap().delayed = true;
    }

    /// Freezes the index: each partition keeps answering what it answers first.
    pub fn freeze_index(&self) {
        self.state.lock().unwrap().stale_index = Some(HashMap::new());
    }

    /// Holds the next request of an action before it is sent. A fault that is planned
    /// meanwhile meets it when it is released.
    pub fn hold(&self, action: &'static str) -> Held {
        let (sender, receiver) = oneshot::channel();
        let gate = Arc::new(Semaphore::new(0));
        let what = What::Hold {
            arrived: Some(sender),
            gate: gate.clone(),
        };
        let plan = Plan {
            action: Some(action),
            skip: 0,
            times: 1,
            what,
        };
        self.state.lock().unwrap().plans.push(plan);
        Held {
            arrived: Some(receiver),
            gate,
        }
    }

    /// Lets everything pass again.
    pub fn heal(&self) {
        let mut state = self.state.lock().unwrap();
        state.plans.clear();
        state.in_flight = None;
        state.delayed = false;
        state.stale_index = None;
    }

    /// What is to happen to a request of this action.
    fn plan_for(&self, action: &str) -> Option<Planned> {
        let mut state = self.state.lock().unwrap();
        for plan in &mut state.plans {
            if plan.action.is_some_and(|wanted| wanted != action) || plan.times == 0 {
                continue;
            }
            if plan.skip > 0 {
                plan.skip -= 1;
                continue;
            }
            plan.times -= 1;
            return Some(match &mut plan.what {
                What::Fail(fault) => Planned::Fail(*fault),
                What::Hold { arrived, gate } => {
                    if let Some(arrived) = arrived.take() {
                        let _ = arrived.send(());
                    }
                    Planned::Hold(gate.clone())
                }
            });
        }
        None
    }

    fn delays(&self) -> bool {
        self.state.lock().unwrap().delayed
    }

    fn contends(&self) -> bool {
        self.state.lock().unwrap().in_flight.is_some()
    }

    /// Begins a transaction, or says which of its items are in flight.
    fn begin(&self, items: &[String]) -> Result<(), Vec<bool>> {
        let mut state = self.state.lock().unwrap();
        let Some(in_flight) = &mut state.in_flight else {
            return Ok(());
        };
        let met: Vec<bool> = items.iter().map(|item| in_flight.contains(item)).collect();
        if met.contains(&true) {
            return Err(met);
        }
        in_flight.extend(items.iter().cloned());
        Ok(())
    }

    fn end(&self, items: &[String]) {
        if let Some(in_flight) = &mut self.state.lock().unwrap().in_flight {
            in_flight.retain(|item| !items.contains(item));
        }
    }

    /// Returns what a partition of a stale index has answered first.
    fn stale(&self, partition: &str) -> Option<Vec<u8>> {
        let state = self.state.lock().unwrap();
        state.stale_index.as_ref()?.get(partition).cloned()
    }

    fn keep(&self, partition: String, bytes: &[u8]) {
        if let Some(stale) = &mut self.state.lock().unwrap().stale_index {
            stale.entry(partition).or_insert_with(|| bytes.to_vec());
        }
    }

    /// The round trip that a request which begins now is part of.
    fn round(&self) -> usize {
        self.state.lock().unwrap().rounds + 1
    }

    fn record(&self, exchange: Exchange) {
        let mut state = self.state.lock().unwrap();
        state.rounds = state.rounds.max(exchange.round);
        state.exchanges.push(exchange);
    }
}

enum Planned {
    Fail(Fault),
    Hold(Arc<Semaphore>),
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector {
            inner,
            wire: self.clone(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    wire: Wire,
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let (inner, wire) = (self.inner.clone(), self.wire.clone());
        HttpConnectorFuture::new(async move {
            let action = match request.headers().get("x-amz-target") {
                Some(target) => target.rsplit('.').next().unwrap().to_owned(),
                None => "SendEmail".to_owned(),
            };
            let mut exchange = Exchange {
                operation: local::current_operation(),
                rights: rights(&action, request.body().bytes().unwrap_or_default()),
                action,
                capacity: 0.0,
                round: wire.round(),
            };
            // As on AWS, a function may do what its policy grants.
            if let Some(operation) = &exchange.operation {
                let denied = crate::rights::denied(operation, &exchange.rights);
                if !denied.is_empty() {
                    eprintln!("{operation} has no permission for {denied:?}");
                    return Ok(refusal("AccessDeniedException", &json!({})));
                }
            }
            ask_for_capacity(&mut request);
            let lost = || ConnectorError::io("the connection was lost".into());
            let mut planned = wire.plan_for(&exchange.action);
            if let Some(Planned::Hold(gate)) = planned {
                gate.acquire().await.unwrap().forget();
                planned = wire.plan_for(&exchange.action);
            }
            match planned {
                Some(Planned::Fail(Fault::LostRequest)) => {
                    wire.record(exchange);
                    return Err(lost());
                }
                Some(Planned::Fail(Fault::LostAnswer)) => {
                    let _ = inner.call(request).await?;
                    wire.record(exchange);
                    return Err(lost());
                }
                Some(Planned::Fail(Fault::Throttled)) => {
                    wire.record(exchange);
                    return Ok(refusal("ThrottlingException", &json!({})));
                }
                Some(Planned::Fail(Fault::ThroughputExceeded)) => {
                    let code = match exchange.action.as_str() {
                        "SendEmail" => "TooManyRequestsException",
                        _ => "ProvisionedThroughputExceededException",
                    };
                    wire.record(exchange);
                    return Ok(refusal(code, &json!({})));
                }
                Some(Planned::Fail(Fault::Cancelled(reasons))) => {
                    let items = items_of(&request).len();
                    let reasons = (0..items).map(|n| reasons.get(n).copied().unwrap_or("None"));
                    wire.record(exchange);
                    return Ok(cancelled(reasons));
                }
                Some(Planned::Fail(fault @ (Fault::Unprocessed | Fault::PartlyUnprocessed))) => {
                    let left = leave_unprocessed(&mut request, fault == Fault::PartlyUnprocessed);
                    let mut output = json!({ "Responses": {} });
                    if fault == Fault::PartlyUnprocessed {
                        let mut answer = inner.call(request).await?;
                        output = serde_json::from_slice(&bytes_of(&mut answer).await?).unwrap();
                    }
                    output["UnprocessedKeys"] = left;
                    wire.record(exchange);
                    return Ok(response(200, &output));
                }
                Some(Planned::Hold(_)) | None => {}
            }
            let partition = index_partition(&request);
            if let Some(stale) = partition.as_deref().and_then(|name| wire.stale(name)) {
                wire.record(exchange);
                return Ok(response(200, &serde_json::from_slice(&stale).unwrap()));
            }
            let items = match exchange.action.as_str() {
                "TransactWriteItems" => items_of(&request),
                _ => Vec::new(),
            };
            if wire.delays() && !items.is_empty() {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(0..30))).await;
            }
            if let Err(conflicts) = wire.begin(&items) {
                // A conflict is told as soon as the transaction gets to the item.
                tokio::time::sleep(Duration::from_millis(fastrand::u64(5..10))).await;
                let reasons = conflicts.into_iter();
                let reasons = reasons.map(|met| if met { "TransactionConflict" } else { "None" });
                wire.record(exchange);
                return Ok(cancelled(reasons));
            }
            let contends = wire.contends() && !items.is_empty();
            if contends {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(10..=30))).await;
            }
            let answer = inner.call(request).await;
            wire.end(&items);
            let mut answer = answer?;
            let bytes = bytes_of(&mut answer).await?;
            if let Some(partition) = partition {
                wire.keep(partition, &bytes);
            }
            exchange.capacity = capacity(&serde_json::from_slice(&bytes).unwrap_or_default());
            *answer.body_mut() = SdkBody::from(bytes);
            wire.record(exchange);
            Ok(answer)
        })
    }
}

/// A transaction takes the right to each thing that it does; `Query` through an
/// index is told apart, as it is granted on the index.
fn rights(action: &str, body: &[u8]) -> BTreeSet<String> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match action {
        "SendEmail" => BTreeSet::from(["ses:SendEmail".to_owned()]),
        "GetSecretValue" => BTreeSet::from(["secretsmanager:GetSecretValue".to_owned()]),
        "TransactWriteItems" => {
            let writes = body["TransactItems"].as_array().unwrap().iter();
            let kinds = writes.flat_map(|write| write.as_object().unwrap().keys());
            kinds
                .map(|kind| match kind.as_str() {
                    "ConditionCheck" => "dynamodb:ConditionCheckItem".to_owned(),
                    kind => format!("dynamodb:{kind}Item"),
                })
                .chain(partitions(&body))
                .collect()
        }
        "Query" if body["IndexName"].is_string() => BTreeSet::from([format!(
            "dynamodb:Query index {}",
            body["IndexName"].as_str().unwrap()
        )]),
        action => {
            let action = format!("dynamodb:{action}");
            partitions(&body).chain([action]).collect()
        }
    }
}

/// Returns the kinds of partition keys in a request to the table.
fn partitions(body: &Value) -> std::vec::IntoIter<String> {
    let mut partitions = Vec::new();
    let mut rest = vec![(false, body)];
    while let Some((is_key, value)) = rest.pop() {
        match value {
            Value::Object(fields) => rest.extend(fields.iter().map(|(name, value)| {
                let is_key = matches!(name.as_str(), "pk" | ":pk") || (is_key && name == "S");
                (is_key, value)
            })),
            Value::Array(items) => rest.extend(items.iter().map(|item| (false, item))),
            Value::String(key) if is_key => {
                partitions.push(match key.split_once('#') {
                    Some((kind, _)) => format!("partition {kind}#*"),
                    None => format!("partition {key}"),
                });
            }
            _ => {}
        }
    }
    partitions.into_iter()
}

/// Has DynamoDB's answer say what it took. The functions have no use for that.
fn ask_for_capacity(request: &mut HttpRequest) {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    if !target.starts_with("DynamoDB_") {
        return;
    }
    let body = request.body().bytes().unwrap();
    let mut body: Value = serde_json::from_slice(body).unwrap();
    body["ReturnConsumedCapacity"] = "TOTAL".into();
    let body = body.to_string();
    let length = body.len().to_string();
    request.headers_mut().insert("content-length", length);
    *request.body_mut() = SdkBody::from(body);
}

/// The capacity units in an answer, of one table or of a list.
fn capacity(answer: &Value) -> f64 {
    match &answer["ConsumedCapacity"] {
        Value::Array(all) => all
            .iter()
            .filter_map(|one| one["CapacityUnits"].as_f64())
            .sum(),
        one => one["CapacityUnits"].as_f64().unwrap_or_default(),
    }
}

/// Reads the body of a response.
async fn bytes_of(answer: &mut HttpResponse) -> Result<Vec<u8>, ConnectorError> {
    let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
    let bytes = aws_smithy_types::byte_stream::ByteStream::new(body)
        .collect()
        .await;
    let bytes = bytes.map_err(|error| ConnectorError::io(error.into()))?;
    Ok(bytes.into_bytes().to_vec())
}

/// Returns the keys of a transaction's items, in order.
fn items_of(request: &HttpRequest) -> Vec<String> {
    let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
    let writes = body["TransactItems"].as_array().unwrap().iter();
    writes
        .map(|write| {
            let write = write.as_object().unwrap().values().next().unwrap();
            let key = if write["Key"].is_object() {
                &write["Key"]
            } else {
                &write["Item"]
            };
            format!("{} {}", key["pk"]["S"], key["sk"]["S"])
        })
        .collect()
}

/// Returns the partition of the index that a query reads, if it reads one.
fn index_partition(request: &HttpRequest) -> Option<String> {
    let body: Value = serde_json::from_slice(request.body().bytes()?).ok()?;
    body["IndexName"].as_str()?;
    let partition = &body["ExpressionAttributeValues"][":partition"]["S"];
    Some(partition.as_str()?.to_owned())
}

/// Takes keys out of a batch, all or all but the first. Returns those.
fn leave_unprocessed(request: &mut HttpRequest, only_partly: bool) -> Value {
    let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
    let mut left = body["RequestItems"].clone();
    if only_partly {
        let mut nothing_left = true;
        for (table, wanted) in body["RequestItems"].as_object_mut().unwrap() {
            wanted["Keys"].as_array_mut().unwrap().truncate(1);
            let rest = left[table]["Keys"].as_array_mut().unwrap();
            rest.remove(0);
            nothing_left &= rest.is_empty();
        }
        if nothing_left {
            left = json!({});
        }
        let body = body.to_string();
        let length = body.len().to_string();
        request.headers_mut().insert("content-length", length);
        *request.body_mut() = SdkBody::from(body);
    }
    left
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let body = SdkBody::from(body.to_string());
    HttpResponse::new(StatusCode::try_from(status).unwrap(), body)
}

/// Returns DynamoDB's response of an error.
fn refusal(code: &'static str, details: &Value) -> HttpResponse {
    let mut body = details.clone();
    body["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{code}"));
    body["message"] = json!("injected by the test");
    let mut answer = response(400, &body);
    answer.headers_mut().insert("x-amzn-errortype", code);
    answer
}

/// Returns DynamoDB's response of a cancelled transaction.
fn cancelled<'a>(reasons: impl Iterator<Item = &'a str>) -> HttpResponse {
    let reasons: Vec<Value> = reasons.map(|code| json!({ "Code": code })).collect();
    let details = json!({ "CancellationReasons": reasons });
    refusal("TransactionCanceledException", &details)
}
