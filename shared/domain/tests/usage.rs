//! Credits: use never exceeds the plan's, and each threshold is recorded once, in
//! any order of requests.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Billing, BillingUpdate, Caller, Counter, Credits, EmailAddress, EventKind, Ledger, Level,
    Member, Metadata, Notice, Organization, OrganizationId, OrganizationName, OutboxEmail, Part,
    Plan, PlanChanges, PlanId, Plans, Refund, Refusal, Role, Spending, Standing, Used, UserId,
    When, refund, remaining, spend, update_billing,
};
use proptest::prelude::*;
use uuid::Uuid;

const BEGIN: &str = "2026-01-31T09:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn plans() -> Plans {
    Plans::default()
}

fn plan(id: &str) -> Plan {
    plans().get(&PlanId::parse(id).unwrap()).unwrap().clone()
}

fn member(role: Role) -> Caller {
    Caller::Member(Member {
        organization_id: OrganizationId::new(Uuid::from_u128(1)),
        user_id: UserId::parse("ada").unwrap(),
        email: EmailAddress::parse("ada@example.com").unwrap(),
        name: None,
        role,
        receives_billing_emails: true,
        billing_emails_stopped: None,
        is_creator: role == Role::Owner,
        joined_at: at(BEGIN),
        profile_at: None,
        last_event_id: None,
        version: 1,
    })
}

/// A model of the table for credits: it applies changes as a commit does.
struct Table {
    ledger: Ledger,
    events: Vec<String>,
    uses: Vec<Use>,
}

/// A use of credits that was not refunded.
#[derive(Debug, Clone)]
struct Use {
    at: DateTime<Utc>,
    period_start: DateTime<Utc>,
    credits: u64,
    parts: Vec<Part>,
}

impl Table {
    fn new() -> Self {
        let organization = Organization {
            id: OrganizationId::new(Uuid::from_u128(1)),
            name: OrganizationName::parse("Acme").unwrap(),
            metadata: Metadata::default(),
            creator_id: UserId::parse("ada").unwrap(),
            created_at: at(BEGIN),
            external_id: None,
            private_metadata: Metadata::default(),
            standing: Standing::default(),
            version: 1,
        };
        Self {
            ledger: Ledger {
                billing: Billing::of(&organization, &plans()),
                counters: Vec::new(),
            },
            events: Vec::new(),
            uses: Vec::new(),
        }
    }

    /// Gives back credits of a use, whose place among those that were not refunded is given.
    fn refund(&mut self, n: usize, credits: u64, now: DateTime<Utc>) -> Use {
        let used = self.uses.swap_remove(n);
        let given = Used {
            at: used.at,
            period_start: used.period_start,
            parts: &used.parts,
        };
        match refund(&self.ledger, given, credits, now) {
            Refund::Credited(credits) => assert!(self.ledger.apply_credits(&credits)),
            Refund::Allocated { billing, counters } => {
                self.ledger = Ledger {
                    billing: *billing,
                    counters,
                };
            }
        }
        assert!(self.ledger.is_consistent());
        used
    }

    fn record(&mut self, events: Vec<domain::Event>) {
        for event in events {
            let percent = event
                .changes
                .iter()
                .find(|change| change.field == "percent");
            let percent = percent.and_then(|change| change.to.clone());
            self.events.push(match percent {
                Some(percent) => format!("{percent}%"),
                None => format!("{:?}", event.kind),
            });
        }
    }

    fn spend(&mut self, credits: u64, seed: u64, now: DateTime<Utc>) -> Result<u64, Refusal> {
        assert!(self.ledger.is_consistent());
        let spent = spend(
            &self.ledger,
            &plans(),
            Credits::new(credits).unwrap(),
            seed,
            now,
        )?;
        match spent.spending {
            Spending::Debited(debits) => assert!(self.ledger.apply(&debits), "{debits:?}"),
            Spending::Allocated {
                billing,
                counters,
                events,
            } => {
                self.ledger = Ledger {
                    billing: *billing,
                    counters,
                };
                self.record(events);
            }
        }
        assert_eq!(spent.used, self.ledger.used_at(now));
        assert_eq!(
            spent.parts.iter().map(|part| part.credits).sum::<u64>(),
            credits
        );
        self.uses.push(Use {
            at: now,
            period_start: spent.period_start,
            credits,
            parts: spent.parts,
        });
        Ok(spent.used)
    }

    fn change(&mut self, id: &str, when: When, now: DateTime<Utc>) {
        let update = BillingUpdate {
            plan: Some((plan(id), when)),
            ..BillingUpdate::default()
        };
        let actor = member(Role::Owner);
        let change = update_billing(
            &actor,
            &self.ledger,
            &plans(),
            &PlanChanges::Customer,
            update,
            now,
        )
        .unwrap();
        self.ledger.billing = change.billing;
        if !change.counters.is_empty() {
            self.ledger.counters = change.counters;
        }
        self.record(change.events);
    }

    fn left(&self) -> u64 {
        self.ledger
            .counters
            .iter()
            .map(|counter| counter.left)
            .sum()
    }
}

#[test]
fn debit_whose_condition_fails_changes_nothing() {
    let mut table = Table::new();
    let now = at(BEGIN);
    table.spend(1, 0, now).unwrap();
    let spent = spend(&table.ledger, &plans(), Credits::new(30).unwrap(), 0, now).unwrap();
    let Spending::Debited(mut debits) = spent.spending else {
        panic!("{spent:?}");
    };
    assert!(table.ledger.apply(&debits));
    let before = table.ledger.counters.clone();
    // Too few credits are left, also if another debit of the transaction has enough.
    debits.insert(0, debits[0].clone());
    debits[0].credits = 1;
    assert!(!table.ledger.apply(&debits));
    debits.truncate(1);
    debits[0].generation += 1;
    assert!(!table.ledger.apply(&debits));
    assert_eq!(table.ledger.counters, before);
}

#[test]
fn credits_can_be_used_up_to_the_last_one() {
    let mut table = Table::new();
    let now = at(BEGIN);
    for n in 1..=50 {
        assert_eq!(table.spend(1, n, now).unwrap(), n);
    }
    let refusal = table.spend(1, 7, now).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "You've used 50 of your 50 image credits."
    );
    let Refusal::CreditsUsedUp { wait, .. } = refusal else {
        panic!("{refusal}");
    };
    assert_eq!(now + wait, at("2026-02-28T00:00:00Z"));
    assert_eq!(table.events, ["80%", "100%"]);
}

#[test]
fn threshold_is_recorded_with_the_credit_that_reaches_it() {
    let mut table = Table::new();
    let now = at(BEGIN);
    for n in 0..39 {
        table.spend(1, n, now).unwrap();
    }
    assert!(table.events.is_empty());
    table.spend(1, 0, now).unwrap();
    assert_eq!(table.events, ["80%"]);
    table.spend(9, 0, now).unwrap();
    assert_eq!(table.events, ["80%"]);
    table.spend(1, 0, now).unwrap();
    assert_eq!(table.events, ["80%", "100%"]);
}

#[test]
fn request_across_both_thresholds_records_the_higher() {
    let mut table = Table::new();
    table.spend(50, 0, at(BEGIN)).unwrap();
    assert_eq!(table.events, ["100%"]);
}

#[test]
fn plan_changed_back_and_forth_notifies_once() {
    let mut table = Table::new();
    let now = at(BEGIN);
    table.spend(45, 0, now).unwrap();
    assert_eq!(table.events, ["80%"]);
    for _ in 0..10 {
        table.change("basic", When::Now, now);
        table.change("free", When::Now, now);
    }
    assert_eq!(table.events.iter().filter(|e| e.ends_with('%')).count(), 1);
    // The next threshold is news, and so is the next period.
    table.spend(5, 0, now).unwrap();
    assert_eq!(table.events.last().unwrap(), "100%");
    let next = at("2026-02-28T00:00:00Z");
    table.spend(45, 0, next).unwrap();
    assert_eq!(table.events.last().unwrap(), "80%");
}

#[test]
fn members_never_change_the_plan_where_the_server_does() {
    let table = Table::new();
    let policy = PlanChanges::Server {
        url: Some("https://example.com/plans".to_owned()),
    };
    for when in [When::Now, When::PeriodEnd] {
        let update = BillingUpdate {
            plan: Some((plans().iter().last().unwrap().clone(), when)),
            ..BillingUpdate::default()
        };
        let refusal = update_billing(
            &member(Role::Owner),
            &table.ledger,
            &plans(),
            &policy,
            update,
            at(BEGIN),
        );
        let refusal = refusal.unwrap_err();
        assert_eq!(refusal.code(), "plan_change_not_allowed");
        assert!(refusal.to_string().contains("https://example.com/plans"));
    }
}

#[test]
fn request_above_the_credits_left_uses_none() {
    let mut table = Table::new();
    let now = at(BEGIN);
    table.spend(48, 0, now).unwrap();
    assert_eq!(
        table.spend(3, 0, now).unwrap_err().to_string(),
        "You've used 48 of your 50 image credits, and this takes 3 more."
    );
    assert_eq!(table.spend(2, 0, now).unwrap(), 50);
}

#[test]
fn new_period_begins_on_time_with_all_credits() {
    let mut table = Table::new();
    let end = at("2026-02-28T00:00:00Z");
    table.spend(50, 0, at(BEGIN)).unwrap();
    table
        .spend(1, 0, end - TimeDelta::milliseconds(1))
        .unwrap_err();
    assert_eq!(table.spend(1, 0, end).unwrap(), 1);
    // A clock that lags behind uses the period that has begun.
    assert_eq!(
        table.spend(1, 0, end - TimeDelta::milliseconds(1)).unwrap(),
        2
    );
    let report = table.ledger.report(end);
    assert_eq!(report.periods[0].1, 2);
    assert_eq!(report.periods[1].1, 50);
    assert_eq!(report.periods.len(), 2);
    assert_eq!(table.events, ["100%"]);
}

#[test]
fn upgrade_raises_credits_immediately_and_keeps_use() {
    let mut table = Table::new();
    let now = at(BEGIN);
    table.spend(50, 0, now).unwrap();
    table.change("basic", When::Now, now);
    assert_eq!(table.ledger.allowed_at(&plans(), now), 3000);
    assert_eq!(table.ledger.used_at(now), 50);
    assert_eq!(table.spend(1, 0, now).unwrap(), 51);
    assert_eq!(table.events, ["100%", "BillingPlanChanged"]);
    // The new amount has its own thresholds.
    for _ in 0..3 {
        table.spend(983, 0, now).unwrap();
    }
    assert_eq!(
        table.spend(1, 0, now).unwrap_err().code(),
        "credits_used_up"
    );
    assert_eq!(
        table.events[2..],
        ["100%"],
        "of the new amount, the highest"
    );
}

#[test]
fn downgrade_below_use_leaves_no_credits() {
    let mut table = Table::new();
    let now = at(BEGIN);
    table.change("pro", When::Now, now);
    for _ in 0..4 {
        table.spend(1000, 3, now).unwrap();
    }
    assert_eq!(table.events, ["BillingPlanChanged"]);
    table.change("basic", When::Now, now);
    assert_eq!(table.left(), 0);
    assert_eq!(
        table.spend(1, 0, now).unwrap_err().to_string(),
        "You've used 4000 of your 3000 image credits."
    );
    assert_eq!(
        table.events[1..],
        ["BillingPlanChanged", "100%"],
        "the change itself passes the highest threshold"
    );
    table.change("pro", When::Now, now);
    assert_eq!(table.spend(1, 0, now).unwrap(), 4001);
}

#[test]
fn refund_after_the_last_credit_makes_it_usable_again() {
    let mut table = Table::new();
    let now = at(BEGIN);
    table.spend(49, 0, now).unwrap();
    table.spend(1, 0, now).unwrap();
    table.refund(1, 1, now);
    assert_eq!(table.ledger.used_at(now), 49);
    assert_eq!(table.spend(1, 0, now).unwrap(), 50);
    table.spend(1, 0, now).unwrap_err();
    assert_eq!(table.events, ["80%", "100%"], "told once");
}

#[test]
fn refund_below_a_smaller_plan_stays_within_it() {
    let mut table = Table::new();
    let now = at(BEGIN);
    table.change("basic", When::Now, now);
    table.spend(60, 0, now).unwrap();
    table.spend(20, 0, now).unwrap();
    table.change("free", When::Now, now);
    table.refund(1, 20, now);
    table.spend(1, 0, now).unwrap_err();
    table.refund(0, 20, now);
    assert_eq!(table.ledger.used_at(now), 40);
    table.spend(11, 0, now).unwrap_err();
    assert_eq!(table.spend(10, 0, now).unwrap(), 50);
}

#[test]
fn refund_of_the_last_period_corrects_only_its_history() {
    let mut table = Table::new();
    let end = at("2026-02-28T00:00:00Z");
    let before = end - TimeDelta::hours(1);
    table.spend(50, 0, before).unwrap();
    for is_allocated in [false, true] {
        if is_allocated {
            table.spend(1, 0, end).unwrap();
        }
        let mut table = Table {
            ledger: table.ledger.clone(),
            events: Vec::new(),
            uses: table.uses.clone(),
        };
        table.refund(0, 30, end);
        let report = table.ledger.report(end);
        assert_eq!(report.periods[1].1, 20);
        let hours: u64 = report.hours.iter().map(|(_, credits)| credits).sum();
        let now_used = u64::from(is_allocated);
        assert_eq!(hours, 20 + now_used);
        assert_eq!(table.spend(50 - now_used, 0, end).unwrap(), 50);
        table.spend(1, 0, end).unwrap_err();
    }
}

#[test]
fn remaining_credits_of_many_counters_are_estimated_closely() {
    let mut table = Table::new();
    let now = at(BEGIN);
    table.change("scale", When::Now, now);
    let mut random = 1_u64;
    for n in 1..=7_000_u64 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        table.spend(10, random >> 16, now).unwrap();
        let first = &table.ledger.counters[..3];
        let left = remaining(&table.ledger.billing, first, &plans(), now);
        assert!(left.is_estimate);
        let exact = 100_000 - n * 10;
        let distance = left.remaining.abs_diff(exact);
        assert!(distance <= 2_500, "{} of {exact}", left.remaining);
    }
}

#[test]
fn scheduled_plan_once_due_applies_by_the_clock() {
    let mut table = Table::new();
    let (now, end) = (at(BEGIN), at("2026-02-28T00:00:00Z"));
    table.spend(1, 0, now).unwrap();
    table.change("basic", When::PeriodEnd, now);
    assert_eq!(table.ledger.allowed_at(&plans(), now), 50);
    let before = end - TimeDelta::milliseconds(1);
    let billing = &table.ledger.billing;
    assert_eq!(billing.plan_at(&plans(), before), plan("free"));
    assert_eq!(billing.next_plan_at(before).unwrap().from, end);
    assert_eq!(billing.plan_at(&plans(), end), plan("basic"));
    assert!(billing.next_plan_at(end).is_none());
    assert_eq!(table.ledger.allowed_at(&plans(), end), 3000);
    table.spend(51, 0, end).unwrap();
    assert_eq!(
        table.events,
        ["BillingPlanChangeScheduled", "BillingPlanChanged"]
    );
}

#[test]
fn choosing_the_current_plan_cancels_the_scheduled_one() {
    let mut table = Table::new();
    let now = at(BEGIN);
    table.change("free", When::PeriodEnd, now);
    assert!(table.events.is_empty());
    table.change("basic", When::PeriodEnd, now);
    table.change("basic", When::PeriodEnd, now);
    table.change("free", When::Now, now);
    assert_eq!(
        table.events,
        ["BillingPlanChangeScheduled", "BillingPlanChangeCancelled"]
    );
    assert!(table.ledger.billing.next_plan.is_none());
}

#[test]
fn billing_update_by_a_user_is_refused() {
    let table = Table::new();
    let update = BillingUpdate::default();
    let refusal = update_billing(
        &member(Role::User),
        &table.ledger,
        &plans(),
        &PlanChanges::Customer,
        update,
        at(BEGIN),
    );
    assert_eq!(
        refusal.unwrap_err().to_string(),
        "only an owner or an admin can manage billing"
    );
}

#[test]
fn private_billing_details_are_not_logged() {
    let table = Table::new();
    let update = BillingUpdate {
        company_name: Some(Some("Acme Ltd".to_owned().try_into().unwrap())),
        tax_id: Some(Some("DE123".to_owned().try_into().unwrap())),
        invoice_address: Some(None),
        ..BillingUpdate::default()
    };
    let actor = member(Role::Admin);
    let change = update_billing(
        &actor,
        &table.ledger,
        &plans(),
        &PlanChanges::Customer,
        update,
        at(BEGIN),
    )
    .unwrap();
    let [event] = change.events.as_slice() else {
        panic!("{:?}", change.events);
    };
    assert_eq!(event.kind, EventKind::BillingDetailsUpdated);
    let fields: Vec<_> = event
        .changes
        .iter()
        .map(|change| (change.field.as_str(), change.to.as_deref()))
        .collect();
    assert_eq!(
        fields,
        [
            ("company_name", Some("Acme Ltd")),
            ("tax_id", Some("(not shown)"))
        ]
    );
}

#[test]
fn plan_no_longer_offered_keeps_its_terms() {
    let mut table = Table::new();
    let now = at(BEGIN);
    table.change("basic", When::Now, now);
    let others = Plans::parse("free:50:Free,basic:4000:Basic plus").unwrap();
    assert_eq!(
        table.ledger.billing.plan_at(&others, now).monthly_credits,
        4000
    );
    let without = Plans::parse("free:50:Free").unwrap();
    assert_eq!(table.ledger.billing.plan_at(&without, now), plan("basic"));
}

#[test]
fn counter_deletes_old_slots_and_stays_small() {
    let mut table = Table::new();
    table.change("scale", When::Now, at(BEGIN));
    let mut now = at(BEGIN);
    for n in 0..3000_u64 {
        table.spend(1, n * 7919, now).unwrap();
        now += TimeDelta::hours(3);
    }
    assert_eq!(table.ledger.counters.len(), 16);
    for counter in &table.ledger.counters {
        // A counter deletes old slots when it is debited: up to a few hours late.
        let hours: BTreeMap<String, u64> = counter.hours.clone().into();
        let days: BTreeMap<String, u64> = counter.days.clone().into();
        let months: BTreeMap<String, u64> = counter.months.clone().into();
        let periods: BTreeMap<String, u64> = counter.periods.clone().into();
        assert!(hours.len() <= 72 && days.len() <= 60, "{hours:?} {days:?}");
        assert!(months.len() <= 12 && periods.len() <= 14, "{periods:?}");
    }
    let report = table.ledger.report(now);
    assert_eq!(
        (report.hours.len(), report.days.len(), report.months.len()),
        (72, 60, 12)
    );
    assert_eq!(report.periods.len(), 13);
    assert_eq!(report.hours.iter().map(|(_, n)| n).sum::<u64>(), 23);
}

/// One step in the history of an organization.
#[derive(Debug, Clone)]
enum Step {
    Spend(u64, u64),
    Refund(usize, u64),
    Change(&'static str, When),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let ids = prop::sample::select(vec!["free", "basic", "pro", "scale"]);
    let when = prop::sample::select(vec![When::Now, When::PeriodEnd]);
    prop_oneof![
        12 => (1_u64..=1000, any::<u64>()).prop_map(|(n, seed)| Step::Spend(n, seed)),
        12 => (1_u64..=20, any::<u64>()).prop_map(|(n, seed)| Step::Spend(n, seed)),
        6 => (any::<usize>(), 1_u64..=1000).prop_map(|(n, credits)| Step::Refund(n, credits)),
        2 => (ids, when).prop_map(|(id, when)| Step::Change(id, when)),
        1 => (1_i64..20).prop_map(Step::Wait),
    ]
}

/// Notes the notices among events, each of which is news for as many credits.
fn note(notified: &mut (u64, u64), events: &[String], allowed: u64) {
    for event in events {
        match event.as_str() {
            "80%" => {
                assert!(allowed > notified.0, "80% again");
                notified.0 = allowed;
            }
            "100%" => {
                assert!(allowed > notified.1, "100% again");
                *notified = (notified.0.max(allowed), allowed);
            }
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn credits_are_never_exceeded_and_never_withheld(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut table = Table::new();
        let mut now = at(BEGIN);
        // The credits used in the current period.
        let mut used = 0;
        // The most credits that a notice at 80% and at 100% was sent for in the period.
        let mut notified = (0, 0);
        let mut period = table.ledger.billing.period_at(now);
        for step in steps {
            match step {
                Step::Wait(days) => {
                    now += TimeDelta::days(days);
                    let next = table.ledger.billing.period_at(now);
                    if next != period {
                        period = next;
                        used = 0;
                        notified = (0, 0);
                    }
                }
                Step::Change(id, when) => {
                    let before = table.events.len();
                    table.change(id, when, now);
                    let notices = &table.events[before..];
                    prop_assert!(notices.iter().filter(|e| e.ends_with('%')).count() <= 1);
                    let allowed = table.ledger.allowed_at(&plans(), now);
                    note(&mut notified, notices, allowed);
                }
                Step::Refund(n, credits) => {
                    let Some(n) = n.checked_rem(table.uses.len()) else { continue };
                    let credits = credits.min(table.uses[n].credits);
                    let refunded = table.refund(n, credits, now);
                    if refunded.period_start == period.start {
                        used -= credits;
                    }
                }
                Step::Spend(credits, seed) => {
                    let allowed = table.ledger.allowed_at(&plans(), now);
                    let before = table.events.len();
                    // A refund leaves the level, so that no threshold is crossed twice.
                    let meter = table.ledger.billing.meter.as_ref();
                    let meter = meter.filter(|meter| meter.period_start == period.start);
                    let was_high = meter.is_some_and(|meter| meter.level != Level::Low);
                    match table.spend(credits, seed, now) {
                        Ok(total) => {
                            used += credits;
                            prop_assert_eq!(total, used);
                            prop_assert!(used <= allowed, "{} of {}", used, allowed);
                            let eighty = |n: u64| n * 10 >= allowed * 8;
                            let reached = |percent: &str| {
                                table.events[before..].iter().filter(|e| *e == percent).count()
                            };
                            // Only the highest threshold, once for as many credits.
                            let is_full = used == allowed;
                            let full = is_full && allowed > notified.1;
                            let crossed = eighty(used) && !eighty(used - credits) && !was_high;
                            let high = crossed && !is_full && allowed > notified.0;
                            prop_assert_eq!(reached("80%"), usize::from(high));
                            prop_assert_eq!(reached("100%"), usize::from(full));
                            note(&mut notified, &table.events[before..], allowed);
                        }
                        Err(_) => prop_assert!(used + credits > allowed, "{} of {}", used, allowed),
                    }
                }
            }
            prop_assert_eq!(table.ledger.used_at(now), used);
            let left = remaining(&table.ledger.billing, &table.ledger.counters, &plans(), now);
            let allowed = table.ledger.allowed_at(&plans(), now);
            prop_assert_eq!((left.allowed, left.is_estimate), (allowed, false));
            prop_assert_eq!(left.remaining, allowed.saturating_sub(used));
        }
    }

    #[test]
    fn credits_are_allocated_evenly_to_counters(seed in any::<u64>()) {
        let mut table = Table::new();
        table.change("scale", When::Now, at(BEGIN));
        table.spend(1, seed, at(BEGIN)).unwrap();
        let left = |counter: &Counter| counter.left;
        let most = table.ledger.counters.iter().map(left).max().unwrap();
        let least = table.ledger.counters.iter().map(left).min().unwrap();
        prop_assert_eq!(table.ledger.counters.len(), 16);
        prop_assert!(most - least <= 1);
    }
}

/// A ledger of one counter, with one credit used in each of some slots.
fn ledger_with(hours: &[i64], days: &[i64], months: &[i64], periods: &[i64]) -> Ledger {
    let mut table = Table::new();
    table.spend(1, 0, at("2026-03-15T10:30:00Z")).unwrap();
    let counter = &mut table.ledger.counters[0];
    let tally = |slots: &[i64]| {
        let entries = slots.iter().map(|slot| (slot.to_string(), 1));
        entries.collect::<BTreeMap<_, _>>().try_into().unwrap()
    };
    counter.hours = tally(hours);
    counter.days = tally(days);
    counter.months = tally(months);
    counter.periods = tally(periods);
    table.ledger
}

#[test]
fn report_slots_are_the_hours_days_and_months_of_use() {
    let now = at("2026-03-15T10:30:00Z");
    // Slots of 2026-03-14T23:00, of 2026-03-14, and of February 2026.
    let ledger = ledger_with(&[492_647], &[20_526], &[2026 * 12 + 1], &[]);
    let report = ledger.report(now);
    let used = |slots: &[(DateTime<Utc>, u64)]| {
        let used = slots.iter().filter(|(_, credits)| *credits > 0);
        used.map(|(at, credits)| (at.to_rfc3339(), *credits))
            .collect::<Vec<_>>()
    };
    let once = |at: &str| vec![(format!("{at}+00:00"), 1)];
    assert_eq!(used(&report.hours), once("2026-03-14T23:00:00"));
    assert_eq!(used(&report.days), once("2026-03-14T00:00:00"));
    assert_eq!(used(&report.months), once("2026-02-01T00:00:00"));
    let ends = |slots: &[(DateTime<Utc>, u64)]| {
        let (first, last) = (slots[0].0, slots[slots.len() - 1].0);
        (slots.len(), first, last)
    };
    let all = |count, first, last| (count, at(first), at(last));
    assert_eq!(
        ends(&report.hours),
        all(72, "2026-03-12T11:00:00Z", "2026-03-15T10:00:00Z")
    );
    assert_eq!(
        ends(&report.days),
        all(60, "2026-01-15T00:00:00Z", "2026-03-15T00:00:00Z")
    );
    assert_eq!(
        ends(&report.months),
        all(12, "2025-04-01T00:00:00Z", "2026-03-01T00:00:00Z")
    );
}

#[test]
fn debit_removes_exactly_the_slots_that_are_not_reported() {
    let now = at("2026-03-15T10:30:00Z");
    let (hour, day, month) = (492_658, 20_527, 2026 * 12 + 2);
    let around = |oldest: i64| [oldest - 1, oldest, oldest + 1];
    let ledger = ledger_with(
        &around(hour - 71),
        &around(day - 59),
        &around(month - 11),
        &around(day - 13 * 31),
    );
    let spent = spend(&ledger, &plans(), Credits::new(1).unwrap(), 0, now).unwrap();
    let Spending::Debited(debits) = spent.spending else {
        panic!("no debit");
    };
    assert_eq!(debits.len(), 1);
    let (at, stale) = (debits[0].at, &debits[0].stale);
    assert_eq!((at.hour, at.day, at.month), (hour, day, month));
    assert_eq!(stale.hours, [hour - 72]);
    assert_eq!(stale.days, [day - 60]);
    assert_eq!(stale.months, [month - 12]);
    assert_eq!(stale.periods, [day - 13 * 31 - 1]);
}

#[test]
fn debit_seed_chooses_a_counter_by_what_it_has_left() {
    let mut table = Table::new();
    let now = at(BEGIN);
    table.change("pro", When::Now, now);
    table.spend(1, 0, now).unwrap();
    let counters = &mut table.ledger.counters;
    assert!(counters.len() >= 3);
    for (counter, left) in counters
        .iter_mut()
        .zip([7, 5, 3].into_iter().chain([0; 16]))
    {
        counter.left = left;
    }
    let chosen: Vec<u8> = (0..30)
        .map(|seed| {
            let spent = spend(&table.ledger, &plans(), Credits::new(1).unwrap(), seed, now);
            match spent.unwrap().spending {
                Spending::Debited(debits) => debits[0].counter,
                Spending::Allocated { .. } => panic!("no debit"),
            }
        })
        .collect();
    let once = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2];
    assert_eq!(chosen, [once, once].concat());
}

#[test]
fn allocation_holds_back_what_reaches_the_next_level() {
    let mut table = Table::new();
    let now = at(BEGIN);
    let left = |table: &Table| table.ledger.counters.iter().map(|c| c.left).sum::<u64>();
    table.spend(1, 0, now).unwrap();
    assert_eq!(left(&table), 38, "39 of 50 are below 80%");
    table.spend(39, 0, now).unwrap();
    assert_eq!(left(&table), 9, "49 of 50 are below 100%");
    table.spend(10, 0, now).unwrap();
    assert_eq!(left(&table), 0);
    assert_eq!(table.events, ["80%", "100%"]);
}

#[test]
fn threshold_event_carries_its_email() {
    let table = Table::new();
    let credits = Credits::new(40).unwrap();
    let spent = spend(&table.ledger, &plans(), credits, 0, at(BEGIN)).unwrap();
    let Spending::Allocated { events, .. } = spent.spending else {
        panic!("no allocation");
    };
    let notice = Notice::Credits {
        percent: 80,
        used: 40,
        allowed: 50,
        plan: "Free".to_owned(),
        period_end: at("2026-02-28T00:00:00Z"),
    };
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].email, Some(OutboxEmail::Billing { notice }));
}
