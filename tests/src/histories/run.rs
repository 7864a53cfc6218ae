//! Runs a script against a stack of its own, and records the replies.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use functions::Limits;
use local::SignIn;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    replay::PLANS,
    script::{ADDRESSES, PEOPLE, ROLES, Script, Step, spelled},
};
use crate::harness::{Reply, Session, World};

/// The number of times that a request of unknown outcome is repeated.
const MAX_REPEATS: usize = 20;

/// A step that was performed.
#[derive(Clone)]
pub struct Performed {
    pub round: usize,
    pub at: DateTime<Utc>,
    pub step: Step,
    /// The id of the invite or key that the step was about.
    pub target: String,
    pub reply: Reply,
}

/// What a reply says about the writes of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    /// Nothing is written.
    Refused,
    /// The connection to the table failed: the writes may have happened.
    Unknown,
}

impl Performed {
    pub fn outcome(&self) -> Outcome {
        match (self.reply.status, self.reply.body["code"].as_str()) {
            (200..300, _) => Outcome::Success,
            (503, Some("busy")) | (400..500, _) => Outcome::Refused,
            _ => Outcome::Unknown,
        }
    }
}

/// A history: what was asked for, what was answered, and what is left.
pub struct History {
    pub world: Arc<World>,
    pub organization_id: String,
    pub performed: Vec<Performed>,
    /// The address of each invite, by id.
    pub addresses: BTreeMap<String, String>,
}

/// An API key's id and secret, as the API returned them.
#[derive(Clone)]
struct Secret {
    key_id: String,
    secret: String,
}

struct Runner {
    world: Arc<World>,
    organization: String,
    /// The sessions, by person and address.
    sessions: BTreeMap<(usize, usize), Session>,
    secrets: Vec<Secret>,
    performed: Vec<Performed>,
    addresses: BTreeMap<String, String>,
}

/// A request that is ready to be sent.
struct Request {
    session: Session,
    method: Method,
    path: String,
    body: Option<Value>,
    idempotency_key: Option<String>,
}

impl Request {
    async fn send(self) -> Reply {
        let body = self.body.map(|body| body.to_string());
        let headers: Vec<(&str, &str)> = self
            .idempotency_key
            .iter()
            .map(|key| ("idempotency-key", key.as_str()))
            .collect();
        self.session
            .send_with(self.method, &self.path, body, &headers)
            .await
    }
}

/// Runs a script.
pub async fn run(script: &Script) -> History {
    let world = Arc::new(World::start_with_limits(Limits::NONE).await);
    let mut sessions = BTreeMap::new();
    for (address, (email, people)) in ADDRESSES.iter().enumerate() {
        for &person in *people {
            let session = world.sign_in_as(SignIn {
                user_id: PEOPLE[person].to_owned(),
                name: Some(PEOPLE[person].to_owned()),
                ..SignIn::with_email(email)
            });
            sessions.insert((person, address), session);
        }
    }
    let organization = sessions[&(0, 0)].create_organization("name 0").await;
    let mut runner = Runner {
        world,
        organization,
        sessions,
        secrets: Vec::new(),
        performed: Vec::new(),
        addresses: BTreeMap::new(),
    };
    for round in 0..script.rounds.len() {
        runner.play(script, round).await;
    }
    runner.world.drain().await;
    History {
        organization_id: runner.organization.rsplit('/').next().unwrap().to_owned(),
        world: runner.world,
        performed: runner.performed,
        addresses: runner.addresses,
    }
}

impl Runner {
    async fn play(&mut self, script: &Script, number: usize) {
        let round = &script.rounds[number];
        self.world.clock.advance(round.pause);
        let at = self.world.clock.now();
        let invites = self.newest_invites().await;
        let ready: Vec<(Step, String, Option<Request>)> = round
            .steps
            .iter()
            .filter_map(|step| {
                let target = self.target(step, &invites)?;
                Some((step.clone(), target.clone(), self.request(step, &target)))
            })
            .collect();

        let wire = &self.world.wire;
        for injected in &round.faults {
            wire.fail_action(
                injected.action,
                injected.skip,
                injected.times,
                injected.fault,
            );
        }
        if round.contention {
            wire.contend();
        }
        if round.delays {
            wire.delay();
        }
        if round.stale_index {
            wire.freeze_index();
        }
        let mut tasks = JoinSet::new();
        for (n, (step, target, request)) in ready.into_iter().enumerate() {
            let world = self.world.clone();
            tasks.spawn(async move {
                let reply = match (&step, request) {
                    (_, Some(request)) => Some(request.send().await),
                    (Step::RunSchedule(operation), None) => {
                        world.stack.run_schedule(operation).await;
                        None
                    }
                    (Step::SweepTtl, None) => {
                        world.stack.sweep_ttl().unwrap();
                        None
                    }
                    (_, None) => {
                        let _ = world.stack.drain_stream().await.unwrap();
                        None
                    }
                };
                (n, step, target, reply)
            });
        }
        let mut done = tasks.join_all().await;
        done.sort_by_key(|(n, ..)| *n);
        self.world.wire.heal();
        self.world.wire.take();

        let mut unknown = Vec::new();
        for (_, step, target, reply) in done {
            let Some(reply) = reply else { continue };
            let performed = Performed {
                round: number,
                at,
                step,
                target,
                reply,
            };
            if matches!(performed.step, Step::UseCredits { .. })
                && performed.outcome() == Outcome::Unknown
            {
                unknown.push(performed);
            } else {
                self.record(performed);
            }
        }
        for performed in unknown {
            self.repeat(performed).await;
        }
    }

    fn record(&mut self, performed: Performed) {
        if let Some(secret) = performed.reply.body["secret"].as_str() {
            let key = &performed.reply.body["api_key"]["id"];
            self.secrets.push(Secret {
                key_id: key.as_str().unwrap().to_owned(),
                secret: secret.to_owned(),
            });
        }
        self.performed.push(performed);
    }

    /// Repeats a use of credits whose outcome is not known, with a new API key, as an
    /// API client does: the idempotency key makes that harmless.
    async fn repeat(&mut self, mut performed: Performed) {
        let create = Step::CreateKey {
            by: 0,
            name: 0,
            days: None,
        };
        let created = self.request(&create, "").unwrap().send().await;
        self.record(Performed {
            step: create,
            target: String::new(),
            reply: created,
            ..performed
        });
        let Step::UseCredits { key, .. } = &mut performed.step else {
            return;
        };
        *key = self.secrets.len() - 1;
        for _ in 0..MAX_REPEATS {
            let request = self.request(&performed.step, "").unwrap();
            performed.reply = request.send().await;
            if performed.outcome() != Outcome::Unknown {
                break;
            }
        }
        self.record(performed);
    }

    /// Returns the id of the newest invite to each address.
    async fn newest_invites(&mut self) -> BTreeMap<String, String> {
        let mut newest = BTreeMap::new();
        let partition = self.organization.replace("/v1/organizations/", "ORG#");
        for item in self.world.items().await {
            if item["pk"]["S"] != partition.as_str() {
                continue;
            }
            let sk = item["sk"]["S"].as_str().unwrap();
            let (invite, id) = match sk.split_once('#') {
                Some(("INVITE", id)) => (&item, id),
                Some(("ENDED_INVITE", id)) => (&item["invite"]["M"], id),
                _ => continue,
            };
            let email = invite["email"]["S"].as_str().unwrap().to_lowercase();
            self.addresses.insert(id.to_owned(), email.clone());
            let known = newest.entry(email).or_insert_with(String::new);
            if known.as_str() < id {
                *known = id.to_owned();
            }
        }
        newest
    }

    /// Returns the id of what a step is about; `None` if there is nothing yet.
    fn target(&self, step: &Step, invites: &BTreeMap<String, String>) -> Option<String> {
        match step {
            Step::UpdateInvite { to, .. }
            | Step::Resend { to, .. }
            | Step::Cancel { to, .. }
            | Step::Accept { to, .. }
            | Step::Decline { to, .. } => invites.get(ADDRESSES[*to].0).cloned(),
            Step::DeclineByLink { to } => self.newest_link(*to),
            Step::RenameKey { key, .. }
            | Step::RotateKey { key, .. }
            | Step::RevokeKey { key, .. } => self.secret(*key).map(|secret| secret.key_id.clone()),
            Step::UseCredits { key, .. } => self.secret(*key).map(|_| String::new()),
            _ => Some(String::new()),
        }
    }

    /// Returns the token of the newest link that an address has received.
    fn newest_link(&self, address: usize) -> Option<String> {
        let address = ADDRESSES[address].0;
        let is_to = |to: &String| to.eq_ignore_ascii_case(address);
        let emails = self.world.stack.emails();
        let received = emails.iter().filter(|email| email.to.iter().any(is_to));
        let mut links = received.filter_map(|email| {
            let mut words = email.text.split_whitespace();
            let link = words.find(|word| word.contains("/invites/"))?;
            link.rsplit('/').next().map(str::to_owned)
        });
        links.next_back()
    }

    fn secret(&self, number: usize) -> Option<&Secret> {
        self.secrets.get(number)
    }

    /// Returns the request of a step; `None` for a schedule and the stream.
    fn request(&self, step: &Step, target: &str) -> Option<Request> {
        let organization = &self.organization;
        let at_home = |person: usize| {
            let session = self.sessions.iter().find(|((who, _), _)| *who == person);
            session.unwrap().1.clone()
        };
        let patch = |by: usize, path: String, body: Value| Request {
            session: at_home(by),
            method: Method::PATCH,
            path,
            body: Some(body),
            idempotency_key: None,
        };
        let bare = |session: Session, method: Method, path: String| Request {
            session,
            method,
            path,
            body: None,
            idempotency_key: None,
        };
        let post = |by: usize, path: String, body: Value| Request {
            method: Method::POST,
            ..patch(by, path, body)
        };
        let invite = || format!("{organization}/invites/{target}");
        let key_path = || format!("{organization}/api-keys/{target}");
        Some(match step {
            Step::Invite {
                by,
                to,
                spelling,
                role,
                billing_emails,
            } => post(
                *by,
                format!("{organization}/invites"),
                json!({
                    "email": spelled(*to, *spelling),
                    "role": ROLES[*role],
                    "receives_billing_emails": billing_emails,
                }),
            ),
            Step::UpdateInvite {
                by,
                role,
                billing_emails,
                ..
            } => patch(*by, invite(), terms(*role, *billing_emails)),
            Step::Resend { by, .. } => {
                bare(at_home(*by), Method::POST, format!("{}/resend", invite()))
            }
            Step::Cancel { by, .. } => bare(at_home(*by), Method::DELETE, invite()),
            Step::Accept { by, to } => bare(
                self.sessions[&(*by, *to)].clone(),
                Method::POST,
                format!("/v1/account/invites/{target}/accept"),
            ),
            Step::Decline { by, to } => bare(
                self.sessions[&(*by, *to)].clone(),
                Method::POST,
                format!("/v1/account/invites/{target}/decline"),
            ),
            Step::DeclineByLink { .. } => bare(
                self.world.nobody(),
                Method::POST,
                format!("/v1/invites/{target}/decline"),
            ),
            Step::UpdateMember {
                by,
                of,
                role,
                billing_emails,
            } => patch(
                *by,
                format!("{organization}/members/{}", PEOPLE[*of]),
                terms(*role, *billing_emails),
            ),
            Step::Remove { by, of } => bare(
                at_home(*by),
                Method::DELETE,
                format!("{organization}/members/{}", PEOPLE[*of]),
            ),
            Step::Rename { by, name } => {
                patch(*by, organization.clone(), json!({ "name": name_of(*name) }))
            }
            Step::CreateKey { by, name, days } => {
                let mut body = json!({ "name": name_of(*name) });
                if let Some(days) = days {
                    let end = self.world.clock.now() + TimeDelta::days(*days);
                    body["expires_at"] = json!(end);
                }
                post(*by, format!("{organization}/api-keys"), body)
            }
            Step::RenameKey { by, name, .. } => {
                patch(*by, key_path(), json!({ "name": name_of(*name) }))
            }
            Step::RotateKey { by, .. } => post(*by, format!("{}/rotate", key_path()), json!({})),
            Step::RevokeKey { by, .. } => bare(at_home(*by), Method::DELETE, key_path()),
            Step::UseCredits {
                key,
                request,
                credits,
            } => {
                let secret = self.secret(*key)?;
                let token = Some(secret.secret.clone());
                let session = self.world.with_token(token, String::new(), String::new());
                Request {
                    body: Some(json!({ "credits": credits })),
                    idempotency_key: Some(format!("request-{request}")),
                    ..bare(session, Method::POST, "/v1/usage".to_owned())
                }
            }
            Step::ChangePlan { by, plan, at_once } => patch(
                *by,
                format!("{organization}/billing"),
                json!({
                    "plan": PLANS[*plan].0,
                    "when": if *at_once { "now" } else { "period_end" },
                }),
            ),
            Step::ChangeCompany { by, name } => patch(
                *by,
                format!("{organization}/billing"),
                json!({ "company_name": name_of(*name) }),
            ),
            Step::Switch { by } => Request {
                method: Method::PUT,
                ..patch(
                    *by,
                    "/v1/account/current-organization".to_owned(),
                    json!({ "organization_id": organization.rsplit('/').next() }),
                )
            },
            Step::CreateOrganization { by, request } => Request {
                idempotency_key: Some(format!("request-{request}")),
                ..post(
                    *by,
                    "/v1/organizations".to_owned(),
                    json!({ "name": "another" }),
                )
            },
            Step::RunSchedule(_) | Step::DeliverEmails | Step::SweepTtl => return None,
        })
    }
}

/// Returns the body that sets a role and billing emails, or one of them.
fn terms(role: Option<usize>, billing_emails: Option<bool>) -> Value {
    let mut body = json!({});
    if let Some(role) = role {
        body["role"] = json!(ROLES[role]);
    }
    if let Some(on) = billing_emails {
        body["receives_billing_emails"] = json!(on);
    }
    body
}

pub fn name_of(number: usize) -> String {
    format!("name {number}")
}
