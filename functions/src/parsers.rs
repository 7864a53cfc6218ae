//! Parsers of requests and events: any input is parsed promptly and without a panic,
//! and the result is no larger than the input. A refusal repeats no value.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;
use domain::{
    ApiKeyId, ApiKeySecret, AuditEvent, Change, Credits, EmailAddress, ImportedPrefixes, Metadata,
    Notice, OrganizationId, OrganizationName, OutboxEmail, Role, TaxId,
};
use lambda_http::{Body, Request, RequestExt};
use proptest::{
    collection::{hash_map, vec},
    prelude::*,
    sample::select,
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use self::inputs::{bytes, changed, promptly, text};
use crate::{
    api_keys::authorize_api_key::{Credential, credential},
    billing::record_billing_event::{BusEvent, InvoiceDetail, Kind},
    emails::{email_tags::Tagged, record_email_delivery::SesEvent, stream},
    error::Error,
    input::{self, Clearable, Patch, Time},
};

#[path = "../../shared/domain/tests/inputs/mod.rs"]
mod inputs;

/// The maximum length of a refusal.
const MAX_DETAIL: usize = 400;

fn authorization() -> impl Strategy<Value = String> {
    let scheme = select(vec!["Bearer", "bearer", "Basic", "BASIC", "Digest"]);
    let ids = (any::<u128>(), any::<u128>(), any::<[u8; 32]>());
    (scheme, ids).prop_map(|(scheme, (organization, key, random))| {
        let organization_id = OrganizationId::new(Uuid::from_u128(organization));
        let api_key_id = ApiKeyId::new(Uuid::from_u128(key));
        let secret = ApiKeySecret::new(organization_id, api_key_id, random).reveal();
        if scheme.eq_ignore_ascii_case("basic") {
            let pair = format!("{organization_id}:{secret}");
            return format!("{scheme} {}", STANDARD.encode(pair));
        }
        format!("{scheme} {secret}")
    })
}

/// A body with a field of every type that requests have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Everything {
    name: OrganizationName,
    #[serde(default)]
    role: Patch<Role>,
    #[serde(default)]
    tax_id: Patch<Clearable<TaxId>>,
    email: Option<EmailAddress>,
    metadata: Option<Metadata>,
    credits: Option<Credits>,
    expires_at: Option<Time>,
    on: Option<bool>,
    nested: Option<Nested>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Nested {
    role: Role,
}

fn body_text() -> impl Strategy<Value = String> {
    let time = "[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|[-+][0-2][0-9]:[0-5][0-9])";
    (select(vec!["owner", "admin", "user"]), time, any::<u16>()).prop_map(
        |(role, time, credits)| {
            json!({
                "name": "Acme", "role": role, "tax_id": " ", "email": "dana@example.com",
                "metadata": { "a": "b" }, "credits": credits, "expires_at": time, "on": true,
                "nested": { "role": role },
            })
            .to_string()
        },
    )
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let names =
        "name|role|tax_id|email|metadata|credits|expires_at|on|nested|detail|id|mail|tags|bounce";
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            hash_map(prop_oneof![names, text()], inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn request(body: impl Into<Body>) -> Request {
    Request::new(body.into())
}

/// Returns the words of a refusal, which must be short.
fn refusal(error: &Error) -> Result<String, TestCaseError> {
    let Error::Invalid { detail, field } = error else {
        return Err(TestCaseError::fail(format!("{error:?}")));
    };
    let field = field.clone().unwrap_or_default();
    prop_assert!(detail.len() <= MAX_DETAIL, "{}", detail.len());
    prop_assert!(field.len() <= MAX_DETAIL, "{}", field.len());
    Ok(format!("{detail} {field}"))
}

fn check_body(body: &[u8]) -> Result<(), TestCaseError> {
    match promptly(|| input::body::<Everything>(&request(body))) {
        Err(error) => drop(refusal(&error)?),
        Ok(everything) => {
            let value = serde_json::from_slice::<Value>(body);
            prop_assert!(value.is_ok_and(|value| value.is_object()));
            if let Some(Time(time)) = everything.expires_at {
                let shown = serde_json::to_value(time).unwrap();
                let again = DateTime::parse_from_rfc3339(shown.as_str().unwrap());
                prop_assert_eq!(again.ok().map(|again| again.to_utc()), Some(time));
            }
        }
    }
    Ok(())
}

fn bus_event() -> impl Strategy<Value = String> {
    let news = select(vec![
        "billing.invoice_issued",
        "billing.payment_failed",
        "billing.payment_succeeded",
    ]);
    let due = prop_oneof![
        any::<i64>().prop_map(Value::from),
        (-100_000_000_000_i64..1_000_000_000_000).prop_map(Value::from),
        "[-+]?[0-9]{4,6}-(0[1-9]|1[0-2])-[0-2][0-9]".prop_map(Value::from),
        "[0-9]{4}-(0[1-9]|1[0-2])-[0-2][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](Z|[-+][0-2][0-9]:00)"
            .prop_map(Value::from),
        Just(Value::Null),
    ];
    (news, any::<u64>(), due).prop_map(|(news, amount, due_date)| {
        json!({
            "id": "evt-1", "detail-type": news, "source": "provider",
            "detail": {
                "organization_id": "01930000-0000-7000-8000-000000000001",
                "invoice_number": "INV-0042", "amount": amount, "currency": "usd",
                "due_date": due_date, "hosted_invoice_url": "https://pay.example.com/i",
            },
        })
        .to_string()
    })
}

fn check_bus_event(value: Value, length: usize) -> Result<(), TestCaseError> {
    let event = match promptly(|| input::event::<BusEvent<Kind, InvoiceDetail>>(value)) {
        Err(error) => {
            refusal(&error)?;
            return Ok(());
        }
        Ok(event) => match event.into_event() {
            Some(event) => event,
            None => return Ok(()),
        },
    };
    for Change { to, .. } in &event.changes {
        prop_assert!(to.as_ref().is_some_and(|to| to.len() <= 40), "{to:?}");
    }
    let Some(OutboxEmail::Billing {
        notice: Notice::Invoice { invoice, .. },
    }) = &event.email
    else {
        return Err(TestCaseError::fail("no email"));
    };
    if let Some(due) = invoice.due_date {
        prop_assert_eq!(due.to_string().len(), "2026-03-01".len());
    }
    let stored = serde_json::to_string(&event.email).unwrap();
    prop_assert!(stored.len() <= length + 300);
    Ok(())
}

fn check_ses_event(value: Value) {
    let Ok(event) = promptly(|| serde_json::from_value::<SesEvent>(value)) else {
        return;
    };
    let _ = promptly(|| event.report());
    if let Some(tagged) = promptly(|| event.tagged()) {
        let tags = match &tagged {
            Tagged::Invite(sending) => sending.to_tags().to_vec(),
            Tagged::Billing(sending) => sending.to_tags(),
        };
        let tags = tags.into_iter();
        let tags = tags.map(|(name, value)| (name.to_owned(), vec![value]));
        assert_eq!(Tagged::from_tags(&tags.collect()), Some(tagged));
    }
}

fn check_stream(value: Value) {
    for record in promptly(|| stream::records(value)).unwrap_or_default() {
        let image = record.change.new_image;
        drop(promptly(|| store::from_image::<AuditEvent>(image)));
    }
}

/// Checks a text as an event of each kind.
fn check_event(text: &str) -> Result<(), TestCaseError> {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        check_stream(value.clone());
        check_ses_event(value.clone());
        check_bus_event(value, text.len())?;
    }
    Ok(())
}

fn sample(name: &str) -> String {
    let path = format!("{}/../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str::<Value>(&text).unwrap().to_string()
}

fn samples() -> impl Strategy<Value = String> {
    select(vec![
        sample("deliver-email"),
        sample("record-email-delivery"),
        sample("record-billing-event"),
    ])
}

proptest! {
    #[test]
    fn authorization_header_yields_its_secret(header in prop_oneof![text(), changed(authorization())]) {
        let imported = ImportedPrefixes::default();
        if let Some(Credential::Own(secret)) = promptly(|| credential(&header, &imported)) {
            let text = secret.reveal();
            let (_, credentials) = header.split_once(' ').unwrap();
            let pair = STANDARD.encode(format!("{}:{text}", secret.organization_id));
            prop_assert!([text, pair].contains(&credentials.trim_matches(' ').to_owned()));
        }
    }

    #[test]
    fn body_of_any_bytes_is_read_or_refused(body in bytes()) {
        check_body(&body)?;
    }

    #[test]
    fn body_with_changes_is_read_or_refused(body in changed(body_text())) {
        check_body(body.as_bytes())?;
    }

    #[test]
    fn body_of_any_json_is_read_or_refused(body in json_value()) {
        check_body(body.to_string().as_bytes())?;
    }

    #[test]
    fn body_with_a_long_name_is_refused_in_short(name in "[ -~]{1,10}", times in 1_usize..6000, nested: bool) {
        let name = name.repeat(times);
        let body = if nested { json!({ "name": "A", "metadata": { name: 1 } }) } else { json!({ name: 1 }) };
        check_body(body.to_string().as_bytes())?;
    }

    #[test]
    fn refusal_repeats_no_value(before in text(), after in text(), words in "(, expected | at line |`)?") {
        let value = format!("{before}{words}PRIVATE{words}{after}");
        for body in [
            json!({ "name": "A", "role": value }),
            json!({ "name": "A", "email": value }),
            json!({ "name": "A", "expires_at": value }),
            json!({ "name": "A", "credits": value }),
            json!({ "name": "A", "on": value }),
            json!({ "name": "A", "nested": { "role": value } }),
            json!({ "name": "A", "nested": value }),
        ] {
            let error = input::body::<Everything>(&request(body.to_string())).unwrap_err();
            prop_assert!(!refusal(&error)?.contains("PRIVATE"), "{error}");
        }
    }

    #[test]
    fn page_of_any_query_is_read_or_refused(limit in prop_oneof!["[0-9]{0,6}", text()], cursor in text()) {
        let query = std::collections::HashMap::from([("limit".to_owned(), limit), ("cursor".to_owned(), cursor)]);
        let request = Request::new(Body::Empty).with_query_string_parameters(query);
        if let Err(error) = promptly(|| input::page(&request)) {
            refusal(&error)?;
        }
    }

    #[test]
    fn event_with_changes_is_read_or_refused(event in changed(samples())) {
        check_event(&event)?;
    }

    #[test]
    fn billing_event_with_changes_is_read_or_refused(event in changed(bus_event())) {
        check_event(&event)?;
    }

    #[test]
    fn event_of_any_json_is_read_or_refused(event in json_value()) {
        check_event(&event.to_string())?;
    }
}

fn detail_of(body: &Value) -> String {
    let error = input::body::<Everything>(&request(body.to_string())).unwrap_err();
    refusal(&error).unwrap()
}

#[test]
fn body_with_many_names_is_read_promptly() {
    let names = (0..50_000).map(|name| format!("\"{name}\":0"));
    let body = format!("{{{}}}", names.collect::<Vec<_>>().join(","));
    check_body(body.as_bytes()).unwrap();
}

#[test]
fn unknown_field_with_a_long_name_is_refused_in_short() {
    let detail = detail_of(&json!({ "é".repeat(3_000_000): 1 }));
    let name = format!("{}…", "é".repeat(100));
    assert_eq!(
        detail,
        format!("`{name}` is not a field of this request {name}")
    );
}

#[test]
fn refused_value_with_the_words_of_an_error_is_not_repeated() {
    for value in ["x, expected PRIVATE", "PRIVATE at line 3 column 4"] {
        let detail = detail_of(&json!({ "name": "A", "role": value }));
        let words = "`role` must be one of `user`, `admin`, `owner` role";
        assert_eq!(detail, words, "{value}");
    }
}

#[test]
fn time_that_rfc_3339_cannot_write_in_utc_is_refused() {
    for (time, allowed) in [
        ("9999-12-31T23:59:59Z", true),
        ("9999-12-31T23:59:59-00:01", false),
        ("0000-01-01T00:00:00Z", true),
        ("0000-01-01T00:00:00+00:01", false),
        ("2027-06-30T23:59:59.999999999Z", true),
        ("2027-06-30T23:59:60Z", false),
        ("2027-06-30T23:59:60.5+02:00", false),
        ("2027-06-30T12:00:00\u{2212}01:00", false),
    ] {
        let body = json!({ "name": "A", "expires_at": time }).to_string();
        let read = input::body::<Everything>(&request(body));
        assert_eq!(read.is_ok(), allowed, "{time}");
    }
}

#[test]
fn due_date_beyond_the_year_9999_is_refused() {
    for (due, allowed) in [
        (json!("9999-12-31"), true),
        (json!("+10000-01-01"), false),
        (json!("-0001-12-31"), false),
        (json!(1_772_366_400), true),
        // Milliseconds, not seconds.
        (json!(1_772_366_400_000_i64), false),
    ] {
        let event = json!({
            "id": "evt-1", "detail-type": "billing.invoice_issued",
            "detail": {
                "organization_id": "01930000-0000-7000-8000-000000000001",
                "invoice_number": "INV-1", "amount": 1, "currency": "eur", "due_date": due,
            },
        });
        let read = input::event::<BusEvent<Kind, InvoiceDetail>>(event);
        assert_eq!(read.is_ok(), allowed, "{due}");
    }
}
