//! The caller of a request: the only way to an organization's items.

use std::future::Future;

use chrono::{DateTime, Utc};
use domain::{
    ApiKeyId, ApiKeyScope, Caller, EmailAddress, Member, Organization, OrganizationId, Person,
    PersonName, Refusal, Server, Suspension, UserId,
};
use lambda_http::{Request, RequestExt, request::RequestContext};
use store::{Batch, Existence, Key, StoreError};

use crate::{App, error::Error, input, take_over};

/// The value of `caller` in the context that `authorize-server` passes to API Gateway.
pub(crate) const SERVER: &str = "server";

/// The header that names the person the server acts for.
const ON_BEHALF_OF: &str = "on-behalf-of";
/// The evidence that an email address is the person's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmailVerification {
    /// The claim `email_verified` is true.
    #[default]
    Claim,
    /// The identity provider vouches for every address that it passes on, unless
    /// `email_verified` says otherwise.
    Trusted,
}

impl EmailVerification {
    fn accepts(self, claim: Option<&str>) -> bool {
        match claim {
            Some(claim) => claim == "true",
            None => self == Self::Trusted,
        }
    }
}

/// Returns the person who is signed in, by the claims that API Gateway has verified.
///
/// # Errors
/// [`Error::NotSignedIn`] when there are none; [`Error::UnusableToken`].
pub(crate) fn person(app: &App, request: &Request) -> Result<Person, Error> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return Err(Error::NotSignedIn);
    };
    let jwt = context
        .authorizer
        .as_ref()
        .and_then(|authorizer| authorizer.jwt.as_ref());
    let claims = &jwt.ok_or(Error::NotSignedIn)?.claims;
    let claim = |name: &str| claims.get(name).map(String::as_str);
    // API Gateway takes both kinds of token. An access token may have been issued for
    // another API, and it describes nobody.
    if claim("token_use") == Some("access") || claim("typ") == Some("Bearer") {
        return Err(Error::UnusableToken(
            "send the id token of the sign-in, not its access token",
        ));
    }
    let user_id = claim("sub").and_then(|sub| UserId::parse(sub).ok());
    let user_id = user_id.ok_or(Error::UnusableToken(
        "the `sub` of the token must be 1 to 255 printable ASCII characters",
    ))?;
    Ok(Person {
        user_id,
        email: claim("email").and_then(EmailAddress::from_claim),
        email_verified: app.email_verification.accepts(claim("email_verified")),
        name: claim("name").and_then(PersonName::from_claim),
        issued_at: claim("iat").and_then(numeric_date),
    })
}

/// Parses the seconds since the epoch that a claim holds (RFC 7519's `NumericDate`, which
/// may have a fraction).
fn numeric_date(claim: &str) -> Option<DateTime<Utc>> {
    let seconds: f64 = claim.parse().ok()?;
    DateTime::from_timestamp_millis((seconds * 1000.0) as i64)
}

/// An API client: an API key and its organization, from the context that
/// `authorize-api-key` has passed to API Gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApiClient {
    pub(crate) organization_id: OrganizationId,
    pub(crate) api_key_id: ApiKeyId,
}

impl ApiClient {
    /// Reads both from the request's context, and requires a scope.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`] when the route has another authorizer, or none;
    /// [`Refusal::InsufficientScope`].
    pub(crate) fn with_scope(request: &Request, needed: ApiKeyScope) -> Result<Self, Error> {
        let client = Self::of(request)?;
        let needed_text = needed.to_string();
        match authorizer_field(request, "scopes") {
            Some(scopes) if !scopes.split(' ').any(|scope| scope == needed_text) => {
                Err(Refusal::InsufficientScope(needed).into())
            }
            // The authorizer of an earlier version passes no scopes, for a key with all.
            Some(_) | None => Ok(client),
        }
    }

    /// Reads both from the request's context.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`] when the route has another authorizer, or none.
    pub(crate) fn of(request: &Request) -> Result<Self, Error> {
        let field = |name| authorizer_field(request, name);
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

/// Returns a value that the route's function authorizer has passed to API Gateway.
fn authorizer_field<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return None;
    };
    context.authorizer.as_ref()?.fields.get(name)?.as_str()
}

/// Returns the person that the server acts for; `None` if the request names nobody.
///
/// # Errors
/// [`Error::NotSignedIn`] unless the server key was verified; [`Error::Invalid`] for a
/// header `On-Behalf-Of` that is no user id.
pub(crate) fn server(request: &Request) -> Result<Option<UserId>, Error> {
    if authorizer_field(request, "caller") != Some(SERVER) {
        return Err(Error::NotSignedIn);
    }
    let Some(value) = request.headers().get(ON_BEHALF_OF) else {
        return Ok(None);
    };
    let user_id = value.to_str().ok().and_then(|id| UserId::parse(id).ok());
    let user_id = user_id.ok_or_else(|| Error::field(ON_BEHALF_OF, "must be a user id"))?;
    Ok(Some(user_id))
}

/// Returns the organization in the path, if there is one.
pub(crate) fn organization_id(request: &Request) -> Option<OrganizationId> {
    OrganizationId::parse(input::path(request, "organization_id")).ok()
}

/// Reads an organization with a person's membership in one round trip; `None`
/// unless both exist, and if the organization is deleted.
pub(crate) async fn organization_of(
    app: &App,
    user_id: &UserId,
    id: OrganizationId,
) -> Result<Option<(Organization, Member)>, Error> {
    let keys = (Key::organization(id), Key::member(id, user_id));
    let (organization, member) = app.store.read(keys).await?;
    let organization = organization.filter(|organization| !organization.is_deleted());
    Ok(organization.zip(member))
}

/// The scope of a request: one organization, as its caller may see it.
///
/// Every read includes the proof that the organization exists for the caller, and what
/// may happen in it: its [`Existence`], and a person's membership. A deleted
/// organization does not exist.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) organization_id: OrganizationId,
    requester: Requester,
}

#[derive(Debug)]
enum Requester {
    Person(Person),
    Server { on_behalf_of: Option<UserId> },
}

/// The keys that prove an organization's existence to a requester.
type ProofKeys = (Option<Key<Member>>, Key<Existence>);

/// What was found at them.
type Proof = (Option<Member>, Option<Existence>);

impl Scope {
    /// Reads the caller and the organization's id from the request.
    ///
    /// # Errors
    /// Those of [`person`] and of [`server`]; [`Refusal::OrganizationNotFound`] for a
    /// malformed id.
    pub(crate) fn of(app: &App, request: &Request) -> Result<Self, Error> {
        let requester = match person(app, request) {
            Ok(person) => Requester::Person(person),
            Err(Error::NotSignedIn) => Requester::Server {
                on_behalf_of: server(request)?,
            },
            Err(unusable) => return Err(unusable),
        };
        let organization_id = organization_id(request).ok_or(Refusal::OrganizationNotFound)?;
        Ok(Self {
            organization_id,
            requester,
        })
    }

    /// Returns whether the caller is the server.
    pub(crate) fn is_of_server(&self) -> bool {
        matches!(self.requester, Requester::Server { .. })
    }

    /// Returns the id of the person who calls; `None` for the server.
    pub(crate) fn user_id(&self) -> Option<&UserId> {
        match &self.requester {
            Requester::Person(person) => Some(&person.user_id),
            Requester::Server { .. } => None,
        }
    }

    /// Requires that a person's email address is verified: what they send to others
    /// names it.
    ///
    /// # Errors
    /// [`Refusal::EmailRequired`]; [`Refusal::EmailNotVerified`].
    pub(crate) fn require_verified_email(&self) -> Result<(), Refusal> {
        match &self.requester {
            Requester::Person(person) => person.verified_email().map(|_| ()),
            Requester::Server { .. } => Ok(()),
        }
    }

    /// Reads a batch, and the caller's authority with it, in one round trip.
    ///
    /// # Errors
    /// [`Refusal::OrganizationNotFound`] when the person is not a member.
    pub(crate) async fn read<B: Batch>(
        &self,
        app: &App,
        batch: B,
    ) -> Result<(Caller, B::Found), Error> {
        let batch = (self.proof(), batch);
        self.read_with(app, || app.store.read(&batch)).await
    }

    /// Runs a read that includes the [`proof`](Self::proof). If a person's token says
    /// otherwise than their membership, the membership takes it over, and the read runs
    /// once more.
    ///
    /// # Errors
    /// [`Refusal::OrganizationNotFound`] when the person is not a member.
    pub(crate) async fn read_with<T, F>(
        &self,
        app: &App,
        read: impl Fn() -> F,
    ) -> Result<(Caller, T), Error>
    where
        F: Future<Output = Result<(Proof, T), StoreError>>,
    {
        let (proof, found) = read().await?;
        let caller = self.caller(proof)?;
        match (&self.requester, &caller) {
            (Requester::Person(person), Caller::Member(member))
                if member.is_outdated_by(person) =>
            {
                take_over::run(app, person, self.organization_id).await?;
                let (proof, found) = read().await?;
                Ok((self.caller(proof)?, found))
            }
            _ => Ok((caller, found)),
        }
    }

    /// Reads something else, such as a list, beside the caller's membership.
    ///
    /// # Errors
    /// [`Refusal::OrganizationNotFound`] when the person is not a member.
    pub(crate) async fn read_beside<T, F>(
        &self,
        app: &App,
        read: impl Fn() -> F,
    ) -> Result<(Caller, T), Error>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let both = || async {
            let (proof, found) = tokio::join!(app.store.read(self.proof()), read());
            Ok((proof?, found?))
        };
        self.read_with(app, both).await
    }

    /// Returns the verified address of the caller's sign-in that the membership cannot
    /// take over, as another member has it.
    pub(crate) fn email_in_use(&self, member: &Member) -> Option<EmailAddress> {
        match &self.requester {
            Requester::Person(person) => member.email_in_use(person).cloned(),
            Requester::Server { .. } => None,
        }
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

    /// Returns the keys that prove the organization's existence to the caller.
    pub(crate) fn proof(&self) -> ProofKeys {
        let id = self.organization_id;
        let membership = match &self.requester {
            Requester::Person(person) => Some(Key::member(id, &person.user_id)),
            Requester::Server { .. } => None,
        };
        (membership, Key::existence(id))
    }

    fn caller(&self, (membership, existence): Proof) -> Result<Caller, Refusal> {
        let standing = existence.ok_or(Refusal::OrganizationNotFound)?.standing;
        if standing.deleted_at.is_some() {
            return Err(Refusal::OrganizationNotFound);
        }
        self.caller_with(membership, standing.suspended)
    }

    fn caller_with(
        &self,
        membership: Option<Member>,
        suspension: Option<Suspension>,
    ) -> Result<Caller, Refusal> {
        match (&self.requester, membership, suspension) {
            (Requester::Server { on_behalf_of }, ..) => Ok(Caller::Server(Server {
                organization_id: self.organization_id,
                on_behalf_of: on_behalf_of.clone(),
            })),
            (Requester::Person(_), None, _) => Err(Refusal::OrganizationNotFound),
            (Requester::Person(_), Some(member), None) => Ok(Caller::Member(member)),
            (Requester::Person(_), Some(member), Some(suspension)) => {
                Ok(Caller::Suspended(member, suspension))
            }
        }
    }

    /// Reads the organization even if it is deleted. The caller of a deleted one may do
    /// what their role lets them.
    ///
    /// # Errors
    /// [`Refusal::OrganizationNotFound`] when the person is not a member.
    pub(crate) async fn organization_even_deleted(
        &self,
        app: &App,
    ) -> Result<(Caller, Organization), Error> {
        let (membership, _) = self.proof();
        let keys = (membership, Key::organization(self.organization_id));
        let (membership, organization) = app.store.read(keys).await?;
        let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
        let suspension = organization.standing.suspended.clone();
        Ok((self.caller_with(membership, suspension)?, organization))
    }
}

/// The server in one organization, on a route that is the server's alone.
pub(crate) fn server_in_organization(request: &Request) -> Result<Server, Error> {
    Ok(Server {
        on_behalf_of: server(request)?,
        organization_id: organization_id(request).ok_or(Refusal::OrganizationNotFound)?,
    })
}
