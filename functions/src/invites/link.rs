//! Following an invite's link.

use domain::{InviteState, InviteToken, Organization, Refusal};
use lambda_http::Request;
use store::Key;

use super::load;
use crate::{App, error::Error, input};

/// Reads the organization and the invite that the token in the path leads to.
///
/// # Errors
/// [`Refusal::InviteNotFound`] for a token without a valid signature;
/// [`Refusal::LinkReplaced`] for the link of an earlier email.
pub(crate) async fn follow(
    app: &App,
    request: &Request,
) -> Result<(Organization, InviteState), Error> {
    let token =
        InviteToken::parse(input::path(request, "token")).map_err(|_| Refusal::InviteNotFound)?;
    let organization = Key::organization(token.organization_id);
    let (read, link_keys) = tokio::join!(
        load::invite_with(app, organization, token.organization_id, token.invite_id),
        app.link_keys()?.get(app.clock.now())
    );
    let (organization, state) = read?;
    let state = state.ok_or(Refusal::InviteNotFound)?;
    let invite = state.invite();
    if !link_keys?.verify(&token, &invite.email) {
        return Err(Refusal::InviteNotFound.into());
    }
    if token.times_sent != invite.terms.times_sent {
        return Err(Refusal::LinkReplaced.into());
    }
    let organization = organization.filter(|organization| !organization.is_deleted());
    Ok((organization.ok_or(Refusal::InviteNotFound)?, state))
}
