//! Operations, and the ways to run one: as a Lambda function, or with an event.

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
    config, error,
    metrics::{self, Metrics},
    mutate, response, telemetry,
};

/// Time reserved before Lambda's deadline to respond 503 instead of timing out.
const DEADLINE_MARGIN: Duration = Duration::from_millis(500);

/// The future of a handler.
pub(crate) type Answering<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type HttpHandler =
    for<'a> fn(&'a App, &'a Request) -> Answering<'a, Result<response::Response, error::Error>>;
type EventHandler = fn(Arc<App>, Value) -> Answering<'static, Result<Value, error::Error>>;

/// An operation. It has the same name in the template, the binary, the event, the access
/// test and the docs.
#[derive(Debug)]
pub struct Operation {
    /// The name, such as `create-invite`.
    pub name: &'static str,
    entry: Entry,
    needs: &'static [&'static str],
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    Http(HttpHandler),
    Authorizer(EventHandler),
    Event(EventHandler),
}

impl Operation {
    /// Declares an operation that API Gateway invokes.
    pub(crate) const fn http(name: &'static str, handler: HttpHandler) -> Self {
        Self {
            name,
            entry: Entry::Http(handler),
            needs: &[],
        }
    }

    /// Declares an operation that authorizes requests for API Gateway.
    pub(crate) const fn authorizer(name: &'static str, handler: EventHandler) -> Self {
        Self {
            name,
            entry: Entry::Authorizer(handler),
            needs: &[],
        }
    }

    /// Declares an operation that a stream, a schedule or an event bus invokes.
    pub(crate) const fn event(name: &'static str, handler: EventHandler) -> Self {
        Self {
            name,
            entry: Entry::Event(handler),
            needs: &[],
        }
    }

    /// Declares the environment variables that the function requires to start.
    pub(crate) const fn needs(mut self, variables: &'static [&'static str]) -> Self {
        self.needs = variables;
        self
    }

    /// Returns whether API Gateway has a route to the operation.
    pub fn is_http(&self) -> bool {
        matches!(self.entry, Entry::Http(_))
    }

    /// Returns whether the operation authorizes requests for API Gateway.
    pub fn is_authorizer(&self) -> bool {
        matches!(self.entry, Entry::Authorizer(_))
    }
}

/// Runs an operation as a Lambda function until Lambda ends the process.
///
/// # Errors
/// When the environment lacks a variable, which the error names, or the runtime API is
/// unreachable.
pub fn serve(operation: &'static Operation) -> Result<(), Error> {
    telemetry::start();
    config::check(operation.needs)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let app = Arc::new(App::from_env()?.reporting(Some(Metrics::to_stdout())));
        app.warm_up().await;
        match operation.entry {
            Entry::Http(handler) => {
                lambda_http::run(service_fn(move |request: Request| {
                    respond(app.clone(), operation.name, handler, request)
                }))
                .await
            }
            Entry::Authorizer(handler) | Entry::Event(handler) => {
                lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
                    handle_event(
                        app.clone(),
                        operation.name,
                        handler,
                        event.payload,
                        event.context,
                    )
                }))
                .await
            }
        }
    })
}

/// Invokes an operation with an event, as Lambda does, and returns its output.
///
/// # Errors
/// A malformed event, for the operations that API Gateway calls; for the others
/// each error, on which Lambda retries.
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
                respond(app.clone(), operation.name, handler, request)
            }));
            let response = adapter.call(LambdaEvent::new(event, context)).await?;
            Ok(serde_json::to_value(response)?)
        }
        Entry::Authorizer(handler) | Entry::Event(handler) => {
            handle_event(app, operation.name, handler, event, context).await
        }
    }
}

/// Returns the time until Lambda's deadline; `None` without one.
fn time_left(context: &Context) -> Option<Duration> {
    context.deadline().duration_since(SystemTime::now()).ok()
}

async fn respond(
    app: Arc<App>,
    name: &'static str,
    handler: HttpHandler,
    request: Request,
) -> Result<Response<Body>, Error> {
    let started = Instant::now();
    let context = request.lambda_context_ref();
    let request_id = context.map_or("", |context| &context.request_id);
    let left = context.and_then(time_left);
    let (outcome, tally) = metrics::tallied(async {
        match left {
            // The client gets a response before Lambda's timeout ends the function.
            Some(left) => {
                let time = left.saturating_sub(DEADLINE_MARGIN);
                let call = mutate::within(time, handler(&app, &request));
                tokio::time::timeout(time, call)
                    .await
                    .unwrap_or(Err(error::Error::OutOfTime))
            }
            None => handler(&app, &request).await,
        }
    })
    .await;
    let took = started.elapsed();
    let client = ApiClient::of(&request).ok();
    let organization_id =
        access::organization_id(&request).or_else(|| client.map(|client| client.organization_id));
    telemetry::log_request(
        name,
        request_id,
        organization_id,
        client.map(|client| client.api_key_id),
        &outcome,
        took,
    );
    if let Some(metrics) = &app.metrics {
        let error = outcome.as_ref().err();
        metrics.report(app.clock.now(), name, request_id, error, &tally);
    }
    let response = outcome.unwrap_or_else(|error| error.into_response(&request));
    Ok(response.secured(&request).into_inner())
}

async fn handle_event(
    app: Arc<App>,
    name: &'static str,
    handler: EventHandler,
    event: Value,
    context: Context,
) -> Result<Value, Error> {
    let started = Instant::now();
    let call = handler(app.clone(), event);
    let (outcome, tally) = metrics::tallied(async {
        match time_left(&context) {
            Some(left) => mutate::within(left.saturating_sub(DEADLINE_MARGIN), call).await,
            None => call.await,
        }
    })
    .await;
    let took = started.elapsed();
    let request_id = context.request_id;
    telemetry::log_event(name, &request_id, &outcome, took);
    if let Some(metrics) = &app.metrics {
        let error = outcome.as_ref().err();
        metrics.report(app.clock.now(), name, &request_id, error, &tally);
    }
    Ok(outcome?)
}
