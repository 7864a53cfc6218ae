//! `GET /v1/account/invites`: the caller, by verified email.

use domain::{Holder, Invite, Organization};
use lambda_http::Request;
use store::Key;

use crate::{
    App, Operation, access,
    failure::Failure,
    input,
    output::Answer,
    representation::{List, MyInviteView},
};

/// Lists the pending invites to the caller's address.
pub static OPERATION: Operation = Operation::http("list-my-invites", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let person = access::person(request)?;
    // Two items are read for each: together not more than one batch holds.
    let page = input::page(request)?.at_most(50);
    let addresses = app.store.addresses(person.verified_email()?, &page).await?;

    let invited = addresses
        .items
        .iter()
        .filter_map(|address| match &address.holder {
            Holder::Invite(held) => Some((address.organization_id, held.invite_id)),
            Holder::Member { .. } | Holder::Ended { .. } => None,
        });
    let keys: Vec<(Key, Key)> = invited
        .map(|(id, invite)| (Key::organization(id), Key::invite(id, invite)))
        .collect();
    let flat: Vec<Key> = keys
        .iter()
        .flat_map(|(a, b)| [a.clone(), b.clone()])
        .collect();
    let mut found = app.store.get_all(&flat).await?;

    let now = app.clock.now();
    let mut items = Vec::new();
    for (organization, invite) in &keys {
        let organization: Option<Organization> = found.take(organization)?;
        let invite: Option<Invite> = found.take(invite)?;
        if let (Some(organization), Some(invite)) = (organization, invite)
            && !invite.is_expired(now)
        {
            items.push(MyInviteView::of(&invite, &organization));
        }
    }
    Ok(Answer::ok(&List {
        items,
        next_cursor: addresses.next_cursor,
    }))
}
