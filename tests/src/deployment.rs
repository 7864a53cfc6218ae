//! The template's resources around the functions: alarms, the pipe of audit events
//! and parameters, all of them documented.

use std::{collections::BTreeSet, fs};

use local::Pattern;
use serde_json::{Value as Json, json};
use serde_norway::{Mapping, Value};

use crate::{completeness::repository, harness::Fixture};

fn template() -> Value {
    let text = fs::read_to_string(local::Options::shipped_template()).unwrap();
    serde_norway::from_str(&text).unwrap()
}

/// Returns the resources of a type, of which there are some.
fn resources(template: &Value, kind: &str) -> Vec<(String, Value)> {
    let all: &Mapping = template["Resources"].as_mapping().unwrap();
    let wanted = all.iter().filter(|(_, resource)| resource["Type"] == kind);
    let wanted: Vec<_> = wanted
        .map(|(name, resource)| (name.as_str().unwrap().to_owned(), resource.clone()))
        .collect();
    assert!(!wanted.is_empty(), "the template has no {kind}");
    wanted
}

fn text(value: &Value) -> String {
    serde_norway::to_string(value).unwrap()
}

fn operations_page() -> String {
    fs::read_to_string(repository("docs/operations.md")).unwrap()
}

/// Returns the name and the properties of each alarm, as text.
fn alarms(template: &Value) -> Vec<(String, String)> {
    let alarms = resources(template, "AWS::CloudWatch::Alarm");
    let alarms = alarms.into_iter();
    alarms
        .map(|(name, alarm)| (name, text(&alarm["Properties"])))
        .collect()
}

#[test]
fn every_function_has_an_alarm_for_failures() {
    let template = template();
    let api = resources(&template, "AWS::Serverless::HttpApi").remove(0).1;
    let authorizers = text(&api["Properties"]["Auth"]);
    let alarms = alarms(&template);
    let watched = |name: &str, metric: &str| {
        alarms.iter().any(|(_, alarm)| {
            alarm.contains(&format!("MetricName: {metric}\n"))
                && alarm.lines().any(|line| {
                    line.trim()
                        .trim_start_matches("- ")
                        .ends_with(&format!("!Ref {name}"))
                })
        })
    };
    assert!(watched("Api", "5xx"), "the API has no alarm");
    let mut background = 0;
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        let events = &function["Properties"]["Events"];
        let routes = events
            .as_mapping()
            .is_some_and(|events| events.values().all(|event| event["Type"] == "HttpApi"));
        // A failing or throttled function behind the API shows as 5xx of the API.
        if routes || authorizers.contains(&format!("!GetAtt {name}.Arn")) {
            continue;
        }
        background += 1;
        for metric in ["Errors", "Throttles"] {
            assert!(watched(&name, metric), "no alarm for {metric} of {name}");
        }
    }
    assert!(background >= 5, "{background}");
}

#[test]
fn every_dead_letter_queue_has_an_alarm() {
    let template = template();
    let alarms = alarms(&template);
    for (queue, _) in resources(&template, "AWS::SQS::Queue") {
        let watched = alarms
            .iter()
            .any(|(_, alarm)| alarm.contains(&format!("!GetAtt {queue}.QueueName")));
        assert!(watched, "no alarm for {queue}");
    }
}

#[test]
fn every_alarm_has_an_action_and_a_runbook_entry() {
    let template = template();
    let page = operations_page();
    for (name, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        assert_eq!(properties["TreatMissingData"], "notBreaching", "{name}");
        assert!(
            text(&properties["AlarmActions"]).contains("!Ref Alarms"),
            "{name}"
        );
        assert!(properties["AlarmDescription"].is_string(), "{name}");
        assert!(page.contains(&format!("`{name}`")), "no runbook for {name}");
    }
}

#[test]
fn parameters_and_outputs_are_documented() {
    let template = template();
    let page = operations_page();
    let parameters = template["Parameters"].as_mapping().unwrap();
    let outputs = template["Outputs"].as_mapping().unwrap();
    assert!(!parameters.is_empty() && !outputs.is_empty());
    for (name, parameter) in parameters {
        let name = name.as_str().unwrap();
        assert!(parameter["Description"].is_string(), "{name}");
        assert!(page.contains(&format!("| `{name}` |")), "no row for {name}");
    }
    for name in outputs.keys() {
        let name = name.as_str().unwrap();
        assert!(page.contains(&format!("`{name}`")), "the output {name}");
    }
}

#[test]
fn version_is_the_same_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(template()["Outputs"]["Version"]["Value"], version);
    let document = fs::read_to_string(repository("docs/openapi.json")).unwrap();
    let document: Json = serde_json::from_str(&document).unwrap();
    assert_eq!(document["info"]["version"], version);
    let changelog = fs::read_to_string(repository("CHANGELOG.md")).unwrap();
    assert!(changelog.contains(&format!("## {version}, ")), "{version}");
}

#[test]
fn every_parameter_is_in_one_group_of_the_console() {
    let template = template();
    let groups = &template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let mut grouped: Vec<_> = groups
        .as_sequence()
        .unwrap()
        .iter()
        .flat_map(|group| group["Parameters"].as_sequence().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut parameters: Vec<_> = template["Parameters"]
        .as_mapping()
        .unwrap()
        .keys()
        .map(|name| name.as_str().unwrap())
        .collect();
    grouped.sort_unstable();
    parameters.sort_unstable();
    assert_eq!(grouped, parameters);
}

/// Returns whether an intrinsic function of a rule holds with these parameters.
fn holds(function: &Value, parameters: &[(&str, &str)], template: &Value) -> bool {
    let Value::Tagged(tagged) = function else {
        panic!("{function:?}");
    };
    let values = tagged.value.as_sequence().unwrap();
    let mut results = values
        .iter()
        .map(|value| holds(value, parameters, template));
    let text = |value: &Value| match value {
        Value::Tagged(reference) => {
            assert_eq!(reference.tag, "Ref");
            let name = reference.value.as_str().unwrap();
            let given = parameters.iter().find(|(given, _)| *given == name);
            let default = || template["Parameters"][name]["Default"].as_str().unwrap();
            given.map_or_else(default, |(_, value)| value).to_owned()
        }
        value => value.as_str().unwrap().to_owned(),
    };
    match tagged.tag.to_string().as_str() {
        "!Equals" => text(&values[0]) == text(&values[1]),
        "!Not" => !results.next().unwrap(),
        "!Or" => results.any(|holds| holds),
        tag => panic!("{tag}"),
    }
}

/// Returns the assertions that fail with these parameters, as CloudFormation reports them
/// before it makes anything.
fn violations(parameters: &[(&str, &str)]) -> Vec<String> {
    let template = template();
    let rules = template["Rules"].as_mapping().unwrap().values();
    let applied = rules.filter(|rule| {
        let condition = rule.get("RuleCondition");
        condition.is_none_or(|condition| holds(condition, parameters, &template))
    });
    let assertions = applied.flat_map(|rule| rule["Assertions"].as_sequence().unwrap());
    assertions
        .filter(|assertion| !holds(&assertion["Assert"], parameters, &template))
        .map(|assertion| assertion["AssertDescription"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn rules_refuse_parameters_that_do_not_fit_together() {
    let issuer = ("JwtIssuer", "https://id.example.com");
    let audience = ("JwtAudience", "app");
    assert_eq!(violations(&[]), [""; 0]);
    assert_eq!(violations(&[issuer, audience]), [""; 0]);
    let with_pages = [
        issuer,
        audience,
        ("SignInClientId", "app"),
        ("SignInOrigins", "https://token.example.com"),
        ("SignOutUrl", "https://id.example.com/out"),
    ];
    assert_eq!(violations(&with_pages), [""; 0]);
    assert_eq!(violations(&[issuer]), ["JwtIssuer requires JwtAudience"]);
    assert_eq!(violations(&[audience]), ["JwtAudience requires JwtIssuer"]);
    for name in ["SignInClientId", "SignInOrigins", "SignOutUrl"] {
        let expected = format!("{name} requires JwtIssuer");
        assert_eq!(violations(&[(name, "x")]), [expected]);
    }
    let of_the_pool = [
        ("SignUp closed", ("SignUp", "closed")),
        ("SignInMfa ON", ("SignInMfa", "ON")),
        ("SignInEmailIdentityArn", ("SignInEmailIdentityArn", "arn")),
    ];
    for (said, parameter) in of_the_pool {
        let expected = format!("{said} requires an empty JwtIssuer");
        assert_eq!(violations(&[parameter]), [""; 0]);
        assert_eq!(violations(&[issuer, audience, parameter]), [expected]);
    }
    let disabled = ("ExecuteApiEndpoint", "disabled");
    let expected = "ExecuteApiEndpoint disabled requires PublicUrl, the address of your own domain";
    assert_eq!(violations(&[disabled]), [expected]);
    assert_eq!(
        violations(&[disabled, ("PublicUrl", "https://a.example.com")]),
        [""; 0]
    );
    let page = ("PlanChangeUrl", "https://a.example.com/plans");
    assert_eq!(
        violations(&[page]),
        ["PlanChangeUrl requires PlanChanges server"]
    );
    assert_eq!(violations(&[page, ("PlanChanges", "server")]), [""; 0]);
}

/// Returns the parameters that `samconfig.toml` has for an environment, which stand there
/// as `"Name=value"`, one in each line.
fn environment(name: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(repository("samconfig.toml")).unwrap();
    let section = format!("[{name}.deploy.parameters]\n");
    let (_, section) = text.split_once(&section).unwrap();
    let (_, values) = section.split_once("parameter_overrides = [\n").unwrap();
    let (values, _) = values.split_once("\n]").unwrap();
    let lines = values.lines().map(str::trim);
    let pairs = lines.filter(|line| !line.starts_with('#')).map(|line| {
        let line = line.trim_end_matches(',');
        let (parameter, value) = line[1..line.len() - 1].split_once('=').unwrap();
        (parameter.to_owned(), value.trim_matches('"').to_owned())
    });
    pairs.collect()
}

#[test]
fn environments_of_samconfig_keep_the_rules() {
    let template = template();
    for name in ["dev", "prod"] {
        let parameters = environment(name);
        assert!(!parameters.is_empty(), "{name}");
        for (parameter, _) in &parameters {
            let known = &template["Parameters"][parameter.as_str()];
            assert!(!known.is_null(), "{name}: {parameter}");
        }
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(parameter, value)| (parameter.as_str(), value.as_str()))
            .collect();
        assert_eq!(violations(&parameters), [""; 0], "{name}");
    }
}

#[test]
fn limits_of_a_route_name_a_route_that_exists() {
    let template = template();
    let api = resources(&template, "AWS::Serverless::HttpApi").remove(0).1;
    let routes: BTreeSet<String> = resources(&template, "AWS::Serverless::Function")
        .iter()
        .flat_map(|(_, function)| {
            function["Properties"]["Events"]
                .as_mapping()
                .cloned()
                .unwrap_or_default()
        })
        .filter(|(_, event)| event["Type"] == "HttpApi")
        .map(|(_, event)| {
            let part = |name: &str| {
                event["Properties"][name]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            format!("{} {}", part("Method").to_uppercase(), part("Path"))
        })
        .collect();
    assert!(routes.len() > 40, "{}", routes.len());
    let settings = api["Properties"]["RouteSettings"].as_mapping().unwrap();
    let limited: Vec<&str> = settings
        .keys()
        .map(|route| route.as_str().unwrap())
        .collect();
    // API Gateway refuses to deploy settings of a route that does not exist, and each
    // route by its old name during an update: so these routes are never renamed.
    assert_eq!(limited, ["POST /v1/usage"]);
    assert!(limited.iter().all(|route| routes.contains(*route)));
}

#[test]
fn user_pool_requires_names_and_offers_no_optional_factor() {
    let pool = &template()["Resources"]["UserPool"]["Properties"];
    // An existing pool cannot change these.
    for attribute in ["email", "name"] {
        let schema = pool["Schema"].as_sequence().unwrap();
        let found = schema.iter().find(|entry| entry["Name"] == attribute);
        let entry = found.unwrap_or_else(|| panic!("no schema of {attribute}"));
        assert_eq!(entry["Required"], true, "{attribute}");
        assert_eq!(entry["Mutable"], true, "{attribute}");
    }
    assert!(!text(&pool["MfaConfiguration"]).contains("OPTIONAL"));
    assert!(text(&pool["EmailConfiguration"]).contains("!Ref EmailFrom"));
}

#[test]
fn irreplaceable_resources_outlive_the_stack() {
    let template = template();
    // A failed first deployment removes the secrets. The protection of the others against
    // deletion would make that fail, so they stay.
    for (kind, policy) in [
        ("AWS::DynamoDB::Table", "Retain"),
        ("AWS::SecretsManager::Secret", "RetainExceptOnCreate"),
        ("AWS::Cognito::UserPool", "Retain"),
    ] {
        for (name, resource) in resources(&template, kind) {
            assert_eq!(resource["DeletionPolicy"], policy, "{name}");
            assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
        }
    }
}

#[test]
fn documented_costs_match_alarm_count_and_capacity_units() {
    let page = operations_page();
    let alarms = resources(&template(), "AWS::CloudWatch::Alarm");
    let always = alarms
        .iter()
        .filter(|(_, alarm)| alarm["Condition"].is_null());
    let row = format!("| {} alarms, ", always.count());
    assert!(page.contains(&row), "no `{row}`");
    let costs = fs::read_to_string(repository("docs/data-model.md")).unwrap();
    for (operation, before) in [
        ("get-settings", "show the settings page ("),
        ("create-invite", "invite somebody ("),
        ("record-usage", "uses of credits ("),
    ] {
        let begin = format!("| `{operation}` |");
        let mut rows = costs.lines().filter(|line| line.starts_with(&begin));
        let row = rows.next_back().unwrap();
        let units = row.trim_end_matches(" |").rsplit(' ').next().unwrap();
        let documented = page.split(before).nth(1).unwrap();
        assert_eq!(documented.split(' ').next(), Some(units), "{operation}");
    }
}

#[test]
fn functions_have_json_logs_and_background_ones_a_limit() {
    let template = template();
    let globals = &template["Globals"]["Function"];
    assert_eq!(globals["LoggingConfig"]["LogFormat"], "JSON");
    // Reserved for each of 50 functions, it would exceed the account's.
    assert!(globals["ReservedConcurrentExecutions"].is_null());
    let mut background = 0;
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        let events = &function["Properties"]["Events"];
        let Some(events) = events.as_mapping() else {
            continue;
        };
        if events.values().any(|event| event["Type"] != "HttpApi") {
            let limit = text(&function["Properties"]["ReservedConcurrentExecutions"]);
            assert!(limit.contains("HasBackgroundConcurrency"), "{name}");
            background += 1;
        }
    }
    assert!(background >= 5, "{background}");
}

#[test]
fn table_stream_has_two_readers() {
    let template = template();
    let mut readers = BTreeSet::new();
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        if resource["Type"] == "AWS::Pipes::Pipe" {
            readers.insert(name.to_owned());
        }
        for (event, properties) in resource["Properties"]["Events"]
            .as_mapping()
            .into_iter()
            .flatten()
        {
            if properties["Type"] == "DynamoDB" {
                readers.insert(format!("{name}.{}", event.as_str().unwrap()));
            }
        }
    }
    assert_eq!(
        readers.into_iter().collect::<Vec<_>>(),
        ["AuditEventsPipe", "DeliverEmail.AuditEvents"]
    );
}

#[test]
fn dashboard_charts_do_not_overlap() {
    let dashboard = resources(&template(), "AWS::CloudWatch::Dashboard")
        .remove(0)
        .1;
    let Value::Tagged(body) = &dashboard["Properties"]["DashboardBody"] else {
        panic!("the dashboard's body is not a `!Sub`")
    };
    let body: Json = serde_json::from_str(body.value.as_str().unwrap()).unwrap();
    let mut cells = BTreeSet::new();
    assert!(!body["widgets"].as_array().unwrap().is_empty());
    for widget in body["widgets"].as_array().unwrap() {
        let number = |name| widget[name].as_u64().unwrap();
        for x in number("x")..number("x") + number("width") {
            for y in number("y")..number("y") + number("height") {
                assert!(x < 24 && cells.insert((x, y)), "{widget}");
            }
        }
        assert!(
            !widget["properties"]["metrics"]
                .as_array()
                .unwrap()
                .is_empty()
        );
    }
}

#[tokio::test]
async fn pipe_forwards_every_audit_event_without_personal_data() {
    let fixture = Fixture::new().await;
    // Events of every kind of actor, and writes of every kind.
    let link = fixture.world.link_token("dana@example.com");
    let decline = format!("/v1/invites/{link}/decline");
    fixture
        .world
        .nobody()
        .post_empty(&decline)
        .await
        .expect("204");
    fixture
        .admin
        .invite(&fixture.organization, "late@example.com", "user")
        .await;
    fixture.world.drain().await;
    fixture
        .owner
        .patch(&fixture.organization, json!({"name": "Quote \" and <b>"}))
        .await
        .expect("200");
    let member = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    fixture.owner.delete(&member).await;
    fixture.world.clock.advance(chrono::TimeDelta::days(15));
    fixture.world.stack.run_schedules().await;
    fixture.world.stack.sweep_ttl().unwrap();

    let pipe = resources(&template(), "AWS::Pipes::Pipe").remove(0).1;
    let source = &pipe["Properties"]["SourceParameters"];
    let filters = source["FilterCriteria"]["Filters"].as_sequence().unwrap();
    assert_eq!(filters.len(), 1);
    let filter = Pattern::parse(filters[0]["Pattern"].as_str().unwrap()).unwrap();
    let target = &pipe["Properties"]["TargetParameters"];
    let kind = target["EventBridgeEventBusParameters"]["DetailType"]
        .as_str()
        .unwrap();
    assert_eq!(kind, "$.kind");

    let records = fixture.world.stack.pump().records().unwrap();
    let taken: Vec<&Json> = records
        .iter()
        .filter(|record| filter.matches(Some(record)))
        .collect();
    assert!(taken.len() < records.len());
    let describe = functions::operation("describe-events").unwrap();
    let app = fixture.world.stack.app();
    let described = functions::invoke(app, describe, json!(taken), Default::default()).await;
    let described = described.unwrap();
    let events = described.as_array().unwrap();
    let items = fixture.world.items().await;
    let audit = items
        .iter()
        .filter(|item| item["pk"]["S"].as_str().unwrap().starts_with("AUDIT#"));
    assert_eq!(events.len(), audit.count());

    let mut actors = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    for event in events {
        let members: Vec<&String> = event.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            [
                "actor",
                "at",
                "changes",
                "id",
                "kind",
                "organization_id",
                "stack",
                "subject"
            ]
        );
        actors.insert(event["actor"]["kind"].as_str().unwrap());
        kinds.insert(event["kind"].as_str().unwrap());
        let person = event["actor"]["kind"] == "person";
        assert_eq!(event["actor"]["id"].is_string(), person, "{event}");
        // Events hold ids only: no name and no address, not even a masked one.
        let text = event.to_string();
        assert!(!text.contains('@') && !text.contains("olga"), "{text}");
    }
    assert_eq!(actors, BTreeSet::from(["link_holder", "person", "system"]));
    assert!(
        kinds.contains("member.removed") && kinds.contains("invite.expired"),
        "{kinds:?}"
    );

    // The example in the docs is one of them.
    let page = fs::read_to_string(repository("docs/events.md")).unwrap();
    let example = page
        .split("```json")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let example: Json = serde_json::from_str(example).unwrap();
    let one = events
        .iter()
        .find(|event| event["kind"] == "organization.updated");
    let shape = |event: &Json| {
        let object = event.as_object().unwrap();
        object.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(shape(&example["detail"]), shape(one.unwrap()));
    assert_eq!(
        example["source"],
        target["EventBridgeEventBusParameters"]["Source"]
            .as_str()
            .unwrap()
    );
    assert_eq!(example["detail-type"], example["detail"]["kind"]);
    let changed = |event: &Json| {
        event["changes"][0]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(changed(&example["detail"]), changed(one.unwrap()));
}
