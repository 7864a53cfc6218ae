//! The template's resources around the functions: alarms, the pipe of audit events
//! and parameters, all of them documented.

use std::{collections::BTreeSet, fs};

use local::Pattern;
use serde_json::{Value as Json, json};
use serde_norway::{Mapping, Value};

use crate::{completeness::repository, evaluated::Evaluated, harness::Fixture};

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

/// The functions without a route, and the alarm that rings when they fail or are throttled.
const WATCHED: [(&str, &str); 7] = [
    ("ApplyPlanChanges", "HourlyRunsAlarm"),
    // The stream and the pipe wait for these.
    ("DeliverEmail", "StreamAgeAlarm"),
    ("DescribeEvents", "AuditEventsAlarm"),
    ("ExpireInvites", "HourlyRunsAlarm"),
    ("PurgeOrganizations", "HourlyRunsAlarm"),
    // Their events go to the queue after the last retry.
    ("RecordBillingEvent", "EventDeadLettersAlarm"),
    ("RecordEmailDelivery", "EventDeadLettersAlarm"),
];

#[test]
fn every_function_has_an_alarm_for_failures() {
    let deployment = Evaluated::with(&[("AuditEventBusName", "audit")]);
    let template = template();
    let api = resources(&template, "AWS::Serverless::HttpApi").remove(0).1;
    let authorizers = text(&api["Properties"]["Auth"]);
    let alarm = |name: &str| text(&deployment.properties(name));
    // A failing or throttled function behind the API shows as 5xx of the API.
    let of_the_api = alarm("ApiErrorsAlarm");
    assert!(of_the_api.contains("MetricName: 5xx") && of_the_api.contains("{Api}"));
    let mut background = Vec::new();
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        let events = &function["Properties"]["Events"];
        let routes = events
            .as_mapping()
            .is_some_and(|events| events.values().all(|event| event["Type"] == "HttpApi"));
        if !routes && !authorizers.contains(&format!("!GetAtt {name}.Arn")) {
            background.push(name);
        }
    }
    background.sort_unstable();
    assert_eq!(background, WATCHED.map(|(name, _)| name));
    for (function, watching) in WATCHED {
        let alarm = alarm(watching);
        let function_itself = alarm.matches(&format!("{{{function}}}")).count();
        match watching {
            "HourlyRunsAlarm" => assert_eq!(function_itself, 2, "Errors and Throttles"),
            "StreamAgeAlarm" => assert!(function_itself == 1 && alarm.contains("IteratorAge")),
            "AuditEventsAlarm" => {
                let pipe = text(&deployment.properties("AuditEventsPipe"));
                assert!(pipe.contains(&format!("{{{function}.Arn}}")));
            }
            _ => {
                let invocation = &deployment.properties(function)["EventInvokeConfig"];
                let failures = &invocation["DestinationConfig"]["OnFailure"]["Destination"];
                assert_eq!(*failures, "{EventDeadLetters.Arn}", "{function}");
            }
        }
    }
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
        // A queue is emptied by the person who reads it, and no email for five minutes is no
        // success: only the others say when they end.
        let ends = !(name.ends_with("DeadLettersAlarm") || name == "EmailFailuresAlarm");
        assert_eq!(!properties["OKActions"].is_null(), ends, "{name}");
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

/// Returns the assertions that fail with these parameters.
fn violations(parameters: &[(&str, &str)]) -> Vec<String> {
    Evaluated::with(parameters).violations()
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
    let expected = "ExecuteApiEndpoint disabled requires DomainName or PublicUrl";
    assert_eq!(violations(&[disabled]), [expected]);
    assert_eq!(
        violations(&[disabled, ("PublicUrl", "https://a.example.com")]),
        [""; 0]
    );
    let domain = ("DomainName", "a.example.com");
    let certificate = ("CertificateArn", "arn");
    let zone = ("HostedZoneId", "Z1");
    assert_eq!(violations(&[domain, certificate]), [""; 0]);
    assert_eq!(violations(&[domain, certificate, zone, disabled]), [""; 0]);
    assert_eq!(
        violations(&[domain]),
        ["DomainName requires CertificateArn"]
    );
    assert_eq!(
        violations(&[certificate]),
        ["CertificateArn requires DomainName"]
    );
    assert_eq!(violations(&[zone]), ["HostedZoneId requires DomainName"]);
    let zone = ("EmailHostedZoneId", "Z1");
    assert_eq!(
        violations(&[zone]),
        ["EmailHostedZoneId requires EmailDomain"]
    );
    assert_eq!(
        violations(&[zone, ("EmailDomain", "a.example.com")]),
        [""; 0]
    );
    let page = ("PlanChangeUrl", "https://a.example.com/plans");
    assert_eq!(
        violations(&[page]),
        ["PlanChangeUrl requires PlanChanges server"]
    );
    assert_eq!(violations(&[page, ("PlanChanges", "server")]), [""; 0]);
}

/// Returns the names of a section's entries that a condition may leave out.
fn conditional(section: &str) -> BTreeSet<String> {
    let template = template();
    let all = template[section].as_mapping().unwrap().iter();
    let conditional = all.filter(|(_, entry)| !entry["Condition"].is_null());
    conditional
        .map(|(name, _)| name.as_str().unwrap().to_owned())
        .collect()
}

/// Deployments that together make each conditional resource, and leave each out.
const DEPLOYMENTS: [&[(&str, &str)]; 5] = [
    &[],
    &[
        ("JwtIssuer", "https://id.example.com"),
        ("JwtAudience", "app"),
        ("EmailConfigurationSet", "own"),
        ("AlarmEmail", "a@example.com"),
    ],
    &[
        ("DomainName", "a.example.com"),
        ("CertificateArn", "arn"),
        ("AuditEventBusName", "audit"),
    ],
    &[
        ("DomainName", "a.example.com"),
        ("CertificateArn", "arn"),
        ("HostedZoneId", "Z1"),
        ("EmailDomain", "example.com"),
        ("EmailHostedZoneId", "Z1"),
        ("WebhookUrl", "https://hook.example.com"),
    ],
    &[
        ("PublicUrl", "https://cdn.example.com"),
        ("AuditEventBusName", "audit"),
        ("WebhookUrl", "https://hook.example.com"),
    ],
];

#[test]
fn deployments_refer_to_what_they_make_only() {
    let mut made = BTreeSet::new();
    let mut left_out = BTreeSet::new();
    for parameters in DEPLOYMENTS {
        assert_eq!(violations(parameters), [""; 0]);
        let deployment = Evaluated::with(parameters);
        let resources = deployment.resources();
        assert_eq!(deployment.missing(), BTreeSet::new(), "{parameters:?}");
        let conditional = conditional("Resources");
        left_out.extend(conditional.difference(&resources).cloned());
        made.extend(conditional.intersection(&resources).cloned());
    }
    let conditional = conditional("Resources");
    assert!(conditional.len() > 10, "{conditional:?}");
    assert_eq!(made, conditional, "no deployment here makes the others");
    assert_eq!(
        left_out, conditional,
        "each deployment here makes the others"
    );
}

/// Returns the address of the pages by each setting that has it.
fn addresses(deployment: &Evaluated) -> BTreeSet<String> {
    let client = deployment.properties("UserPoolClient");
    let list = |name: &str, end: &str| {
        let url = client[name][0].as_str().unwrap();
        url.strip_suffix(end).unwrap().to_owned()
    };
    let variables = &deployment.properties("DeliverEmail")["Environment"]["Variables"];
    BTreeSet::from([
        list("CallbackURLs", "/auth/callback"),
        list("LogoutURLs", "/"),
        variables["PUBLIC_URL"].as_str().unwrap().to_owned(),
        deployment.output("ApiUrl").unwrap(),
    ])
}

#[test]
fn one_deployment_with_a_domain_has_its_address_everywhere() {
    let domain = ("DomainName", "a.example.com");
    let certificate = ("CertificateArn", "arn");
    let with_domain = Evaluated::with(&[domain, certificate]);
    let address = BTreeSet::from(["https://a.example.com".to_owned()]);
    assert_eq!(addresses(&with_domain), address);
    let target = Some("{ApiDomain.RegionalDomainName}".to_owned());
    assert_eq!(with_domain.output("DomainTarget"), target);
    let mapping = with_domain.properties("ApiDomainMapping");
    // At the root, where the addresses of the pages begin.
    assert!(mapping["ApiMappingKey"].is_null());
    assert!(!with_domain.resources().contains("ApiDomainRecord"));

    let with_zone = Evaluated::with(&[domain, certificate, ("HostedZoneId", "Z1")]);
    assert_eq!(addresses(&with_zone), address);
    assert_eq!(with_zone.output("DomainTarget"), None);
    let record = with_zone.properties("ApiDomainRecord");
    assert_eq!(record["Name"], "a.example.com");
    assert_eq!(record["HostedZoneId"], "Z1");

    // A CDN in front has the address, and the domain is its origin.
    let cdn = ("PublicUrl", "https://cdn.example.com");
    let address = BTreeSet::from(["https://cdn.example.com".to_owned()]);
    let behind = Evaluated::with(&[domain, certificate, cdn]);
    assert_eq!(addresses(&behind), address);
    assert!(behind.resources().contains("ApiDomainMapping"));
    let without = Evaluated::with(&[cdn]);
    assert_eq!(addresses(&without), address);
    assert!(!without.resources().contains("ApiDomainMapping"));

    // The API's own address does not exist before the first deployment.
    let neither = Evaluated::with(&[]);
    assert!(!neither.condition("MakesSignInPages"));
    let own = Some("{Api.ApiEndpoint}".to_owned());
    assert_eq!(neither.output("ApiUrl"), own);
    assert_eq!(neither.output("ApiEndpoint"), own);
}

#[test]
fn email_identity_is_verified_by_its_records() {
    let domain = ("EmailDomain", "example.com");
    let by_hand = Evaluated::with(&[domain]);
    assert_eq!(
        by_hand.properties("EmailIdentity")["EmailIdentity"],
        "example.com"
    );
    assert!(!by_hand.resources().contains("EmailRecord1"));
    let in_zone = Evaluated::with(&[domain, ("EmailHostedZoneId", "Z1")]);
    for number in 1..=3 {
        let name = format!("{{EmailIdentity.DkimDNSTokenName{number}}}");
        let value = format!("{{EmailIdentity.DkimDNSTokenValue{number}}}");
        let output = by_hand.output(&format!("EmailRecord{number}"));
        assert_eq!(output, Some(format!("{name} CNAME {value}")));
        let record = in_zone.properties(&format!("EmailRecord{number}"));
        assert_eq!(record["Name"], name.as_str());
        assert_eq!(record["ResourceRecords"][0], value.as_str());
        assert_eq!(record["HostedZoneId"], "Z1");
    }
    let none = Evaluated::with(&[]);
    assert_eq!(none.output("EmailRecord1"), None);
}

/// Returns the problems of a resource that another stack in the same account and region would
/// collide with, hear, or be heard by.
fn shared(name: &str, kind: &str, properties: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let whole = text(properties);
    // An account has one of each name, and CloudFormation's own have the stack's.
    let names: &[&str] = match kind {
        "AWS::Logs::LogGroup" => &["LogGroupName"],
        "AWS::DynamoDB::Table" => &["TableName"],
        "AWS::SQS::Queue" => &["QueueName"],
        "AWS::SNS::Topic" => &["TopicName"],
        "AWS::CloudWatch::Alarm" => &["AlarmName"],
        "AWS::CloudWatch::Dashboard" => &["DashboardName"],
        "AWS::SecretsManager::Secret"
        | "AWS::Pipes::Pipe"
        | "AWS::SES::ConfigurationSet"
        | "AWS::Events::Rule"
        | "AWS::Events::Connection"
        | "AWS::Events::ApiDestination" => &["Name"],
        "AWS::Cognito::UserPool" => &["UserPoolName"],
        "AWS::Cognito::UserPoolDomain" => &["Domain"],
        "AWS::IAM::Role" => &["RoleName"],
        "AWS::Serverless::Function" => &["FunctionName"],
        "AWS::Serverless::HttpApi" => &["Name"],
        // Named by a parameter of this deployment alone, or a part of another resource.
        "AWS::ApiGatewayV2::DomainName"
        | "AWS::ApiGatewayV2::ApiMapping"
        | "AWS::Cognito::ManagedLoginBranding"
        | "AWS::Cognito::UserPoolClient"
        | "AWS::Route53::RecordSet"
        | "AWS::SES::ConfigurationSetEventDestination"
        | "AWS::SES::EmailIdentity"
        | "AWS::SNS::Subscription"
        | "AWS::SQS::QueuePolicy" => &[],
        kind => panic!("{name}: does the name of a {kind} carry the stack?"),
    };
    for property in names {
        if let Some(text) = properties[*property].as_str()
            && !text.contains("{AWS::StackName}")
            && !text.contains("{part}")
        {
            problems.push(format!(
                "{name}: {property} `{text}` is the same in each stack"
            ));
        }
    }
    // Events of a bus, which another stack may share.
    let patterns = properties["Events"].as_mapping().into_iter().flatten();
    let patterns = patterns.filter(|(_, event)| event["Type"] == "EventBridgeRule");
    let patterns = patterns.map(|(_, event)| &event["Properties"]["Pattern"]);
    let own = Some(&properties["EventPattern"]).filter(|pattern| !pattern.is_null());
    for pattern in patterns.chain(own) {
        if !text(pattern).contains("{AWS::StackName}") {
            problems.push(format!("{name}: the pattern takes events of each stack"));
        }
    }
    if kind == "AWS::CloudWatch::Alarm" {
        let metrics = properties["Metrics"].as_sequence();
        let metrics: Vec<_> = match metrics {
            Some(metrics) => metrics
                .iter()
                .map(|metric| &metric["MetricStat"]["Metric"])
                .collect(),
            None => vec![properties],
        };
        for metric in metrics.into_iter().filter(|metric| !metric.is_null()) {
            let dimensions = metric["Dimensions"].as_sequence().into_iter().flatten();
            // A resource of this stack, or the configuration set that a parameter names.
            let mut own = dimensions.filter(|dimension| {
                let value = dimension["Value"].as_str().unwrap();
                value.starts_with('{') || dimension["Name"] == "ses:configuration-set"
            });
            if metric["Namespace"] != "{AWS::StackName}" && own.next().is_none() {
                problems.push(format!("{name}: the metric is that of each stack"));
            }
        }
    }
    if kind == "AWS::CloudWatch::Dashboard" {
        for search in whole.split("SEARCH(").skip(1) {
            // Other terms match a part of a name, such as that of `organizations-dev`.
            let namespace = search.split(',').next().unwrap();
            if !namespace.contains("{AWS::StackName}") {
                problems.push(format!("{name}: a search finds the metrics of each stack"));
            }
        }
    }
    problems
}

#[test]
fn resources_of_two_stacks_in_one_account_stay_apart() {
    for parameters in DEPLOYMENTS {
        let deployment = Evaluated::with(parameters);
        let names = deployment.resources();
        assert!(names.len() > 60, "{}", names.len());
        let problems: Vec<_> = names
            .iter()
            .flat_map(|name| {
                let kind = deployment.template["Resources"][name]["Type"]
                    .as_str()
                    .unwrap();
                shared(name, kind, &deployment.properties(name))
            })
            .collect();
        assert_eq!(problems, [""; 0], "{parameters:?}");
        let variables = &deployment.template["Globals"]["Function"]["Environment"]["Variables"];
        assert_eq!(
            text(&variables["METRICS_NAMESPACE"]).trim(),
            "!Ref AWS::StackName"
        );
    }
    // The source of audit events is the product's name, so each of them names its stack.
    let sends = Evaluated::with(&[("AuditEventBusName", "audit")]);
    let variables = &sends.properties("DescribeEvents")["Environment"]["Variables"];
    assert_eq!(variables["STACK_NAME"], "{AWS::StackName}");
}

#[test]
fn what_two_stacks_share_is_found() {
    let found = |kind: &str, yaml: &str| shared("R", kind, &serde_norway::from_str(yaml).unwrap());
    let metric = "{ Namespace: AWS/SES, MetricName: Reputation.BounceRate }";
    let rule =
        "{ Events: { E: { Type: EventBridgeRule, Properties: { Pattern: { source: [x] } } } } }";
    for (kind, yaml) in [
        ("AWS::Logs::LogGroup", "{ LogGroupName: /aws/lambda/x }"),
        ("AWS::Events::Rule", "{ EventPattern: { source: [x] } }"),
        ("AWS::Serverless::Function", rule),
        ("AWS::CloudWatch::Alarm", metric),
        (
            "AWS::CloudWatch::Dashboard",
            "{ DashboardBody: \"SEARCH('{AWS/Lambda,FunctionName} x')\" }",
        ),
    ] {
        assert_eq!(found(kind, yaml).len(), 1, "{kind}");
    }
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
    for shown in [
        "EmailsSent",
        "EmailsBounced",
        "Busy",
        "TransactionsThrottled",
        "Throttles",
    ] {
        assert!(body.to_string().contains(shown), "no chart has {shown}");
    }
    let mut cells = BTreeSet::new();
    assert!(!body["widgets"].as_array().unwrap().is_empty());
    for widget in body["widgets"].as_array().unwrap() {
        let number = |name| widget[name].as_u64().unwrap();
        for x in number("x")..number("x") + number("width") {
            for y in number("y")..number("y") + number("height") {
                assert!(x < 24 && cells.insert((x, y)), "{widget}");
            }
        }
        let metrics = widget["properties"]["metrics"].as_array();
        let query = widget["properties"]["query"].as_str();
        assert!(metrics.is_some_and(|metrics| !metrics.is_empty()) || query.is_some());
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
