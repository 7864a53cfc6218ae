//! The email service's reports about billing emails: bounces and complaints stop them.

use std::time::Duration;

use chrono::TimeDelta;
use local::{CaughtEmail, PutEvent};
use serde_json::{Value, json};

use crate::{
    billing_emails::failed,
    contention,
    harness::{Fixture, Session},
    invariants,
    wire::Fault,
};

const SUBJECT: &str = "Invoice INV-0042";

impl Fixture {
    /// Makes a person with this address a member who receives billing emails.
    async fn recipient(&self, email: &str) -> Session {
        let person = self.world.sign_in(email);
        self.creator
            .add_member(&self.organization, &person, "user")
            .await;
        self.set_billing_emails(&person.user_id, true).await;
        self.world.drain().await;
        person
    }

    /// Sends a billing email, and has the reports about it recorded.
    pub async fn bill(&self) {
        let published = self
            .payment_event("billing.invoice_issued", json!({}))
            .await;
        assert!(!failed(&published));
        self.world.drain().await;
        assert_eq!(self.world.stack.deliver_events().await, 0);
    }

    /// Returns why a member's billing emails are stopped, as `reader` sees it.
    async fn stop(&self, reader: &Session, user_id: &str) -> Value {
        let path = format!("{}/members/{user_id}", self.organization);
        let member = reader.get(&path).await.expect("200");
        member["billing_emails_stopped"]["reason"].clone()
    }

    /// Returns the changes of the logged events of a kind, oldest first.
    async fn changes_of(&self, kind: &str) -> Vec<Value> {
        let path = format!("{}/audit-events?limit=100", self.organization);
        let log = self.owner.get(&path).await.expect("200");
        let events = log["items"].as_array().unwrap().iter().rev();
        let events = events.filter(|event| event["kind"] == kind);
        events.map(|event| event["changes"].clone()).collect()
    }

    /// Returns the last email to an address.
    fn last_email_to(&self, email: &str) -> CaughtEmail {
        let emails = self.world.stack.emails();
        let to = |sent: &&CaughtEmail| sent.to.iter().any(|to| to == email);
        emails.iter().rfind(to).unwrap().clone()
    }
}

/// Returns a report about an email.
fn report(kind: &str, email: &CaughtEmail, bounce: (&str, &str)) -> PutEvent {
    let tags = email.tags.iter();
    let tags: Value = tags
        .map(|(name, value)| (name.clone(), json!([value])))
        .collect();
    let (kind_of_bounce, sub_kind) = bounce;
    let event = json!({
        "source": "aws.ses",
        "detail-type": kind,
        "detail": {
            "mail": { "tags": tags, "destination": email.to },
            "bounce": { "bounceType": kind_of_bounce, "bounceSubType": sub_kind },
        },
    });
    serde_json::from_value(event).unwrap()
}

const BOUNCED: &str = "Email Bounced";
const GONE: (&str, &str) = ("Permanent", "General");

async fn put(fixture: &Fixture, report: PutEvent) {
    let published = fixture.world.stack.put_event(report).await;
    assert_eq!(published.called[0].operation, "record-email-delivery");
    assert!(!failed(&published));
}

/// Has the creator's last billing email bounce.
pub async fn bounce(fixture: &Fixture) {
    let email = fixture.last_email_to("ada@example.com");
    put(fixture, report(BOUNCED, &email, GONE)).await;
}

#[tokio::test]
async fn bounce_or_complaint_stops_the_billing_emails_of_a_member() {
    for (email, state, kind, reason) in [
        (
            "bounce",
            "bounced",
            "member.billing_email_bounced",
            "no_mailbox",
        ),
        (
            "suppressionlist",
            "bounced",
            "member.billing_email_bounced",
            "suppressed",
        ),
        (
            "complaint",
            "complained",
            "member.billing_email_complained",
            "complaint",
        ),
    ] {
        let fixture = Fixture::new().await;
        let email = format!("{email}@simulator.amazonses.com");
        let person = fixture.recipient(&email).await;
        assert_eq!(
            fixture.stop(&fixture.admin, &person.user_id).await,
            json!(null)
        );
        fixture.bill().await;
        let all = ["ada@example.com".to_owned(), email.clone()];
        assert_eq!(fixture.recipients_of(SUBJECT), all);

        for reader in [&fixture.admin, &fixture.owner, &fixture.world.server()] {
            let organization = match reader.user_id.is_empty() {
                true => fixture.organization.replace("/v1/", "/v1/server/"),
                false => fixture.organization.clone(),
            };
            let path = format!("{organization}/members/{}", person.user_id);
            let member = reader.get(&path).await.expect("200");
            assert_eq!(
                member["billing_emails_stopped"]["reason"], reason,
                "{member}"
            );
            assert_eq!(member["receives_billing_emails"], true);
        }
        // A member without the right to turn them on does not see why.
        assert_eq!(
            fixture.stop(&fixture.user, &person.user_id).await,
            json!(null)
        );
        let changes = json!([
            {"field": "delivery", "from": "sent", "to": state},
            {"field": "billing_emails_stopped", "to": reason},
        ]);
        assert_eq!(fixture.changes_of(kind).await, [changes]);

        // The next one goes to the others only.
        fixture.bill().await;
        let all = ["ada@example.com", "ada@example.com", &*email];
        assert_eq!(fixture.recipients_of(SUBJECT), all);

        // To turn them on, though they are, sends again.
        fixture.set_billing_emails(&person.user_id, true).await;
        assert_eq!(
            fixture.stop(&fixture.admin, &person.user_id).await,
            json!(null)
        );
        let changes = json!([{"field": "billing_emails_stopped", "from": reason}]);
        let logged = fixture.changes_of("member.billing_emails_changed").await;
        assert_eq!(logged.last(), Some(&changes));
        fixture.bill().await;
        let sent = fixture.recipients_of(SUBJECT);
        assert_eq!(
            sent.iter().filter(|to| **to == email).count(),
            2,
            "{sent:?}"
        );
        assert!(fixture.world.stack.dead_events().is_empty());
        invariants::hold(&fixture.world).await;
    }
}

#[tokio::test]
async fn creators_billing_emails_stop_and_resume() {
    let fixture = Fixture::new().await;
    fixture.bill().await;
    bounce(&fixture).await;
    let ada = &fixture.creator.user_id;
    assert_eq!(fixture.stop(&fixture.admin, ada).await, "no_mailbox");
    fixture.bill().await;
    assert_eq!(fixture.recipients_of(SUBJECT).len(), 1);
    fixture.set_billing_emails(ada, true).await;
    fixture.bill().await;
    assert_eq!(fixture.recipients_of(SUBJECT).len(), 2);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn passing_bounce_is_recorded_once_and_stops_nothing() {
    let fixture = Fixture::new().await;
    fixture.bill().await;
    let email = fixture.last_email_to("ada@example.com");
    for _ in 0..2 {
        let full = report(BOUNCED, &email, ("Transient", "MailboxFull"));
        put(&fixture, full).await;
    }
    let changes = json!([{"field": "delivery", "from": "sent", "to": "bounced"}]);
    let logged = fixture.changes_of("member.billing_email_bounced").await;
    assert_eq!(logged, [changes]);
    fixture.bill().await;
    assert_eq!(fixture.recipients_of(SUBJECT).len(), 2);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn report_about_an_earlier_address_or_member_changes_nothing() {
    let fixture = Fixture::new().await;
    let ulla = fixture.recipient("ulla.old@example.com").await;
    fixture.bill().await;
    let email = fixture.last_email_to("ulla.old@example.com");
    fixture.world.clock.advance(TimeDelta::seconds(1));
    let ulla = fixture.world.with_address(&ulla, "ulla.new@example.com");
    let path = format!("{}/settings", fixture.organization);
    ulla.get(&path).await.expect("200");
    put(&fixture, report(BOUNCED, &email, GONE)).await;
    assert_eq!(
        fixture.stop(&fixture.admin, &ulla.user_id).await,
        json!(null)
    );

    // A new address also ends a stop.
    fixture.bill().await;
    let email = fixture.last_email_to("ulla.new@example.com");
    put(&fixture, report(BOUNCED, &email, GONE)).await;
    assert_eq!(
        fixture.stop(&fixture.admin, &ulla.user_id).await,
        "no_mailbox"
    );
    fixture.world.clock.advance(TimeDelta::seconds(1));
    let ulla = fixture.world.with_address(&ulla, "ulla.newer@example.com");
    ulla.get(&path).await.expect("200");
    assert_eq!(
        fixture.stop(&fixture.admin, &ulla.user_id).await,
        json!(null)
    );

    let member = format!("{}/members/{}", fixture.organization, ulla.user_id);
    fixture.creator.delete(&member).await.expect("200");
    put(&fixture, report(BOUNCED, &email, GONE)).await;
    assert_eq!(
        fixture
            .changes_of("member.billing_email_bounced")
            .await
            .len(),
        1
    );
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn complaint_after_a_bounce_is_recorded_and_keeps_the_stop() {
    let fixture = Fixture::new().await;
    fixture.bill().await;
    let email = fixture.last_email_to("ada@example.com");
    put(&fixture, report("Email Complaint Received", &email, GONE)).await;
    put(&fixture, report(BOUNCED, &email, GONE)).await;
    let ada = &fixture.creator.user_id;
    assert_eq!(fixture.stop(&fixture.admin, ada).await, "complaint");
    assert!(
        fixture
            .changes_of("member.billing_email_bounced")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn bounce_report_before_the_sent_state_sends_no_second_email() {
    let fixture = Fixture::new().await;
    fixture
        .payment_event("billing.invoice_issued", json!({}))
        .await;
    // The email leaves; the write of its state waits until the report was recorded.
    let mut held = fixture.world.wire.hold("UpdateItem");
    let reporting = async {
        held.arrived().await;
        let email = fixture.last_email_to("ada@example.com");
        put(
            &fixture,
            report(BOUNCED, &email, ("Transient", "MailboxFull")),
        )
        .await;
        held.release();
    };
    tokio::join!(fixture.world.drain(), reporting);
    fixture.world.drain().await;
    assert_eq!(fixture.recipients_of(SUBJECT).len(), 1);
    let email = fixture.last_email_to("ada@example.com");
    put(
        &fixture,
        report(BOUNCED, &email, ("Transient", "MailboxFull")),
    )
    .await;
    assert_eq!(
        fixture
            .changes_of("member.billing_email_bounced")
            .await
            .len(),
        1
    );
}

#[tokio::test]
async fn report_after_any_fault_is_recorded_once() {
    for fault in Fault::ALL {
        let fixture = Fixture::new().await;
        fixture.bill().await;
        let email = fixture.last_email_to("ada@example.com");
        fixture.world.wire.fail(0, 1000, fault);
        let published = fixture
            .world
            .stack
            .put_event(report(BOUNCED, &email, GONE))
            .await;
        assert!(failed(&published), "{fault:?}");
        fixture.world.wire.heal();
        assert_eq!(fixture.world.stack.deliver_events().await, 1);
        fixture.world.clock.advance(TimeDelta::minutes(1));
        assert_eq!(fixture.world.stack.deliver_events().await, 0);
        let ada = &fixture.creator.user_id;
        assert_eq!(
            fixture.stop(&fixture.admin, ada).await,
            "no_mailbox",
            "{fault:?}"
        );
        let logged = fixture.changes_of("member.billing_email_bounced").await;
        assert_eq!(logged.len(), 1, "{fault:?}");
        invariants::hold(&fixture.world).await;
    }
}

#[tokio::test]
async fn tags_of_a_billing_email_have_no_address() {
    let fixture = Fixture::new().await;
    fixture.bill().await;
    let email = fixture.last_email_to("ada@example.com");
    let names: Vec<&String> = email.tags.keys().collect();
    assert_eq!(
        names,
        ["billing_event_id", "organization_id", "stack", "user_id"]
    );
    assert!(email.tags.values().all(|value| !value.contains("ada")));
}

/// Invokes `deliver-email` with a record and this much time. Returns whether it is done.
async fn deliver_within(fixture: &Fixture, record: &Value, time: Duration) -> bool {
    let operation = functions::operation("deliver-email").unwrap();
    let event = json!({ "Records": [record] });
    let context = contention::ending_in(time);
    let answer = functions::invoke(fixture.world.stack.app(), operation, event, context).await;
    let failures = answer.unwrap()["batchItemFailures"].clone();
    match failures.as_array().unwrap().as_slice() {
        [] => true,
        [failure] => {
            assert_eq!(failure["itemIdentifier"], "1");
            false
        }
        more => panic!("{more:?}"),
    }
}

#[tokio::test]
async fn billing_email_to_many_stops_before_the_deadline_and_goes_on() {
    const RECIPIENTS: usize = 302;
    const FIRST: usize = 200;
    let fixture = Fixture::new().await;
    let user = &fixture.user.user_id;
    fixture.set_billing_emails(user, true).await;
    crate::costs::seed(&fixture, RECIPIENTS - 2).await;
    fixture.world.drain().await;
    fixture
        .payment_event("billing.invoice_issued", json!({}))
        .await;
    let items = fixture.world.items().await;
    let event = items
        .iter()
        .find(|item| item["kind"]["S"] == "billing.invoice_issued");
    let record = crate::emails::stream_record(event.unwrap());

    let soon = Duration::from_secs(3);
    assert!(!deliver_within(&fixture, &record, soon).await);
    assert!(fixture.recipients_of(SUBJECT).is_empty());

    // SES refuses all after the first ones, which ends the run.
    let wire = &fixture.world.wire;
    wire.fail_action("SendEmail", FIRST, usize::MAX, Fault::ThroughputExceeded);
    let long = Duration::from_secs(600);
    assert!(!deliver_within(&fixture, &record, long).await);
    wire.heal();
    assert_eq!(fixture.recipients_of(SUBJECT).len(), FIRST);

    // The next run reads the first ones by the page, and sends only to the others.
    wire.take();
    assert!(deliver_within(&fixture, &record, long).await);
    let mut sent = fixture.recipients_of(SUBJECT);
    sent.dedup();
    assert_eq!(sent.len(), RECIPIENTS);
    let requests = wire.take().len();
    let pages = RECIPIENTS.div_ceil(100);
    let most = 1 + 2 * (pages + 1) + 3 * (RECIPIENTS - FIRST);
    assert!(requests <= most, "{requests} requests, more than {most}");
}
