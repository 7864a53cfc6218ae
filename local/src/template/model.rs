//! The parts of the template that run locally.

use std::{collections::BTreeMap, time::Duration};

use functions::openapi::{Caller, Route};
use serde_json::Value as Json;

use crate::pattern::Pattern;

use super::parameters::{Cors, Parameter};

/// The key of the route for requests that no other route matches.
pub(crate) const DEFAULT_ROUTE: &str = "$default";

/// The parts of the template that run locally.
#[derive(Debug, Clone)]
pub struct Template {
    /// The `CreateTable` request, without a table name.
    pub table: Json,
    /// The attribute that holds items' time to live.
    pub ttl_attribute: String,
    /// The API's routes.
    pub routes: Vec<Route>,
    /// The authorizers that are functions.
    pub lambda_authorizers: Vec<LambdaAuthorizer>,
    /// The subscriptions to the table's stream.
    pub streams: Vec<StreamSource>,
    /// The pipe that sends audit events to other systems.
    pub pipe: Option<StreamSource>,
    /// The schedules.
    pub schedules: Vec<Schedule>,
    /// The event bus's rules.
    pub rules: Vec<Rule>,
    /// The functions' timeouts, by operation.
    pub timeouts: BTreeMap<String, Duration>,
    /// The parameters.
    pub parameters: BTreeMap<String, Parameter>,
    /// The variables that a parameter alone sets, by parameter.
    pub variables: BTreeMap<String, String>,
    /// The rules for pages of other origins.
    pub cors: Option<Cors>,
}

/// A function that API Gateway asks whether a client may call a route.
#[derive(Debug, Clone)]
pub struct LambdaAuthorizer {
    /// The name in the template.
    pub name: String,
    /// The operation.
    pub operation: String,
    /// The kind of caller that it authorizes.
    pub caller: Caller,
    /// The header that identifies the client, in lower case.
    pub header: String,
    /// How long API Gateway caches an answer.
    pub cache_ttl: Duration,
}

/// A function's subscription to the table's stream.
#[derive(Debug, Clone)]
pub struct StreamSource {
    /// The name in the template, such as `DeliverEmail.AuditEvents`.
    pub name: String,
    /// The operation.
    pub operation: String,
    /// Without filters, every record is delivered.
    pub(crate) filters: Vec<Pattern>,
    /// The most records of one call.
    pub batch_size: usize,
    /// Whether a batch is halved when the function fails as a whole.
    pub bisects: bool,
    /// The number of retries of a failed record.
    pub max_retries: u32,
    /// The age after which a failed record is not retried; `None` means no limit.
    pub max_age: Option<Duration>,
}

impl StreamSource {
    /// Returns whether a record passes the filters.
    pub(crate) fn accepts(&self, record: &Json) -> bool {
        self.filters.is_empty()
            || self
                .filters
                .iter()
                .any(|filter| filter.matches(Some(record)))
    }
}

/// A function's schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The operation.
    pub operation: String,
    /// The time between two runs.
    pub every: Duration,
}

/// A rule of EventBridge's that calls a function.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The name in the template, such as `RecordEmailDelivery.Emails`.
    pub name: String,
    /// The operation.
    pub operation: String,
    /// The events that the rule matches.
    pub pattern: Pattern,
    /// The number of retries of a failed call.
    pub max_retries: u32,
    /// The age after which an event is not retried.
    pub max_age: Duration,
}
