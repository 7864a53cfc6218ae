use std::{collections::BTreeSet, path::Path, time::Duration};

use functions::{OPERATIONS, openapi::Caller};
use serde_json::json;

use super::{
    Template,
    sources::{DEFAULT_TIMEOUT, EVENT_AGE, LONGEST_TIMEOUT},
};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");

fn shipped() -> Template {
    Template::read(Path::new(SHIPPED)).unwrap()
}

fn shipped_text() -> String {
    std::fs::read_to_string(SHIPPED).unwrap()
}

#[test]
fn shipped_template_is_read() {
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
    let expected = [
        "decline-invite-by-link",
        "opt-in-to-invites",
        "opt-out-of-invites",
        "pages",
        "preview-invite",
    ];
    assert_eq!(open, BTreeSet::from(expected));
    assert_eq!(template.schedules[0].every, Duration::from_secs(3600));
    assert!(!template.streams.is_empty());
    for stream in &template.streams {
        assert!(!stream.filters.is_empty() && stream.bisects, "{stream:?}");
        assert!(stream.max_age.is_some(), "{stream:?}");
    }
}

#[test]
fn every_operation_has_an_event() {
    let template = shipped();
    let routes = template.routes.iter().map(|route| &route.operation);
    let streams = template.streams.iter().map(|stream| &stream.operation);
    let schedules = template
        .schedules
        .iter()
        .map(|schedule| &schedule.operation);
    let rules = template.rules.iter().map(|rule| &rule.operation);
    let authorizers = template.lambda_authorizers.iter();
    let authorizers = authorizers.map(|authorizer| &authorizer.operation);
    let piped = template.pipe.iter().map(|pipe| &pipe.operation);
    let called = routes.chain(streams).chain(piped);
    let called = called.chain(schedules).chain(rules);
    let called: Vec<&String> = called.chain(authorizers).collect();
    for operation in OPERATIONS {
        assert!(
            called.iter().any(|name| *name == operation.name),
            "{}",
            operation.name
        );
    }
}

#[test]
fn route_without_authorizer_is_for_anyone() {
    let shipped = shipped_text();
    let without = shipped.replace("DefaultAuthorizer: SignedIn", "");
    let template = Template::parse(&without).unwrap();
    let mut people = template.routes.iter().map(|route| route.caller);
    assert!(!people.any(|caller| caller == Caller::Person));
}

#[test]
fn rule_without_invoke_config_has_lambdas_retries() {
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
    let rule =
        template("EventInvokeConfig: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },");
    assert_eq!(
        (rule.max_retries, rule.max_age),
        (0, Duration::from_secs(60))
    );
}

#[test]
fn unusable_authorizer_is_refused() {
    let shipped = shipped_text();
    let authorizers = Template::parse(&shipped).unwrap().lambda_authorizers;
    for (operation, caller) in [
        ("authorize-api-key", Caller::ApiClient),
        ("authorize-server", Caller::Server),
    ] {
        let mut found = authorizers.iter();
        let found = found.find(|authorizer| authorizer.operation == operation);
        let authorizer = found.unwrap();
        assert_eq!(authorizer.caller, caller);
        assert_eq!(authorizer.header, "authorization");
        assert_eq!(authorizer.cache_ttl, Duration::from_secs(30));
    }
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
            "`ApiKey` has no function",
        ),
        (
            "!GetAtt AuthorizeApiKey.Arn",
            "!GetAtt DeliverEmail.Arn",
            "`ApiKey` runs `deliver-email`, which takes other events",
        ),
        (
            "Headers: [Authorization]",
            "Headers: [Authorization, Cookie]",
            "`ApiKey` must have exactly one header",
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
fn broken_template_is_refused_with_its_place() {
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

#[test]
fn property_of_another_type_is_refused_with_its_path() {
    let shipped = shipped_text();
    for (from, to, error) in [
        (
            "BatchSize: 10\n",
            "BatchSize: ten\n",
            "`DeliverEmail.AuditEvents.BatchSize`: invalid type: string \"ten\"",
        ),
        (
            "- Pattern: '{\"eventName\"",
            "- Model: '{\"eventName\"",
            "`DeliverEmail.AuditEvents.FilterCriteria.Filters[0]`: missing field `Pattern`",
        ),
        (
            "EnableSimpleResponses: true",
            "EnableSimpleResponses: 1",
            "`Api.Auth.Authorizers.ApiKey.EnableSimpleResponses`: invalid type: integer `1`",
        ),
        (
            "        AttributeName: ttl\n",
            "",
            "`Table.TimeToLiveSpecification`: missing field `AttributeName`",
        ),
    ] {
        let broken = shipped.replacen(from, to, 1);
        assert_ne!(broken, shipped, "{from}");
        let message = Template::parse(&broken).unwrap_err().to_string();
        assert!(message.contains(error), "{message}");
    }
}

#[test]
fn intrinsic_in_either_form_means_the_default() {
    let shipped = shipped_text();
    for value in ["!Ref Size", "{ Ref: Size }", "{ 'Fn::If': [A, 1, 2] }"] {
        let changed = shipped.replacen("BatchSize: 10\n", &format!("BatchSize: {value}\n"), 1);
        assert_ne!(changed, shipped);
        let template = Template::parse(&changed).unwrap();
        assert_eq!(template.streams[0].batch_size, 100, "{value}");
    }
}

#[test]
fn timeout_defaults_to_the_templates_then_to_lambdas() {
    let timeouts = shipped().timeouts;
    assert_eq!(timeouts["deliver-email"], Duration::from_secs(60));
    assert_eq!(timeouts["get-account"], Duration::from_secs(10));
    for (global, expected) in [("", DEFAULT_TIMEOUT), ("Timeout: !Ref T", LONGEST_TIMEOUT)] {
        let changed = shipped_text().replace("Timeout: 10\n", &format!("{global}\n"));
        let timeouts = Template::parse(&changed).unwrap().timeouts;
        assert_eq!(timeouts["get-account"], expected, "{global}");
        assert_eq!(timeouts["deliver-email"], Duration::from_secs(60));
    }
}
