//! What an operation is, and how one is run: by Lambda, or by whoever has an event.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use lambda_http::{
    Adapter, Body, Error, LambdaEvent, Request, RequestExt, Response, Service,
    request::LambdaRequest, service_fn,
};
use lambda_runtime::Context;
use serde_json::Value;

use crate::{
    App,
    access::{self, ApiClient},
    failure::Failure,
    metrics::{self, Metrics},
    output::Answer,
    telemetry,
};

/// What is kept of a function's time for answering that it was too short.
const DEADLINE_MARGIN: Duration = Duration::from_millis(500);

/// A future that handlers of one kind give.
pub(crate) type Answering<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type HttpHandler = for<'a> fn(&'a App, &'a Request) -> Answering<'a, Result<Answer, Failure>>;
type EventHandler = fn(Arc<App>, Value) -> Answering<'static, Result<Value, Failure>>;

/// One operation: the same name in the template, the binary, the event, the
/// access test and the docs.
#[derive(Debug)]
pub struct Operation {
    /// The name, such as `create-invite`.
    pub name: &'static str,
    entry: Entry,
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    Http(HttpHandler),
    Authorizer(EventHandler),
    Event(EventHandler),
}

impl Operation {
    /// An operation that API Gateway calls.
    pub(crate) const fn http(name: &'static str, handler: HttpHandler) -> Self {
        Self {
            name,
            entry: Entry::Http(handler),
        }
    }

    /// An operation that API Gateway asks whether a request may pass.
    pub(crate) const fn authorizer(name: &'static str, handler: EventHandler) -> Self {
        Self {
            name,
            entry: Entry::Authorizer(handler),
        }
    }

    /// An operation that a stream or a schedule calls.
    pub(crate) const fn event(name: &'static str, handler: EventHandler) -> Self {
        Self {
            name,
            entry: Entry::Event(handler),
        }
    }

    /// Whether a route of API Gateway's leads to it.
    pub fn is_http(&self) -> bool {
        matches!(self.entry, Entry::Http(_))
    }

    /// Whether API Gateway asks it before it calls another one.
    pub fn is_authorizer(&self) -> bool {
        matches!(self.entry, Entry::Authorizer(_))
    }
}

/// Runs an operation as a Lambda function until Lambda ends the process.
///
/// # Errors
/// When the environment is not as the template makes it, or the runtime's API
/// is not there.
pub fn serve(operation: &'static Operation) -> Result<(), Error> {
    telemetry::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let app = Arc::new(App::from_env()?.reporting(Some(Metrics::to_stdout())));
        app.warm_up().await;
        match operation.entry {
            Entry::Http(handler) => {
                lambda_http::run(service_fn(move |request: Request| {
                    answer(app.clone(), operation.name, handler, request)
                }))
                .await
            }
            Entry::Authorizer(handler) | Entry::Event(handler) => {
                lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
                    let request_id = event.context.request_id;
                    react(
                        app.clone(),
                        operation.name,
                        handler,
                        event.payload,
                        request_id,
                    )
                }))
                .await
            }
        }
    })
}

/// Invokes an operation with an event, as Lambda does, and gives what Lambda
/// would pass back.
///
/// # Errors
/// When the event is not one of API Gateway's, for the operations that API
/// Gateway calls; whatever makes Lambda try again, for the others.
pub async fn invoke(
    app: &Arc<App>,
    operation: &'static Operation,
    event: Value,
    context: Context,
) -> Result<Value, Error> {
    let app = app.clone();
    match operation.entry {
        Entry::Http(handler) => {
            let event: LambdaRequest = serde_json::from_value(event)?;
            let mut adapter = Adapter::from(service_fn(move |request: Request| {
                answer(app.clone(), operation.name, handler, request)
            }));
            let response = adapter.call(LambdaEvent::new(event, context)).await?;
            Ok(serde_json::to_value(response)?)
        }
        Entry::Authorizer(handler) | Entry::Event(handler) => {
            react(app, operation.name, handler, event, context.request_id).await
        }
    }
}

async fn answer(
    app: Arc<App>,
    name: &'static str,
    handler: HttpHandler,
    request: Request,
) -> Result<Response<Body>, Error> {
    let started = Instant::now();
    let context = request.lambda_context_ref();
    let request_id = context.map_or("", |context| &context.request_id);
    let left =
        context.and_then(|context| context.deadline().duration_since(SystemTime::now()).ok());
    let (outcome, tally) = metrics::tallied(async {
        match left {
            // Whoever waits is told to try again, before Lambda ends the function without a word.
            Some(left) => {
                tokio::time::timeout(left.saturating_sub(DEADLINE_MARGIN), handler(&app, &request))
                    .await
                    .unwrap_or(Err(Failure::OutOfTime))
            }
            None => handler(&app, &request).await,
        }
    })
    .await;
    let took = started.elapsed();
    let machine = ApiClient::of(&request).ok();
    let organization_id = access::organization_id(&request)
        .or_else(|| machine.map(|machine| machine.organization_id));
    telemetry::log_request(
        name,
        request_id,
        organization_id,
        machine.map(|machine| machine.api_key_id),
        &outcome,
        took,
    );
    if let Some(metrics) = &app.metrics {
        let failure = outcome.as_ref().err();
        metrics.report(app.clock.now(), name, request_id, failure, took, &tally);
    }
    let answer = outcome.unwrap_or_else(|failure| failure.into_answer(&request));
    Ok(answer.into_response())
}

async fn react(
    app: Arc<App>,
    name: &'static str,
    handler: EventHandler,
    event: Value,
    request_id: String,
) -> Result<Value, Error> {
    let started = Instant::now();
    let (outcome, tally) = metrics::tallied(handler(app.clone(), event)).await;
    let took = started.elapsed();
    telemetry::log_event(name, &request_id, &outcome, took);
    if let Some(metrics) = &app.metrics {
        let failure = outcome.as_ref().err();
        metrics.report(app.clock.now(), name, &request_id, failure, took, &tally);
    }
    Ok(outcome?)
}
