//! API keys: they belong to the organization, not to the member who created them.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Action, ApiKeyId, ApiKeyName, ApiKeySecret, Caller, Change, Counts, Event, EventKind,
    OrganizationId, Refusal, SecretHash, Subject, SubjectKind, UserId, permit,
};

/// The maximum number of keys of an organization.
pub const MAX_API_KEYS: u32 = 50;
/// The maximum number of earlier secrets of a key that stay valid.
const MAX_EARLIER_SECRETS: usize = 5;

/// An API key. Its authority is the organization's: it outlives the membership
/// of its creator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The key's id, also part of its secret.
    pub id: ApiKeyId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The name, for people.
    pub name: ApiKeyName,
    /// The visible part of the current secret, see [`ApiKeySecret::hint`].
    pub hint: String,
    /// The person who created it; `None` is the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<KeyCreator>,
    /// The time of its creation.
    pub created_at: DateTime<Utc>,
    /// The scopes.
    #[serde(default, skip_serializing_if = "ApiKeyScopes::are_all")]
    pub scopes: ApiKeyScopes,
    /// Expiry time; `None` means it never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// The time of the last rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<DateTime<Utc>>,
    /// The hour of the last use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
    /// The hash of the current secret.
    pub secret_hash: SecretHash,
    /// The hash that leads to a key of an earlier system, whose text has no ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported_hash: Option<SecretHash>,
    /// Secrets from before rotations that may still be valid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_secrets: Vec<EarlierSecret>,
    /// The number of changes, for optimistic concurrency.
    pub version: u64,
}

/// One thing that an API key may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum ApiKeyScope {
    /// Get the organization's usage.
    #[serde(rename = "usage:read")]
    ReadUsage,
    /// Use credits, and give them back.
    #[serde(rename = "usage:write")]
    WriteUsage,
}

impl ApiKeyScope {
    const ALL: [Self; 2] = [Self::ReadUsage, Self::WriteUsage];
}

impl fmt::Display for ApiKeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadUsage => "usage:read",
            Self::WriteUsage => "usage:write",
        })
    }
}

/// The scopes of an API key: at least one. The default is all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "BTreeSet<ApiKeyScope>")]
#[schemars(inline)]
pub struct ApiKeyScopes(#[schemars(length(min = 1))] BTreeSet<ApiKeyScope>);

/// The error of a key without a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at least one scope")]
pub struct NoScope;

impl TryFrom<BTreeSet<ApiKeyScope>> for ApiKeyScopes {
    type Error = NoScope;

    fn try_from(scopes: BTreeSet<ApiKeyScope>) -> Result<Self, NoScope> {
        if scopes.is_empty() {
            return Err(NoScope);
        }
        Ok(Self(scopes))
    }
}

impl Default for ApiKeyScopes {
    fn default() -> Self {
        Self(ApiKeyScope::ALL.into())
    }
}

/// The scopes with spaces between them, as OAuth writes them (RFC 6749, 3.3).
impl fmt::Display for ApiKeyScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scopes: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&scopes.join(" "))
    }
}

impl ApiKeyScopes {
    /// Returns whether no scope is missing.
    pub fn are_all(&self) -> bool {
        self.0.len() == ApiKeyScope::ALL.len()
    }
}

/// The person who created an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCreator {
    /// The person's user id; the person may have left since.
    pub id: UserId,
    /// The person's name, or their masked email address if they have no name.
    pub name: String,
}

/// A secret from before a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierSecret {
    /// The hash of the secret.
    pub secret_hash: SecretHash,
    /// The instant from which the secret is invalid.
    pub valid_until: DateTime<Utc>,
}

impl ApiKey {
    /// Returns whether the key has expired; at `expires_at` itself it has.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|expires_at| now >= expires_at)
    }

    /// Returns whether the secret with this hash is valid for this key now. Every stored
    /// hash is compared, each in constant time.
    pub fn verify(&self, hash: &SecretHash, now: DateTime<Utc>) -> bool {
        let earlier = self.earlier_secrets.iter().fold(false, |valid, earlier| {
            valid | (earlier.secret_hash == *hash) & (now < earlier.valid_until)
        });
        let known = (self.secret_hash == *hash) | earlier;
        known && !self.is_expired(now)
    }

    /// Returns the end of the last valid earlier secret; `None` if none is valid.
    pub fn previous_secret_valid_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ends = self.earlier_secrets.iter().map(|secret| secret.valid_until);
        let last = ends.max()?;
        let end = self
            .expires_at
            .map_or(last, |expires_at| last.min(expires_at));
        (now < end).then_some(end)
    }

    /// Returns the hour to record as that of the last use; `None` if it is recorded already.
    pub fn use_to_note(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
        self.last_used_at
            .is_none_or(|last_used_at| last_used_at < hour)
            .then_some(hour)
    }

    fn as_subject(&self) -> Subject {
        Subject {
            kind: SubjectKind::ApiKey,
            id: self.id.to_string(),
            name: Some(self.name.to_string()),
        }
    }

    fn event(&self, kind: EventKind, caller: &Caller, changes: Vec<Change>) -> Event {
        Event::new(kind, caller.as_actor(), self.as_subject(), changes)
    }
}

/// The API key to create.
#[derive(Debug, Clone)]
pub struct ApiKeyRequest {
    /// The id to give it.
    pub id: ApiKeyId,
    /// The name, for people.
    pub name: ApiKeyName,
    /// Its scopes.
    pub scopes: ApiKeyScopes,
    /// Expiry time; `None` means it never expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// The random part of the secret: 256 bits of a cryptographic source.
    pub random: [u8; 32],
}

/// Decides the creation of an API key. Returns the key, its secret and the
/// event to record.
///
/// # Errors
/// [`Refusal::OwnerOrAdminRequired`], [`Refusal::TooManyApiKeys`],
/// [`Refusal::ExpiryNotInFuture`].
pub fn create_api_key(
    caller: &Caller,
    counts: &Counts,
    input: ApiKeyRequest,
    now: DateTime<Utc>,
) -> Result<(ApiKey, ApiKeySecret, Event), Refusal> {
    let secret = ApiKeySecret::new(caller.organization_id(), input.id, input.random);
    let new = NewApiKey {
        id: input.id,
        name: input.name,
        scopes: input.scopes,
        expires_at: input.expires_at,
        hint: secret.hint(),
        secret_hash: secret.hash(),
        imported_hash: None,
    };
    let (key, event) = add_api_key(caller, counts, new, now)?;
    Ok((key, secret, event))
}

/// An API key that an organization gets, with its secret's hash.
pub(crate) struct NewApiKey {
    pub(crate) id: ApiKeyId,
    pub(crate) name: ApiKeyName,
    pub(crate) scopes: ApiKeyScopes,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) hint: String,
    pub(crate) secret_hash: SecretHash,
    pub(crate) imported_hash: Option<SecretHash>,
}

/// Decides that an organization gets a key. Returns it and the event to record.
///
/// # Errors
/// As [`create_api_key`].
pub(crate) fn add_api_key(
    caller: &Caller,
    counts: &Counts,
    new: NewApiKey,
    now: DateTime<Utc>,
) -> Result<(ApiKey, Event), Refusal> {
    permit(caller, Action::ManageApiKeys)?;
    in_future(new.expires_at, now)?;
    if counts.api_keys >= MAX_API_KEYS {
        return Err(Refusal::TooManyApiKeys);
    }
    let key = ApiKey {
        id: new.id,
        organization_id: caller.organization_id(),
        name: new.name,
        hint: new.hint,
        created_by: caller.as_key_creator(),
        created_at: now,
        scopes: new.scopes,
        expires_at: new.expires_at,
        rotated_at: None,
        last_used_at: None,
        secret_hash: new.secret_hash,
        imported_hash: new.imported_hash,
        earlier_secrets: Vec::new(),
        version: 0,
    };
    let mut changes = vec![Change::added("name", &key.name)];
    if key.imported_hash.is_some() {
        changes.push(Change::added("hint", &key.hint));
    }
    if !key.scopes.are_all() {
        changes.push(Change::added("scopes", &key.scopes));
    }
    changes.extend(
        key.expires_at
            .map(|at| Change::added("expires_at", time(at))),
    );
    let event = key.event(EventKind::ApiKeyCreated, caller, changes);
    Ok((key, event))
}

/// The changes of an API key; `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct ApiKeyUpdate {
    /// The new name.
    pub name: Option<ApiKeyName>,
    /// The new expiry time; `Some(None)` means it never expires.
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

/// Decides a change of a key's name or expiry, as a whole. Returns the changed
/// key and the event to record; no event if nothing changes.
///
/// # Errors
/// [`Refusal::OwnerOrAdminRequired`], [`Refusal::ExpiryNotInFuture`].
pub fn update_api_key(
    caller: &Caller,
    key: &ApiKey,
    update: ApiKeyUpdate,
    now: DateTime<Utc>,
) -> Result<(ApiKey, Option<Event>), Refusal> {
    permit(caller, Action::ManageApiKeys)?;
    let mut updated = key.clone();
    let mut changes = Vec::new();
    if let Some(name) = update.name.filter(|name| *name != key.name) {
        changes.push(Change::changed("name", &key.name, &name));
        updated.name = name;
    }
    if let Some(expires_at) = update.expires_at.filter(|at| *at != key.expires_at) {
        in_future(expires_at, now)?;
        changes.push(Change {
            field: "expires_at".to_owned(),
            from: key.expires_at.map(time),
            to: expires_at.map(time),
        });
        updated.expires_at = expires_at;
    }
    let event =
        (!changes.is_empty()).then(|| updated.event(EventKind::ApiKeyUpdated, caller, changes));
    Ok((updated, event))
}

/// The time for which earlier secrets stay valid after a rotation: 0 to 604800 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "i64")]
#[schemars(inline, extend("minimum" = 0, "maximum" = 604_800))]
pub struct GracePeriod(i64);

/// A grace period that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of seconds from 0 to 604800 (7 days)")]
pub struct InvalidGrace;

impl GracePeriod {
    const MAX_SECONDS: i64 = 7 * 24 * 3600;
}

/// One day.
impl Default for GracePeriod {
    fn default() -> Self {
        Self(24 * 3600)
    }
}

impl TryFrom<i64> for GracePeriod {
    type Error = InvalidGrace;

    fn try_from(seconds: i64) -> Result<Self, InvalidGrace> {
        if (0..=Self::MAX_SECONDS).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(InvalidGrace)
        }
    }
}

/// Decides whether the caller may rotate a key. An expired key would only get a
/// secret that is invalid.
///
/// # Errors
/// [`Refusal::OwnerOrAdminRequired`], [`Refusal::ApiKeyExpired`].
pub fn may_rotate(caller: &Caller, key: &ApiKey, now: DateTime<Utc>) -> Result<(), Refusal> {
    permit(caller, Action::ManageApiKeys)?;
    if key.is_expired(now) {
        return Err(Refusal::ApiKeyExpired);
    }
    Ok(())
}

/// Decides a rotation. Returns the key with a new secret, that secret, and the
/// event to record. No earlier secret stays valid for longer than the grace
/// period, or for longer than an earlier rotation allowed.
///
/// # Errors
/// As [`may_rotate`].
pub fn rotate_api_key(
    caller: &Caller,
    key: &ApiKey,
    random: [u8; 32],
    grace: GracePeriod,
    now: DateTime<Utc>,
) -> Result<(ApiKey, ApiKeySecret, Event), Refusal> {
    may_rotate(caller, key, now)?;
    let end = now + TimeDelta::seconds(grace.0);
    let replaced = EarlierSecret {
        secret_hash: key.secret_hash.clone(),
        valid_until: end,
    };
    let earlier = key.earlier_secrets.iter().map(|earlier| EarlierSecret {
        valid_until: earlier.valid_until.min(end),
        ..earlier.clone()
    });
    let still_valid = [replaced]
        .into_iter()
        .chain(earlier)
        .filter(|secret| now < secret.valid_until);
    let secret = ApiKeySecret::new(key.organization_id, key.id, random);
    let rotated = ApiKey {
        hint: secret.hint(),
        rotated_at: Some(now),
        secret_hash: secret.hash(),
        earlier_secrets: still_valid.take(MAX_EARLIER_SECRETS).collect(),
        ..key.clone()
    };
    let changes = vec![
        Change::changed("hint", &key.hint, &rotated.hint),
        Change::added("previous_secret_valid_until", time(end)),
    ];
    let event = rotated.event(EventKind::ApiKeyRotated, caller, changes);
    Ok((rotated, secret, event))
}

/// Decides the revocation of a key. Returns the event to record.
///
/// # Errors
/// [`Refusal::OwnerOrAdminRequired`].
pub fn revoke_api_key(caller: &Caller, key: &ApiKey) -> Result<Event, Refusal> {
    permit(caller, Action::ManageApiKeys)?;
    let changes = vec![Change::removed("name", &key.name)];
    Ok(key.event(EventKind::ApiKeyRevoked, caller, changes))
}

fn in_future(expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Refusal> {
    match expires_at {
        Some(expires_at) if expires_at <= now => Err(Refusal::ExpiryNotInFuture),
        _ => Ok(()),
    }
}

/// Formats a time as the API does.
fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
