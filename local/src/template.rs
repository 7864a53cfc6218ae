//! Reading `template.yaml`: the table, the routes, the stream's subscribers,
//! the schedules and the rules.

use std::{path::Path, time::Duration};

use functions::openapi::{Caller, Route};
use serde_json::{Map, Value as Json, json};
use serde_norway::Value as Yaml;

use crate::pattern::{InvalidPattern, Pattern};

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("the template `{path}` cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no YAML.
    #[error("the template is not valid YAML: {0}")]
    NotYaml(#[from] serde_norway::Error),
    /// Something that has to be there is not, or is not as it has to be.
    #[error("the template's `{place}` {problem}")]
    Wrong {
        /// Where.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A stream's filter or a rule's pattern cannot be understood.
    #[error("the template's `{place}`: {source}")]
    Pattern {
        /// Where.
        place: String,
        /// Why.
        source: InvalidPattern,
    },
}

/// What the template says.
#[derive(Debug, Clone)]
pub struct Template {
    /// The `CreateTable` request, without a table name.
    pub table: Json,
    /// The attribute that holds items' time to live.
    pub ttl_attribute: String,
    /// The API's routes.
    pub routes: Vec<Route>,
    /// What lets machines in.
    pub machine_authorizer: Option<MachineAuthorizer>,
    /// Who follows the table's stream.
    pub streams: Vec<StreamSource>,
    /// What runs on a schedule.
    pub schedules: Vec<Schedule>,
    /// Who is called with events.
    pub rules: Vec<Rule>,
}

/// A function that API Gateway asks whether a machine may come in.
#[derive(Debug, Clone)]
pub struct MachineAuthorizer {
    /// What the template calls it.
    pub name: String,
    /// The operation.
    pub operation: String,
    /// The header that tells who it is, in lower case.
    pub header: String,
    /// How long an answer is kept.
    pub kept_for: Duration,
}

/// A function's subscription to the table's stream.
#[derive(Debug, Clone)]
pub struct StreamSource {
    /// What the template calls it, such as `DeliverEmail.AuditEvents`.
    pub name: String,
    /// The operation.
    pub operation: String,
    /// A record is delivered when one of them matches, or there are none.
    pub(crate) filters: Vec<Pattern>,
    /// The most records of one call.
    pub batch_size: usize,
    /// Whether a batch is halved when the function fails as a whole.
    pub bisects: bool,
    /// How often a failed record is tried again.
    pub max_retries: u32,
    /// How old a record may get before it is tried no more; without an end if none.
    pub max_age: Option<Duration>,
}

impl StreamSource {
    /// Whether a record gets through the filters.
    pub(crate) fn wants(&self, record: &Json) -> bool {
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
    /// How often.
    pub every: Duration,
}

/// A rule of EventBridge's that calls a function.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What the template calls it, such as `RecordEmailDelivery.Emails`.
    pub name: String,
    /// The operation.
    pub operation: String,
    /// Which events it is called with.
    pub pattern: Pattern,
    /// How often a failed call is tried again.
    pub max_retries: u32,
    /// How old an event may get before it is tried no more.
    pub max_age: Duration,
}

/// How often Lambda tries a failed event again, unless told otherwise.
const EVENT_RETRIES: u32 = 2;
/// How old Lambda lets an event get, unless told otherwise.
const EVENT_AGE: Duration = Duration::from_secs(6 * 60 * 60);

impl Template {
    /// Reads a file.
    ///
    /// # Errors
    /// [`TemplateError`] says what is wrong, and where.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Unreadable {
            path: path.display().to_string(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads a template's text.
    ///
    /// # Errors
    /// [`TemplateError`] says what is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let yaml: Yaml = serde_norway::from_str(text)?;
        let template = plain(&yaml);
        let resources = object(&template, "Resources", "template")?;
        let authorizers = Authorizers::read(resources)?;
        let mut table = None;
        let (mut routes, mut streams) = (Vec::new(), Vec::new());
        let (mut schedules, mut rules) = (Vec::new(), Vec::new());
        for (name, resource) in resources {
            match resource.get("Type").and_then(Json::as_str) {
                Some("AWS::DynamoDB::Table") if table.is_some() => {
                    return Err(wrong(
                        name,
                        "is a second table; only one can be run locally",
                    ));
                }
                Some("AWS::DynamoDB::Table") => table = Some(read_table(name, resource)?),
                Some("AWS::Serverless::Function") => {
                    let operation = resource
                        .pointer("/Metadata/BuildProperties/Binary")
                        .and_then(Json::as_str)
                        .ok_or_else(|| wrong(name, "names no binary"))?;
                    let properties = object(resource, "Properties", name)?;
                    let events = properties.get("Events").and_then(Json::as_object);
                    let invoke = properties.get("EventInvokeConfig");
                    for (event_name, event) in events.into_iter().flatten() {
                        let place = format!("{name}.{event_name}");
                        let properties = object(event, "Properties", &place)?;
                        let kind = event.get("Type").and_then(Json::as_str);
                        check_operation(operation, &place, |operation| match kind {
                            Some("HttpApi") => operation.is_http(),
                            _ => !operation.is_http() && !operation.is_authorizer(),
                        })?;
                        match kind {
                            Some("HttpApi") => {
                                routes.push(read_route(
                                    operation,
                                    properties,
                                    &authorizers,
                                    &place,
                                )?);
                            }
                            Some("DynamoDB") => {
                                streams.push(read_stream(operation, properties, &place)?);
                            }
                            Some("Schedule" | "ScheduleV2") => {
                                schedules.push(read_schedule(operation, properties, &place)?);
                            }
                            Some("EventBridgeRule") => {
                                rules.push(read_rule(operation, properties, invoke, &place)?);
                            }
                            _ => {
                                return Err(wrong(
                                    &place,
                                    "is of a type that cannot be run locally",
                                ));
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        let (table, ttl_attribute) =
            table.ok_or_else(|| wrong("Resources", "has no DynamoDB table"))?;
        Ok(Self {
            table,
            ttl_attribute,
            routes,
            machine_authorizer: authorizers.machines,
            streams,
            schedules,
            rules,
        })
    }
}

/// Who lets whom in.
#[derive(Debug, Default)]
struct Authorizers {
    /// The one of routes that name none.
    default: Option<String>,
    /// Those that check a person's token.
    people: Vec<String>,
    /// The one that is a function.
    machines: Option<MachineAuthorizer>,
}

impl Authorizers {
    fn read(resources: &Map<String, Json>) -> Result<Self, TemplateError> {
        let mut read = Self::default();
        let apis = resources.values().filter(|resource| {
            resource.get("Type").and_then(Json::as_str) == Some("AWS::Serverless::HttpApi")
        });
        for auth in apis.filter_map(|api| api.pointer("/Properties/Auth")) {
            let default = auth.get("DefaultAuthorizer").and_then(Json::as_str);
            read.default = default.map(str::to_owned).or(read.default);
            let authorizers = auth.get("Authorizers").and_then(Json::as_object);
            for (name, authorizer) in authorizers.into_iter().flatten() {
                if authorizer.get("JwtConfiguration").is_some() {
                    read.people.push(name.clone());
                } else if read.machines.is_some() {
                    let problem = "is a second function; only one can be run locally";
                    return Err(wrong(name, problem));
                } else {
                    read.machines = Some(read_authorizer(name, authorizer, resources)?);
                }
            }
        }
        Ok(read)
    }

    /// Whom a route with that authorizer is for, or with none of its own.
    fn caller(&self, authorizer: Option<&str>, place: &str) -> Result<Caller, TemplateError> {
        let machines = self
            .machines
            .as_ref()
            .map(|machines| machines.name.as_str());
        match authorizer.or(self.default.as_deref()) {
            None | Some("NONE") => Ok(Caller::Anyone),
            name if name == machines => Ok(Caller::ApiClient),
            Some(name) if self.people.iter().any(|people| people == name) => Ok(Caller::Person),
            Some(name) => Err(wrong(
                place,
                &format!("asks `{name}`, which is no authorizer"),
            )),
        }
    }
}

fn read_authorizer(
    name: &str,
    authorizer: &Json,
    resources: &Map<String, Json>,
) -> Result<MachineAuthorizer, TemplateError> {
    // Its event and its answer are made in this form alone.
    let is = |field: &str, value: Json| authorizer.get(field) == Some(&value);
    if !is("AuthorizerPayloadFormatVersion", json!("2.0"))
        || !is("EnableSimpleResponses", json!(true))
    {
        let problem = "is not of payload format 2.0 with simple responses";
        return Err(wrong(name, problem));
    }
    // An HTTP API without this permission answers 500, and says nothing of it.
    if !is("EnableFunctionDefaultPermissions", json!(true)) {
        return Err(wrong(name, "does not let API Gateway call its function"));
    }
    let function = authorizer.pointer("/FunctionArn/Fn::GetAtt");
    let function = function
        .and_then(Json::as_str)
        .and_then(|arn| arn.strip_suffix(".Arn"));
    let function = function.and_then(|function| resources.get(function));
    let operation = function
        .and_then(|function| function.pointer("/Metadata/BuildProperties/Binary"))
        .and_then(Json::as_str)
        .ok_or_else(|| wrong(name, "leads to no function"))?;
    check_operation(operation, name, functions::Operation::is_authorizer)?;
    let headers = authorizer
        .pointer("/Identity/Headers")
        .and_then(Json::as_array);
    let headers = headers.map(Vec::as_slice).unwrap_or_default();
    let [Json::String(header)] = headers else {
        return Err(wrong(name, "does not go by exactly one header"));
    };
    let seconds = authorizer
        .pointer("/Identity/ReauthorizeEvery")
        .and_then(Json::as_u64);
    Ok(MachineAuthorizer {
        name: name.to_owned(),
        operation: operation.to_owned(),
        header: header.to_lowercase(),
        kept_for: Duration::from_secs(seconds.unwrap_or_default()),
    })
}

/// A function without its operation would be found out only when it is called.
fn check_operation(
    name: &str,
    place: &str,
    fits: impl Fn(&functions::Operation) -> bool,
) -> Result<(), TemplateError> {
    match functions::operation(name) {
        None => Err(wrong(
            place,
            &format!("runs `{name}`, which is no operation"),
        )),
        Some(operation) if !fits(operation) => {
            let problem = format!("runs `{name}`, which takes other events");
            Err(wrong(place, &problem))
        }
        Some(_) => Ok(()),
    }
}

fn wrong(place: &str, problem: &str) -> TemplateError {
    TemplateError::Wrong {
        place: place.to_owned(),
        problem: problem.to_owned(),
    }
}

fn object<'a>(
    value: &'a Json,
    name: &str,
    place: &str,
) -> Result<&'a Map<String, Json>, TemplateError> {
    let inner = value.get(name).and_then(Json::as_object);
    inner.ok_or_else(|| wrong(place, &format!("has no `{name}`")))
}

fn text<'a>(
    value: &'a Map<String, Json>,
    name: &str,
    place: &str,
) -> Result<&'a str, TemplateError> {
    let text = value.get(name).and_then(Json::as_str);
    text.ok_or_else(|| wrong(place, &format!("has no literal `{name}`")))
}

/// YAML as JSON. What an intrinsic function such as `!Ref` would give is known
/// only when deployed: it reads as null, but for `!GetAtt`, which may name a function.
fn plain(yaml: &Yaml) -> Json {
    match yaml {
        Yaml::Tagged(tagged) if tagged.tag == "!GetAtt" => {
            json!({ "Fn::GetAtt": plain(&tagged.value) })
        }
        Yaml::Null | Yaml::Tagged(_) => Json::Null,
        Yaml::Bool(bool) => json!(bool),
        Yaml::Number(number) => number
            .as_i64()
            .map_or_else(|| json!(number.as_f64()), |number| json!(number)),
        Yaml::String(string) => json!(string),
        Yaml::Sequence(items) => items.iter().map(plain).collect(),
        Yaml::Mapping(entries) => {
            let entries = entries
                .iter()
                .filter_map(|(k, v)| Some((k.as_str()?.to_owned(), plain(v))));
            Json::Object(entries.collect())
        }
    }
}

fn read_table(name: &str, resource: &Json) -> Result<(Json, String), TemplateError> {
    let properties = object(resource, "Properties", name)?;
    let ttl = properties
        .get("TimeToLiveSpecification")
        .and_then(|ttl| ttl.get("AttributeName"))
        .and_then(Json::as_str)
        .ok_or_else(|| wrong(name, "has no time to live"))?;
    let mut request = Map::new();
    for wanted in [
        "AttributeDefinitions",
        "KeySchema",
        "GlobalSecondaryIndexes",
        "BillingMode",
    ] {
        if let Some(value) = properties.get(wanted) {
            request.insert(wanted.to_owned(), value.clone());
        }
    }
    if !request.contains_key("KeySchema") {
        return Err(wrong(name, "has no `KeySchema`"));
    }
    // CloudFormation leaves out that the stream is enabled; the API asks for it.
    if let Some(view) = properties
        .get("StreamSpecification")
        .and_then(|s| s.get("StreamViewType"))
    {
        let stream = json!({ "StreamEnabled": true, "StreamViewType": view });
        request.insert("StreamSpecification".to_owned(), stream);
    }
    Ok((Json::Object(request), ttl.to_owned()))
}

/// The key of the route that takes what no other one does.
pub(crate) const DEFAULT_ROUTE: &str = "$default";

fn read_route(
    operation: &str,
    properties: &Map<String, Json>,
    authorizers: &Authorizers,
    place: &str,
) -> Result<Route, TemplateError> {
    let authorizer = properties
        .get("Auth")
        .and_then(|auth| auth.get("Authorizer"))
        .and_then(Json::as_str);
    let caller = authorizers.caller(authorizer, place)?;
    // SAM's way to say: whatever is no other route.
    if !properties.contains_key("Method") && !properties.contains_key("Path") {
        return Ok(Route {
            method: "ANY".to_owned(),
            path: DEFAULT_ROUTE.to_owned(),
            operation: operation.to_owned(),
            caller,
        });
    }
    let method = text(properties, "Method", place)?.to_uppercase();
    let path = text(properties, "Path", place)?.to_owned();
    if matches!(method.as_str(), "ANY" | "X-AMAZON-APIGATEWAY-ANY-METHOD") || path.contains('+') {
        return Err(wrong(
            place,
            "is a catch-all route, which cannot be run locally",
        ));
    }
    Ok(Route {
        method,
        path,
        operation: operation.to_owned(),
        caller,
    })
}

fn read_stream(
    operation: &str,
    properties: &Map<String, Json>,
    place: &str,
) -> Result<StreamSource, TemplateError> {
    let filters = properties
        .get("FilterCriteria")
        .and_then(|criteria| criteria.get("Filters"))
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    let filters = filters.map(|filter| {
        let pattern = filter.get("Pattern").and_then(Json::as_str);
        let pattern = pattern.ok_or_else(|| wrong(place, "has a filter without a pattern"))?;
        Pattern::parse(pattern).map_err(|source| TemplateError::Pattern {
            place: place.to_owned(),
            source,
        })
    });
    // -1 is no limit.
    let number = |name| properties.get(name).and_then(Json::as_u64);
    Ok(StreamSource {
        name: place.to_owned(),
        operation: operation.to_owned(),
        filters: filters.collect::<Result<_, _>>()?,
        batch_size: number("BatchSize")
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(100)
            .max(1),
        bisects: properties.get("BisectBatchOnFunctionError") == Some(&json!(true)),
        max_retries: number("MaximumRetryAttempts")
            .and_then(|retries| u32::try_from(retries).ok())
            .unwrap_or(u32::MAX),
        max_age: number("MaximumRecordAgeInSeconds").map(Duration::from_secs),
    })
}

fn read_schedule(
    operation: &str,
    properties: &Map<String, Json>,
    place: &str,
) -> Result<Schedule, TemplateError> {
    let name = if properties.contains_key("Schedule") {
        "Schedule"
    } else {
        "ScheduleExpression"
    };
    let expression = text(properties, name, place)?;
    let rate = expression
        .strip_prefix("rate(")
        .and_then(|rest| rest.strip_suffix(')'));
    let parts = rate.and_then(|rate| rate.split_once(' '));
    let every = parts.and_then(|(number, unit)| {
        let number: u64 = number.parse().ok()?;
        let seconds = match unit.trim_end_matches('s') {
            "minute" => 60,
            "hour" => 3600,
            "day" => 86_400,
            _ => return None,
        };
        let every = number.checked_mul(seconds).filter(|&every| every > 0)?;
        Some(Duration::from_secs(every))
    });
    let every = every.ok_or_else(|| wrong(place, "has a schedule other than `rate(…)`"))?;
    Ok(Schedule {
        operation: operation.to_owned(),
        every,
    })
}

fn read_rule(
    operation: &str,
    properties: &Map<String, Json>,
    invoke: Option<&Json>,
    place: &str,
) -> Result<Rule, TemplateError> {
    for changing in ["Input", "InputPath", "InputTransformer"] {
        if properties.contains_key(changing) {
            let problem = format!("has `{changing}`: events cannot be changed locally");
            return Err(wrong(place, &problem));
        }
    }
    if properties
        .get("State")
        .is_some_and(|state| *state != json!("ENABLED"))
    {
        return Err(wrong(place, "is not always `ENABLED`"));
    }
    let pattern = properties.get("Pattern").filter(|p| p.is_object());
    let pattern = pattern.ok_or_else(|| wrong(place, "has no `Pattern`"))?;
    let pattern = Pattern::read(pattern.clone()).map_err(|source| TemplateError::Pattern {
        place: place.to_owned(),
        source,
    })?;
    let number = |name| invoke.and_then(|invoke| invoke.get(name)?.as_u64());
    Ok(Rule {
        name: place.to_owned(),
        operation: operation.to_owned(),
        pattern,
        max_retries: number("MaximumRetryAttempts")
            .and_then(|retries| u32::try_from(retries).ok())
            .unwrap_or(EVENT_RETRIES),
        max_age: number("MaximumEventAgeInSeconds").map_or(EVENT_AGE, Duration::from_secs),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn shipped() -> Template {
        Template::read(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../template.yaml"
        )))
        .unwrap()
    }

    #[test]
    fn the_shipped_template_is_understood() {
        let template = shipped();
        assert_eq!(template.ttl_attribute, "ttl");
        assert!(template.table.get("StreamSpecification").is_some());
        let open: Vec<&str> = template
            .routes
            .iter()
            .filter(|route| route.caller == Caller::Anyone)
            .map(|route| route.operation.as_str())
            .collect();
        let open: BTreeSet<&str> = open.into_iter().collect();
        let expected = ["decline-invite-by-link", "pages", "preview-invite"];
        assert_eq!(open, BTreeSet::from(expected));
        assert_eq!(template.schedules[0].every, Duration::from_secs(3600));
        for stream in &template.streams {
            assert!(!stream.filters.is_empty() && stream.bisects, "{stream:?}");
            assert!(stream.max_age.is_some(), "{stream:?}");
        }
    }

    #[test]
    fn every_operation_is_called_by_something() {
        let template = shipped();
        let routes = template.routes.iter().map(|route| &route.operation);
        let streams = template.streams.iter().map(|stream| &stream.operation);
        let schedules = template
            .schedules
            .iter()
            .map(|schedule| &schedule.operation);
        let rules = template.rules.iter().map(|rule| &rule.operation);
        let authorizers = template.machine_authorizer.iter();
        let authorizers = authorizers.map(|authorizer| &authorizer.operation);
        let called = routes.chain(streams).chain(schedules).chain(rules);
        let called: Vec<&String> = called.chain(authorizers).collect();
        for operation in functions::OPERATIONS {
            assert!(
                called.iter().any(|name| *name == operation.name),
                "{}",
                operation.name
            );
        }
    }

    #[test]
    fn a_route_asks_for_a_person_only_where_an_authorizer_is() {
        let shipped =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml"))
                .unwrap();
        let without = shipped.replace("DefaultAuthorizer: SignedIn", "");
        let template = Template::parse(&without).unwrap();
        let mut people = template.routes.iter().map(|route| route.caller);
        assert!(!people.any(|caller| caller == Caller::Person));
    }

    #[test]
    fn a_rule_has_lambdas_retries_unless_the_function_says_otherwise() {
        let template = |invoke: &str| {
            let text = format!(
                "Resources:\n  T: {{ Type: 'AWS::DynamoDB::Table', Properties: {{ KeySchema: [], \
                 TimeToLiveSpecification: {{ AttributeName: ttl }} }} }}\n  F:\n    \
                 Type: AWS::Serverless::Function\n    \
                 Metadata: {{ BuildProperties: {{ Binary: expire-invites }} }}\n    \
                 Properties: {{ {invoke} Events: {{ E: {{ Type: EventBridgeRule, Properties: {{ \
                 EventBusName: !Ref Bus, Pattern: {{ source: [shop] }} }} }} }} }}\n"
            );
            Template::parse(&text).unwrap().rules.remove(0)
        };
        let rule = template("");
        assert_eq!((&*rule.name, &*rule.operation), ("F.E", "expire-invites"));
        assert!(rule.pattern.matches(Some(&json!({ "source": "shop" }))));
        assert!(!rule.pattern.matches(Some(&json!({ "source": "pub" }))));
        assert_eq!((rule.max_retries, rule.max_age), (2, EVENT_AGE));
        let rule = template(
            "EventInvokeConfig: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },",
        );
        assert_eq!(
            (rule.max_retries, rule.max_age),
            (0, Duration::from_secs(60))
        );
    }

    #[test]
    fn an_authorizer_that_api_gateway_could_not_ask_is_told_of() {
        let shipped =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml"))
                .unwrap();
        let authorizer = Template::parse(&shipped).unwrap().machine_authorizer;
        let authorizer = authorizer.unwrap();
        assert_eq!(authorizer.operation, "authorize-api-key");
        assert_eq!(authorizer.header, "authorization");
        assert_eq!(authorizer.kept_for, Duration::from_secs(30));
        for (from, to, error) in [
            (
                "AuthorizerPayloadFormatVersion: \"2.0\"",
                "AuthorizerPayloadFormatVersion: \"1.0\"",
                "`ApiKey` is not of payload format 2.0 with simple responses",
            ),
            (
                "EnableSimpleResponses: true",
                "",
                "`ApiKey` is not of payload format 2.0 with simple responses",
            ),
            (
                "EnableFunctionDefaultPermissions: true",
                "",
                "`ApiKey` does not let API Gateway call its function",
            ),
            (
                "!GetAtt AuthorizeApiKey.Arn",
                "!GetAtt Nobody.Arn",
                "`ApiKey` leads to no function",
            ),
            (
                "!GetAtt AuthorizeApiKey.Arn",
                "!GetAtt DeliverEmail.Arn",
                "`ApiKey` runs `deliver-email`, which takes other events",
            ),
            (
                "Headers: [Authorization]",
                "Headers: [Authorization, Cookie]",
                "`ApiKey` does not go by exactly one header",
            ),
            (
                "DefaultAuthorizer: SignedIn",
                "DefaultAuthorizer: Nobody",
                "asks `Nobody`, which is no authorizer",
            ),
        ] {
            let broken = shipped.replace(from, to);
            assert_ne!(broken, shipped, "{from}");
            let message = Template::parse(&broken).unwrap_err().to_string();
            assert!(message.contains(error), "{message}");
        }
    }

    #[test]
    fn a_broken_template_says_where_it_is_broken() {
        let function = |binary: &str, event: &str| {
            format!(
                "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    \
                 Metadata: {{ BuildProperties: {{ Binary: {binary} }} }}\n    \
                 Properties: {{ Events: {{ E: {event} }} }}\n"
            )
        };
        let schedule = |rate: &str| {
            let event = format!("{{ Type: Schedule, Properties: {{ Schedule: {rate} }} }}");
            function("expire-invites", &event)
        };
        let rule = |properties: &str| {
            let event = format!("{{ Type: EventBridgeRule, Properties: {{ {properties} }} }}");
            function("expire-invites", &event)
        };
        let table = "{ Type: 'AWS::DynamoDB::Table', Properties: { KeySchema: [], \
                     TimeToLiveSpecification: { AttributeName: ttl } } }";
        for (text, error) in [
            ("a: [".to_owned(), "not valid YAML"),
            ("x: 1".to_owned(), "`template` has no `Resources`"),
            (
                "Resources: {}".to_owned(),
                "`Resources` has no DynamoDB table",
            ),
            (
                format!("Resources: {{ A: {table}, B: {table} }}"),
                "`B` is a second table",
            ),
            (
                "Resources: { F: { Type: 'AWS::Serverless::Function' } }".to_owned(),
                "`F` names no binary",
            ),
            (
                function("x", "{ Type: HttpApi, Properties: {} }"),
                "`F.E` runs `x`, which is no operation",
            ),
            (
                function("deliver-email", "{ Type: HttpApi, Properties: {} }"),
                "`F.E` runs `deliver-email`, which takes other events",
            ),
            (
                function(
                    "get-account",
                    "{ Type: HttpApi, Properties: { Method: !Ref M } }",
                ),
                "`F.E` has no literal `Method`",
            ),
            (
                function("deliver-email", "{ Type: SQS, Properties: {} }"),
                "`F.E` is of a type that cannot be run locally",
            ),
            (schedule("cron(0 * * * ? *)"), "`F.E` has a schedule other"),
            (schedule("rate(0 hours)"), "`F.E` has a schedule other"),
            (rule("EventBusName: x"), "`F.E` has no `Pattern`"),
            (
                rule("Pattern: { source: [!Ref Source] }"),
                "`F.E`: a pattern has `null`, which is not supported locally",
            ),
            (
                rule("Pattern: { detail: { n: [{ numeric: ['>', 1] }] } }"),
                "`F.E`: a pattern has `{\"numeric\":[\">\",1]}`, which",
            ),
            (
                rule("Pattern: { source: [x] }, InputPath: $.detail"),
                "`F.E` has `InputPath`: events cannot be changed",
            ),
            (
                rule("Pattern: { source: [x] }, State: DISABLED"),
                "`F.E` is not always `ENABLED`",
            ),
        ] {
            let message = Template::parse(&text).unwrap_err().to_string();
            assert!(message.contains(error), "{message}");
        }
    }
}
