//! What the holder of a link gets at.

use domain::{InviteState, InviteToken, Organization, Refusal};
use lambda_http::Request;
use store::Key;

use super::load;
use crate::{App, failure::Failure, input};

/// The organization and the invite that the token in the path leads to.
///
/// # Errors
/// [`Refusal::InviteNotFound`] for whatever no link of ours holds;
/// [`Refusal::LinkReplaced`] for the link of an earlier sending.
pub(crate) async fn follow(
    app: &App,
    request: &Request,
) -> Result<(Organization, InviteState), Failure> {
    let token =
        InviteToken::parse(input::path(request, "token")).map_err(|_| Refusal::InviteNotFound)?;
    let organization = [Key::organization(token.organization_id)];
    let (read, link_keys) = tokio::join!(
        load::with_others(app, &organization, token.organization_id, token.invite_id),
        app.link_keys()?.get(app.clock.now())
    );
    let (mut found, state) = read?;
    let state = state.ok_or(Refusal::InviteNotFound)?;
    let invite = state.invite();
    if !link_keys?.verify(&token, &invite.email) {
        return Err(Refusal::InviteNotFound.into());
    }
    if token.times_sent != invite.times_sent {
        return Err(Refusal::LinkReplaced.into());
    }
    let organization: Option<Organization> =
        found.take(&Key::organization(token.organization_id))?;
    Ok((organization.ok_or(Refusal::InviteNotFound)?, state))
}
