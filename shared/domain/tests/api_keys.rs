//! Decisions about API keys that no scenario over HTTP reaches.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ApiKey, ApiKeyId, ApiKeyName, ApiKeyRequest, ApiKeyScopes, ApiKeySecret, ApiKeyUpdate, Caller,
    Counts, EmailAddress, Event, GracePeriod, MAX_API_KEYS, Member, OrganizationId, Refusal, Role,
    UserId, create_api_key, rotate_api_key, update_api_key,
};
use uuid::Uuid;

fn now() -> DateTime<Utc> {
    "2026-03-01T12:34:56.789Z".parse().unwrap()
}

fn admin() -> Caller {
    Caller::Member(Member {
        organization_id: OrganizationId::new(Uuid::from_u128(1)),
        user_id: UserId::parse("anna").unwrap(),
        email: EmailAddress::parse("anna@example.com").unwrap(),
        name: None,
        role: Role::Admin,
        receives_billing_emails: false,
        billing_emails_stopped: None,
        is_creator: false,
        joined_at: now(),
        profile_at: None,
        last_event_id: None,
        version: 1,
    })
}

fn counts(api_keys: u32) -> Counts {
    Counts {
        api_keys,
        ..Counts::default()
    }
}

fn create(api_keys: u32) -> Result<(ApiKey, ApiKeySecret), Refusal> {
    let input = ApiKeyRequest {
        id: ApiKeyId::new(Uuid::from_u128(2)),
        name: ApiKeyName::parse("Rendering").unwrap(),
        scopes: ApiKeyScopes::default(),
        expires_at: None,
        random: [0; 32],
    };
    let (key, secret, _) = create_api_key(&admin(), &counts(api_keys), input, now())?;
    Ok((key, secret))
}

#[test]
fn api_key_above_fifty_is_refused() {
    assert!(create(MAX_API_KEYS - 1).is_ok());
    assert_eq!(create(MAX_API_KEYS).err(), Some(Refusal::TooManyApiKeys));
}

#[test]
fn key_creator_without_a_name_is_masked() {
    let (key, _) = create(0).unwrap();
    assert_eq!(key.created_by.as_ref().unwrap().name, "a…@example.com");
}

#[test]
fn at_most_five_earlier_secrets_stay_valid() {
    let (mut key, first) = create(0).unwrap();
    let mut secrets = vec![first];
    for n in 1..=6 {
        let day = GracePeriod::default();
        let (rotated, secret, _) = rotate_api_key(&admin(), &key, [n; 32], day, now()).unwrap();
        key = rotated;
        secrets.push(secret);
    }
    let valid: Vec<bool> = secrets
        .iter()
        .map(|secret| key.verify(&secret.hash(), now()))
        .collect();
    assert_eq!(valid, [false, true, true, true, true, true, true]);
    assert!(!key.verify(&secrets[5].hash(), now() + TimeDelta::days(1)));
}

#[test]
fn rotation_deletes_expired_secrets() {
    let (key, _) = create(0).unwrap();
    let hour = GracePeriod::try_from(3600_i64).unwrap();
    let (key, ..) = rotate_api_key(&admin(), &key, [1; 32], hour, now()).unwrap();
    let later = now() + TimeDelta::hours(1);
    let (key, ..) = rotate_api_key(&admin(), &key, [2; 32], hour, later).unwrap();
    assert_eq!(key.earlier_secrets.len(), 1);
}

#[test]
fn grace_period_above_seven_days_is_refused() {
    assert!(GracePeriod::try_from(604_800_i64).is_ok());
    assert!(GracePeriod::try_from(604_801_i64).is_err());
}

#[test]
fn last_use_is_recorded_by_the_hour() {
    let (mut key, _) = create(0).unwrap();
    let hour = key.use_to_note(now()).unwrap();
    assert_eq!(
        hour,
        "2026-03-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap()
    );
    key.last_used_at = Some(hour);
    assert_eq!(key.use_to_note(now()), None);
    // A clock that lags behind does not move the last use back.
    assert_eq!(key.use_to_note(now() - TimeDelta::hours(1)), None);
    assert!(key.use_to_note(now() + TimeDelta::minutes(26)).is_some());
}

#[test]
fn secret_of_another_key_is_invalid() {
    let (key, secret) = create(0).unwrap();
    assert!(key.verify(&secret.hash(), now()));
    let another = ApiKeySecret::new(
        key.organization_id,
        ApiKeyId::new(Uuid::from_u128(3)),
        [0; 32],
    );
    assert!(!key.verify(&another.hash(), now()));
}

fn key_at(expires_at: Option<DateTime<Utc>>) -> Result<(ApiKey, Event), Refusal> {
    let input = ApiKeyRequest {
        id: ApiKeyId::new(Uuid::from_u128(2)),
        name: ApiKeyName::parse("Rendering").unwrap(),
        scopes: ApiKeyScopes::default(),
        expires_at,
        random: [0; 32],
    };
    let (key, _, event) = create_api_key(&admin(), &counts(0), input, now())?;
    Ok((key, event))
}

fn change_of(event: &Event, field: &str) -> (Option<String>, Option<String>) {
    let change = event.changes.iter().find(|change| change.field == field);
    let change = change.unwrap().clone();
    (change.from, change.to)
}

#[test]
fn key_expiry_must_be_in_the_future() {
    let soon = now() + TimeDelta::milliseconds(1);
    assert_eq!(key_at(Some(soon)).unwrap().0.expires_at, Some(soon));
    let refusal = key_at(Some(now())).unwrap_err();
    assert_eq!(refusal, Refusal::ExpiryNotInFuture);
}

#[test]
fn key_events_tell_times_in_rfc_3339() {
    let end: DateTime<Utc> = "2027-01-01T00:00:00Z".parse().unwrap();
    let (key, created) = key_at(Some(end)).unwrap();
    let told = Some("2027-01-01T00:00:00Z".to_owned());
    assert_eq!(change_of(&created, "expires_at"), (None, told.clone()));
    let update = ApiKeyUpdate {
        name: None,
        expires_at: Some(None),
    };
    let (updated, event) = update_api_key(&admin(), &key, update, now()).unwrap();
    assert_eq!(updated.expires_at, None);
    assert_eq!(change_of(&event.unwrap(), "expires_at"), (told, None));
}

#[test]
fn key_rotated_has_the_hint_of_its_new_secret() {
    let (key, _) = create(0).unwrap();
    let grace = GracePeriod::try_from(60).unwrap();
    let (rotated, secret, event) = rotate_api_key(&admin(), &key, [1; 32], grace, now()).unwrap();
    assert_eq!(rotated.hint, secret.hint());
    assert_ne!(rotated.hint, key.hint);
    assert_eq!(
        change_of(&event, "hint"),
        (Some(key.hint), Some(rotated.hint))
    );
    let until = Some("2026-03-01T12:35:56.789Z".to_owned());
    assert_eq!(
        change_of(&event, "previous_secret_valid_until"),
        (None, until)
    );
}

#[test]
fn earlier_secret_validity_ends_with_its_grace_or_the_key() {
    let (key, _) = create(0).unwrap();
    assert_eq!(key.previous_secret_valid_until(now()), None);
    let grace = GracePeriod::try_from(60).unwrap();
    let (rotated, ..) = rotate_api_key(&admin(), &key, [1; 32], grace, now()).unwrap();
    let end = now() + TimeDelta::seconds(60);
    let just_before = end - TimeDelta::milliseconds(1);
    assert_eq!(rotated.previous_secret_valid_until(just_before), Some(end));
    assert_eq!(rotated.previous_secret_valid_until(end), None);
    let key_end = now() + TimeDelta::seconds(30);
    let ending = ApiKey {
        expires_at: Some(key_end),
        ..rotated
    };
    assert_eq!(ending.previous_secret_valid_until(now()), Some(key_end));
    assert_eq!(ending.previous_secret_valid_until(key_end), None);
}

#[test]
fn secret_that_is_also_an_earlier_one_is_valid() {
    let (key, secret) = create(0).unwrap();
    let grace = GracePeriod::try_from(60).unwrap();
    let (rotated, ..) = rotate_api_key(&admin(), &key, [0; 32], grace, now()).unwrap();
    assert_eq!(rotated.secret_hash, key.secret_hash);
    assert!(rotated.verify(&secret.hash(), now()));
}

#[test]
fn key_rotated_tells_when_and_keeps_its_earlier_secret() {
    let (key, first) = create(0).unwrap();
    let grace = GracePeriod::try_from(60).unwrap();
    let rotate = |key: &ApiKey, random| {
        let (key, ..) = rotate_api_key(&admin(), key, [random; 32], grace, now()).unwrap();
        key
    };
    let rotated = rotate(&key, 1);
    assert_eq!(rotated.rotated_at, Some(now()));
    let end = now() + TimeDelta::seconds(60);
    assert_eq!(rotated.earlier_secrets.len(), 1);
    assert_eq!(rotated.earlier_secrets[0].valid_until, end);
    assert!(rotated.verify(&first.hash(), now()));
    assert!(!rotated.verify(&first.hash(), end));
    // An earlier secret that is there twice is as valid as one that is there once.
    let twice = rotate(&rotate(&key, 0), 1);
    assert_eq!(twice.earlier_secrets.len(), 2);
    assert!(twice.verify(&first.hash(), now()));
}
