//! Why a input is refused.

use chrono::TimeDelta;

use crate::{InviteId, Outcome};

/// Why a input is refused: an expected answer, in words for the person who wished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The action takes an owner.
    #[error("only an owner can {0}")]
    OwnerRequired(&'static str),
    /// The action takes an owner or an admin.
    #[error("only an owner or an admin can {0}")]
    OwnerOrAdminRequired(&'static str),
    /// The creator is an owner for good.
    #[error("the creator of an organization {0}")]
    CreatorProtected(&'static str),
    /// There is no such organization for this person.
    #[error("there is no such organization, or you are not a member of it")]
    OrganizationNotFound,
    /// There is no such member.
    #[error("there is no such member in this organization")]
    MemberNotFound,
    /// There is no such invite for this person.
    #[error("there is no such invite")]
    InviteNotFound,
    /// The address belongs to a member.
    #[error("`{masked}` is already a member of this organization")]
    AlreadyMember {
        /// The address, masked.
        masked: String,
    },
    /// The person who accepts is a member already.
    #[error("you are already a member of this organization; your role stays as it is")]
    AlreadyMemberYourself,
    /// An invite to the address is outstanding.
    #[error("an invite to `{masked}` is outstanding; update, resend or cancel that one")]
    InviteOutstanding {
        /// The address, masked.
        masked: String,
        /// The outstanding invite.
        invite_id: InviteId,
    },
    /// The organization has as many outstanding invites as it may.
    #[error(
        "an organization can have at most 100 outstanding invites; cancel one or wait for answers"
    )]
    TooManyInvites,
    /// There is no such API key.
    #[error("there is no such API key in this organization")]
    ApiKeyNotFound,
    /// The organization has as many API keys as it may.
    #[error("an organization can have at most 50 API keys; revoke one that is not used any more")]
    TooManyApiKeys,
    /// The key's time is over.
    #[error("this API key has expired; give it a later expiry first")]
    ApiKeyExpired,
    /// A key that would be no good from the start.
    #[error("`expires_at` must be in the future")]
    ExpiryNotInFuture,
    /// The invite has ended.
    #[error("this invite has {}", .0.as_participle())]
    InviteEnded(Outcome),
    /// The link belongs to an earlier sending.
    #[error("this link was replaced by a newer one; look for a later mail")]
    LinkReplaced,
    /// The inviter could no longer send the invite.
    #[error(
        "the person who sent this invite can no longer vouch for it; ask an owner or an admin to resend it"
    )]
    InviteNeedsResend,
    /// The invite was sent less than a minute ago.
    #[error("this invite was sent less than a minute ago; wait a moment before resending it")]
    ResendTooSoon {
        /// How long to wait.
        wait: TimeDelta,
    },
    /// The invite was resent as often as it may be.
    #[error("an invite can be resent five times; cancel it and invite again")]
    ResendLimitReached,
    /// The sign-in tells no email address.
    #[error("your sign-in tells no email address, and this takes one")]
    EmailRequired,
    /// The sign-in does not vouch for the email address.
    #[error("verify your email address at your sign-in provider first, then sign in again")]
    EmailNotVerified,
    /// The period's credits do not suffice.
    #[error("{}", used_up(*.used, *.allowed, *.wanted))]
    CreditsUsedUp {
        /// How many are used.
        used: u64,
        /// How many there are in the period.
        allowed: u64,
        /// How many were asked for.
        wanted: u64,
        /// How long until the next period begins.
        wait: TimeDelta,
    },
    /// The idempotency key belongs to another request.
    #[error("this idempotency key was used for {0} credits; use another one for another request")]
    IdempotencyKeyReused(u64),
}

/// In the words that people read in the product's own answers.
fn used_up(used: u64, allowed: u64, wanted: u64) -> String {
    if used < allowed {
        format!("You've used {used} of your {allowed} image credits, and this takes {wanted} more.")
    } else {
        format!("You've used {used} of your {allowed} image credits.")
    }
}

/// What kind of refusal it is; how it is answered follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// A value of the request cannot be.
    Invalid,
    /// The person may not do this.
    Forbidden,
    /// There is no such thing, for this person at least.
    NotFound,
    /// The present state does not allow it.
    Conflict,
    /// It was there, and is no more.
    Gone,
    /// Not so soon.
    TooEarly,
    /// It contradicts what was said before.
    Contradiction,
}

impl Refusal {
    /// The stable code that programs tell refusals apart by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OwnerRequired(_) => "owner_required",
            Self::OwnerOrAdminRequired(_) => "owner_or_admin_required",
            Self::CreatorProtected(_) => "creator_protected",
            Self::OrganizationNotFound => "organization_not_found",
            Self::MemberNotFound => "member_not_found",
            Self::InviteNotFound => "invite_not_found",
            Self::AlreadyMember { .. } | Self::AlreadyMemberYourself => "already_member",
            Self::InviteOutstanding { .. } => "invite_outstanding",
            Self::TooManyInvites => "too_many_invites",
            Self::ApiKeyNotFound => "api_key_not_found",
            Self::TooManyApiKeys => "too_many_api_keys",
            Self::ApiKeyExpired => "api_key_expired",
            Self::ExpiryNotInFuture => "invalid_request",
            Self::InviteEnded(Outcome::Accepted) => "invite_accepted",
            Self::InviteEnded(Outcome::Declined) => "invite_declined",
            Self::InviteEnded(Outcome::Cancelled) => "invite_cancelled",
            Self::InviteEnded(Outcome::Expired) => "invite_expired",
            Self::LinkReplaced => "link_replaced",
            Self::InviteNeedsResend => "invite_needs_resend",
            Self::ResendTooSoon { .. } => "resend_too_soon",
            Self::ResendLimitReached => "resend_limit_reached",
            Self::EmailRequired => "email_required",
            Self::EmailNotVerified => "email_not_verified",
            Self::CreditsUsedUp { .. } => "credits_used_up",
            Self::IdempotencyKeyReused(_) => "idempotency_key_reused",
        }
    }

    /// What kind of refusal it is.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::OwnerRequired(_)
            | Self::OwnerOrAdminRequired(_)
            | Self::CreatorProtected(_)
            | Self::EmailRequired
            | Self::EmailNotVerified => RefusalKind::Forbidden,
            Self::ExpiryNotInFuture => RefusalKind::Invalid,
            Self::OrganizationNotFound
            | Self::MemberNotFound
            | Self::InviteNotFound
            | Self::ApiKeyNotFound => RefusalKind::NotFound,
            Self::AlreadyMember { .. }
            | Self::AlreadyMemberYourself
            | Self::InviteOutstanding { .. }
            | Self::TooManyInvites
            | Self::TooManyApiKeys
            | Self::ApiKeyExpired
            | Self::InviteNeedsResend
            | Self::ResendLimitReached => RefusalKind::Conflict,
            Self::InviteEnded(_) | Self::LinkReplaced => RefusalKind::Gone,
            Self::ResendTooSoon { .. } | Self::CreditsUsedUp { .. } => RefusalKind::TooEarly,
            Self::IdempotencyKeyReused(_) => RefusalKind::Contradiction,
        }
    }
}
