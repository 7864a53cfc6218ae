//! Loading an API key.

use domain::{ApiKey, ApiKeyId, Caller, Refusal};
use lambda_http::Request;
use store::Key;

use crate::{App, access::Scope, error::Error, input};

/// Reads the API key's id from the path. A malformed id matches no key.
pub(crate) fn api_key_id(request: &Request) -> Option<ApiKeyId> {
    ApiKeyId::parse(input::path(request, "api_key_id")).ok()
}

/// Reads the caller and the organization's API key.
///
/// # Errors
/// [`Refusal::OrganizationNotFound`], [`Refusal::ApiKeyNotFound`].
pub(crate) async fn caller_and_key(
    app: &App,
    scope: &Scope,
    id: Option<ApiKeyId>,
) -> Result<(Caller, ApiKey), Error> {
    let key = id.map(|id| Key::api_key(scope.organization_id, id));
    let (caller, key) = scope.read(app, key).await?;
    Ok((caller, key.ok_or(Refusal::ApiKeyNotFound)?))
}
