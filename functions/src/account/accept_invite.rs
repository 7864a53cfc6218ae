//! `POST /v1/account/invites/{invite_id}/accept`: the invitee.

use domain::{Acceptance, Holder, InviteState, Member, Organization, Refusal, accept};
use lambda_http::Request;
use store::{Commit, Key, Transaction};

use super::invitation;
use crate::{
    App, Operation, access,
    attempts::Attempts,
    failure::Failure,
    invites::load,
    metrics::{Counter, count},
    output::Answer,
    representation::{AcceptedView, MemberView, OrganizationView},
};

/// Makes the caller a member, with exactly what the invite says now, and makes
/// the organization their current one.
pub static OPERATION: Operation = Operation::http("accept-invite", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let person = access::person(request)?;
    person.verified_email()?;
    let invite_id = load::invite_id(request)?;

    let mut attempts = Attempts::default();
    let mut read_again = false;
    loop {
        let now = app.clock.now();
        let address = invitation::find(app, &person, invite_id).await?;
        let id = address.organization_id;
        let organization_key = Key::organization(id);
        let my_key = Key::member(id, &person.user_id);
        let inviter_id = match &address.holder {
            Holder::Invite(held) => Some(held.invited_by.id.clone()),
            Holder::Member { .. } | Holder::Ended { .. } => None,
        };
        let inviter_key = inviter_id
            .as_ref()
            .map(|inviter_id| Key::member(id, inviter_id));
        let mut keys = vec![organization_key.clone(), my_key.clone()];
        keys.extend(load::places(id, invite_id));
        keys.extend(inviter_key.clone());
        let mut found = app.store.get_all(&keys).await?;
        let state = load::state(&mut found, id, invite_id)?;
        let membership: Option<Member> = found.take(&my_key)?;
        let inviter: Option<Member> = match inviter_key {
            Some(key) if key == my_key => membership.clone(),
            Some(key) => found.take(&key)?,
            None => None,
        };
        // The two reads are of different instants: what does not fit together is
        // read once more before anybody is refused for it.
        let torn = inviter_id.is_some_and(|inviter_id| match &state {
            Some(InviteState::Pending(invite)) => invite.invited_by.id != inviter_id,
            Some(InviteState::Ended(_)) | None => true,
        });
        if torn && !read_again {
            read_again = true;
            continue;
        }
        let organization: Option<Organization> = found.take(&organization_key)?;
        let organization = organization.ok_or(Refusal::InviteNotFound)?;

        let acceptance = accept(
            &person,
            &address,
            state.as_ref(),
            inviter.as_ref(),
            membership.as_ref(),
            now,
        )?;
        let accepted = match acceptance {
            Acceptance::Joined(member) => return Ok(answer(&organization, &member)),
            Acceptance::Joins(accepted) => accepted,
        };

        let mut transaction = Transaction::new()
            .add_member(&accepted.member)
            .write_address(&accepted.address)
            .end_invite(&accepted.invite)
            .decrement_invites(id)
            .switch_to(&person.user_id, id);
        if let Some(inviter) = &inviter {
            transaction = transaction.require_member(inviter);
        }
        let transaction = app.record(transaction, id, now, accepted.events);
        match app.store.commit(transaction).await? {
            Commit::Done => {
                count(Counter::InvitesAccepted, 1);
                return Ok(answer(&organization, &accepted.member));
            }
            Commit::Conflict => attempts.again().await?,
        }
    }
}

fn answer(organization: &Organization, member: &Member) -> Answer {
    Answer::ok(&AcceptedView {
        organization: OrganizationView::of(organization, member),
        member: MemberView::of(member, member),
    })
}
