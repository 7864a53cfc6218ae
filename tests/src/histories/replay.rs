//! Replays an audit log in its own order, from nothing. Each line must follow from
//! the state that the lines before it made: its actor has the right to it, and
//! what it changes was as it says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// The plans of the tests, with their monthly credits. An organization starts on the first.
pub const PLANS: [(&str, u64); 4] = [
    ("free", 50),
    ("basic", 3_000),
    ("pro", 10_000),
    ("scale", 100_000),
];

/// A line of the log.
#[derive(Debug, Clone)]
pub struct Line {
    pub id: String,
    pub at: DateTime<Utc>,
    pub kind: String,
    /// The user id of a person; `link_holder` or `system`.
    pub actor: String,
    pub subject: String,
    pub name: String,
    changes: BTreeMap<String, (Option<String>, Option<String>)>,
}

impl Line {
    /// Reads an event as the API returns it.
    pub fn of(event: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let actor = &event["actor"];
        let changes = event["changes"].as_array().unwrap().iter();
        Self {
            id: text(&event["id"]),
            at: text(&event["at"]).parse().unwrap(),
            kind: text(&event["kind"]),
            actor: text(if actor["kind"] == "person" {
                &actor["user_id"]
            } else {
                &actor["kind"]
            }),
            subject: text(&event["subject"]["id"]),
            name: name_of(&event["subject"]),
            changes: changes
                .map(|change| {
                    let side = |name: &str| change[name].as_str().map(str::to_owned);
                    (text(&change["field"]), (side("from"), side("to")))
                })
                .collect(),
        }
    }

    fn from(&self, field: &str) -> Option<&str> {
        self.changes.get(field)?.0.as_deref()
    }

    fn to(&self, field: &str) -> Option<&str> {
        self.changes.get(field)?.1.as_deref()
    }
}

/// Returns a subject's name, the masked address of an invite, or else the id.
fn name_of(subject: &Value) -> String {
    let masked = subject["email"].as_str().map(|email| {
        let (local, domain) = email.rsplit_once('@').unwrap();
        format!("{}…@{domain}", &local[..1]).to_lowercase()
    });
    let name = subject["name"].as_str().map(str::to_owned);
    let id = || subject["id"].as_str().unwrap().to_owned();
    name.or(masked).unwrap_or_else(id)
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (at, id) = (self.at.format("%m-%d %H:%M"), &self.id[self.id.len() - 4..]);
        write!(f, "{at} {id}  {}: {} {}", self.actor, self.kind, self.name)?;
        for (field, (from, to)) in &self.changes {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
            write!(f, ", {field} {} > {}", side(from), side(to))?;
        }
        Ok(())
    }
}

/// What an invite offers, and what a member has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Terms {
    pub role: String,
    pub billing_emails: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingInvite {
    pub terms: Terms,
    pub inviter: String,
    /// The masked address.
    pub address: String,
    pub times_sent: u32,
    pub sent_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedKey {
    pub name: String,
    pub expires_at: Option<String>,
    /// The hint, once a rotation has told it.
    pub hint: Option<String>,
}

/// The state of the organization after some lines.
#[derive(Debug, Default)]
pub struct Replay {
    pub name: String,
    pub creator: String,
    creators_address: String,
    pub members: BTreeMap<String, Terms>,
    /// The masked address of each member.
    addresses: BTreeMap<String, String>,
    pub invites: BTreeMap<String, PendingInvite>,
    pub ended: BTreeMap<String, String>,
    /// The terms of accepted invites, until the acceptor is added.
    accepted: BTreeMap<String, PendingInvite>,
    pub keys: BTreeMap<String, ReplayedKey>,
    pub plan: String,
    pub next_plan: Option<String>,
    next_plan_from: String,
    pub company: Option<String>,
    /// Every state that a member, an invite or the organization has been in.
    pub seen_members: BTreeSet<(String, Terms)>,
    pub seen_invites: BTreeSet<(String, Terms)>,
    pub seen_names: BTreeSet<String>,
    pub seen_plans: BTreeSet<String>,
    pub seen_key_names: BTreeSet<(String, String)>,
}

type Checked<T = ()> = Result<T, String>;

fn require(holds: bool, complaint: &str) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(complaint.to_owned())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, log: T, replayed: T) -> Checked {
    if log == replayed {
        Ok(())
    } else {
        Err(format!(
            "{what} was {replayed:?}, and the line says {log:?}"
        ))
    }
}

impl Replay {
    /// Replays all lines, in order. The log does not tell the creator's address.
    ///
    /// # Errors
    /// Names the first line that cannot have been.
    pub fn of(lines: &[Line], creators_address: &str) -> Checked<Self> {
        let mut replay = Self {
            creators_address: creators_address.to_owned(),
            ..Self::default()
        };
        for (n, line) in lines.iter().enumerate() {
            let applied = replay.apply(line);
            applied.map_err(|complaint| format!("line {n} of the log, {line}: {complaint}"))?;
        }
        require(
            replay.accepted.is_empty(),
            "an acceptor was never added as a member",
        )?;
        Ok(replay)
    }

    fn role(&self, user: &str) -> Checked<&str> {
        match self.members.get(user) {
            Some(terms) => Ok(&terms.role),
            None => Err(format!("{user} is not a member")),
        }
    }

    fn is_owner(&self, user: &str) -> Checked {
        require(self.role(user)? == "owner", "its actor is not an owner")
    }

    fn manages(&self, user: &str) -> Checked {
        require(
            self.role(user)? != "user",
            "its actor is neither an owner nor an admin",
        )
    }

    /// Requires the right to give, take or offer these roles: the owner role is an
    /// owner's alone.
    fn manages_roles(&self, user: &str, roles: [&str; 2]) -> Checked {
        if roles.contains(&"owner") {
            self.is_owner(user)
        } else {
            self.manages(user)
        }
    }

    fn pending(&mut self, line: &Line) -> Checked<&mut PendingInvite> {
        let invite = self.invites.get_mut(&line.subject);
        invite.ok_or_else(|| "the invite is not pending".to_owned())
    }

    fn apply(&mut self, line: &Line) -> Checked {
        require(
            (line.kind == "organization.created") == self.plan.is_empty(),
            "the log begins with the creation",
        )?;
        match line.kind.split_once('.').unwrap() {
            ("organization", _) => self.organization(line),
            ("member", _) => self.member(line),
            ("invite", _) => self.invite(line),
            ("api_key", _) => self.api_key(line),
            _ => self.billing(line),
        }
    }

    fn organization(&mut self, line: &Line) -> Checked {
        let name = line.to("name").unwrap_or_default().to_owned();
        if line.kind == "organization.created" {
            self.creator.clone_from(&line.actor);
            PLANS[0].0.clone_into(&mut self.plan);
            self.seen_plans.insert(self.plan.clone());
        } else {
            self.is_owner(&line.actor)?;
            same("the name", line.from("name"), Some(&self.name))?;
        }
        self.seen_names.insert(name.clone());
        self.name = name;
        Ok(())
    }

    fn member(&mut self, line: &Line) -> Checked {
        let user = line.subject.clone();
        let by_self = line.actor == user;
        let target = self.members.get(&user).cloned();
        let is_creator = user == self.creator;
        match (line.kind.as_str(), target) {
            ("member.added", target) => {
                require(target.is_none(), "it is a member already")?;
                require(by_self, "somebody else added it")?;
                let terms = terms_added(line)?;
                let address = if is_creator {
                    require(self.members.is_empty(), "the creator is the first member")?;
                    let is_creators = terms.role == "owner" && terms.billing_emails;
                    require(is_creators, "the creator is an owner with billing emails")?;
                    self.creators_address.clone()
                } else {
                    let accepted = self.accepted.remove(&user);
                    let invite = accepted.ok_or("it has accepted no invite")?;
                    same("the invite's offer", &terms, &invite.terms)?;
                    invite.address
                };
                self.addresses.insert(user.clone(), address);
                self.set_member(user, terms);
            }
            ("member.removed", Some(target)) => {
                require(
                    !is_creator,
                    "the creator cannot be removed, and cannot leave",
                )?;
                same("the role", line.from("role"), Some(&target.role))?;
                if !by_self {
                    self.manages_roles(&line.actor, [&target.role, ""])?;
                }
                self.members.remove(&user);
                self.addresses.remove(&user);
            }
            ("member.role_changed", Some(mut target)) => {
                require(!is_creator, "the creator stays an owner")?;
                let to = line.to("role").ok_or("no role")?;
                same("the role", line.from("role"), Some(&target.role))?;
                self.manages_roles(&line.actor, [&target.role, to])?;
                to.clone_into(&mut target.role);
                self.set_member(user, target);
            }
            ("member.billing_emails_changed", Some(mut target)) => {
                self.manages(&line.actor)?;
                require(!is_creator, "the creator always gets billing emails")?;
                let before = target.billing_emails.to_string();
                same(
                    "the billing emails",
                    line.from("receives_billing_emails"),
                    Some(&before),
                )?;
                target.billing_emails = !target.billing_emails;
                self.set_member(user, target);
            }
            (_, None) => return Err("its subject is not a member".to_owned()),
            (kind, _) => return Err(format!("an unknown kind: {kind}")),
        }
        Ok(())
    }

    fn set_member(&mut self, user: String, terms: Terms) {
        self.seen_members.insert((user.clone(), terms.clone()));
        self.members.insert(user, terms);
    }

    fn invite(&mut self, line: &Line) -> Checked {
        let id = line.subject.clone();
        match line.kind.as_str() {
            "invite.created" => {
                let terms = terms_added(line)?;
                self.manages_roles(&line.actor, [&terms.role, ""])?;
                let is_new = !self.invites.contains_key(&id) && !self.ended.contains_key(&id);
                require(is_new, "the invite was created before")?;
                let is_free = self.invites.values().all(|i| i.address != line.name)
                    && self.addresses.values().all(|address| *address != line.name);
                require(is_free, "its address is a member's, or invited already")?;
                self.seen_invites.insert((id.clone(), terms.clone()));
                let invite = PendingInvite {
                    terms,
                    inviter: line.actor.clone(),
                    address: line.name.clone(),
                    times_sent: 1,
                    sent_at: line.at,
                };
                self.invites.insert(id, invite);
            }
            "invite.updated" => {
                let mut invite = self.pending(line)?.clone();
                is_alive(&invite, line)?;
                let before = invite.terms.clone();
                if let Some(role) = line.to("role") {
                    same("the role", line.from("role"), Some(&before.role))?;
                    role.clone_into(&mut invite.terms.role);
                }
                if let Some(on) = line.to("receives_billing_emails") {
                    invite.terms.billing_emails = on == "true";
                    let changes = invite.terms.billing_emails != before.billing_emails;
                    require(changes, "the billing emails were that already")?;
                }
                self.manages_roles(&line.actor, [&before.role, &invite.terms.role])?;
                invite.inviter.clone_from(&line.actor);
                self.seen_invites.insert((id.clone(), invite.terms.clone()));
                self.invites.insert(id, invite);
            }
            "invite.resent" => {
                let role = self.pending(line)?.terms.role.clone();
                self.manages_roles(&line.actor, [&role, ""])?;
                let invite = self.pending(line)?;
                is_alive(invite, line)?;
                let before = invite.times_sent.to_string();
                same("the count", line.from("times_sent"), Some(&before))?;
                invite.times_sent += 1;
                invite.sent_at = line.at;
                invite.inviter.clone_from(&line.actor);
            }
            kind => {
                let outcome = kind.trim_start_matches("invite.").to_owned();
                let invite = self.pending(line)?.clone();
                same("the role", line.from("role"), Some(&invite.terms.role))?;
                match outcome.as_str() {
                    "expired" => {
                        same("the actor", line.actor.as_str(), "system")?;
                        require(is_alive(&invite, line).is_err(), "its time is not over")?;
                    }
                    "cancelled" => {
                        is_alive(&invite, line)?;
                        self.manages(&line.actor)?;
                    }
                    "declined" => {
                        is_alive(&invite, line)?;
                        require(line.actor != "system", "an invitee declines")?;
                    }
                    "accepted" => {
                        is_alive(&invite, line)?;
                        let is_outside = !self.members.contains_key(&line.actor);
                        require(is_outside, "its actor is a member already")?;
                        self.manages_roles(&invite.inviter, [&invite.terms.role, ""])
                            .map_err(|why| format!("for its inviter: {why}"))?;
                        self.accepted.insert(line.actor.clone(), invite);
                    }
                    _ => return Err(format!("an unknown kind: {kind}")),
                }
                self.invites.remove(&id);
                self.ended.insert(id, outcome);
            }
        }
        Ok(())
    }

    fn api_key(&mut self, line: &Line) -> Checked {
        self.manages(&line.actor)?;
        let id = line.subject.clone();
        if line.kind == "api_key.created" {
            let key = ReplayedKey {
                name: line.to("name").unwrap_or_default().to_owned(),
                expires_at: line.to("expires_at").map(str::to_owned),
                hint: None,
            };
            self.seen_key_names.insert((id.clone(), key.name.clone()));
            let before = self.keys.insert(id, key);
            return require(before.is_none(), "the key was created before");
        }
        let key = self.keys.get_mut(&id).ok_or("there is no such key")?;
        match line.kind.as_str() {
            "api_key.updated" => {
                same("the name", line.from("name"), Some(&key.name))?;
                line.to("name")
                    .unwrap_or_default()
                    .clone_into(&mut key.name);
                self.seen_key_names.insert((id, key.name.clone()));
            }
            "api_key.rotated" => {
                if let Some(hint) = &key.hint {
                    same("the hint", line.from("hint"), Some(hint))?;
                }
                key.hint = line.to("hint").map(str::to_owned);
            }
            "api_key.revoked" => {
                same("the name", line.from("name"), Some(&key.name))?;
                self.keys.remove(&id);
            }
            kind => return Err(format!("an unknown kind: {kind}")),
        }
        Ok(())
    }

    fn billing(&mut self, line: &Line) -> Checked {
        let by_system = line.actor == "system";
        let to = || line.to("plan").unwrap_or_default().to_owned();
        let day = line.at.format("%Y-%m-%d").to_string();
        match line.kind.as_str() {
            "billing.plan_changed" => {
                same("the plan", line.from("plan"), Some(&self.plan))?;
                if by_system {
                    same("the scheduled plan", Some(to()), self.next_plan.take())?;
                    require(self.next_plan_from <= day, "it was scheduled for later")?;
                } else {
                    self.manages(&line.actor)?;
                    let dropped = line.from("next_plan").map(str::to_owned);
                    same("the scheduled plan", dropped, self.next_plan.take())?;
                }
                self.plan = to();
                self.seen_plans.insert(to());
            }
            "billing.plan_change_scheduled" => {
                self.manages(&line.actor)?;
                same("the plan", line.from("plan"), Some(&self.plan))?;
                self.next_plan = Some(to());
                line.to("from")
                    .unwrap_or_default()
                    .clone_into(&mut self.next_plan_from);
            }
            "billing.plan_change_cancelled" => {
                self.manages(&line.actor)?;
                let dropped = line.from("next_plan").map(str::to_owned);
                same("the scheduled plan", dropped, self.next_plan.take())?;
            }
            "billing.details_updated" => {
                self.manages(&line.actor)?;
                let before = line.from("company_name").map(str::to_owned);
                same("the company", before, self.company.take())?;
                self.company = line.to("company_name").map(str::to_owned);
            }
            "usage.threshold_reached" => {
                same("the actor", line.actor.as_str(), "system")?;
                let credits = PLANS.iter().find(|(plan, _)| *plan == self.plan).unwrap().1;
                let credits = credits.to_string();
                same("the plan's credits", line.to("allowed"), Some(&credits))?;
            }
            kind => return Err(format!("an unknown kind: {kind}")),
        }
        Ok(())
    }
}

/// An invite ends 14 days after its last sending, at a whole second.
fn is_alive(invite: &PendingInvite, line: &Line) -> Checked {
    let seconds = (invite.sent_at + TimeDelta::days(14)).timestamp();
    require(line.at.timestamp() < seconds, "its 14 days are over")
}

fn terms_added(line: &Line) -> Checked<Terms> {
    Ok(Terms {
        role: line.to("role").ok_or("no role")?.to_owned(),
        billing_emails: line.to("receives_billing_emails").ok_or("no flag")? == "true",
    })
}
