//! `POST /v1/account/invites/{invite_id}/accept`.

use domain::{
    Acceptance, Address, Caller, Holder, InviteId, InviteState, Member, Organization, Person,
    Profile, Refusal, UserId, accept,
};
use lambda_http::Request;
use store::{InvitePlaces, Key, Transaction};

use super::find_invite;
use crate::{
    App, Operation, Shape, access,
    error::Error,
    invites::load,
    metrics::{Counter, count},
    mutate::Decision,
    response::Response,
    views::{AcceptedView, MemberView, OrganizationView},
};

/// Makes the person a member on the invite's current terms and makes the organization
/// their current one.
pub static OPERATION: Operation = Operation::http("accept-invite", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape =
    Shape::change("Accept an invite", "invitee, with a verified email address")
        .responds::<AcceptedView>(200)
        .refuses(&[
            "email_required",
            "email_not_verified",
            "organization_suspended",
            "invite_not_found",
            "already_member",
            "invite_needs_resend",
            "invite_accepted",
            "invite_declined",
            "invite_cancelled",
            "invite_expired",
        ]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let person = &access::person(app, request)?;
    person.verified_email()?;
    let invite_id = load::invite_id(request)?;

    let (organization, member, has_joined) = app
        .mutate(move |now| async move {
            let loaded = load_consistently(app, person, invite_id).await?;
            let organization = loaded.organization.filter(|found| !found.is_deleted());
            let organization = organization.ok_or(Refusal::InviteNotFound)?;
            organization.standing.permit_joining()?;
            let id = organization.id;
            let acceptance = accept(
                person,
                invite_id,
                loaded.address.as_ref(),
                loaded.state.as_ref(),
                loaded.inviter.as_ref(),
                loaded.membership.as_ref(),
                now,
            )?;
            let mut accepted = match acceptance {
                Acceptance::Joined(member) => {
                    return Ok(Decision::Unchanged((organization, *member, false)));
                }
                Acceptance::Joins(accepted) => *accepted,
            };

            let mut transaction = Transaction::in_organization(id, now, accepted.events)
                .add_member(&mut accepted.member)
                .write_address(&accepted.address)
                .end_invite(&accepted.invite)
                .decrement_invites(id)
                .update_profile(&accepted.member, loaded.profile.as_ref())
                .switch_to(&person.user_id, id);
            if let Some(inviter) = &loaded.inviter {
                transaction = transaction.require_member(inviter);
            }
            Ok(Decision::Commit(
                transaction,
                (organization, accepted.member, true),
            ))
        })
        .await?;
    if has_joined {
        count(Counter::InvitesAccepted, 1);
    }
    let organization = OrganizationView::of(&organization, &member);
    let view = MemberView::of(&member, &Caller::Member(member.clone()));
    Ok(Response::ok(&AcceptedView {
        organization,
        member: view,
    }))
}

/// The items that an acceptance depends on.
struct Loaded {
    organization: Option<Organization>,
    address: Option<Address>,
    state: Option<InviteState>,
    inviter: Option<Member>,
    membership: Option<Member>,
    profile: Option<Profile>,
}

impl Loaded {
    /// Returns whether the address and the invite were read at different moments.
    fn is_torn(&self) -> bool {
        let holder = self.address.as_ref().map(|address| &address.holder);
        match (holder, &self.state) {
            (Some(Holder::Invite(hold)), Some(InviteState::Pending(invite))) => {
                invite.id != hold.invite_id || invite.terms.invited_by != hold.terms.invited_by
            }
            (Some(Holder::Invite(_)), None) | (_, Some(InviteState::Pending(_))) => true,
            (_, Some(InviteState::Ended(_)) | None) => false,
        }
    }
}

/// Loads the items in two round trips, and again if they are inconsistent: a torn read
/// must not cause a refusal.
async fn load_consistently(
    app: &App,
    person: &Person,
    invite_id: InviteId,
) -> Result<Loaded, Error> {
    let loaded = load(app, person, invite_id).await?;
    if loaded.is_torn() {
        return load(app, person, invite_id).await;
    }
    Ok(loaded)
}

async fn load(app: &App, person: &Person, invite_id: InviteId) -> Result<Loaded, Error> {
    let found = find_invite::by_id(app, person, invite_id).await?;
    let organization_id = found.organization_id;
    let member = |user_id: &UserId| Key::member(organization_id, user_id);
    let places = InvitePlaces {
        organization_id,
        invite_id,
    };
    let (organization, address, state, membership, profile, first_inviter) = app
        .store
        .read((
            Key::organization(organization_id),
            Key::address(organization_id, person.verified_email()?),
            places,
            member(&person.user_id),
            Key::profile(&person.user_id),
            found.first_inviter_id.as_ref().map(member),
        ))
        .await?;
    let inviter = match &state {
        // Another member has updated or resent the invite since.
        Some(InviteState::Pending(invite)) => {
            let inviter = invite.terms.invited_by.as_ref().map(|by| &by.id);
            if inviter == found.first_inviter_id.as_ref() {
                first_inviter
            } else {
                app.store.read(inviter.map(member)).await?
            }
        }
        Some(InviteState::Ended(_)) | None => first_inviter,
    };
    Ok(Loaded {
        organization,
        address,
        state,
        inviter,
        membership,
        profile,
    })
}
