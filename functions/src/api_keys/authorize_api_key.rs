//! The authorizer of API clients: verifies the API key in the `Authorization` header.
//!
//! API Gateway caches the response for the time that the template sets. A key may
//! outlive its end by that time, but no longer.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use domain::{ApiKey, ApiKeyId, ApiKeySecret, ImportedPrefixes, OrganizationId, SecretHash};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Existence, Key};

use crate::{App, Operation, error::Error, error_chain};

/// The time limit for writing the hour of the key's last use.
const NOTING: Duration = Duration::from_millis(250);

/// Authorizes an API key with one round trip, or one of an earlier system, whose text has
/// no ids, with two. A malformed header, a key of another
/// organization, an unknown, revoked or expired key, and a secret whose grace
/// period has ended all get the same refusal, as do all keys of a
/// suspended or deleted organization.
pub static OPERATION: Operation = Operation::authorizer("authorize-api-key", |app, event| {
    Box::pin(async move {
        let event: Event = serde_json::from_value(event)?;
        let now = app.clock.now();
        let response = match verified_key(&app, &event, now).await? {
            Err(context) => json!({ "isAuthorized": false, "context": context }),
            Ok(key) => {
                note_use(&app, &key, now).await;
                json!({
                    "isAuthorized": true,
                    "context": {
                        "organization_id": key.organization_id,
                        "api_key_id": key.id,
                        "scopes": key.scopes.to_string(),
                    },
                })
            }
        };
        Ok::<Value, Error>(response)
    })
});

/// A request authorizer's event, in payload format 2.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    /// The values that API Gateway caches the response by: here the `Authorization`
    /// header.
    identity_source: Vec<String>,
}

/// Returns the key, or the context of its refusal: the caller does not see it, but the
/// function's log has it, for an operator who is asked.
async fn verified_key(
    app: &App,
    event: &Event,
    now: DateTime<Utc>,
) -> Result<Result<ApiKey, Value>, Error> {
    let [authorization] = event.identity_source.as_slice() else {
        return Ok(Err(json!({ "reason": "the header is missing" })));
    };
    let Some(credential) = credential(authorization, &app.imported_prefixes) else {
        return Ok(Err(json!({ "reason": "it is not the text of a key" })));
    };
    let Some(Claim {
        organization_id,
        api_key_id,
        hash,
    }) = claim(app, credential).await?
    else {
        return Ok(Err(json!({ "reason": "no such key was imported" })));
    };
    let keys = (
        Key::api_key(organization_id, api_key_id),
        Key::existence(organization_id),
    );
    let (key, existence) = app.store.read(keys).await?;
    Ok(verify(key, existence, &hash, now).map_err(|reason| {
        json!({
            "organization_id": organization_id,
            "api_key_id": api_key_id,
            "reason": reason,
        })
    }))
}

/// The key that a credential claims to be the secret of.
struct Claim {
    organization_id: OrganizationId,
    api_key_id: ApiKeyId,
    hash: SecretHash,
}

/// Finds the key that a credential claims to be of; `None` for an unknown key of an
/// earlier system.
async fn claim(app: &App, credential: Credential) -> Result<Option<Claim>, Error> {
    Ok(match credential {
        Credential::Own(secret) => Some(Claim {
            organization_id: secret.organization_id,
            api_key_id: secret.api_key_id,
            hash: secret.hash(),
        }),
        Credential::Imported(hash) => {
            let pointer = app.store.read(Key::api_key_pointer(&hash)).await?;
            pointer.map(|pointer| Claim {
                organization_id: pointer.organization_id,
                api_key_id: pointer.api_key_id,
                hash,
            })
        }
    })
}

/// Returns the key, or the reason of its refusal.
fn verify(
    key: Option<ApiKey>,
    existence: Option<Existence>,
    hash: &SecretHash,
    now: DateTime<Utc>,
) -> Result<ApiKey, &'static str> {
    let key = key.ok_or("it was revoked, or never existed")?;
    if !key.verify(hash, now) {
        return Err(if key.is_expired(now) {
            "it has expired"
        } else {
            "it is not the key's secret, or one from before a rotation"
        });
    }
    let standing = existence.ok_or("the organization does not exist")?.standing;
    if standing.is_unrestricted() {
        Ok(key)
    } else {
        Err("the organization is suspended or deleted")
    }
}

/// What a client shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A secret of this system.
    Own(ApiKeySecret),
    /// The hash of a text that may be a key of an earlier system.
    Imported(SecretHash),
}

/// Parses an `Authorization` header: scheme `Bearer`, or `Basic` with the id of the key's
/// organization as the user name. Beside a key of an earlier system, which had other ids,
/// any user name will do.
pub(crate) fn credential(authorization: &str, imported: &ImportedPrefixes) -> Option<Credential> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    let credentials = credentials.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") {
        return of_text(credentials, imported);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (user, text) = pair.split_once(':')?;
    let credential = of_text(text, imported)?;
    let is_of_user = match &credential {
        Credential::Own(secret) => OrganizationId::parse(user) == Ok(secret.organization_id),
        Credential::Imported(_) => true,
    };
    is_of_user.then_some(credential)
}

fn of_text(text: &str, imported: &ImportedPrefixes) -> Option<Credential> {
    match imported.hash(text) {
        Some(hash) => Some(Credential::Imported(hash)),
        None => ApiKeySecret::parse(text).ok().map(Credential::Own),
    }
}

/// Writes the hour of the key's last use, once per hour and within a short time limit.
/// A failure does not fail the request.
async fn note_use(app: &App, key: &ApiKey, now: DateTime<Utc>) {
    let Some(hour) = key.use_to_note(now) else {
        return;
    };
    let api_key_id = key.id;
    let noting = app
        .store
        .note_use(key.organization_id, api_key_id, key.version, hour);
    match tokio::time::timeout(NOTING, noting).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            let error = error_chain::chain(&error);
            tracing::warn!(%api_key_id, error, "the use of an API key was not written");
        }
        Err(_) => tracing::warn!(%api_key_id, "the use of an API key was not written in time"),
    }
}

#[cfg(test)]
mod tests {
    use domain::ApiKeyId;

    use super::*;

    const ORGANIZATION: &str = "01930000-0000-7000-8000-000000000001";

    fn good() -> ApiKeySecret {
        let organization_id = OrganizationId::parse(ORGANIZATION).unwrap();
        let api_key_id = ApiKeyId::parse("01930000-0000-7000-8000-000000000003").unwrap();
        ApiKeySecret::new(organization_id, api_key_id, [7; 32])
    }

    fn prefixes() -> ImportedPrefixes {
        ImportedPrefixes::parse("img_live_,img_test_").unwrap()
    }

    #[test]
    fn key_of_an_earlier_system_is_known_by_its_prefix() {
        let text = "img_live_0123456789abcdef";
        let imported = || prefixes().hash(text).map(Credential::Imported);
        for header in [
            format!("Bearer {text}"),
            basic("old-user-17", text),
            basic("", text),
        ] {
            assert_eq!(credential(&header, &prefixes()), imported(), "{header}");
            assert_eq!(credential(&header, &ImportedPrefixes::default()), None);
        }
        for text in [
            "img_live_0123",
            "img_dev_0123456789abcdef",
            "IMG_LIVE_0123456789abcdef",
            "img_live_0123456789abcd\u{e9}f",
        ] {
            assert_eq!(
                credential(&format!("Bearer {text}"), &prefixes()),
                None,
                "{text}"
            );
        }
    }

    fn basic(user: &str, password: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
    }

    #[test]
    fn secret_is_read_from_either_scheme_in_any_letter_case() {
        let text = good().reveal();
        for header in [
            format!("Bearer {text}"),
            format!("bearer  {text} "),
            basic(ORGANIZATION, &text),
            basic(ORGANIZATION, &text).replace("Basic", "BASIC"),
        ] {
            let parsed = credential(&header, &prefixes());
            assert_eq!(parsed, Some(Credential::Own(good())), "{header}");
        }
    }

    #[test]
    fn malformed_header_yields_no_secret() {
        let text = good().reveal();
        let another = "01930000-0000-7000-8000-000000000009";
        for header in [
            String::new(),
            text.clone(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            format!("Token {text}"),
            format!("Bearer {text}x"),
            format!("Bearer {text},Bearer {text}"),
            format!("Bearer {}", text.to_lowercase()),
            basic(another, &text),
            basic("", &text),
            basic(ORGANIZATION, ""),
            basic(ORGANIZATION, &format!("{text} ")),
            format!("Basic {}", STANDARD.encode(&text)),
            format!("Basic {text}"),
            "Basic /////w==".to_owned(),
        ] {
            assert_eq!(credential(&header, &prefixes()), None, "{header}");
        }
    }
}
