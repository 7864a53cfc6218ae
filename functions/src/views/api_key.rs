//! API keys.

use chrono::{DateTime, Utc};
use domain::{
    Action, ApiKey, ApiKeyId, ApiKeyName, ApiKeyScopes, ApiKeySecret, Caller, HexHash, KeyHint,
    Organization, Plan, Refusal, UserId, may_rotate, permit,
};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::{OrganizationSummary, Permission, PlanView, RemainingView, Version};

/// The person who created an API key.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct KeyCreatorView {
    /// The person's user id; they may have left since.
    id: UserId,
    /// Their name, or their masked email address without one.
    name: String,
}

/// An API key's name.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApiKeySummary {
    /// Its id.
    id: ApiKeyId,
    /// The key's name.
    name: ApiKeyName,
}

impl ApiKeySummary {
    /// Returns the keys that this person created.
    pub(crate) fn created_by(person: &UserId, keys: &[ApiKey]) -> Vec<Self> {
        let is_theirs = |key: &&ApiKey| {
            let creator = key.created_by.as_ref();
            creator.is_some_and(|creator| creator.id == *person)
        };
        keys.iter()
            .filter(is_theirs)
            .map(|key| Self {
                id: key.id,
                name: key.name.clone(),
            })
            .collect()
    }
}

/// An API key, without its secret.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApiKeyView {
    /// Its id.
    pub(crate) id: ApiKeyId,
    /// The key's name.
    name: ApiKeyName,
    /// The beginning and the end of the secret, to recognize it by.
    hint: String,
    /// The person who created the key, who may have left since; `null` for the server's.
    created_by: Option<KeyCreatorView>,
    /// The key's scopes.
    scopes: ApiKeyScopes,
    /// The time of creation.
    created_at: DateTime<Utc>,
    /// The time of expiry; `null` if the key never expires.
    expires_at: Option<DateTime<Utc>>,
    /// The hour of the last use; `null` if the key was never used.
    last_used_at: Option<DateTime<Utc>>,
    /// The time of the last rotation.
    rotated_at: Option<DateTime<Utc>>,
    /// The end of the grace period of earlier secrets; `null` if none is valid.
    previous_secret_valid_until: Option<DateTime<Utc>>,
    /// The SHA-256 of the secret, to take the key to another system; absent but for the
    /// server.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_hash: Option<HexHash>,
    /// Its version, for `If-Match`: another one after each change.
    version: Version,
    /// The caller's permissions on the key.
    may: ApiKeyPermissions,
}

/// The caller's permissions on an API key.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApiKeyPermissions {
    /// Change its name and expiry.
    update: Permission,
    /// Rotate its secret.
    rotate: Permission,
    /// Revoke it.
    revoke: Permission,
}

impl ApiKeyView {
    pub(crate) fn of(key: &ApiKey, caller: &Caller, now: DateTime<Utc>) -> Self {
        let manage = || Permission::of(permit(caller, Action::ManageApiKeys));
        Self {
            id: key.id,
            name: key.name.clone(),
            hint: key.hint.clone(),
            created_by: key.created_by.as_ref().map(|creator| KeyCreatorView {
                id: creator.id.clone(),
                name: creator.name.clone(),
            }),
            scopes: key.scopes.clone(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            rotated_at: key.rotated_at,
            previous_secret_valid_until: key.previous_secret_valid_until(now),
            secret_hash: match caller {
                Caller::Server(_) => Some(key.secret_hash.clone().into()),
                Caller::Member(_) | Caller::Suspended(..) => None,
            },
            version: key.into(),
            may: ApiKeyPermissions {
                update: manage(),
                rotate: Permission::of(may_rotate(caller, key, now)),
                revoke: manage(),
            },
        }
    }
}

/// The results of importing API keys, in the order of the request.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ImportedKeysView {
    /// A result for each key.
    pub(crate) items: Vec<ImportedKey>,
}

/// The result of importing a key.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct ImportedKey {
    /// The hint of the request.
    hint: KeyHint,
    /// The outcome.
    outcome: ImportOutcome,
    /// The key; `null` if refused. A key that was there keeps its name and scopes.
    api_key: Option<ApiKeyView>,
    /// The code of the refusal; `null` if there is none.
    code: Option<&'static str>,
    /// The reason of the refusal; `null` if there is none.
    detail: Option<String>,
}

/// The outcome of importing a key.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ImportOutcome {
    /// The organization has the key now.
    Imported,
    /// The organization had the key already.
    Present,
    /// The key cannot be imported.
    Refused,
}

impl ImportedKey {
    pub(crate) fn imported(hint: &KeyHint, key: ApiKeyView) -> Self {
        Self {
            api_key: Some(key),
            ..Self::of(hint, ImportOutcome::Imported)
        }
    }

    pub(crate) fn present(hint: &KeyHint, key: ApiKeyView) -> Self {
        Self {
            api_key: Some(key),
            ..Self::of(hint, ImportOutcome::Present)
        }
    }

    pub(crate) fn refused(hint: &KeyHint, refusal: &Refusal) -> Self {
        Self {
            code: Some(refusal.code()),
            detail: Some(refusal.to_string()),
            ..Self::of(hint, ImportOutcome::Refused)
        }
    }

    fn of(hint: &KeyHint, outcome: ImportOutcome) -> Self {
        Self {
            hint: hint.clone(),
            outcome,
            api_key: None,
            code: None,
            detail: None,
        }
    }
}

/// The API key of the request.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OwnApiKeyView {
    /// Its id.
    id: ApiKeyId,
    /// The key's name.
    name: ApiKeyName,
    /// The key's scopes.
    scopes: ApiKeyScopes,
    /// The time of expiry; `null` if the key never expires.
    expires_at: Option<DateTime<Utc>>,
    /// The organization that the key acts for.
    organization: OrganizationSummary,
    /// The organization's plan.
    plan: PlanView,
    /// The credits of the current billing period.
    credits: RemainingView,
}

impl OwnApiKeyView {
    pub(crate) fn of(
        key: &ApiKey,
        organization: &Organization,
        plan: &Plan,
        credits: RemainingView,
    ) -> Self {
        Self {
            id: key.id,
            name: key.name.clone(),
            scopes: key.scopes.clone(),
            expires_at: key.expires_at,
            organization: OrganizationSummary::of(organization),
            plan: PlanView::of(plan),
            credits,
        }
    }
}

/// An API key with its secret, which is shown only once.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SecretView {
    /// The key.
    pub(crate) api_key: ApiKeyView,
    /// The secret that clients authenticate with.
    #[serde(serialize_with = "reveal")]
    #[schemars(with = "String")]
    pub(crate) secret: ApiKeySecret,
}

fn reveal<S: Serializer>(secret: &ApiKeySecret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&secret.reveal())
}
