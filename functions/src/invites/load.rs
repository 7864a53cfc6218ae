//! Loading an invite, pending or ended.

use domain::{Caller, InviteId, InviteState, OrganizationId, Refusal};
use lambda_http::Request;
use store::{Batch, InvitePlaces};

use crate::{App, access::Scope, error::Error, input};

/// Reads the invite's id from the path. A malformed id matches no invite.
///
/// # Errors
/// [`Refusal::InviteNotFound`].
pub(crate) fn invite_id(request: &Request) -> Result<InviteId, Refusal> {
    InviteId::parse(input::path(request, "invite_id")).map_err(|_| Refusal::InviteNotFound)
}

/// Reads an invite with other items in one round trip. An invite at neither key may have
/// moved during the read; then it reads everything again.
pub(crate) async fn invite_with<B: Batch>(
    app: &App,
    others: B,
    organization_id: OrganizationId,
    invite_id: InviteId,
) -> Result<(B::Found, Option<InviteState>), Error> {
    let places = InvitePlaces {
        organization_id,
        invite_id,
    };
    let (found, state) = app.store.read((&others, places)).await?;
    if state.is_some() {
        return Ok((found, state));
    }
    Ok(app.store.read((&others, places)).await?)
}

/// Reads the caller and the organization's invite.
///
/// # Errors
/// [`Refusal::OrganizationNotFound`], [`Refusal::InviteNotFound`].
pub(crate) async fn caller_and_invite(
    app: &App,
    scope: &Scope,
    id: &Result<InviteId, Refusal>,
) -> Result<(Caller, InviteState), Error> {
    let places = id.as_ref().ok().map(|&invite_id| InvitePlaces {
        organization_id: scope.organization_id,
        invite_id,
    });
    let (mut caller, mut state) = scope.read(app, places).await?;
    if state.is_none() && places.is_some() {
        (caller, state) = scope.read(app, places).await?;
    }
    Ok((caller, state.ok_or(Refusal::InviteNotFound)?))
}
