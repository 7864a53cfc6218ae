//! Finding a person's invite by its id alone.

use domain::{InviteId, OrganizationId, Person, Refusal, UserId};
use store::Key;

use crate::{App, error::Error};

/// The place of an invite.
#[derive(Debug)]
pub(super) struct Found {
    /// The organization, which the invite's id does not name.
    pub(super) organization_id: OrganizationId,
    /// The first inviter of an invite that has not ended.
    pub(super) first_inviter_id: Option<UserId>,
}

/// Finds an invite to the person's verified email by the pointer from that address: with
/// one read, or two once the invite has ended.
///
/// # Errors
/// [`Refusal::EmailRequired`], [`Refusal::EmailNotVerified`]; and
/// [`Refusal::InviteNotFound`] for every invite that is not to this address.
pub(super) async fn by_id(app: &App, person: &Person, id: InviteId) -> Result<Found, Error> {
    let email = person.verified_email()?;
    if let Some(pointer) = app.store.get(Key::invite_pointer(email, id)).await? {
        return Ok(Found {
            organization_id: pointer.organization_id,
            first_inviter_id: pointer.first_inviter_id,
        });
    }
    let ended = app.store.get(Key::ended_invite_pointer(email, id)).await?;
    Ok(Found {
        organization_id: ended.ok_or(Refusal::InviteNotFound)?.organization_id,
        first_inviter_id: None,
    })
}
