//! The user of an organization's credits.

use domain::{ApiKeyId, ApiKeyScope, OrganizationId, Refusal};
use lambda_http::Request;
use store::{Existence, Key};

use crate::{
    access::{self, ApiClient},
    error::Error,
    input,
};

/// An API client, or the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spender {
    pub(super) organization_id: OrganizationId,
    /// The API key; `None` is the server.
    pub(super) api_key_id: Option<ApiKeyId>,
}

impl Spender {
    /// Reads the caller from the request.
    ///
    /// # Errors
    /// Those of [`ApiClient::with_scope`] and of [`access::server_in_organization`].
    pub(super) fn of(request: &Request) -> Result<Self, Error> {
        // Only the server's route has the organization in its path.
        if input::path(request, "organization_id").is_empty() {
            let client = ApiClient::with_scope(request, ApiKeyScope::WriteUsage)?;
            return Ok(Self {
                organization_id: client.organization_id,
                api_key_id: Some(client.api_key_id),
            });
        }
        let server = access::server_in_organization(request)?;
        Ok(Self {
            organization_id: server.organization_id,
            api_key_id: None,
        })
    }

    /// Returns the key of the proof that the organization exists. The authorizer of API
    /// keys has read it.
    pub(super) fn proof(&self) -> Option<Key<Existence>> {
        let is_server = self.api_key_id.is_none();
        is_server.then(|| Key::existence(self.organization_id))
    }

    /// Requires that the organization can use credits.
    ///
    /// # Errors
    /// [`Refusal::OrganizationNotFound`]; [`Refusal::OrganizationSuspended`].
    pub(super) fn require_open(&self, existence: Option<Existence>) -> Result<(), Refusal> {
        if self.api_key_id.is_some() {
            return Ok(());
        }
        let standing = existence.ok_or(Refusal::OrganizationNotFound)?.standing;
        match (standing.deleted_at, standing.suspended) {
            (Some(_), _) => Err(Refusal::OrganizationNotFound),
            (None, Some(suspension)) => Err(Refusal::OrganizationSuspended(suspension.reason)),
            (None, None) => Ok(()),
        }
    }
}
