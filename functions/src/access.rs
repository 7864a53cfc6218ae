//! Who asks, and what they are there: a handler gets at an organization's
//! things only through here.

use domain::{
    ApiKeyId, EmailAddress, Member, Organization, OrganizationId, Person, PersonName, Refusal,
    UserId,
};
use lambda_http::{Request, RequestExt, request::RequestContext};
use store::{Found, Key};

use crate::{App, failure::Failure, input};

/// The person who is signed in, by the claims that API Gateway has verified.
///
/// # Errors
/// [`Failure::NotSignedIn`] when there are none.
pub(crate) fn person(request: &Request) -> Result<Person, Failure> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return Err(Failure::NotSignedIn);
    };
    let jwt = context
        .authorizer
        .as_ref()
        .and_then(|authorizer| authorizer.jwt.as_ref());
    let claims = &jwt.ok_or(Failure::NotSignedIn)?.claims;
    let claim = |name: &str| claims.get(name).map(String::as_str);
    let user_id = claim("sub").and_then(|sub| UserId::parse(sub).ok());
    Ok(Person {
        user_id: user_id.ok_or(Failure::NotSignedIn)?,
        email: claim("email").and_then(|email| EmailAddress::parse(email).ok()),
        email_verified: claim("email_verified") == Some("true"),
        name: claim("name").and_then(PersonName::from_claim),
    })
}

/// The machine behind a request, by what `authorize-api-key` has told API
/// Gateway: an API key, and the organization whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApiClient {
    pub(crate) organization_id: OrganizationId,
    pub(crate) api_key_id: ApiKeyId,
}

impl ApiClient {
    /// Reads both.
    ///
    /// # Errors
    /// [`Failure::NotSignedIn`] when the route has another authorizer, or none.
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
            return Err(Failure::NotSignedIn);
        };
        let authorizer = context.authorizer.as_ref().ok_or(Failure::NotSignedIn)?;
        let told = |name: &str| authorizer.fields.get(name).and_then(|value| value.as_str());
        let organization_id = told("organization_id").and_then(|id| OrganizationId::parse(id).ok());
        let api_key_id = told("api_key_id").and_then(|id| ApiKeyId::parse(id).ok());
        organization_id
            .zip(api_key_id)
            .map(|(organization_id, api_key_id)| Self {
                organization_id,
                api_key_id,
            })
            .ok_or(Failure::NotSignedIn)
    }
}

/// The organization in the path, where there is one.
pub(crate) fn organization_id(request: &Request) -> Option<OrganizationId> {
    OrganizationId::parse(input::path(request, "organization_id")).ok()
}

/// An organization with the person's membership of it, in one round trip;
/// `None` unless both are there.
pub(crate) async fn organization_of(
    app: &App,
    user_id: &UserId,
    id: OrganizationId,
) -> Result<Option<(Organization, Member)>, Failure> {
    let (organization, member) = (Key::organization(id), Key::member(id, user_id));
    let keys = [organization.clone(), member.clone()];
    let mut found = app.store.get_all(&keys).await?;
    let organization: Option<Organization> = found.take(&organization)?;
    Ok(organization.zip(found.take(&member)?))
}

/// A person, and the organization in the request's path.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) person: Person,
    pub(crate) organization_id: OrganizationId,
}

impl Asked {
    /// Reads both.
    ///
    /// # Errors
    /// [`Failure::NotSignedIn`]; [`Refusal::OrganizationNotFound`] for what cannot be an id.
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        let person = person(request)?;
        let organization_id = organization_id(request).ok_or(Refusal::OrganizationNotFound)?;
        Ok(Self {
            person,
            organization_id,
        })
    }

    /// Where the person's membership of the organization is.
    pub(crate) fn membership_key(&self) -> Key {
        Key::member(self.organization_id, &self.person.user_id)
    }

    /// The person's membership: the authority for whatever follows.
    ///
    /// # Errors
    /// [`Refusal::OrganizationNotFound`] when the person is no member.
    pub(crate) fn membership(&self, found: &mut Found) -> Result<Member, Failure> {
        let member = found.take(&self.membership_key())?;
        Ok(member.ok_or(Refusal::OrganizationNotFound)?)
    }

    /// The organization, and the person's membership of it, from what was read.
    ///
    /// # Errors
    /// As [`membership`](Self::membership).
    pub(crate) fn take(&self, found: &mut Found) -> Result<(Organization, Member), Failure> {
        let me = self.membership(found)?;
        let organization = found.take(&Key::organization(self.organization_id))?;
        Ok((organization.ok_or(Refusal::OrganizationNotFound)?, me))
    }

    /// The organization, and the person's membership of it.
    ///
    /// # Errors
    /// [`Refusal::OrganizationNotFound`] when the person is no member.
    pub(crate) async fn organization(&self, app: &App) -> Result<(Organization, Member), Failure> {
        let found = organization_of(app, &self.person.user_id, self.organization_id).await?;
        Ok(found.ok_or(Refusal::OrganizationNotFound)?)
    }
}
