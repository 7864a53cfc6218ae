//! Invites, as members and as invitees see them.

use chrono::{DateTime, Utc};
use domain::{
    Action, Caller, DeliveryState, EmailAddress, EndedInvite, Invite, InviteId, Inviter,
    Organization, OrganizationName, Outcome, Refusal, Role, UserId, permit,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{OrganizationSummary, Permission, RoleChoice, Version};
use crate::error::Error;

/// The member whose authority an invite rests on.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct InviterView {
    /// The member's user id.
    id: UserId,
    /// Their name, or their masked email address without one.
    name: String,
}

impl InviterView {
    fn of(inviter: Option<&Inviter>) -> Option<Self> {
        inviter.map(|inviter| Self {
            id: inviter.id.clone(),
            name: inviter.name.clone(),
        })
    }
}

/// The delivery of an invite's latest email.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeliveryView {
    /// The state of the delivery.
    state: DeliveryState,
    /// The time at which the delivery reached this state.
    at: DateTime<Utc>,
    /// The reason of a failure, for owners and admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The state of an invite.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum InviteStatus {
    /// It can be accepted.
    Pending,
    /// The invitee became a member.
    Accepted,
    /// The invitee declined it.
    Declined,
    /// A member of the organization or the server cancelled it.
    Cancelled,
    /// It was not answered within 14 days.
    Expired,
}

impl From<Outcome> for InviteStatus {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted => Self::Accepted,
            Outcome::Declined => Self::Declined,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Expired => Self::Expired,
        }
    }
}

/// An invite.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InviteView {
    /// Its id.
    pub(crate) id: InviteId,
    /// Its state.
    status: InviteStatus,
    /// The invited address, as entered.
    email: EmailAddress,
    /// The role of the new member.
    role: Role,
    /// Whether the new member receives billing emails.
    receives_billing_emails: bool,
    /// The member whose authority the invite rests on; `null` for the server's.
    invited_by: Option<InviterView>,
    /// The time of creation.
    created_at: DateTime<Utc>,
    /// The time of expiry.
    expires_at: DateTime<Utc>,
    /// The time of its end; `null` for a pending invite.
    ended_at: Option<DateTime<Utc>>,
    /// The number of emails sent.
    times_sent: u32,
    /// The delivery of the latest email.
    delivery: DeliveryView,
    /// Its version, for `If-Match`: another one after each change.
    version: Version,
    /// The caller's permissions on the invite.
    may: InvitePermissions,
}

/// The caller's permissions on an invite.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InvitePermissions {
    /// The roles that the caller may set.
    update: RoleChoice,
    /// Cancel it.
    cancel: Permission,
    /// Send it again.
    resend: Permission,
}

impl InviteView {
    pub(crate) fn of(invite: &Invite, caller: &Caller) -> Self {
        let update = |to| {
            permit(
                caller,
                Action::UpdateInvite {
                    from: invite.terms.role,
                    to,
                },
            )
        };
        let manages = permit(caller, Action::CancelInvite(invite.terms.role)).is_ok();
        Self {
            id: invite.id,
            status: InviteStatus::Pending,
            email: invite.email.clone(),
            role: invite.terms.role,
            receives_billing_emails: invite.terms.receives_billing_emails,
            invited_by: InviterView::of(invite.terms.invited_by.as_ref()),
            created_at: invite.terms.created_at,
            expires_at: invite.terms.expires_at,
            ended_at: None,
            times_sent: invite.terms.times_sent,
            version: invite.into(),
            delivery: DeliveryView {
                state: invite.delivery.state,
                at: invite.delivery.at,
                reason: invite.delivery.reason.clone().filter(|_| manages),
            },
            may: InvitePermissions {
                update: RoleChoice::of(update),
                cancel: Permission::of(permit(caller, Action::CancelInvite(invite.terms.role))),
                resend: Permission::of(permit(caller, Action::ResendInvite(invite.terms.role))),
            },
        }
    }

    /// Shows an invite that has ended, and cannot be changed.
    pub(crate) fn ended(ended: &EndedInvite, caller: &Caller) -> Self {
        let refused = || Err(Refusal::InviteEnded(ended.outcome));
        Self {
            status: ended.outcome.into(),
            ended_at: Some(ended.ended_at),
            may: InvitePermissions {
                update: RoleChoice::of(|_| refused()),
                cancel: Permission::of(refused()),
                resend: Permission::of(refused()),
            },
            ..Self::of(&ended.invite, caller)
        }
    }
}

/// An invite, as the invitee sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MyInviteView {
    /// Its id.
    id: InviteId,
    /// The organization.
    organization: OrganizationSummary,
    /// The role of the new member.
    role: Role,
    /// Whether the new member receives billing emails.
    receives_billing_emails: bool,
    /// The member whose authority the invite rests on; `null` for the server's.
    invited_by: Option<InviterView>,
    /// The time of creation.
    created_at: DateTime<Utc>,
    /// The time of expiry.
    expires_at: DateTime<Utc>,
}

impl MyInviteView {
    pub(crate) fn of(invite: &Invite, organization: &Organization) -> Self {
        Self {
            id: invite.id,
            organization: OrganizationSummary::of(organization),
            role: invite.terms.role,
            receives_billing_emails: invite.terms.receives_billing_emails,
            invited_by: InviterView::of(invite.terms.invited_by.as_ref()),
            created_at: invite.terms.created_at,
            expires_at: invite.terms.expires_at,
        }
    }
}

/// An invite, as the holder of its link sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PreviewView {
    /// The invite's id, for accepting it after sign-in.
    invite_id: InviteId,
    /// The organization's name.
    organization_name: OrganizationName,
    /// The inviter's name; `null` for an invite of the server's.
    inviter_name: Option<String>,
    /// The invited address, masked.
    masked_email: String,
    /// The role of the new member.
    role: Role,
    /// Whether the new member receives billing emails.
    receives_billing_emails: bool,
    /// The time of expiry.
    expires_at: DateTime<Utc>,
}

impl PreviewView {
    pub(crate) fn of(invite: &Invite, organization: &Organization) -> Self {
        Self {
            invite_id: invite.id,
            organization_name: organization.name.clone(),
            inviter_name: invite.terms.invited_by.as_ref().map(|by| by.name.clone()),
            masked_email: invite.email.masked(),
            role: invite.terms.role,
            receives_billing_emails: invite.terms.receives_billing_emails,
            expires_at: invite.terms.expires_at,
        }
    }
}

/// The length up to which a response repeats an address.
const MAX_EMAIL: usize = 320;

/// The results of inviting several addresses, in the order of the request.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InvitedView {
    /// A result for each row.
    pub(crate) items: Vec<InvitedRow>,
}

/// The result of a row.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct InvitedRow {
    /// The address, as entered.
    email: String,
    /// The outcome.
    outcome: InviteOutcome,
    /// The invite; `null` unless it was created.
    invite: Option<InviteView>,
    /// The code of the refusal or the error; `null` if there is none.
    code: Option<&'static str>,
    /// The reason; `null` if there is none.
    detail: Option<String>,
}

/// The outcome of a row.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum InviteOutcome {
    /// The invite was created, by this request or by an earlier one with its
    /// idempotency key.
    Created,
    /// The address cannot be invited.
    Refused,
    /// The request ended before this row. Repeat it with the same idempotency key.
    NotTried,
}

impl InvitedRow {
    pub(crate) fn created(email: &str, invite: InviteView) -> Self {
        Self {
            invite: Some(invite),
            ..Self::of(email, InviteOutcome::Created)
        }
    }

    pub(crate) fn refused(email: &str, error: &Error) -> Self {
        Self {
            code: Some(error.code()),
            detail: Some(error.to_string()),
            ..Self::of(email, InviteOutcome::Refused)
        }
    }

    pub(crate) fn not_tried(email: &str, error: &Error) -> Self {
        Self {
            code: Some(error.code()),
            ..Self::of(email, InviteOutcome::NotTried)
        }
    }

    fn of(email: &str, outcome: InviteOutcome) -> Self {
        Self {
            // A text that is no address may have megabytes.
            email: email.chars().take(MAX_EMAIL).collect(),
            outcome,
            invite: None,
            code: None,
            detail: None,
        }
    }
}
