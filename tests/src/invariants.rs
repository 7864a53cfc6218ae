//! Invariants of the table, which hold after any sequence of requests and faults.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::harness::World;

/// The table's items, by partition and sort key.
type Table<'a> = BTreeMap<(String, String), &'a Value>;

fn at<'a>(table: &Table<'a>, pk: &str, sk: &str) -> Option<&'a Value> {
    table.get(&(pk.to_owned(), sk.to_owned())).copied()
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {item}"))
}

/// Asserts every invariant on the whole table.
pub async fn hold(world: &World) {
    let items = world.items().await;
    let by_key: Table<'_> = items
        .iter()
        .map(|item| {
            (
                (text(item, "pk").to_owned(), text(item, "sk").to_owned()),
                item,
            )
        })
        .collect();
    let organizations: BTreeSet<&String> = by_key
        .keys()
        .filter(|(_, sk)| sk == "ORGANIZATION")
        .map(|(pk, _)| pk)
        .collect();
    assert!(!organizations.is_empty(), "the table is empty");
    for organization in organizations {
        check_organization(&by_key, organization, world.clock.now());
        check_credits(&by_key, organization);
    }
    for ((pk, sk), item) in &by_key {
        if let (Some(user), true) = (pk.strip_prefix("USER#"), sk.starts_with("ORG#")) {
            let member = at(&by_key, sk, &format!("MEMBER#{user}"));
            assert!(
                member.is_some(),
                "a pointer without a membership: {pk} {sk}"
            );
        }
        let json = item.to_string();
        let keys = json.split("osk_").skip(1);
        for key in keys {
            let secret = key.chars().take_while(char::is_ascii_alphanumeric);
            assert!(secret.count() < 20, "a secret in the table: {pk} {sk}");
        }
        if pk.starts_with("AUDIT#") {
            let log = json;
            assert!(!log.contains("hash"), "a hash in the audit log: {log}");
            assert!(!log.contains("/invites/"), "a link in the audit log: {log}");
            assert!(!log.contains('@'), "an address in the audit log: {log}");
            let actor = &item["actor"]["M"];
            assert!(actor["name"].is_null(), "a person's name in {log}");
            let subject = &item["subject"]["M"];
            let is_person = ["member", "invite"].contains(&text(subject, "kind"));
            assert!(!is_person || subject["name"].is_null(), "a name in {log}");
        }
    }
}

fn number(value: &Value) -> u64 {
    let number = value["N"].as_str();
    number.map_or(0, |number| number.parse().unwrap())
}

/// Asserts that the counters' remaining and used credits add up to the allocation,
/// which never exceeds the period's credits.
fn check_credits(by_key: &Table<'_>, pk: &str) {
    let id = pk.strip_prefix("ORG#").unwrap();
    let counter = |n: u8| at(by_key, &format!("USAGE#{id}#{n}"), "COUNTER");
    let counters: Vec<&Value> = (0..16).filter_map(counter).collect();
    let billing = at(by_key, &format!("BILLING#{id}"), "BILLING");
    let meter = billing.map_or(&Value::Null, |billing| &billing["meter"]["M"]);
    if meter.is_null() {
        assert!(counters.is_empty(), "counters without a meter");
        return;
    }
    assert_eq!(counters.len() as u64, number(&meter["counters"]));
    let start: DateTime<Utc> = text(meter, "period_start").parse().unwrap();
    let day = start.timestamp().div_euclid(86_400).to_string();
    let (mut left, mut used) = (0, 0);
    for counter in counters {
        assert_eq!(
            number(&counter["generation"]),
            number(&meter["generation"]),
            "a counter of another allocation"
        );
        left += number(&counter["left"]);
        used += number(&counter["periods"]["M"][&day]);
    }
    let credits = number(&meter["credits"]);
    let levels = [
        ("low", (credits * 4).div_ceil(5) - 1),
        ("high", credits - 1),
        ("full", credits),
    ];
    let reached = match used {
        _ if used >= credits => 2,
        _ if used * 5 >= credits * 4 => 1,
        _ => 0,
    };
    // A refund leaves the level, except the last one.
    let level = levels
        .iter()
        .position(|(level, _)| *level == text(meter, "level"));
    let level = level.unwrap();
    assert!(
        level >= reached && (level == 2) == (reached == 2),
        "{used} of {credits}"
    );
    let (_, allocated) = levels[level];
    assert_eq!(left, allocated.saturating_sub(used), "{used} of {credits}");
}

/// Asserts the invariants of one organization.
fn check_organization(by_key: &Table<'_>, pk: &str, now: DateTime<Utc>) {
    let under = |prefix: &str| -> Vec<(&str, &Value)> {
        by_key
            .iter()
            .filter(|((at, _), _)| at == pk)
            .filter_map(|((_, sk), item)| Some((sk.strip_prefix(prefix)?, *item)))
            .collect()
    };
    let address = |item: &Value| {
        let email = text(item, "email").to_lowercase();
        let found = at(by_key, &format!("EMAIL#{email}"), pk);
        found
            .unwrap_or_else(|| panic!("no address record for {item}"))
            .clone()
    };

    let mut creators = 0;
    let mut addresses = BTreeSet::new();
    for (user, member) in under("MEMBER#") {
        let pointer = at(by_key, &format!("USER#{user}"), pk);
        assert!(pointer.is_some(), "{user} has no pointer");
        let holder = address(member)["holder"]["M"].clone();
        assert_eq!(text(&holder, "kind"), "member", "{user}'s address");
        assert_eq!(text(&holder, "user_id"), user, "{user}'s address");
        assert!(
            addresses.insert(text(member, "email").to_lowercase()),
            "a duplicate address"
        );
        if member["is_creator"]["BOOL"].as_bool().unwrap() {
            creators += 1;
            assert_eq!(text(member, "role"), "owner", "the creator");
            assert!(
                member["receives_billing_emails"]["BOOL"].as_bool().unwrap(),
                "the creator"
            );
        }
    }
    assert_eq!(creators, 1, "{pk}");

    for (id, invite) in under("INVITE#") {
        let holder = address(invite)["holder"]["M"].clone();
        assert_eq!(text(&holder, "kind"), "invite", "the address of {id}");
        assert_eq!(text(&holder, "invite_id"), id);
        for field in [
            "role",
            "receives_billing_emails",
            "invited_by",
            "created_at",
            "expires_at",
            "sent_at",
            "times_sent",
        ] {
            assert_eq!(holder[field], invite[field], "{field} of {id}");
        }
        assert!(invite["expiry_shard"].is_null(), "{id} is in the index");
    }

    // Address locks determine the count: the TTL never removes one that is held.
    let (mut outstanding, mut pointers) = (0_u64, 0);
    for ((at_address, sk), record) in by_key {
        if sk != pk || !at_address.starts_with("EMAIL#") {
            continue;
        }
        let holder = &record["holder"]["M"];
        let held = text(holder, "kind") == "invite";
        assert_eq!(record["expiry_shard"].is_object(), held, "{at_address}");
        if !held {
            continue;
        }
        outstanding += 1;
        assert!(record["ttl"].is_null(), "{at_address}");
        let expires: DateTime<Utc> = text(holder, "expires_at").parse().unwrap();
        assert_eq!(
            record["expires_at_seconds"]["N"],
            expires.timestamp().to_string(),
            "{at_address}"
        );
        let id = text(holder, "invite_id");
        pointers += 1;
        let pointer = at(by_key, at_address, &format!("INVITE#{id}"));
        let pointer = pointer.unwrap_or_else(|| panic!("no pointer to {id}"));
        assert_eq!(format!("ORG#{}", text(pointer, "organization_id")), pk);
        assert!(
            at(by_key, pk, &format!("ENDED_INVITE#{id}")).is_none(),
            "{id} has ended but still holds {at_address}"
        );
        let removed_by_ttl = expires + TimeDelta::days(1) <= now;
        assert!(
            removed_by_ttl || at(by_key, pk, &format!("INVITE#{id}")).is_some(),
            "no invite for {at_address}"
        );
    }
    let organization = pk.strip_prefix("ORG#").unwrap();
    let pointed = by_key.iter().filter(|((at_address, sk), item)| {
        at_address.starts_with("EMAIL#")
            && sk.starts_with("INVITE#")
            && text(item, "organization_id") == organization
    });
    assert_eq!(pointed.count(), pointers, "the pointers to pending invites");
    for (id, ended) in under("ENDED_INVITE#") {
        let email = text(&ended["invite"]["M"], "email").to_lowercase();
        let pointer = at(
            by_key,
            &format!("EMAIL#{email}"),
            &format!("ENDED_INVITE#{id}"),
        );
        assert_eq!(
            pointer.map(|item| &item["ttl"]),
            Some(&ended["ttl"]),
            "{id}"
        );
    }
    let counts = at(by_key, pk, "COUNTS").unwrap_or(&Value::Null);
    let counted = number(&counts["outstanding_invites"]);
    assert_eq!(counted, outstanding, "the count of outstanding invites");

    let keys = under("API_KEY#");
    let counted = number(&counts["api_keys"]);
    assert_eq!(counted, keys.len() as u64, "the count of API keys");
    assert!(counted <= 50, "{counted} API keys");
    // INVARIANT: the hash of an imported key leads to it, and no other hash to anything.
    let id = pk.trim_start_matches("ORG#");
    let pointed = by_key.iter().filter(|((pk, _), pointer)| {
        pk.starts_with("API_KEY_HASH#") && text(pointer, "organization_id") == id
    });
    let pointed: BTreeSet<_> = pointed
        .map(|((pk, _), pointer)| {
            let hash = pk.trim_start_matches("API_KEY_HASH#");
            (text(pointer, "api_key_id"), hash)
        })
        .collect();
    let imported: BTreeSet<_> = keys
        .iter()
        .filter_map(|(id, key)| Some((*id, key["imported_hash"]["S"].as_str()?)))
        .collect();
    assert_eq!(pointed, imported, "the pointers to imported keys");

    // The log records every change exactly once.
    let log = pk.replace("ORG#", "AUDIT#");
    let mut logged: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for ((pk, _), event) in by_key {
        if *pk == log {
            *logged
                .entry((text(event, "kind"), text(&event["subject"]["M"], "id")))
                .or_default() += 1;
        }
    }
    let count = |kind: &str, id: &str| logged.get(&(kind, id)).copied().unwrap_or_default();
    for (user, _) in under("MEMBER#") {
        let added = count("member.added", user);
        assert_eq!(
            added,
            count("member.removed", user) + 1,
            "{user} in the log"
        );
    }
    for (id, _) in keys {
        assert_eq!(count("api_key.created", id), 1, "{id} in the log");
        assert_eq!(count("api_key.revoked", id), 0, "{id} in the log");
    }
    for (id, _) in under("INVITE#") {
        assert_eq!(count("invite.created", id), 1, "{id} in the log");
    }
    for (id, ended) in under("ENDED_INVITE#") {
        assert_eq!(count("invite.created", id), 1, "{id} in the log");
        let outcome = format!("invite.{}", text(ended, "outcome"));
        assert_eq!(count(&outcome, id), 1, "{outcome} of {id} in the log");
        let all = [
            "invite.accepted",
            "invite.declined",
            "invite.cancelled",
            "invite.expired",
        ];
        let ends: usize = all.iter().map(|kind| count(kind, id)).sum();
        assert_eq!(ends, 1, "ends of {id} in the log");
    }
}
