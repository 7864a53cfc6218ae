//! Finding an invite to the caller by its id alone.

use domain::{Address, InviteId, Person, Refusal};
use store::PageRequest;

use crate::{App, failure::Failure};

/// The record of the caller's verified address that names the invite. It tells
/// the organization, which the invite's id does not.
///
/// # Errors
/// [`Refusal::EmailRequired`], [`Refusal::EmailNotVerified`]; and
/// [`Refusal::InviteNotFound`] for every invite that is not to this address.
pub(super) async fn find(app: &App, person: &Person, id: InviteId) -> Result<Address, Failure> {
    let email = person.verified_email()?;
    let mut page = PageRequest::first(PageRequest::MAX_LIMIT);
    loop {
        let addresses = app.store.addresses(email, &page).await?;
        let named = addresses
            .items
            .into_iter()
            .find(|a| a.holder.invite_id() == Some(id));
        if let Some(address) = named {
            return Ok(address);
        }
        let next = addresses.next_cursor;
        let next = next.and_then(|cursor| PageRequest::at(PageRequest::MAX_LIMIT, &cursor));
        page = next.ok_or(Refusal::InviteNotFound)?;
    }
}
