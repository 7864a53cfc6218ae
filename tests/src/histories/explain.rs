//! Checks a history: the table, the log and the replies tell the same story.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{
    replay::{Line, Replay, Terms},
    run::{History, Outcome, Performed, name_of},
    script::{PEOPLE, Step, masked},
};
use crate::harness::World;

type Checked<T = ()> = Result<T, String>;

/// Reads the whole audit log, oldest first by id.
pub async fn read_log(history: &History) -> Checked<Vec<Line>> {
    let world = &history.world;
    let creator = world.sign_in_as(local::SignIn {
        user_id: PEOPLE[0].to_owned(),
        ..local::SignIn::with_email("ada@example.com")
    });
    let path = format!(
        "/v1/organizations/{}/audit-events?limit=100",
        history.organization_id
    );
    let mut lines = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = creator.get(&format!("{path}{cursor}")).await.expect("200");
        let events = page["items"].as_array().unwrap().iter().map(|event| {
            let mut event = event.clone();
            // The log shows the address of an invite only while the invite is kept.
            let id = event["subject"]["id"].as_str().unwrap();
            if let Some(address) = history.addresses.get(id) {
                event["subject"]["email"] = address.as_str().into();
            }
            Line::of(&event)
        });
        lines.extend(events);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    lines.reverse();
    if !lines.is_sorted_by(|one, next| one.id < next.id) {
        return Err("the API does not list the log by id".to_owned());
    }
    Ok(lines)
}

/// Checks a history whose log was read.
///
/// # Errors
/// Tells the first contradiction.
pub async fn check(history: &History, lines: &[Line]) -> Checked {
    let replay = Replay::of(lines, &masked(0))?;
    if !lines.is_sorted_by_key(|line| line.at) {
        return Err("the times of the log go back, though the clock has not".to_owned());
    }
    let items = Items::read(&history.world, &history.organization_id).await;
    items.compare(&replay)?;
    check_lines(history, lines)?;
    check_replies(history, lines, &replay)?;
    check_credits(history, &items)?;
    check_creations(history)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, table: T, log: T) -> Checked {
    if table == log {
        Ok(())
    } else {
        Err(format!(
            "{what}: the table has {table:?}, the log explains {log:?}"
        ))
    }
}

/// The items of the organization.
struct Items {
    id: String,
    items: Vec<Value>,
}

fn text(item: &Value, name: &str) -> String {
    item[name]["S"].as_str().unwrap_or_default().to_owned()
}

fn terms(item: &Value) -> Terms {
    Terms {
        role: text(item, "role"),
        billing_emails: item["receives_billing_emails"]["BOOL"].as_bool().unwrap(),
    }
}

impl Items {
    async fn read(world: &World, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            items: world.items().await,
        }
    }

    /// Returns the items of the organization's partition, by what follows a prefix.
    fn under(&self, prefix: &str) -> BTreeMap<String, &Value> {
        let partition = format!("ORG#{}", self.id);
        let items = self
            .items
            .iter()
            .filter(|item| text(item, "pk") == partition);
        items
            .filter_map(|item| {
                let sk = text(item, "sk");
                Some((sk.strip_prefix(prefix)?.to_owned(), item))
            })
            .collect()
    }

    fn one(&self, pk: &str, sk: &str) -> Option<&Value> {
        let is_it = |item: &&Value| text(item, "pk") == pk && text(item, "sk") == sk;
        self.items.iter().find(is_it)
    }

    fn compare(&self, replay: &Replay) -> Checked {
        let members = self.under("MEMBER#").into_iter();
        let members: BTreeMap<String, Terms> =
            members.map(|(user, item)| (user, terms(item))).collect();
        same("the members", &members, &replay.members)?;

        let partition = format!("ORG#{}", self.id);
        let addresses = self
            .items
            .iter()
            .filter(|item| text(item, "sk") == partition && text(item, "pk").starts_with("EMAIL#"));
        let holders: Vec<&Value> = addresses.map(|item| &item["holder"]["M"]).collect();
        let of_kind = |kind: &'static str| {
            let holders = holders.iter().copied();
            holders.filter(move |holder| text(holder, "kind") == kind)
        };
        let people = of_kind("member").map(|holder| text(holder, "user_id"));
        let people: BTreeSet<String> = people.collect();
        let members: BTreeSet<String> = replay.members.keys().cloned().collect();
        same("the members with an address", people, members)?;
        let held = of_kind("invite");
        let invites: BTreeMap<String, _> = held
            .map(|holder| {
                let inviter = text(&holder["invited_by"]["M"], "id");
                let times_sent = holder["times_sent"]["N"].as_str().unwrap().to_owned();
                (
                    text(holder, "invite_id"),
                    (terms(holder), inviter, times_sent),
                )
            })
            .collect();
        let logged = replay.invites.iter().map(|(id, invite)| {
            let times_sent = invite.times_sent.to_string();
            (
                id.clone(),
                (invite.terms.clone(), invite.inviter.clone(), times_sent),
            )
        });
        same("the pending invites", invites, logged.collect())?;
        for (id, item) in self.under("ENDED_INVITE#") {
            let outcome = replay.ended.get(&id).cloned().unwrap_or_default();
            same("the end of an invite", text(item, "outcome"), outcome)?;
        }

        let keys = self.under("API_KEY#");
        let of_table: Vec<_> = keys
            .iter()
            .map(|(id, key)| (id.clone(), text(key, "name"), text(key, "expires_at")))
            .collect();
        let of_log: Vec<_> = replay
            .keys
            .iter()
            .map(|(id, key)| {
                let expires_at = key.expires_at.clone().unwrap_or_default();
                (id.clone(), key.name.clone(), expires_at)
            })
            .collect();
        same("the API keys", of_table, of_log)?;
        for (id, key) in keys {
            if let Some(hint) = &replay.keys[&id].hint {
                same("the hint of a key", &text(key, "hint"), hint)?;
            }
        }

        let organization = self.under("ORGANIZATION");
        same("the name", &text(organization[""], "name"), &replay.name)?;
        let billing = self.one(&format!("BILLING#{}", self.id), "BILLING");
        if let Some(billing) = billing {
            same("the plan", &text(&billing["plan"]["M"], "id"), &replay.plan)?;
            let next_plan = &billing["next_plan"]["M"]["plan"]["M"];
            let next_plan = next_plan["id"]["S"].as_str();
            same("the next plan", next_plan, replay.next_plan.as_deref())?;
            let company = billing["details"]["M"]["company_name"]["S"].as_str();
            same("the company", company, replay.company.as_deref())?;
        } else {
            same("the plan", "free", &replay.plan)?;
        }
        Ok(())
    }

    /// Returns the credits that the counters have recorded, by the period's month.
    fn used(&self) -> BTreeMap<String, u64> {
        let mut used = BTreeMap::new();
        let prefix = format!("USAGE#{}#", self.id);
        for item in &self.items {
            if !text(item, "pk").starts_with(&prefix) || text(item, "sk") != "COUNTER" {
                continue;
            }
            for (day, credits) in item["periods"]["M"].as_object().unwrap() {
                let seconds = day.parse::<i64>().unwrap() * 86_400;
                let start = DateTime::from_timestamp(seconds, 0).unwrap();
                let credits: u64 = credits["N"].as_str().unwrap().parse().unwrap();
                *used.entry(month(start)).or_default() += credits;
            }
        }
        used.retain(|_, credits| *credits > 0);
        used
    }
}

fn month(at: DateTime<Utc>) -> String {
    at.format("%Y-%m").to_string()
}

/// How many lines of a kind, actor and subject there have to be, and may be.
#[derive(Debug, Default)]
struct Expected {
    least: usize,
    most: usize,
}

/// Checks that each line was asked for, and that each request that had to write a
/// line has written it: once each. So a refused request has left nothing.
fn check_lines(history: &History, lines: &[Line]) -> Checked {
    let mut expected: BTreeMap<(&str, String, String), Expected> = BTreeMap::new();
    let organization = &history.organization_id;
    for (kind, subject) in [
        ("organization.created", organization.as_str()),
        ("member.added", PEOPLE[0]),
    ] {
        let key = (kind, PEOPLE[0].to_owned(), subject.to_owned());
        expected.insert(key, Expected { least: 1, most: 1 });
    }
    for performed in &history.performed {
        let outcome = performed.outcome();
        if outcome == Outcome::Refused {
            continue;
        }
        let (certain, possible) = lines_of(performed, organization);
        for (kind, actor, subject) in certain {
            let expected = expected.entry((kind, actor, subject)).or_default();
            expected.least += usize::from(outcome == Outcome::Success);
            expected.most += 1;
        }
        for (kind, actor, subject) in possible {
            expected.entry((kind, actor, subject)).or_default().most += 1;
        }
    }
    let mut found: BTreeMap<(&str, String, String), usize> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.actor != "system") {
        let subject = match line.kind.as_str() {
            "invite.created" | "api_key.created" => &line.name,
            _ => &line.subject,
        };
        let key = (line.kind.as_str(), line.actor.clone(), subject.clone());
        *found.entry(key).or_default() += 1;
    }
    let keys: BTreeSet<_> = found.keys().chain(expected.keys()).cloned().collect();
    for key in keys {
        let count = found.get(&key).copied().unwrap_or_default();
        let none = Expected::default();
        let Expected { least, most } = expected.get(&key).unwrap_or(&none);
        if count < *least || count > *most {
            let asked = format!("the replies explain {least} to {most}");
            return Err(format!("{key:?} has {count} lines in the log; {asked}"));
        }
    }
    Ok(())
}

type LineKey = (&'static str, String, String);

/// Returns the lines that a request writes with certainty if it succeeds, and those
/// that it may write.
fn lines_of(performed: &Performed, organization: &str) -> (Vec<LineKey>, Vec<LineKey>) {
    let person = |by: usize| PEOPLE[by].to_owned();
    let target = performed.target.clone();
    let billing = organization.to_owned();
    match &performed.step {
        Step::Invite { by, to, .. } => (vec![("invite.created", person(*by), masked(*to))], vec![]),
        Step::UpdateInvite { by, .. } => (vec![], vec![("invite.updated", person(*by), target)]),
        Step::Resend { by, .. } => (vec![("invite.resent", person(*by), target)], vec![]),
        Step::Cancel { by, .. } => (vec![], vec![("invite.cancelled", person(*by), target)]),
        Step::Accept { by, .. } => {
            let added = ("member.added", person(*by), person(*by));
            (
                vec![],
                vec![("invite.accepted", person(*by), target), added],
            )
        }
        Step::Decline { by, .. } => (vec![], vec![("invite.declined", person(*by), target)]),
        Step::DeclineByLink { .. } => {
            let holder = "link_holder".to_owned();
            (
                vec![],
                vec![("invite.declined", holder, invite_of(&target))],
            )
        }
        Step::UpdateMember {
            by,
            of,
            role,
            billing_emails,
        } => {
            let kinds = [
                role.map(|_| "member.role_changed"),
                billing_emails.map(|_| "member.billing_emails_changed"),
            ];
            let kinds = kinds.into_iter().flatten();
            let possible = kinds.map(|kind| (kind, person(*by), person(*of)));
            (vec![], possible.collect())
        }
        Step::Remove { by, of } => (vec![("member.removed", person(*by), person(*of))], vec![]),
        Step::Rename { by, .. } => (vec![], vec![("organization.updated", person(*by), billing)]),
        Step::CreateKey { by, name, .. } => (
            vec![("api_key.created", person(*by), name_of(*name))],
            vec![],
        ),
        Step::RenameKey { by, .. } => (vec![], vec![("api_key.updated", person(*by), target)]),
        Step::RotateKey { by, .. } => (vec![("api_key.rotated", person(*by), target)], vec![]),
        Step::RevokeKey { by, .. } => (vec![("api_key.revoked", person(*by), target)], vec![]),
        Step::ChangePlan { by, at_once, .. } => {
            let kind = if *at_once {
                "billing.plan_changed"
            } else {
                "billing.plan_change_scheduled"
            };
            let kinds = [kind, "billing.plan_change_cancelled"].into_iter();
            let possible = kinds.map(|kind| (kind, person(*by), billing.clone()));
            (vec![], possible.collect())
        }
        Step::ChangeCompany { by, .. } => (
            vec![],
            vec![("billing.details_updated", person(*by), billing)],
        ),
        Step::UseCredits { .. }
        | Step::Switch { .. }
        | Step::CreateOrganization { .. }
        | Step::RunSchedule(_)
        | Step::DeliverEmails
        | Step::SweepTtl => (vec![], vec![]),
    }
}

/// Returns the id of the invite that a link's token names.
fn invite_of(token: &str) -> String {
    let token = domain::InviteToken::parse(token).unwrap();
    token.invite_id.to_string()
}

/// Checks that what each success says has been so, according to the log.
fn check_replies(history: &History, lines: &[Line], replay: &Replay) -> Checked {
    for performed in &history.performed {
        let body = &performed.reply.body;
        let explained = match (performed.outcome(), &performed.step) {
            (Outcome::Unknown, _) if performed.reply.body["code"] == "internal_error" => false,
            (Outcome::Refused | Outcome::Unknown, _) => true,
            (_, Step::Invite { .. }) => {
                let id = text_of(body, "id");
                let is_it = |line: &&Line| line.kind == "invite.created" && line.subject == id;
                lines.iter().filter(is_it).count() == 1
            }
            (_, Step::UpdateInvite { .. }) => {
                let terms = terms_of(body);
                replay.seen_invites.contains(&(text_of(body, "id"), terms))
            }
            (_, Step::Cancel { .. }) => replay
                .ended
                .get(&performed.target)
                .is_some_and(|how| how == "cancelled"),
            (_, Step::Decline { .. }) => replay
                .ended
                .get(&performed.target)
                .is_some_and(|how| how == "declined"),
            (_, Step::DeclineByLink { .. }) => {
                let ended = replay.ended.get(&invite_of(&performed.target));
                ended.is_some_and(|how| how == "declined")
            }
            (_, Step::Accept { by, .. }) => {
                let accepted = lines.iter().any(|line| {
                    line.kind == "invite.accepted"
                        && line.subject == performed.target
                        && line.actor == PEOPLE[*by]
                });
                let member = &body["member"];
                let state = (text_of(member, "user_id"), terms_of(member));
                accepted && replay.seen_members.contains(&state)
            }
            (_, Step::UpdateMember { .. }) => {
                let state = (text_of(body, "user_id"), terms_of(body));
                replay.seen_members.contains(&state)
            }
            (_, Step::Rename { .. }) => replay.seen_names.contains(&text_of(body, "name")),
            (_, Step::RenameKey { .. }) => {
                let state = (text_of(body, "id"), text_of(body, "name"));
                replay.seen_key_names.contains(&state)
            }
            (_, Step::ChangePlan { .. }) => {
                replay.seen_plans.contains(&text_of(&body["plan"], "id"))
            }
            _ => true,
        };
        if !explained {
            return Err(format!(
                "round {}, {}: the log does not explain {} {body}",
                performed.round,
                performed.step,
                performed.reply.outcome(),
            ));
        }
    }
    Ok(())
}

fn text_of(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_default().to_owned()
}

fn terms_of(body: &Value) -> Terms {
    Terms {
        role: text_of(body, "role"),
        billing_emails: body["receives_billing_emails"]
            .as_bool()
            .unwrap_or_default(),
    }
}

/// Checks that the credits used are those of the distinct successful requests, and
/// that none was beyond the plan's.
fn check_credits(history: &History, items: &Items) -> Checked {
    let memory = TimeDelta::hours(24);
    let mut charges: BTreeMap<usize, (DateTime<Utc>, Value)> = BTreeMap::new();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for performed in &history.performed {
        let (Step::UseCredits { request, .. }, Outcome::Success) =
            (&performed.step, performed.outcome())
        else {
            continue;
        };
        let body = &performed.reply.body;
        let number = |name: &str| body[name].as_u64().unwrap();
        if number("used") > number("allowed") {
            return Err(format!("more was used than the plan allows: {body}"));
        }
        match charges.get(request) {
            Some((at, first)) if performed.at < *at + memory => {
                same("a repeated use of credits", body, first)?;
            }
            _ => {
                charges.insert(*request, (performed.at, body.clone()));
                *expected.entry(month(performed.at)).or_default() += number("consumed");
            }
        }
    }
    same("the credits used in each period", items.used(), expected)
}

/// Checks that a repeated creation of an organization returned the first one.
fn check_creations(history: &History) -> Checked {
    let mut created: BTreeMap<(usize, usize), (DateTime<Utc>, String)> = BTreeMap::new();
    for performed in &history.performed {
        let (Step::CreateOrganization { by, request }, Outcome::Success) =
            (&performed.step, performed.outcome())
        else {
            continue;
        };
        let id = text_of(&performed.reply.body, "id");
        match created.get(&(*by, *request)) {
            Some((at, first)) if performed.at < *at + TimeDelta::hours(24) => {
                same("a repeated creation", &id, first)?;
            }
            _ => {
                created.insert((*by, *request), (performed.at, id));
            }
        }
    }
    Ok(())
}
