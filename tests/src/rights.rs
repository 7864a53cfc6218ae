//! Least privilege: the AWS calls of each operation, recorded on the wire, match the
//! IAM policy of its function exactly.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use serde_norway::Value;

use crate::{
    access, api_keys, email_reports,
    harness::{Fixture, Session, World},
    imported_keys, server, webhook,
};

/// The table, as a policy's resource.
const TABLE: &str = "!GetAtt Table.Arn";

type Rights = BTreeMap<String, BTreeSet<String>>;

/// Returns the permissions that the template's policies grant, by operation.
fn granted() -> Rights {
    let text = std::fs::read_to_string(local::Options::shipped_template()).unwrap();
    let template: Value = serde_norway::from_str(&text).unwrap();
    let mut granted = Rights::new();
    for resource in template["Resources"].as_mapping().unwrap().values() {
        if resource["Type"] != "AWS::Serverless::Function" {
            continue;
        }
        let operation = resource["Metadata"]["BuildProperties"]["Binary"]
            .as_str()
            .unwrap();
        let rights = granted.entry(operation.to_owned()).or_default();
        // Without policies, a function may only write its logs.
        let policies = resource["Properties"].get("Policies");
        let statements = policies.map(|policies| policies["Statement"].as_sequence().unwrap());
        for statement in statements.into_iter().flatten() {
            assert_eq!(statement["Effect"], "Allow");
            let resource = serde_norway::to_string(&statement["Resource"]).unwrap();
            assert!(
                !resource.contains("'*'"),
                "{operation} has a permission on every resource: {resource}"
            );
            let index = resource
                .split("/index/")
                .nth(1)
                .map(|name| name.trim().to_owned());
            let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            let keys = keys.as_sequence().into_iter().flatten();
            rights.extend(keys.map(|key| format!("partition {}", key.as_str().unwrap())));
            let actions = match &statement["Action"] {
                Value::Sequence(actions) => actions.clone(),
                action => vec![action.clone()],
            };
            for action in actions {
                let action = action.as_str().unwrap();
                assert!(
                    !action.contains('*'),
                    "{operation} has the wildcard permission {action}"
                );
                rights.insert(match &index {
                    Some(index) => format!("{action} index {index}"),
                    None => action.to_owned(),
                });
            }
        }
    }
    granted
}

/// Returns the permissions that an operation's policy does not grant. With
/// `UPDATE_POLICIES` in the environment none is denied, so that the test of this module
/// prints the policies of the present code.
pub fn denied(operation: &str, rights: &BTreeSet<String>) -> Vec<String> {
    static GRANTED: LazyLock<Option<Rights>> = LazyLock::new(|| {
        let is_enforced = std::env::var_os("UPDATE_POLICIES").is_none();
        is_enforced.then(granted)
    });
    let granted = GRANTED.as_ref().map(|granted| &granted[operation]);
    let denied = granted.map(|granted| rights.difference(granted).cloned().collect());
    denied.unwrap_or_default()
}

/// Adds what the operations have used since the last call; requests outside of an
/// invocation are those of `operation`.
fn note(used: &mut Rights, operation: &str, world: &World) {
    used.entry(operation.to_owned()).or_default();
    for exchange in world.wire.take() {
        let name = exchange.operation.as_deref().unwrap_or(operation);
        let rights = used.entry(name.to_owned()).or_default();
        rights.extend(exchange.rights);
    }
}

/// Returns the permissions that the operations use, over every path through each.
async fn used() -> Rights {
    let mut used = Rights::new();
    for access in access::ACCESS {
        let fixture = access.fixture().await;
        // The cached link key has expired by then, so it is read as in a new process.
        fixture.world.clock.advance(TimeDelta::minutes(5));
        access.prepare(&fixture).await;
        let reply = access.send_as_permitted(&fixture).await;
        assert!(
            (200..300).contains(&reply.status),
            "{}: {}",
            access.operation,
            reply.body
        );
        note(&mut used, access.operation, &fixture.world);
    }

    // A caller with a new address, which an invite holds, takes it over first.
    let members = access::ACCESS.iter().filter(|access| access.is_of_member());
    for access in members {
        let fixture = access.fixture().await;
        let path = format!("{}/invites", fixture.organization);
        let invite = json!({"email": "moved@example.com", "role": "user"});
        fixture.creator.post(&path, invite).await.expect("201");
        fixture.world.drain().await;
        fixture.world.clock.advance(TimeDelta::minutes(5));
        fixture.world.wire.take();
        let caller = access::session(&fixture, access.permitted);
        let renewed = fixture.world.with_address(&caller, "moved@example.com");
        let reply = access.send_as(&fixture, &renewed).await;
        assert!((200..300).contains(&reply.status), "{}", access.operation);
        note(&mut used, access.operation, &fixture.world);
    }

    // A repeated creation reads the organization of the first one.
    let fixture = Fixture::new().await;
    for _ in 0..2 {
        let body = Some(json!({"name": "New"}).to_string());
        let key = [("idempotency-key", "once")];
        let reply = fixture
            .stranger
            .send_with(Method::POST, "/v1/organizations", body, &key)
            .await;
        reply.expect("201");
    }
    note(&mut used, "create-organization", &fixture.world);

    // An address with a pending invite, one with an expired invite, and a limit reached
    // by expired invites; and a repeated request.
    for operation in ["create-invite", "create-invites"] {
        let fixture = Fixture::without_limits().await;
        let path = format!("{}/invites", fixture.organization);
        let invite = async |by: &Session, email: &str| {
            let row = json!({"email": email, "role": "user"});
            match operation {
                "create-invite" => by.post_once(&path, "key", row).await,
                _ => {
                    let batch = format!("{path}/batch");
                    by.post_once(&batch, "key", json!({"invites": [row]})).await
                }
            };
        };
        fixture.world.wire.take();
        invite(&fixture.creator, "dana@example.com").await;
        for n in 0..99 {
            invite(&fixture.creator, &format!("guest{n}@example.com")).await;
        }
        invite(&fixture.creator, "guest98@example.com").await;
        fixture.world.clock.advance(TimeDelta::days(14));
        let creator = fixture.world.sign_in("ada@example.com");
        invite(&creator, "dana@example.com").await;
        invite(&creator, "new@example.com").await;
        note(&mut used, operation, &fixture.world);
    }

    // The response to a demotion lists the member's API keys.
    let fixture = Fixture::new().await;
    let member = format!("{}/members/{}", fixture.organization, fixture.admin.user_id);
    let demoted = fixture.owner.patch(&member, json!({"role": "user"})).await;
    demoted.expect("200");
    note(&mut used, "update-member", &fixture.world);

    // The first use of a key in an hour is written.
    let fixture = Fixture::new().await;
    api_keys::authorize(&fixture.world, &fixture.key)
        .await
        .unwrap();
    note(&mut used, "authorize-api-key", &fixture.world);

    // The server key is read in a new process.
    let fixture = Fixture::new().await;
    fixture.world.wire.take();
    server::authorize(&fixture.world, &fixture.world.server())
        .await
        .unwrap();
    note(&mut used, "authorize-server", &fixture.world);
    webhook::describe(&fixture.world).await;
    note(&mut used, "describe-events", &fixture.world);

    // Email delivery, and expiry with and without a removal by the TTL.
    let fixture = Fixture::new().await;
    fixture
        .creator
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    fixture.world.wire.take();
    fixture.world.clock.advance(TimeDelta::minutes(5));
    fixture.world.drain().await;
    note(&mut used, "deliver-email", &fixture.world);
    fixture
        .creator
        .invite(
            &fixture.organization,
            "bounce@simulator.amazonses.com",
            "user",
        )
        .await;
    fixture.world.drain().await;
    fixture.world.wire.take();
    fixture.world.stack.deliver_events().await;
    note(&mut used, "record-email-delivery", &fixture.world);
    for by_ttl in [false, true] {
        let fixture = Fixture::new().await;
        fixture.world.clock.advance(TimeDelta::days(15));
        if by_ttl {
            fixture.world.stack.sweep_ttl().unwrap();
        }
        fixture.world.stack.run_schedule("expire-invites").await;
        note(&mut used, "expire-invites", &fixture.world);
    }
    // Two concurrent runs: the slower one reads again.
    let fixture = Fixture::new().await;
    fixture.world.clock.advance(TimeDelta::days(14));
    let mut held = fixture.world.wire.hold("TransactWriteItems");
    let run = async || fixture.world.stack.run_schedule("expire-invites").await;
    let meanwhile = async {
        held.arrived().await;
        run().await;
        held.release();
    };
    tokio::join!(run(), meanwhile);
    note(&mut used, "expire-invites", &fixture.world);

    // A purge, with an id in the product.
    let fixture = Fixture::new().await;
    let named = json!({"external_id": "team_1"});
    let server = fixture.world.server();
    server
        .patch(&fixture.managed(), named.clone())
        .await
        .expect("200");
    fixture.world.wire.take();
    server
        .patch(&fixture.managed(), json!({"external_id": "team_2"}))
        .await
        .expect("200");
    note(&mut used, "update-organization", &fixture.world);
    server
        .get("/v1/server/organizations?external_id=team_2")
        .await
        .expect("200");
    note(&mut used, "find-organizations", &fixture.world);
    fixture
        .owner
        .delete(&fixture.organization)
        .await
        .expect("200");
    fixture.world.clock.advance(TimeDelta::days(30));
    fixture.world.wire.take();
    fixture
        .world
        .stack
        .run_schedule("purge-organizations")
        .await;
    note(&mut used, "purge-organizations", &fixture.world);

    // An API key that a repeated request finds, and one of an earlier system.
    let fixture = Fixture::new().await;
    fixture.owner.get(&fixture.organization).await.expect("200");
    let server = fixture.world.server();
    server.get(&fixture.managed()).await.expect("200");
    fixture.world.wire.take();
    for _ in 0..2 {
        let create = access::access("create-api-key").send_once(&fixture);
        create.await.expect("201");
        note(&mut used, "create-api-key", &fixture.world);
        let import = access::access("import-api-keys").send_once(&fixture);
        import.await.expect("200");
        note(&mut used, "import-api-keys", &fixture.world);
    }

    // A key of an earlier system is imported, used, revoked and purged.
    let fixture = Fixture::new().await;
    for text in ["img_live_revoked_0001", "img_live_purged_0001"] {
        let key = imported_keys::imported(&fixture, imported_keys::row(text)).await;
        let client = imported_keys::client(&fixture.world, text);
        client.get("/v1/usage").await.expect("200");
        if text.contains("revoked") {
            let path = format!(
                "{}/api-keys/{}",
                fixture.organization,
                key["id"].as_str().unwrap()
            );
            fixture.owner.delete(&path).await.expect("204");
        }
    }
    let email = "/v1/server/organizations?email=ada@example.com";
    fixture.world.server().get(email).await.expect("200");
    fixture
        .owner
        .delete(&fixture.organization)
        .await
        .expect("200");
    fixture.world.clock.advance(TimeDelta::days(30));
    fixture
        .world
        .stack
        .run_schedule("purge-organizations")
        .await;
    note(&mut used, "purge-organizations", &fixture.world);

    // All credits are used, fast and by more than one process grants, and given back.
    let fixture = Fixture::new().await;
    for number in 0..50 {
        crate::usage::render(&fixture.api_client, &number.to_string(), 1)
            .await
            .expect("200");
    }
    let refund = json!({"idempotency_key": "1", "credits": 1});
    crate::usage::refund(&fixture.api_client, refund.clone())
        .await
        .expect("200");
    let server = fixture.world.server();
    let path = format!("{}/usage/refunds", fixture.managed());
    server.post(&path, refund).await.expect("200");
    fixture.bill().await;
    crate::billing_reports::bounce(&fixture).await;
    note(&mut used, "record-usage", &fixture.world);

    // A lost creator is replaced, and somebody with an invite is added.
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    server.get(&fixture.managed()).await.expect("200");
    fixture.world.wire.take();
    let to = json!({"user_id": fixture.owner.user_id});
    let path = format!("{}/creator", fixture.managed());
    server.put(&path, to).await.expect("200");
    note(&mut used, "change-creator", &fixture.world);
    let dana = json!({"members": [
        {"user_id": "dana", "email": "dana@example.com", "role": "user"},
    ]});
    let path = format!("{}/members", fixture.managed());
    server.post(&path, dana).await.expect("200");
    note(&mut used, "add-members", &fixture.world);
    email_reports::pause(&fixture).await;
    fixture.world.wire.take();
    let path = format!("{}/invite-pause", fixture.managed());
    server.delete(&path).await.expect("204");
    note(&mut used, "lift-invite-pause", &fixture.world);

    // An opt-out that pauses the invites, and its end.
    let fixture = Fixture::new().await;
    let path = format!(
        "/v1/opt-outs/{}",
        fixture.world.opt_out_token("dana@example.com")
    );
    fixture.world.wire.take();
    let nobody = fixture.world.nobody();
    nobody.post_empty(&path).await.expect("204");
    note(&mut used, "opt-out-of-invites", &fixture.world);
    nobody.delete(&path).await.expect("204");
    note(&mut used, "opt-in-to-invites", &fixture.world);

    // A person with a key and an invite is erased, after they have left.
    for has_left in [false, true] {
        let fixture = Fixture::new().await;
        let server = fixture.world.server();
        server.get(&fixture.managed()).await.expect("200");
        let other = fixture.elsewhere().await;
        fixture
            .outsider
            .invite(&other, "anna@example.com", "user")
            .await;
        fixture.world.wire.take();
        if has_left {
            let member = format!("{}/members/{}", fixture.organization, fixture.admin.user_id);
            fixture.admin.delete(&member).await.expect("200");
            note(&mut used, "remove-member", &fixture.world);
        }
        let path = format!("/v1/server/people/{}", fixture.admin.user_id);
        server.delete(&path).await.expect("204");
        note(&mut used, "erase-person", &fixture.world);
    }

    // Suspension is written once, and a restoration of what is deleted.
    let fixture = Fixture::new().await;
    let suspension = format!("{}/suspension", fixture.managed());
    let server = fixture.world.server();
    let reason = json!({"reason": "Abuse."});
    server.put(&suspension, reason).await.expect("200");
    fixture.world.wire.take();
    server.delete(&suspension).await.expect("200");
    note(&mut used, "unsuspend-organization", &fixture.world);
    fixture
        .owner
        .delete(&fixture.organization)
        .await
        .expect("200");
    fixture.world.wire.take();
    let restore = format!("{}/restore", fixture.organization);
    fixture.owner.post_empty(&restore).await.expect("200");
    note(&mut used, "restore-organization", &fixture.world);

    // A second use of credits, plan changes at once and when due, and invoices.
    let fixture = Fixture::new().await;
    access::access("record-usage").prepare(&fixture).await;
    for key in ["first", "second"] {
        crate::usage::render(&fixture.api_client, key, 1)
            .await
            .expect("200");
    }
    note(&mut used, "record-usage", &fixture.world);
    fixture.change_plan("pro", "now").await;
    note(&mut used, "update-billing", &fixture.world);
    fixture.change_plan("basic", "period_end").await;
    fixture.world.clock.advance(TimeDelta::days(31));
    fixture.world.wire.take();
    fixture.world.stack.run_schedule("apply-plan-changes").await;
    note(&mut used, "apply-plan-changes", &fixture.world);
    fixture
        .payment_event("billing.payment_failed", json!({}))
        .await;
    let plan = json!({"plan": "scale"});
    fixture.payment_event("billing.plan_changed", plan).await;
    note(&mut used, "record-billing-event", &fixture.world);
    fixture.world.drain().await;
    note(&mut used, "deliver-email", &fixture.world);
    used
}

/// Returns the policy that grants these permissions, ready to paste into the template.
fn policy(rights: &BTreeSet<String>) -> String {
    let mut by_resource: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut partitions = Vec::new();
    for right in rights {
        if let Some(partition) = right.strip_prefix("partition ") {
            partitions.push(partition);
            continue;
        }
        let (action, index) = match right.split_once(" index ") {
            Some((action, index)) => (action, Some(index)),
            None => (right.as_str(), None),
        };
        let resource = match (action.split(':').next().unwrap(), index) {
            (_, Some(index)) => format!("!Sub ${{Table.Arn}}/index/{index}"),
            ("dynamodb", None) => TABLE.to_owned(),
            ("secretsmanager", None) => "!Ref LinkKey".to_owned(),
            // These are the sender's identity and its configuration set.
            (service, None) => format!("# the {service} resources of DeliverEmail"),
        };
        by_resource.entry(resource).or_default().push(action);
    }
    let mut text =
        "      Policies:\n        Version: \"2012-10-17\"\n        Statement:\n".to_owned();
    for (resource, actions) in by_resource {
        text.push_str("          - Effect: Allow\n");
        match actions.as_slice() {
            [action] => text.push_str(&format!("            Action: {action}\n")),
            actions => {
                text.push_str("            Action:\n");
                for action in actions {
                    text.push_str(&format!("              - {action}\n"));
                }
            }
        }
        text.push_str(&format!("            Resource: {resource}\n"));
        if resource == TABLE {
            text.push_str(
                "            Condition:\n              ForAllValues:StringLike:\n                \
                 dynamodb:LeadingKeys:\n",
            );
            for partition in &partitions {
                text.push_str(&format!("                  - {partition}\n"));
            }
        }
    }
    text
}

#[test]
fn printed_policy_has_the_form_of_the_template() {
    let rights = [
        "dynamodb:Query index expiry",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "partition ORG#*",
        "partition USER#*",
    ];
    let expected = "      Policies:\n        Version: \"2012-10-17\"\n        Statement:\n          \
        - Effect: Allow\n            Action:\n              - dynamodb:GetItem\n              \
        - dynamodb:PutItem\n            Resource: !GetAtt Table.Arn\n            \
        Condition:\n              ForAllValues:StringLike:\n                \
        dynamodb:LeadingKeys:\n                  - ORG#*\n                  - USER#*\n          \
        - Effect: Allow\n            Action: dynamodb:Query\n            \
        Resource: !Sub ${Table.Arn}/index/expiry\n";
    assert_eq!(policy(&rights.map(str::to_owned).into()), expected);
}

#[tokio::test]
async fn granted_permissions_match_the_aws_calls() {
    let (granted, used) = (granted(), used().await);
    assert!(used.values().any(|rights| !rights.is_empty()));
    let mut wrong = Vec::new();
    for (operation, used) in &used {
        let granted = &granted[operation];
        let missing: Vec<_> = used.difference(granted).collect();
        let needless: Vec<_> = granted.difference(used).collect();
        if !missing.is_empty() || !needless.is_empty() {
            wrong.push(format!(
                "{operation} lacks {missing:?} and does not need {needless:?}; its policy is:\n{}",
                policy(used)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        granted.keys().collect::<Vec<_>>(),
        used.keys().collect::<Vec<_>>()
    );
}
