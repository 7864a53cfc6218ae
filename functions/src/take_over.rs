//! Memberships that follow the identity provider.

use domain::{OrganizationId, Person, take_over};
use store::{Key, Transaction};

use crate::{App, error::Error, mutate::Decision};

/// Has the person's membership of an organization take over the verified address and the
/// name of their token, in a transaction of its own.
///
/// # Errors
/// [`Error`] when it cannot be committed.
pub(crate) async fn run(app: &App, person: &Person, id: OrganizationId) -> Result<(), Error> {
    app.mutate(move |now| async move {
        let email = person.verified_email().ok();
        let keys = (
            Key::member(id, &person.user_id),
            email.map(|email| Key::address(id, email)),
            Key::profile(&person.user_id),
        );
        let (member, address, profile) = app.store.read(keys).await?;
        let Some((member, mut taken)) = member.and_then(|member| {
            let taken = take_over(person, &member, address.as_ref(), now)?;
            Some((member, taken))
        }) else {
            return Ok(Decision::Unchanged(()));
        };
        let mut transaction = Transaction::in_organization(id, now, taken.events)
            .write_member(&mut taken.member)
            .update_profile(&taken.member, profile.as_ref());
        if let Some(new) = &taken.address {
            transaction = transaction.move_address(&member, &new.address);
            if let Some(ended) = &new.ended {
                transaction = transaction.end_expired_invite(ended).decrement_invites(id);
            }
        }
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}
