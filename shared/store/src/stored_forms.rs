//! The stored forms: each kind of item is written exactly as its fixture in
//! `tests/items`, and each fixture is read back to its value.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Debug,
    fs,
    path::PathBuf,
};

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use chrono::{DateTime, Utc};
use domain::*;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    Account, ApiKeyPointer, Batch, BatchKeys, BillingDelivery, CreationRequest, EndedInvitePointer,
    InvitePointer, Items, Key, Membership, PaymentEvent, TableMarker, Transaction, UsageRequest,
    attribute::Item, from_image, records::Record,
};

const ORGANIZATION: &str = "01930000-0000-7000-8000-000000000001";
const INVITE: &str = "01930000-0000-7000-8000-000000000007";
const API_KEY: &str = "01930000-0000-7000-8000-000000000003";
const EVENT: &str = "01930000-0000-7000-8000-000000000009";

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/items")
}

fn fixture(name: &str) -> Option<Value> {
    let text = fs::read_to_string(directory().join(format!("{name}.json"))).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// Returns an item as DynamoDB's JSON.
fn to_json(item: &Item) -> Value {
    serde_json::to_value(serde_dynamo::Item::from(item.clone())).unwrap()
}

fn from_json(item: &Value) -> Item {
    serde_json::from_value::<serde_dynamo::Item>(item.clone())
        .unwrap()
        .into()
}

/// A fixture, and what happens to it.
struct Form {
    name: &'static str,
    /// Reads the fixture, and compares it with its value.
    read: Box<dyn Fn(&Item)>,
    /// The item as the present code writes it; `None` for an earlier form.
    written: Option<Item>,
}

/// A form of the table that the present code writes: `write` puts the value, in the
/// version before the present one, into a transaction.
fn form<T>(name: &'static str, key: Key<T>, value: T, write: Transaction) -> Form
where
    T: Record + DeserializeOwned + PartialEq + Debug + 'static,
{
    let item = written(&write, &key);
    form_of_item(name, key, value, item)
}

fn form_of_item<T>(name: &'static str, key: Key<T>, value: T, item: Item) -> Form
where
    T: Record + DeserializeOwned + PartialEq + Debug + 'static,
{
    Form {
        name,
        read: Box::new(move |item| {
            let read = read(&key, item);
            assert_eq!(read, value, "{name}");
            // Equality overlooks some parts, such as the typed form of an address.
            assert_eq!(to_json(&read.to_item().unwrap()), to_json(item), "{name}");
        }),
        written: Some(item),
    }
}

/// Reads an item by its key, as a batch does.
fn read<T: DeserializeOwned>(key: &Key<T>, item: &Item) -> T {
    let mut items = Items::default();
    items.insert(item.clone(), &BatchKeys::of(key)).unwrap();
    key.pick(&mut items).unwrap().expect("an item of this key")
}

fn requests(transaction: &Transaction) -> Vec<TransactWriteItem> {
    transaction
        .clone()
        .into_items("table", || event_id(EVENT))
        .unwrap()
}

/// Returns the item that a transaction puts at a key.
fn written<T>(transaction: &Transaction, key: &Key<T>) -> Item {
    let key = key.raw.clone().into_attributes();
    let requests = requests(transaction);
    let mut puts = requests.iter().filter_map(|request| request.put());
    let put = puts.find(|put| {
        key.iter()
            .all(|(name, value)| put.item().get(name) == Some(value))
    });
    put.expect("a put at this key").item().clone()
}

/// Returns the attributes that a transaction's update sets from whole values, and those
/// that it removes.
fn updated<T>(
    transaction: &Transaction,
    key: &Key<T>,
) -> (HashMap<String, AttributeValue>, Vec<String>) {
    let key = key.raw.clone().into_attributes();
    let requests = requests(transaction);
    let mut updates = requests.iter().filter_map(|request| request.update());
    let update = updates.find(|update| *update.key() == key);
    let update = update.expect("an update at this key");
    let expression = update.update_expression();
    let (set, remove) = expression
        .split_once(" REMOVE ")
        .unwrap_or((expression, ""));
    let names = update.expression_attribute_names();
    let spelled = |name: &str| {
        let placed = names.and_then(|names| names.get(name));
        placed.map_or_else(|| name.to_owned(), String::clone)
    };
    let values = update.expression_attribute_values().unwrap();
    let assignments = set.strip_prefix("SET ").unwrap().split(", ");
    let set = assignments.filter_map(|assignment| {
        let (name, value) = assignment.split_once(" = ")?;
        Some((spelled(name), values.get(value)?.clone()))
    });
    let removed = remove.split(", ").filter(|name| !name.is_empty());
    (set.collect(), removed.map(spelled).collect())
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn noon() -> DateTime<Utc> {
    at("2026-03-01T12:00:00Z")
}

fn organization_id() -> OrganizationId {
    OrganizationId::parse(ORGANIZATION).unwrap()
}

fn invite_id() -> InviteId {
    InviteId::parse(INVITE).unwrap()
}

fn event_id(text: &str) -> EventId {
    EventId::parse(text).unwrap()
}

fn user_id(text: &str) -> UserId {
    UserId::parse(text).unwrap()
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// A transaction without events.
fn quiet() -> Transaction {
    Transaction::in_organization(organization_id(), noon(), [])
}

/// A transaction with one event.
fn recorded(event: Event) -> Transaction {
    Transaction::in_organization(organization_id(), noon(), [event])
}

fn map<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

fn daily(today: u32, total: u32) -> DailyCount {
    DailyCount {
        day: "2026-03-01".parse().unwrap(),
        today,
        total,
    }
}

fn organization(metadata: Value) -> Organization {
    Organization {
        id: organization_id(),
        name: OrganizationName::parse("Acme 🚀").unwrap(),
        metadata: map(metadata),
        creator_id: user_id("auth0|ada"),
        created_at: at("2026-03-01T12:00:00.123456789Z"),
        external_id: None,
        private_metadata: Metadata::default(),
        standing: Standing::default(),
        version: 3,
    }
}

fn organizations() -> Vec<Form> {
    let form = |name, metadata| {
        let value = organization(metadata);
        let mut before = Organization {
            version: 2,
            ..value.clone()
        };
        let write = quiet().write_organization(&mut before);
        form(name, Key::organization(value.id), value, write)
    };
    vec![
        form("organization.without-metadata", json!({})),
        form(
            "organization.with-metadata",
            json!({ "crm": "42", "empty": "" }),
        ),
    ]
}

fn creator() -> Member {
    Member {
        organization_id: organization_id(),
        user_id: user_id("auth0|ada"),
        email: email("Ada@Bücher.example"),
        name: PersonName::from_claim("Ada Lovelace"),
        role: Role::Owner,
        receives_billing_emails: true,
        billing_emails_stopped: None,
        is_creator: true,
        joined_at: noon(),
        profile_at: None,
        last_event_id: Some(event_id(EVENT)),
        version: 1,
    }
}

fn nameless() -> Member {
    Member {
        user_id: user_id("bob"),
        email: email("bob@example.com"),
        name: None,
        role: Role::User,
        receives_billing_emails: false,
        billing_emails_stopped: None,
        is_creator: false,
        last_event_id: None,
        version: 2,
        ..creator()
    }
}

fn members() -> Vec<Form> {
    let pointer = Membership {
        user_id: nameless().user_id,
        organization_id: organization_id(),
    };
    let mut added = Member {
        version: 0,
        last_event_id: None,
        ..creator()
    };
    let current = Member {
        profile_at: Some(at("2026-03-01T11:59:30.25Z")),
        version: 3,
        ..nameless()
    };
    let mut changed = Member {
        version: 1,
        ..nameless()
    };
    let stopped = Member {
        billing_emails_stopped: Some(BillingEmailsStopped {
            since: noon(),
            reason: StopReason::NoMailbox,
        }),
        version: 3,
        ..nameless()
    };
    vec![
        form(
            "member.creator",
            Key::member(organization_id(), &creator().user_id),
            creator(),
            recorded(plain_event()).add_member(&mut added),
        ),
        form(
            "member.without-name-and-event",
            Key::member(organization_id(), &nameless().user_id),
            nameless(),
            quiet().write_member(&mut changed),
        ),
        form(
            "member.with-profile-time",
            Key::member(organization_id(), &current.user_id),
            current.clone(),
            quiet().write_member(&mut Member {
                version: 2,
                ..current
            }),
        ),
        form(
            "member.with-stopped-billing-emails",
            Key::member(organization_id(), &stopped.user_id),
            stopped.clone(),
            quiet().write_member(&mut Member {
                version: 2,
                ..stopped
            }),
        ),
        form(
            "pointer.only",
            Key::membership(&pointer.user_id, organization_id()),
            pointer,
            quiet().add_member(&mut Member {
                version: 0,
                ..nameless()
            }),
        ),
    ]
}

/// An item that the present code makes by an update alone.
fn form_of_update<T>(name: &'static str, key: Key<T>, value: T, write: Transaction) -> Form
where
    T: Record + DeserializeOwned + PartialEq + Debug + 'static,
{
    let (mut item, removed) = updated(&write, &key);
    assert!(removed.is_empty(), "{name}");
    item.extend(key.raw.clone().into_attributes());
    form_of_item(name, key, value, item)
}

fn account_items() -> Vec<Form> {
    let account = Account {
        user_id: user_id("bob"),
        current_organization_id: organization_id(),
        created: DailyCount::default(),
    };
    let founder = Account {
        created: daily(2, 7),
        ..account.clone()
    };
    let nameless = Profile::of(&nameless());
    let named = Profile {
        issued_at: Some(at("2026-03-01T11:59:30.25Z")),
        ..Profile::of(&creator())
    };
    let profile = |name, value: Profile| {
        let write = quiet().write_profile(&value);
        form(name, Key::profile(&value.user_id), value, write)
    };
    let request = CreationRequest {
        user_id: user_id("bob"),
        idempotency_key: "once-1".to_owned(),
        organization_id: organization_id(),
        at: at("2026-03-01T12:00:00.5Z"),
    };
    vec![
        form_of_update(
            "account.only",
            Key::account(&account.user_id),
            account.clone(),
            quiet().switch_to(&account.user_id, organization_id()),
        ),
        profile("profile.without-name-and-time", nameless),
        profile("profile.with-name-and-time", named),
        form_of_update(
            "account.with-created",
            Key::account(&founder.user_id),
            founder.clone(),
            quiet().switch_to_new(
                &founder.user_id,
                organization_id(),
                daily(1, 6),
                founder.created,
            ),
        ),
        form(
            "creation-request.only",
            Key::creation_request(&request.user_id, &request.idempotency_key),
            request.clone(),
            quiet().remember_request(&request, None),
        ),
    ]
}

fn terms() -> InviteTerms {
    InviteTerms {
        role: Role::Admin,
        receives_billing_emails: true,
        invited_by: Some(Inviter {
            id: user_id("auth0|ada"),
            name: "Ada Lovelace".to_owned(),
        }),
        created_at: noon(),
        expires_at: noon() + INVITE_LIFETIME,
        sent_at: noon(),
        times_sent: 1,
    }
}

fn queued_invite() -> Invite {
    Invite {
        id: invite_id(),
        organization_id: organization_id(),
        email: email("Dana@Example.com"),
        terms: terms(),
        delivery: Delivery::queued(noon()),
        version: 1,
    }
}

fn bounced_invite() -> Invite {
    Invite {
        terms: InviteTerms {
            times_sent: 2,
            ..terms()
        },
        delivery: Delivery {
            state: DeliveryState::Bounced,
            at: at("2026-03-01T12:05:00Z"),
            failures: 1,
            reason: Some("the mailbox is full".to_owned()),
        },
        version: 3,
        ..queued_invite()
    }
}

fn ended(invite: Invite, outcome: Outcome) -> EndedInvite {
    EndedInvite {
        invite,
        outcome,
        ended_at: at("2026-03-02T08:30:00Z"),
    }
}

fn invites() -> Vec<Form> {
    let pending = |name, value: Invite| {
        let mut before = Invite {
            version: value.version - 1,
            ..value.clone()
        };
        let write = quiet().write_invite(&mut before);
        form(name, Key::invite(organization_id(), value.id), value, write)
    };
    let ended = |name, outcome, invite| {
        let value = ended(invite, outcome);
        let write = quiet().end_invite(&value);
        form(
            name,
            Key::ended_invite(organization_id(), invite_id()),
            value,
            write,
        )
    };
    let mut new = Invite {
        version: 0,
        ..queued_invite()
    };
    let to_ended = EndedInvitePointer {
        email: new.email.clone(),
        invite_id: invite_id(),
        organization_id: organization_id(),
        ended_at: at("2026-03-02T08:30:00Z"),
    };
    vec![
        form(
            "invite-pointer.only",
            Key::invite_pointer(&new.email, invite_id()),
            InvitePointer::to(&new),
            quiet().add_invite(&mut new),
        ),
        form(
            "ended-invite-pointer.only",
            Key::ended_invite_pointer(&new.email, invite_id()),
            to_ended,
            quiet().end_expired_invite(&self::ended(queued_invite(), Outcome::Expired)),
        ),
        pending("invite.queued", queued_invite()),
        pending("invite.bounced", bounced_invite()),
        ended("ended-invite.accepted", Outcome::Accepted, queued_invite()),
        ended(
            "ended-invite.cancelled",
            Outcome::Cancelled,
            bounced_invite(),
        ),
    ]
}

fn new_key() -> ApiKey {
    let id = ApiKeyId::parse(API_KEY).unwrap();
    let secret = ApiKeySecret::new(organization_id(), id, [7; 32]);
    ApiKey {
        id,
        organization_id: organization_id(),
        name: ApiKeyName::parse("CI").unwrap(),
        hint: secret.hint(),
        created_by: Some(KeyCreator {
            id: user_id("auth0|ada"),
            name: "Ada Lovelace".to_owned(),
        }),
        created_at: noon(),
        scopes: ApiKeyScopes::default(),
        expires_at: None,
        rotated_at: None,
        last_used_at: None,
        secret_hash: secret.hash(),
        imported_hash: None,
        earlier_secrets: Vec::new(),
        version: 1,
    }
}

fn legacy_hash() -> SecretHash {
    let prefixes = ImportedPrefixes::parse("img_live_").unwrap();
    prefixes.hash("img_live_0123456789abcdef").unwrap()
}

fn api_keys() -> Vec<Form> {
    let earlier = ApiKeySecret::new(organization_id(), new_key().id, [8; 32]);
    let rotated = ApiKey {
        expires_at: Some(at("2027-01-01T00:00:00Z")),
        rotated_at: Some(at("2026-04-01T09:00:00Z")),
        last_used_at: Some(at("2026-04-01T08:00:00Z")),
        earlier_secrets: vec![EarlierSecret {
            secret_hash: earlier.hash(),
            valid_until: at("2026-04-02T09:00:00Z"),
        }],
        version: 4,
        ..new_key()
    };
    let scoped = ApiKey {
        scopes: BTreeSet::from([ApiKeyScope::ReadUsage]).try_into().unwrap(),
        ..new_key()
    };
    let imported = ApiKey {
        hint: "img_live_…3f2a".to_owned(),
        created_by: None,
        secret_hash: legacy_hash(),
        imported_hash: Some(legacy_hash()),
        ..new_key()
    };
    let pointer = ApiKeyPointer {
        secret_hash: legacy_hash(),
        organization_id: organization_id(),
        api_key_id: new_key().id,
    };
    let mut new_import = ApiKey {
        version: 0,
        ..imported.clone()
    };
    let form = |name, value: ApiKey| {
        let mut before = ApiKey {
            version: value.version - 1,
            ..value.clone()
        };
        let write = quiet().write_api_key(&mut before);
        form(
            name,
            Key::api_key(organization_id(), value.id),
            value,
            write,
        )
    };
    vec![
        form("api-key.new", new_key()),
        form("api-key.rotated", rotated),
        form("api-key.scoped", scoped),
        form("api-key.imported", imported),
        self::form(
            "api-key-pointer",
            Key::api_key_pointer(&legacy_hash()),
            pointer,
            quiet().import_api_key(&mut new_import),
        ),
    ]
}

fn address(holder: Holder) -> Address {
    Address {
        organization_id: organization_id(),
        email: email("Dana@Example.com"),
        holder,
        sent_at: Vec::new(),
        version: 2,
    }
}

fn ended_holder() -> Holder {
    Holder::Ended {
        invite_id: invite_id(),
        outcome: Outcome::Declined,
        at: at("2026-03-02T08:30:00Z"),
    }
}

fn addresses() -> Vec<Form> {
    let member = |invite_id| Holder::Member {
        user_id: user_id("auth0|dana"),
        invite_id,
    };
    let form = |name, value: Address| {
        let before = Address {
            version: 1,
            ..value.clone()
        };
        let write = quiet().write_address(&before);
        form(
            name,
            Key::address(organization_id(), &value.email),
            value,
            write,
        )
    };
    vec![
        form("address.creator", address(member(None))),
        form("address.member", address(member(Some(invite_id())))),
        form("address.invite", address(queued_invite().holder())),
        form("address.ended", address(ended_holder())),
        form(
            "address.with-emails",
            Address {
                sent_at: vec![noon(), at("2026-03-02T08:00:00Z")],
                ..address(ended_holder())
            },
        ),
    ]
}

fn recipients() -> Vec<Form> {
    let value = Recipient {
        id: email("Dana+offers@Example.com").recipient_id(),
        sent_at: vec![noon(), at("2026-03-02T08:00:00Z")],
        opted_out_at: None,
        version: 2,
    };
    let opted_out = Recipient {
        opted_out_at: Some(at("2026-03-02T08:30:00Z")),
        ..value.clone()
    };
    let write = |value: &Recipient| {
        let before = Recipient {
            version: 1,
            ..value.clone()
        };
        quiet().write_recipient(Some(&before))
    };
    [
        ("recipient.only", value),
        ("recipient.opted-out", opted_out),
    ]
    .map(|(name, value)| {
        let write = write(&value);
        form(name, Key::recipient(&value.id), value, write)
    })
    .into()
}

fn person() -> Actor {
    Actor::Person {
        user_id: user_id("auth0|ada"),
    }
}

/// An event without an email and without changes.
fn plain_event() -> Event {
    Event {
        kind: EventKind::InviteDeclined,
        actor: Actor::LinkHolder,
        subject: Subject {
            kind: SubjectKind::Invite,
            id: INVITE.to_owned(),
            name: None,
        },
        changes: Vec::new(),
        email: None,
    }
}

fn change(from: Option<&str>, to: Option<&str>) -> Change {
    Change {
        field: "role".to_owned(),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    }
}

fn billing_event(kind: EventKind, notice: Notice) -> Event {
    Event {
        kind,
        actor: Actor::System,
        subject: Subject {
            kind: SubjectKind::Billing,
            id: ORGANIZATION.to_owned(),
            name: Some("billing".to_owned()),
        },
        changes: Vec::new(),
        email: Some(OutboxEmail::Billing { notice }),
    }
}

fn invoice_event(event: InvoiceEvent, due_date: Option<&str>, url: Option<&str>) -> Event {
    let invoice = Invoice {
        number: InvoiceNumber::try_from("INV-0042".to_owned()).unwrap(),
        amount: Amount {
            minor_units: 4900,
            currency: Currency::try_from("EUR".to_owned()).unwrap(),
        },
        due_date: due_date.map(|day| day.parse().unwrap()),
        url: url.map(|url| InvoiceUrl::try_from(url.to_owned()).unwrap()),
    };
    billing_event(event.kind(), Notice::Invoice { event, invoice })
}

fn events() -> Vec<Form> {
    let form = |name, event: Event| {
        let value = event
            .clone()
            .recorded(event_id(EVENT), organization_id(), noon());
        let key = Key::audit_event(organization_id(), value.id);
        form(name, key, value, recorded(event))
    };
    let changes = vec![
        change(Some("user"), Some("admin")),
        change(None, Some("admin")),
        change(Some("user"), None),
    ];
    let resent = OutboxEmail::Invite {
        invite_id: invite_id(),
        times_sent: 2,
    };
    let credits = Notice::Credits {
        percent: 80,
        used: 40,
        allowed: 50,
        plan: "Free".to_owned(),
        period_end: noon(),
    };
    let (day, url) = ("2026-03-31", "https://pay.example.com/i/42");
    let with_changes = Event {
        actor: person(),
        changes,
        ..plain_event()
    };
    let with_email = Event {
        actor: person(),
        email: Some(resent),
        ..plain_event()
    };
    // Earlier events hold names of people, which are read no more.
    let earlier = |name, event: Event| Form {
        name,
        read: Box::new(move |item| {
            let subject = Subject {
                name: Some("d…@example.com".to_owned()),
                ..event.subject.clone()
            };
            let event = Event {
                subject,
                ..event.clone()
            };
            let value = event.recorded(event_id(EVENT), organization_id(), noon());
            let key = Key::audit_event(organization_id(), value.id);
            assert_eq!(read(&key, item), value, "{name}");
        }),
        written: None,
    };
    // Earlier events have an attribute of the actor's id, which nothing reads.
    let earlier_form = |name, event: Event| Form {
        name,
        read: Box::new(move |item| {
            let value = event.clone();
            let value = value.recorded(event_id(EVENT), organization_id(), noon());
            let key = Key::audit_event(organization_id(), value.id);
            assert_eq!(read(&key, item), value, "{name}");
        }),
        written: None,
    };
    vec![
        earlier("audit-event.without-email", plain_event()),
        earlier("audit-event.with-changes", with_changes.clone()),
        earlier("audit-event.invite-email", with_email.clone()),
        earlier_form("audit-event.ids-without-email", plain_event()),
        earlier_form("audit-event.ids-with-changes", with_changes.clone()),
        earlier_form("audit-event.ids-invite-email", with_email.clone()),
        earlier_form(
            "audit-event.credits-email",
            billing_event(EventKind::UsageThresholdReached, credits.clone()),
        ),
        earlier_form(
            "audit-event.invoice-issued-email",
            invoice_event(InvoiceEvent::Issued, Some(day), Some(url)),
        ),
        earlier_form(
            "audit-event.payment-failed-email",
            invoice_event(InvoiceEvent::PaymentFailed, Some(day), None),
        ),
        earlier_form(
            "audit-event.payment-succeeded-email",
            invoice_event(InvoiceEvent::PaymentSucceeded, None, None),
        ),
        form("audit-event.plain-without-email", plain_event()),
        form("audit-event.plain-with-changes", with_changes),
        form("audit-event.plain-invite-email", with_email),
        form(
            "audit-event.plain-credits-email",
            billing_event(EventKind::UsageThresholdReached, credits),
        ),
        form(
            "audit-event.plain-invoice-issued-email",
            invoice_event(InvoiceEvent::Issued, Some(day), Some(url)),
        ),
        form(
            "audit-event.plain-payment-failed-email",
            invoice_event(InvoiceEvent::PaymentFailed, Some(day), None),
        ),
        form(
            "audit-event.plain-payment-succeeded-email",
            invoice_event(InvoiceEvent::PaymentSucceeded, None, None),
        ),
    ]
}

fn new_billing() -> Billing {
    Billing {
        organization_id: organization_id(),
        anchor: Anchor::on(noon()),
        plan: Plans::default().first().clone(),
        next_plan: None,
        details: BillingDetails::default(),
        meter: None,
        version: 1,
    }
}

fn metered(level: Level) -> Billing {
    let notified = match level {
        Level::Low => Notified::default(),
        Level::High => Notified {
            high: 3000,
            full: 0,
        },
        Level::Full => Notified {
            high: 3000,
            full: 3000,
        },
    };
    let meter = Meter {
        period_start: at("2026-03-01T00:00:00Z"),
        credits: 3000,
        counters: 1,
        level,
        generation: 2,
        notified,
    };
    Billing {
        meter: Some(meter),
        version: 3,
        ..new_billing()
    }
}

fn with_price() -> Billing {
    let plans = Plans::parse("basic:3000:Basic:19 € a month").unwrap();
    Billing {
        plan: plans.first().clone(),
        ..metered(Level::Low)
    }
}

fn billings() -> Vec<Form> {
    let pro = Plans::default()
        .get(&PlanId::parse("pro").unwrap())
        .unwrap()
        .clone();
    let full = Billing {
        next_plan: Some(NextPlan {
            plan: pro,
            from: at("2026-04-01T00:00:00Z"),
        }),
        details: BillingDetails {
            company_name: CompanyName::parse("Acme Ltd").ok(),
            tax_id: TaxId::parse("DE123").ok(),
            invoice_address: InvoiceAddress::parse("1 Main St\nTown").ok(),
        },
        ..metered(Level::High)
    };
    let form = |name, value: Billing| {
        let mut before = Billing {
            version: value.version - 1,
            ..value.clone()
        };
        let write = quiet().write_billing(&mut before);
        form(name, Key::billing(organization_id()), value, write)
    };
    vec![
        form("billing.new", new_billing()),
        form("billing.metered", metered(Level::Low)),
        form("billing.used-up", metered(Level::Full)),
        form("billing.with-price", with_price()),
        Form {
            name: "billing.metered-without-notices",
            read: Box::new(|item| {
                let value = metered(Level::Low);
                assert_eq!(read(&Key::billing(organization_id()), item), value);
            }),
            written: None,
        },
        form("billing.with-next-plan-and-details", full),
    ]
}

fn counter(number: u8, tallies: &Value) -> Counter {
    Counter {
        organization_id: organization_id(),
        number,
        generation: 2,
        left: 1200,
        hours: map(tallies["hours"].clone()),
        days: map(tallies["days"].clone()),
        months: map(tallies["months"].clone()),
        periods: map(tallies["periods"].clone()),
        version: 5,
    }
}

fn usage() -> Vec<Form> {
    let form_of_counter = |name, value: Counter| {
        let before = Counter {
            version: 4,
            ..value.clone()
        };
        let write = quiet().write_counter(&before);
        form(
            name,
            Key::counter(organization_id(), value.number),
            value,
            write,
        )
    };
    let unused = json!({ "hours": {}, "days": {}, "months": {}, "periods": {} });
    let used = json!({
        "hours": { "492300": 3, "492301": 4 },
        "days": { "20512": 7 },
        "months": { "24314": 7 },
        "periods": { "20513": 7 },
    });
    let request = UsageRequest {
        organization_id: organization_id(),
        idempotency_key: "render-1".to_owned(),
        credits: 3,
        allowed: 3000,
        used: 7,
        at: noon(),
        period_start: None,
        parts: Vec::new(),
        refunded: None,
    };
    let refunded = UsageRequest {
        period_start: Some(at("2026-03-01T00:00:00Z")),
        parts: vec![Part {
            counter: 2,
            credits: 3,
        }],
        refunded: Some(2),
        ..request.clone()
    };
    let payment = PaymentEvent {
        id: "evt_1".to_owned(),
        organization_id: organization_id(),
        at: noon(),
    };
    vec![
        form_of_counter("counter.unused", counter(0, &unused)),
        form_of_counter("counter.used", counter(15, &used)),
        form(
            "usage-request.only",
            Key::usage_request(organization_id(), &request.idempotency_key),
            request.clone(),
            quiet().remember_usage(&request, None),
        ),
        form(
            "usage-request.refunded",
            Key::usage_request(organization_id(), &refunded.idempotency_key),
            refunded.clone(),
            quiet().remember_refund(&refunded),
        ),
        form(
            "payment-event.only",
            Key::payment_event(&payment.id),
            payment.clone(),
            quiet().remember_payment_event(&payment),
        ),
    ]
}

fn billing_deliveries() -> Vec<Form> {
    let form = |name, state, reason: Option<&str>| {
        let value = BillingDelivery {
            event_id: event_id(EVENT),
            user_id: user_id("auth0|ada"),
            delivery: Delivery {
                state,
                at: noon(),
                failures: 2,
                reason: reason.map(str::to_owned),
            },
        };
        let item = value.to_item().unwrap();
        form_of_item(
            name,
            Key::billing_delivery(value.event_id, &value.user_id),
            value,
            item,
        )
    };
    vec![
        form("billing-delivery.sent", DeliveryState::Sent, None),
        form(
            "billing-delivery.failed",
            DeliveryState::Failed,
            Some("refused"),
        ),
    ]
}

fn complained() -> CountedReport {
    CountedReport {
        earlier: EmailReports {
            bounces: 2,
            complaints: 0,
        },
        reports: EmailReports {
            bounces: 2,
            complaints: 1,
        },
        paused: Some(InvitesPaused {
            since: at("2026-03-02T08:30:00Z"),
            reason: PauseReason::Complaints,
        }),
    }
}

/// Only `Store::claim` writes the marker, outside of transactions.
fn markers() -> Vec<Form> {
    let value = TableMarker {
        format: 1,
        release: "0.2.0".to_owned(),
    };
    let item = value.to_item().unwrap();
    vec![form_of_item(
        "table-marker.only",
        Key::table_marker(),
        value,
        item,
    )]
}

/// Counts are written by updates only, each of its own attribute.
fn counts() -> Vec<Form> {
    let form = |name, outstanding_invites, api_keys, emails| Form {
        name,
        read: Box::new(move |item| {
            let value = Counts {
                outstanding_invites,
                api_keys,
                emails,
                ..Counts::default()
            };
            assert_eq!(read(&Key::counts(organization_id()), item), value, "{name}");
        }),
        written: None,
    };
    vec![
        form("counts.both", 3, 2, DailyCount::default()),
        form("counts.without-api-keys", 3, 0, DailyCount::default()),
        form("counts.without-invites", 0, 2, DailyCount::default()),
        form("counts.with-emails", 3, 0, daily(1, 7)),
        Form {
            name: "counts.paused",
            read: Box::new(|item| {
                let value = Counts {
                    reports: complained().reports,
                    invites_paused: complained().paused,
                    ..Counts::default()
                };
                assert_eq!(read(&Key::counts(organization_id()), item), value);
            }),
            written: None,
        },
    ]
}

fn forms() -> Vec<Form> {
    [
        organizations(),
        members(),
        account_items(),
        invites(),
        api_keys(),
        addresses(),
        recipients(),
        events(),
        billings(),
        usage(),
        billing_deliveries(),
        counts(),
        markers(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn written_item_equals_its_fixture() {
    let mut missing = Vec::new();
    for form in forms() {
        let Some(written) = form.written.as_ref().map(to_json) else {
            continue;
        };
        match fixture(form.name) {
            Some(fixture) => assert_eq!(written, fixture, "{}", form.name),
            None => missing.push(format!("{}.json\n{written:#}", form.name)),
        }
    }
    assert!(
        missing.is_empty(),
        "no fixture for:\n{}",
        missing.join("\n")
    );
}

#[test]
fn fixture_is_read_to_its_value() {
    let forms = forms();
    assert!(forms.len() > 30);
    for form in forms {
        let fixture = fixture(form.name).unwrap_or_else(|| panic!("no fixture {}", form.name));
        (form.read)(&from_json(&fixture));
    }
}

#[test]
fn every_fixture_belongs_to_a_form() {
    let files = fs::read_dir(directory())
        .unwrap()
        .map(|file| file.unwrap().file_name());
    let files = files.filter_map(|file| Some(file.to_str()?.strip_suffix(".json")?.to_owned()));
    let names = forms().into_iter().map(|form| form.name.to_owned());
    assert_eq!(files.collect::<BTreeSet<_>>(), names.collect());
}

#[test]
fn event_in_the_stream_is_read_from_its_image() {
    let forms = events();
    assert!(!forms.is_empty());
    for form in forms {
        let image: serde_dynamo::Item = map(fixture(form.name).unwrap());
        let event: AuditEvent = from_image(image).unwrap();
        assert_eq!(
            event.email.is_some(),
            form.name.ends_with("-email") && !form.name.contains("without")
        );
    }
}

#[test]
fn api_keys_are_counted_as_in_their_fixture() {
    let id = organization_id();
    let transaction = quiet().increment_api_keys(id);
    let fixture = from_json(&fixture("counts.without-invites").unwrap());
    let (set, removed) = updated(&transaction, &Key::counts(id));
    assert_eq!((set.len(), removed.len()), (0, 0));
    let request = requests(&transaction).remove(0);
    let update = request.update().unwrap();
    let names = update.expression_attribute_names().unwrap().values();
    let names: BTreeSet<&str> = names.map(String::as_str).chain(["pk", "sk"]).collect();
    assert_eq!(names, fixture.keys().map(String::as_str).collect());
    let counted = "#api_keys = if_not_exists(#api_keys, :none) + :one";
    assert!(update.update_expression().ends_with(counted));
    let values = update.expression_attribute_values().unwrap();
    assert_eq!(values[":one"], AttributeValue::N("1".to_owned()));
    assert_eq!(values[":none"], AttributeValue::N("0".to_owned()));
}

#[test]
fn reports_are_counted_as_in_their_fixture() {
    let id = organization_id();
    let mut fixture = from_json(&fixture("counts.paused").unwrap());
    fixture.retain(|name, _| name == "reports" || name == "invites_paused");
    let (set, _) = updated(&quiet().count_report(id, &complained()), &Key::counts(id));
    assert_eq!(set, fixture);
    let first = CountedReport {
        earlier: EmailReports::default(),
        paused: None,
        ..complained()
    };
    let (set, _) = updated(&quiet().count_report(id, &first), &Key::counts(id));
    fixture.remove("invites_paused");
    assert_eq!(set, fixture);
}

#[test]
fn ended_invite_gets_the_delivery_of_its_fixture() {
    let ended = ended(bounced_invite(), Outcome::Cancelled);
    let key = Key::ended_invite(organization_id(), invite_id());
    let (set, _) = updated(&quiet().write_ended_delivery(&ended), &key);
    let fixture = from_json(&fixture("ended-invite.cancelled").unwrap());
    let invite = fixture["invite"].as_m().unwrap();
    assert_eq!(set["invite.delivery"], invite["delivery"]);
}

#[test]
fn invites_are_counted_as_in_their_fixture() {
    let id = organization_id();
    let fixture = from_json(&fixture("counts.with-emails").unwrap());
    let email = |earlier| CountedEmail {
        recipient: None,
        earlier,
        emails: daily(1, 7),
        max: 50,
        sent_at: Vec::new(),
    };
    let yesterday = DailyCount {
        day: "2026-02-28".parse().unwrap(),
        ..daily(6, 6)
    };
    let expression = |transaction: &Transaction| {
        let request = requests(transaction).remove(0);
        request.update().unwrap().update_expression().to_owned()
    };
    for earlier in [yesterday, DailyCount::default()] {
        let invite = quiet().count_invite(id, &email(earlier));
        let (set, removed) = updated(&invite, &Key::counts(id));
        let emails = HashMap::from([("emails".to_owned(), fixture["emails"].clone())]);
        assert_eq!((set, removed.len()), (emails, 0));
        let counted = "outstanding_invites = if_not_exists(outstanding_invites, :none) + :one";
        assert!(expression(&invite).ends_with(counted));
    }
    let again = quiet().count_email(id, &email(daily(0, 6)));
    let counted = "SET emails.today = emails.today + :one, emails.#total = emails.#total + :one";
    assert_eq!(expression(&again), counted);
}

#[test]
fn address_updated_without_a_read_is_as_in_its_fixture() {
    let invite = queued_invite();
    let key = Key::address(organization_id(), &invite.email);
    let same = |name, set: &HashMap<String, AttributeValue>, attributes: &[&str]| {
        let fixture = from_json(&fixture(name).unwrap());
        assert_eq!(set.len(), attributes.len(), "{name}");
        for attribute in attributes {
            assert_eq!(
                set.get(*attribute),
                fixture.get(*attribute),
                "{name}: {attribute}"
            );
        }
    };

    let index = ["expiry_shard", "expires_at_seconds"];
    let (set, removed) = updated(&quiet().claim_address(&invite), &key);
    same("address.invite", &set, &["holder", index[0], index[1]]);
    assert!(removed.is_empty());

    let released = quiet().end_pending_invite(&ended(invite, Outcome::Declined), ended_holder());
    let (set, removed) = updated(&released, &key);
    same("address.ended", &set, &["holder", "ttl"]);
    assert_eq!(removed, index);
}

/// The words of an enum, in the order of its declaration.
fn words<T: JsonSchema>() -> Value {
    let schema = schemars::schema_for!(T).to_value();
    let variants = schema.get("oneOf").and_then(Value::as_array);
    match variants {
        Some(variants) => variants
            .iter()
            .map(|variant| variant["const"].clone())
            .collect(),
        None => schema["enum"].clone(),
    }
}

#[test]
fn words_of_stored_enums_are_kept() {
    assert_eq!(words::<Role>(), json!(["user", "admin", "owner"]));
    let outcomes = json!(["accepted", "declined", "cancelled", "expired"]);
    assert_eq!(words::<Outcome>(), outcomes);
    let states = json!(["queued", "sent", "failed", "bounced", "complained"]);
    assert_eq!(words::<DeliveryState>(), states);
    let subjects = json!(["organization", "member", "invite", "api_key", "billing"]);
    assert_eq!(words::<SubjectKind>(), subjects);
    let events = json!([
        "organization.created",
        "organization.updated",
        "organization.invites_paused",
        "organization.invites_resumed",
        "organization.creator_changed",
        "organization.suspended",
        "organization.unsuspended",
        "organization.deleted",
        "organization.restored",
        "organization.purged",
        "member.added",
        "member.removed",
        "member.role_changed",
        "member.billing_emails_changed",
        "member.billing_email_bounced",
        "member.billing_email_complained",
        "member.email_changed",
        "member.name_changed",
        "invite.created",
        "invite.updated",
        "invite.resent",
        "invite.accepted",
        "invite.declined",
        "invite.cancelled",
        "invite.expired",
        "invite.email_bounced",
        "invite.email_complained",
        "api_key.created",
        "api_key.updated",
        "api_key.rotated",
        "api_key.revoked",
        "billing.plan_changed",
        "billing.plan_change_scheduled",
        "billing.plan_change_cancelled",
        "billing.details_updated",
        "billing.invoice_issued",
        "billing.payment_failed",
        "billing.payment_succeeded",
        "usage.threshold_reached",
    ]);
    assert_eq!(words::<EventKind>(), events);
}
