//! Loading an invite, wherever it stands.

use domain::{EndedInvite, Invite, InviteId, InviteState, Member, OrganizationId, Refusal};
use lambda_http::Request;
use store::{Found, Key};

use crate::{App, access::Asked, failure::Failure, input};

/// The invite's id in the path; what cannot be one is no invite.
pub(crate) fn invite_id(request: &Request) -> Result<InviteId, Failure> {
    Ok(InviteId::parse(input::path(request, "invite_id")).map_err(|_| Refusal::InviteNotFound)?)
}

/// Where an invite may be.
pub(crate) fn places(organization_id: OrganizationId, id: InviteId) -> [Key; 2] {
    [
        Key::invite(organization_id, id),
        Key::ended_invite(organization_id, id),
    ]
}

/// The invite, from one of the places where it may be.
pub(crate) fn state(
    found: &mut Found,
    organization_id: OrganizationId,
    id: InviteId,
) -> Result<Option<InviteState>, Failure> {
    let [pending, ended] = places(organization_id, id);
    if let Some(ended) = found.take::<EndedInvite>(&ended)? {
        return Ok(Some(InviteState::Ended(ended)));
    }
    Ok(found.take::<Invite>(&pending)?.map(InviteState::Pending))
}

/// Reads the places of an invite, with other things. An invite that is in
/// neither place may have moved between the two reads that a batch is made of:
/// then it is looked for once more.
pub(crate) async fn with_others(
    app: &App,
    others: &[Key],
    organization_id: OrganizationId,
    id: InviteId,
) -> Result<(Found, Option<InviteState>), Failure> {
    let keys = [others, &places(organization_id, id)].concat();
    let mut found = app.store.get_all(&keys).await?;
    let mut state = state(&mut found, organization_id, id)?;
    if state.is_none() {
        found = app.store.get_all(&keys).await?;
        state = self::state(&mut found, organization_id, id)?;
    }
    Ok((found, state))
}

/// The caller's membership and the organization's invite.
pub(crate) async fn membership_and_invite(
    app: &App,
    asked: &Asked,
    id: Option<InviteId>,
) -> Result<(Member, InviteState), Failure> {
    let membership = [asked.membership_key()];
    let (mut found, state) = match id {
        Some(id) => with_others(app, &membership, asked.organization_id, id).await?,
        None => (app.store.get_all(&membership).await?, None),
    };
    let me = asked.membership(&mut found)?;
    Ok((me, state.ok_or(Refusal::InviteNotFound)?))
}
