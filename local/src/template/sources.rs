//! The functions, and the events that call them: routes, streams, schedules and rules.

use std::{collections::BTreeMap, time::Duration};

use functions::openapi::Route;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::pattern::{InvalidPattern, Pattern};

use super::{
    authorizers::Authorizers,
    error::{TemplateError, check_operation, wrong},
    model::{DEFAULT_ROUTE, Rule, Schedule, StreamSource},
    values::{self, Property},
};

/// Lambda's default number of retries of a failed event.
const EVENT_RETRIES: u32 = 2;
/// Lambda's default age after which an event is not retried.
pub(super) const EVENT_AGE: Duration = Duration::from_secs(6 * 60 * 60);
/// Lambda's default timeout.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest timeout that Lambda allows, for a timeout that the deployment decides.
pub(super) const LONGEST_TIMEOUT: Duration = Duration::from_secs(900);
/// Lambda's default number of records of one call.
const BATCH_SIZE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Function {
    #[serde(default)]
    events: BTreeMap<String, Event>,
    event_invoke_config: Option<EventInvokeConfig>,
    #[serde(default)]
    timeout: Property<u64>,
}

impl Function {
    /// Returns the function's own timeout, else the template's, else Lambda's.
    pub(super) fn timeout(&self, global: Property<u64>) -> Duration {
        let own = if self.timeout.is_absent() {
            global
        } else {
            self.timeout
        };
        match own {
            Property::Literal(seconds) => Duration::from_secs(seconds),
            Property::Unresolved => LONGEST_TIMEOUT,
            Property::Absent => DEFAULT_TIMEOUT,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EventInvokeConfig {
    maximum_retry_attempts: Option<u32>,
    maximum_event_age_in_seconds: Option<u64>,
}

/// An event, whose type decides how its properties are read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    #[serde(rename = "Type")]
    kind: String,
    properties: Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HttpApiEvent {
    #[serde(default)]
    method: Property<String>,
    #[serde(default)]
    path: Property<String>,
    auth: Option<RouteAuth>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RouteAuth {
    authorizer: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamEvent {
    filter_criteria: Option<FilterCriteria>,
    batch_size: Option<usize>,
    bisect_batch_on_function_error: Option<bool>,
    // -1 means no limit.
    maximum_retry_attempts: Option<i64>,
    maximum_record_age_in_seconds: Option<i64>,
}

/// A pipe from the stream through the function that describes events.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Pipe {
    source_parameters: PipeSource,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PipeSource {
    filter_criteria: Option<FilterCriteria>,
    #[serde(rename = "DynamoDBStreamParameters")]
    stream: PipeStream,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PipeStream {
    batch_size: Option<usize>,
    maximum_retry_attempts: Option<i64>,
    maximum_record_age_in_seconds: Option<i64>,
}

impl Pipe {
    /// Returns the pipe as a subscription to the stream.
    pub(super) fn source(self, place: String) -> Result<StreamSource, TemplateError> {
        let PipeSource {
            filter_criteria,
            stream,
        } = self.source_parameters;
        let event = StreamEvent {
            filter_criteria,
            batch_size: stream.batch_size,
            bisect_batch_on_function_error: None,
            maximum_retry_attempts: stream.maximum_retry_attempts,
            maximum_record_age_in_seconds: stream.maximum_record_age_in_seconds,
        };
        event.source(DESCRIBE_EVENTS, place)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterCriteria {
    #[serde(default)]
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    pattern: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScheduleEvent {
    #[serde(default, alias = "ScheduleExpression")]
    schedule: Property<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RuleEvent {
    pattern: Option<Map<String, Json>>,
    #[serde(default)]
    state: Property<String>,
    #[serde(default)]
    input: Property<Json>,
    #[serde(default)]
    input_path: Property<Json>,
    #[serde(default)]
    input_transformer: Property<Json>,
}

/// The operation that describes audit events for other systems.
const DESCRIBE_EVENTS: &str = "describe-events";

/// The functions' event sources.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) routes: Vec<Route>,
    pub(super) streams: Vec<StreamSource>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) rules: Vec<Rule>,
}

impl Sources {
    /// Adds a function's events.
    pub(super) fn add(
        &mut self,
        name: &str,
        operation: &str,
        function: Function,
        authorizers: &Authorizers,
    ) -> Result<(), TemplateError> {
        let invoke = function.event_invoke_config.unwrap_or_default();
        for (event_name, event) in function.events {
            let place = format!("{name}.{event_name}");
            let kind = event.kind.as_str();
            check_operation(operation, &place, |operation| match kind {
                "HttpApi" => operation.is_http(),
                _ => !operation.is_http() && !operation.is_authorizer(),
            })?;
            let properties = event.properties;
            match kind {
                "HttpApi" => {
                    let event: HttpApiEvent = values::read(properties, &place)?;
                    let route = event.route(operation, authorizers, &place)?;
                    self.routes.push(route);
                }
                "DynamoDB" => {
                    let event: StreamEvent = values::read(properties, &place)?;
                    self.streams.push(event.source(operation, place)?);
                }
                "Schedule" | "ScheduleV2" => {
                    let event: ScheduleEvent = values::read(properties, &place)?;
                    self.schedules.push(event.schedule(operation, &place)?);
                }
                "EventBridgeRule" => {
                    let event: RuleEvent = values::read(properties, &place)?;
                    self.rules.push(event.rule(operation, &invoke, place)?);
                }
                _ => return Err(wrong(&place, "is of a type that cannot be run locally")),
            }
        }
        Ok(())
    }
}

impl HttpApiEvent {
    fn route(
        self,
        operation: &str,
        authorizers: &Authorizers,
        place: &str,
    ) -> Result<Route, TemplateError> {
        let authorizer = self.auth.and_then(|auth| auth.authorizer);
        let caller = authorizers.caller(authorizer.as_deref(), place)?;
        // SAM's notation for the default route.
        let (method, path) = if self.method.is_absent() && self.path.is_absent() {
            ("ANY".to_owned(), DEFAULT_ROUTE.to_owned())
        } else {
            let method = self.method.required("Method", place)?.to_uppercase();
            let path = self.path.required("Path", place)?;
            if matches!(method.as_str(), "ANY" | "X-AMAZON-APIGATEWAY-ANY-METHOD")
                || path.contains('+')
            {
                let problem = "is a catch-all route, which cannot be run locally";
                return Err(wrong(place, problem));
            }
            (method, path)
        };
        Ok(Route {
            method,
            path,
            operation: operation.to_owned(),
            caller,
        })
    }
}

impl StreamEvent {
    fn source(self, operation: &str, place: String) -> Result<StreamSource, TemplateError> {
        let filters = self.filter_criteria.map(|criteria| criteria.filters);
        let filters = filters.into_iter().flatten().map(|filter| {
            Pattern::parse(&filter.pattern).map_err(|source| invalid_pattern(&place, source))
        });
        let filters = filters.collect::<Result<_, _>>()?;
        let max_retries = self.maximum_retry_attempts;
        let max_age = self.maximum_record_age_in_seconds;
        Ok(StreamSource {
            name: place,
            operation: operation.to_owned(),
            filters,
            batch_size: self.batch_size.unwrap_or(BATCH_SIZE).max(1),
            bisects: self.bisect_batch_on_function_error.unwrap_or_default(),
            max_retries: max_retries
                .and_then(|retries| u32::try_from(retries).ok())
                .unwrap_or(u32::MAX),
            max_age: max_age
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map(Duration::from_secs),
        })
    }
}

impl ScheduleEvent {
    fn schedule(self, operation: &str, place: &str) -> Result<Schedule, TemplateError> {
        let expression = self.schedule.required("Schedule", place)?;
        let every = parse_rate(&expression)
            .ok_or_else(|| wrong(place, "has a schedule other than `rate(…)`"))?;
        Ok(Schedule {
            operation: operation.to_owned(),
            every,
        })
    }
}

/// Parses an expression such as `rate(1 hour)`.
fn parse_rate(expression: &str) -> Option<Duration> {
    let rate = expression.strip_prefix("rate(")?.strip_suffix(')')?;
    let (number, unit) = rate.split_once(' ')?;
    let number: u64 = number.parse().ok()?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    let every = number.checked_mul(seconds).filter(|&every| every > 0)?;
    Some(Duration::from_secs(every))
}

impl RuleEvent {
    fn rule(
        self,
        operation: &str,
        invoke: &EventInvokeConfig,
        place: String,
    ) -> Result<Rule, TemplateError> {
        for (name, property) in [
            ("Input", &self.input),
            ("InputPath", &self.input_path),
            ("InputTransformer", &self.input_transformer),
        ] {
            if !property.is_absent() {
                let problem = format!("has `{name}`: events cannot be changed locally");
                return Err(wrong(&place, &problem));
            }
        }
        match &self.state {
            Property::Absent => {}
            Property::Literal(state) if state == "ENABLED" => {}
            _ => return Err(wrong(&place, "is not always `ENABLED`")),
        }
        let pattern = self
            .pattern
            .ok_or_else(|| wrong(&place, "has no `Pattern`"))?;
        let pattern = Pattern::read(Json::Object(pattern))
            .map_err(|source| invalid_pattern(&place, source))?;
        let max_age = invoke.maximum_event_age_in_seconds;
        Ok(Rule {
            name: place,
            operation: operation.to_owned(),
            pattern,
            max_retries: invoke.maximum_retry_attempts.unwrap_or(EVENT_RETRIES),
            max_age: max_age.map_or(EVENT_AGE, Duration::from_secs),
        })
    }
}

fn invalid_pattern(place: &str, source: InvalidPattern) -> TemplateError {
    TemplateError::Pattern {
        place: place.to_owned(),
        source,
    }
}
