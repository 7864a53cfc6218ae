//! Random histories of an organization's credits, over HTTP and on the domain's ledger.
//! Both give the same outcomes and end in the same state, so the table's update
//! expression does what [`Ledger::apply`] says.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::{
    Billing, BillingUpdate, Caller, Credits, EmailAddress, Ledger, Member, Metadata, Organization,
    OrganizationId, OrganizationName, PlanChanges, PlanId, Plans, Refund, Refusal, Role, Spending,
    Spent, Standing, Used, UserId, When, refund, spend, update_billing,
};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::{
    harness::{Fixture, Reply},
    invariants,
    usage::{refund as refund_of, render},
};

/// One step of a history.
#[derive(Debug)]
enum Step {
    Use(u64),
    Refund(u64),
    Change(&'static str, &'static str),
    Wait(TimeDelta),
}

impl Step {
    fn random(rng: &mut Rng, plans: &[&'static str]) -> Self {
        match rng.u8(0..20) {
            0..=8 => Self::Use(rng.u64(1..=12)),
            9..=10 => Self::Use(rng.u64(1..=1000)),
            11 => Self::Refund(rng.u64(1..=1000)),
            12..=13 => {
                let when = if rng.bool() { "now" } else { "period_end" };
                Self::Change(rng.choice(plans).unwrap(), when)
            }
            14..=17 => Self::Wait(TimeDelta::minutes(rng.i64(1..600))),
            _ => Self::Wait(TimeDelta::hours(rng.i64(24..900))),
        }
    }
}

/// A use of credits that can be given back.
struct LastUse {
    key: String,
    at: DateTime<Utc>,
    credits: u64,
    spent: Spent,
}

/// The domain's side of a history.
struct Model {
    ledger: Ledger,
    /// The last use, if its credits were not given back.
    last: Option<LastUse>,
    plans: Plans,
    admin: Caller,
}

impl Model {
    fn of(fixture: &Fixture, created_at: DateTime<Utc>) -> Self {
        let id = OrganizationId::parse(fixture.organization_id()).unwrap();
        let organization = Organization {
            id,
            name: OrganizationName::parse("Acme").unwrap(),
            metadata: Metadata::default(),
            creator_id: UserId::parse(&fixture.creator.user_id).unwrap(),
            created_at,
            external_id: None,
            private_metadata: Metadata::default(),
            standing: Standing::default(),
            version: 1,
        };
        let plans = Plans::default();
        let admin = Caller::Member(Member {
            organization_id: id,
            user_id: UserId::parse(&fixture.admin.user_id).unwrap(),
            email: EmailAddress::parse(&fixture.admin.email).unwrap(),
            name: None,
            role: Role::Admin,
            receives_billing_emails: false,
            billing_emails_stopped: None,
            is_creator: false,
            joined_at: created_at,
            profile_at: None,
            last_event_id: None,
            version: 1,
        });
        Self {
            ledger: Ledger {
                billing: Billing::of(&organization, &plans),
                counters: Vec::new(),
            },
            last: None,
            plans,
            admin,
        }
    }

    /// Gives credits of the last use back.
    fn refund(&mut self, last: &LastUse, credits: u64, now: DateTime<Utc>) {
        let used = Used {
            at: last.at,
            period_start: last.spent.period_start,
            parts: &last.spent.parts,
        };
        match refund(&self.ledger, used, credits, now) {
            Refund::Credited(credits) => assert!(self.ledger.apply_credits(&credits)),
            Refund::Allocated { billing, counters } => {
                self.ledger = Ledger {
                    billing: *billing,
                    counters,
                };
            }
        }
    }

    /// Uses credits. Returns the outcome with the allowed, consumed and used credits.
    fn spend(
        &mut self,
        key: String,
        credits: u64,
        seed: u64,
        now: DateTime<Utc>,
    ) -> (&'static str, [u64; 3]) {
        let wanted = Credits::new(credits).unwrap();
        let spent = match spend(&self.ledger, &self.plans, wanted, seed, now) {
            Ok(spent) => spent,
            Err(Refusal::CreditsUsedUp { used, allowed, .. }) => {
                return ("429 credits_used_up", [allowed, 0, used]);
            }
            Err(refusal) => panic!("{refusal}"),
        };
        match &spent.spending {
            Spending::Debited(debits) => assert!(self.ledger.apply(debits), "{debits:?}"),
            Spending::Allocated {
                billing, counters, ..
            } => {
                self.ledger = Ledger {
                    billing: *billing.clone(),
                    counters: counters.clone(),
                };
            }
        }
        let counted = [spent.allowed, credits, spent.used];
        self.last = Some(LastUse {
            key,
            at: now,
            credits,
            spent,
        });
        ("200", counted)
    }

    fn change_plan(&mut self, plan: &str, when: &str, now: DateTime<Utc>) {
        let plan = self.plans.get(&PlanId::parse(plan).unwrap()).unwrap();
        let when = match when {
            "now" => When::Now,
            _ => When::PeriodEnd,
        };
        let update = BillingUpdate {
            plan: Some((plan.clone(), when)),
            ..BillingUpdate::default()
        };
        let change = update_billing(
            &self.admin,
            &self.ledger,
            &self.plans,
            &PlanChanges::Customer,
            update,
            now,
        )
        .unwrap();
        self.ledger.billing = change.billing;
        if !change.counters.is_empty() {
            self.ledger.counters = change.counters;
        }
    }

    /// Returns the usage as the API shows it.
    fn usage(&self, now: DateTime<Utc>) -> Value {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let map = |slots: Vec<(DateTime<Utc>, u64)>| -> BTreeMap<String, u64> {
            let slots = slots.into_iter();
            slots.map(|(at, credits)| (text(at), credits)).collect()
        };
        let report = self.ledger.report(now);
        let periods = report.periods.into_iter().map(|(period, credits)| {
            json!({
                "total_images": credits,
                "start": text(period.start),
                "end": text(period.end),
            })
        });
        json!({
            "data": {
                "hour": map(report.hours),
                "day": map(report.days),
                "month": map(report.months),
            },
            "per_billing_period": periods.collect::<Vec<_>>(),
        })
    }

    /// Returns the counters in the form of the table's items, without their versions.
    fn counters(&self) -> Vec<Value> {
        let counters = self.ledger.counters.iter();
        counters
            .map(|counter| {
                let map = |tally: &domain::Tally| {
                    let slots: BTreeMap<String, u64> = tally.clone().into();
                    let slots = slots.into_iter();
                    let slots = slots.map(|(slot, credits)| (slot, number(credits)));
                    json!({ "M": slots.collect::<serde_json::Map<_, _>>() })
                };
                json!({
                    "generation": number(counter.generation),
                    "left": number(counter.left),
                    "hours": map(&counter.hours),
                    "days": map(&counter.days),
                    "months": map(&counter.months),
                    "periods": map(&counter.periods),
                })
            })
            .collect()
    }
}

fn number(number: impl fmt::Display) -> Value {
    json!({ "N": number.to_string() })
}

/// Returns the table's counters, without their keys and versions.
async fn stored_counters(fixture: &Fixture) -> Vec<Value> {
    let prefix = format!("USAGE#{}#", fixture.organization_id());
    let mut counters = BTreeMap::new();
    for item in fixture.world.items().await {
        let partition = item["pk"]["S"].as_str().unwrap();
        if item["sk"]["S"] == "COUNTER"
            && let Some(n) = partition.strip_prefix(&prefix)
        {
            let mut kept = json!({});
            for name in ["generation", "left", "hours", "days", "months", "periods"] {
                kept[name] = item[name].clone();
            }
            counters.insert(n.parse::<u8>().unwrap(), kept);
        }
    }
    counters.into_values().collect()
}

fn outcome(reply: &Reply) -> (String, [u64; 3]) {
    let header = |name: &str| reply.headers[name].to_str().unwrap().parse().unwrap();
    let names = ["x-renders-allowed", "x-renders-consumed", "x-renders-used"];
    (reply.outcome(), names.map(header))
}

/// Plays a random history on both sides. Returns how often credits were used, refused
/// and given back.
async fn play(seed: u64, plans: &[&'static str], steps: usize) -> [usize; 3] {
    let mut rng = Rng::with_seed(seed);
    let fixture = Fixture::new().await;
    let clock = &fixture.world.clock;
    let mut model = Model::of(&fixture, clock.now() - TimeDelta::minutes(2));
    let mut history = Vec::new();
    let (mut used, mut refused, mut refunded) = (0, 0, 0);
    for n in 0..steps {
        let step = Step::random(&mut rng, plans);
        history.push(format!("{step:?}"));
        let told = || format!("seed {seed}: {}", history.join(", "));
        match step {
            Step::Wait(time) => clock.advance(time),
            Step::Change(plan, when) => {
                let admin = fixture.world.sign_in(&fixture.admin.email);
                let input = json!({"plan": plan, "when": when});
                let reply = admin.patch(&fixture.billing(), input).await;
                assert_eq!(reply.outcome(), "200", "{}", told());
                model.change_plan(plan, when, clock.now());
            }
            // Which counter a use of several debited is random, and so is where it returns.
            Step::Refund(credits) if model.ledger.counters.len() <= 1 => {
                let Some(last) = model.last.take() else {
                    continue;
                };
                let is_late = clock.now() >= last.at + TimeDelta::hours(24);
                let credits = credits.min(last.credits);
                let body = json!({"idempotency_key": last.key, "credits": credits});
                let outcome = refund_of(&fixture.api_client, body).await.outcome();
                let expected = if is_late {
                    "404 usage_not_found"
                } else {
                    "200"
                };
                assert_eq!(outcome, expected, "{}", told());
                if !is_late {
                    model.refund(&last, credits, clock.now());
                    refunded += 1;
                }
            }
            Step::Refund(_) => {}
            Step::Use(credits) => {
                let key = format!("use-{n}");
                let reply = render(&fixture.api_client, &key, credits).await;
                let (expected, credits) = model.spend(key, credits, rng.u64(..), clock.now());
                let (given, counted) = outcome(&reply);
                assert_eq!((given.as_str(), counted), (expected, credits), "{}", told());
                match expected {
                    "200" => used += 1,
                    _ => {
                        refused += 1;
                        // A process remembers used-up credits for as long, also after a refund.
                        clock.advance(TimeDelta::seconds(3));
                    }
                }
            }
        }
        // Which of several counters a request debits is random.
        if model.ledger.counters.len() <= 1 {
            assert_eq!(
                stored_counters(&fixture).await,
                model.counters(),
                "{}",
                told()
            );
        }
    }
    let seen = fixture.api_client.get("/v1/usage").await.expect("200");
    let told = || format!("seed {seed}: {}", history.join(", "));
    assert_eq!(seen, model.usage(clock.now()), "{}", told());
    invariants::hold(&fixture.world).await;
    [used, refused, refunded]
}

#[tokio::test]
async fn one_counter_in_the_table_matches_the_ledger() {
    let mut total = [0; 3];
    for seed in 0..6 {
        let played = play(seed, &["free", "basic"], 80).await;
        for (total, count) in total.iter_mut().zip(played) {
            *total += count;
        }
    }
    let [used, refused, refunded] = total;
    assert!(used >= 100 && refused >= 20 && refunded >= 5, "{total:?}");
}

#[tokio::test]
async fn many_counters_in_the_table_match_the_ledger() {
    let mut used = 0;
    for seed in 0..6 {
        let [of_this, ..] = play(seed, &["free", "basic", "pro", "scale"], 80).await;
        used += of_this;
    }
    assert!(used >= 100, "{used}");
}
