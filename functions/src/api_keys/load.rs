//! Loading an API key.

use domain::{ApiKey, ApiKeyId, Member, Refusal};
use lambda_http::Request;
use store::Key;

use crate::{App, access::Asked, failure::Failure, input};

/// The key's id in the path; what cannot be one is no key.
pub(crate) fn api_key_id(request: &Request) -> Option<ApiKeyId> {
    ApiKeyId::parse(input::path(request, "api_key_id")).ok()
}

/// The caller's membership and the organization's key.
pub(crate) async fn membership_and_key(
    app: &App,
    asked: &Asked,
    id: Option<ApiKeyId>,
) -> Result<(Member, ApiKey), Failure> {
    let key = id.map(|id| Key::api_key(asked.organization_id, id));
    let keys: Vec<Key> = [asked.membership_key()]
        .into_iter()
        .chain(key.clone())
        .collect();
    let mut found = app.store.get_all(&keys).await?;
    let me = asked.membership(&mut found)?;
    let key = match key {
        Some(key) => found.take(&key)?,
        None => None,
    };
    Ok((me, key.ok_or(Refusal::ApiKeyNotFound)?))
}
