//! Finding a person's invite by its id alone.

use domain::{Address, InviteId, Person, Refusal};
use store::PageRequest;

use crate::{App, error::Error};

/// Finds the address lock of an invite to the person's verified email. The lock names
/// the organization, which the invite's id does not.
///
/// # Errors
/// [`Refusal::EmailRequired`], [`Refusal::EmailNotVerified`]; and
/// [`Refusal::InviteNotFound`] for every invite that is not to this address.
pub(super) async fn by_id(app: &App, person: &Person, id: InviteId) -> Result<Address, Error> {
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
