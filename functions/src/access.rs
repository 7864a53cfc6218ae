//! The caller of a request: the only way to an organization's items.

use std::future::Future;

use domain::{
    ApiKeyId, Caller, EmailAddress, Member, Organization, OrganizationId, Person, PersonName,
    Refusal, UserId,
};
use lambda_http::{Request, RequestExt, request::RequestContext};
use store::{Batch, Key, StoreError};

use crate::{App, error::Error, input};

/// Returns the person who is signed in, by the claims that API Gateway has verified.
///
/// # Errors
/// [`Error::NotSignedIn`] when there are none.
pub(crate) fn person(request: &Request) -> Result<Person, Error> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return Err(Error::NotSignedIn);
    };
    let jwt = context
        .authorizer
        .as_ref()
        .and_then(|authorizer| authorizer.jwt.as_ref());
    let claims = &jwt.ok_or(Error::NotSignedIn)?.claims;
    let claim = |name: &str| claims.get(name).map(String::as_str);
    let user_id = claim("sub").and_then(|sub| UserId::parse(sub).ok());
    Ok(Person {
        user_id: user_id.ok_or(Error::NotSignedIn)?,
        email: claim("email").and_then(|email| EmailAddress::parse(email).ok()),
        email_verified: claim("email_verified") == Some("true"),
        name: claim("name").and_then(PersonName::from_claim),
    })
}

/// An API client: an API key and its organization, from the context that
/// `authorize-api-key` has passed to API Gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApiClient {
    pub(crate) organization_id: OrganizationId,
    pub(crate) api_key_id: ApiKeyId,
}

impl ApiClient {
    /// Reads both from the request's context.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`] when the route has another authorizer, or none.
    pub(crate) fn of(request: &Request) -> Result<Self, Error> {
        let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
            return Err(Error::NotSignedIn);
        };
        let authorizer = context.authorizer.as_ref().ok_or(Error::NotSignedIn)?;
        let field = |name: &str| authorizer.fields.get(name).and_then(|value| value.as_str());
        let organization_id =
            field("organization_id").and_then(|id| OrganizationId::parse(id).ok());
        let api_key_id = field("api_key_id").and_then(|id| ApiKeyId::parse(id).ok());
        organization_id
            .zip(api_key_id)
            .map(|(organization_id, api_key_id)| Self {
                organization_id,
                api_key_id,
            })
            .ok_or(Error::NotSignedIn)
    }
}

/// Returns the organization in the path, if there is one.
pub(crate) fn organization_id(request: &Request) -> Option<OrganizationId> {
    OrganizationId::parse(input::path(request, "organization_id")).ok()
}

/// Reads an organization with a person's membership in one round trip; `None`
/// unless both exist.
pub(crate) async fn organization_of(
    app: &App,
    user_id: &UserId,
    id: OrganizationId,
) -> Result<Option<(Organization, Member)>, Error> {
    let keys = (Key::organization(id), Key::member(id, user_id));
    let (organization, member) = app.store.read(keys).await?;
    Ok(organization.zip(member))
}

/// The scope of a request: one organization, as its caller may see it.
///
/// Every read includes the caller's membership; for non-members the organization does
/// not exist.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) organization_id: OrganizationId,
    person: Person,
}

impl Scope {
    /// Reads the person and the organization's id from the request.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`]; [`Refusal::OrganizationNotFound`] for a malformed id.
    pub(crate) fn of(request: &Request) -> Result<Self, Error> {
        let person = person(request)?;
        let organization_id = organization_id(request).ok_or(Refusal::OrganizationNotFound)?;
        Ok(Self {
            organization_id,
            person,
        })
    }

    /// Requires that the person's email address is verified: what they send to others
    /// names it.
    ///
    /// # Errors
    /// [`Refusal::EmailRequired`]; [`Refusal::EmailNotVerified`].
    pub(crate) fn require_verified_email(&self) -> Result<(), Refusal> {
        self.person.verified_email().map(|_| ())
    }

    /// Reads a batch, and the caller's membership with it, in one round trip.
    ///
    /// # Errors
    /// [`Refusal::OrganizationNotFound`] when the person is not a member.
    pub(crate) async fn read<B: Batch>(
        &self,
        app: &App,
        batch: B,
    ) -> Result<(Caller, B::Found), Error> {
        let (membership, found) = app.store.read((self.membership(), batch)).await?;
        Ok((caller(membership)?, found))
    }

    /// Reads something else, such as a list, beside the caller's membership.
    ///
    /// # Errors
    /// [`Refusal::OrganizationNotFound`] when the person is not a member.
    pub(crate) async fn read_beside<T>(
        &self,
        app: &App,
        read: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<(Caller, T), Error> {
        let (membership, found) = tokio::join!(app.store.get(self.membership()), read);
        let caller = caller(membership?)?;
        Ok((caller, found?))
    }

    /// Reads the organization itself.
    ///
    /// # Errors
    /// [`Refusal::OrganizationNotFound`] when the person is not a member.
    pub(crate) async fn organization(&self, app: &App) -> Result<(Caller, Organization), Error> {
        let (caller, organization) = self
            .read(app, Key::organization(self.organization_id))
            .await?;
        Ok((caller, organization.ok_or(Refusal::OrganizationNotFound)?))
    }

    fn membership(&self) -> Key<Member> {
        Key::member(self.organization_id, &self.person.user_id)
    }
}

fn caller(membership: Option<Member>) -> Result<Caller, Refusal> {
    membership
        .map(Caller::Member)
        .ok_or(Refusal::OrganizationNotFound)
}
