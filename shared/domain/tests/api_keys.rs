//! Decisions about API keys that no scenario over HTTP reaches.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ApiKey, ApiKeyId, ApiKeyName, ApiKeyRequest, ApiKeySecret, Caller, Counts, EmailAddress,
    GracePeriod, MAX_API_KEYS, Member, OrganizationId, Refusal, Role, UserId, create_api_key,
    rotate_api_key,
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
        is_creator: false,
        joined_at: now(),
        last_event_id: None,
        version: 1,
    })
}

fn counts(api_keys: u32) -> Counts {
    Counts {
        api_keys,
        ..Counts::none(OrganizationId::new(Uuid::from_u128(1)))
    }
}

fn create(api_keys: u32) -> Result<(ApiKey, ApiKeySecret), Refusal> {
    let input = ApiKeyRequest {
        id: ApiKeyId::new(Uuid::from_u128(2)),
        name: ApiKeyName::parse("Rendering").unwrap(),
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
    assert_eq!(key.created_by.name, "a…@example.com");
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
        .map(|secret| key.verify(secret, now()))
        .collect();
    assert_eq!(valid, [false, true, true, true, true, true, true]);
    assert!(!key.verify(&secrets[5], now() + TimeDelta::days(1)));
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
    assert!(key.verify(&secret, now()));
    let another = ApiKeySecret::new(
        key.organization_id,
        ApiKeyId::new(Uuid::from_u128(3)),
        [0; 32],
    );
    assert!(!key.verify(&another, now()));
}
