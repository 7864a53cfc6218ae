//! Refusals: the expected answers of a decision that does not allow a change.

use chrono::TimeDelta;

use crate::{
    ApiKeyScope, EmailLimit, InviteId, OrganizationId, Outcome, PauseReason, SuspensionReason,
};

/// A refused change: an expected answer, worded for the person whose request it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The action requires an owner.
    #[error("only an owner can {0}")]
    OwnerRequired(&'static str),
    /// The action requires an owner or an admin.
    #[error("only an owner or an admin can {0}")]
    OwnerOrAdminRequired(&'static str),
    /// The action requires the creator.
    #[error("only the creator can hand over the creator's place")]
    CreatorRequired,
    /// The person is the creator of organizations, and cannot be erased.
    #[error("the person is the creator of {} organization(s); hand over their place or delete them first", .0.len())]
    CreatorOfOrganizations(Vec<OrganizationId>),
    /// The next creator is not an owner.
    #[error("the next creator must be an owner of the organization")]
    NotAnOwner,
    /// The creator always stays an owner.
    #[error("the creator of an organization {0}")]
    CreatorProtected(&'static str),
    /// Only the product's backend changes plans in this deployment.
    #[error("the plan cannot be changed here{}", elsewhere(.url.as_deref()))]
    PlanChangeNotAllowed {
        /// The page where people change the plan instead.
        url: Option<String>,
    },
    /// The organization is suspended.
    #[error("the organization is suspended: {0}")]
    OrganizationSuspended(SuspensionReason),
    /// The organization does not exist, or the person is not a member of it.
    #[error("there is no such organization, or you are not a member of it")]
    OrganizationNotFound,
    /// Another organization has this id in the product.
    #[error("another organization has this `external_id`")]
    ExternalIdTaken,
    /// The organization has no such member.
    #[error("there is no such member in this organization")]
    MemberNotFound,
    /// The invite does not exist, or is not visible to this person.
    #[error("there is no such invite")]
    InviteNotFound,
    /// The invited address belongs to a member.
    #[error("`{masked}` is already a member of this organization")]
    AlreadyMember {
        /// The address, masked.
        masked: String,
    },
    /// The accepting person is a member already.
    #[error("you are already a member of this organization; your role stays as it is")]
    AlreadyMemberYourself,
    /// The address has an outstanding invite.
    #[error("an invite to `{masked}` is outstanding; update, resend or cancel that one")]
    InviteOutstanding {
        /// The address, masked.
        masked: String,
        /// The outstanding invite.
        invite_id: InviteId,
    },
    /// The organization has reached [`MAX_OUTSTANDING_INVITES`](crate::MAX_OUTSTANDING_INVITES).
    #[error(
        "an organization can have at most 100 outstanding invites; cancel one or wait for answers"
    )]
    TooManyInvites,
    /// The organization has no such API key.
    #[error("there is no such API key in this organization")]
    ApiKeyNotFound,
    /// The organization has reached [`MAX_API_KEYS`](crate::MAX_API_KEYS).
    #[error("an organization can have at most 50 API keys; revoke an unused one")]
    TooManyApiKeys,
    /// Another organization has the key that should be imported.
    #[error("another organization has this API key")]
    ApiKeyTaken,
    /// The key has expired.
    #[error("this API key has expired; set a later expiry first")]
    ApiKeyExpired,
    /// The key would be expired from the start.
    #[error("`expires_at` must be in the future")]
    ExpiryNotInFuture,
    /// The invite has ended.
    #[error("this invite has {}", .0.as_participle())]
    InviteEnded(Outcome),
    /// The link belongs to an earlier sending.
    #[error("this link has been replaced; use the one in the most recent email")]
    LinkReplaced,
    /// The inviter has lost the authority to send the invite.
    #[error(
        "the person who invited you can no longer send this invite; ask an owner or admin to resend it"
    )]
    InviteNeedsResend,
    /// One more email would exceed one of the [`EmailLimits`](crate::EmailLimits).
    #[error("{}", .limit.reason())]
    EmailLimitReached {
        /// The limit.
        limit: EmailLimit,
        /// The time left to wait.
        wait: TimeDelta,
    },
    /// Bounces or complaints have paused the organization's invites.
    #[error(
        "this organization's invites are paused, because {}; contact support", .0.as_clause()
    )]
    InvitesPaused(PauseReason),
    /// The recipient has stopped all invite emails.
    #[error(
        "`{masked}` has stopped invite emails; the recipient can allow them again by the link in an earlier one"
    )]
    RecipientOptedOut {
        /// The address, masked.
        masked: String,
    },
    /// The person has created the organizations of a day.
    #[error("a person can create at most {max} organizations a day; try again tomorrow")]
    OrganizationLimitReached {
        /// The limit.
        max: u32,
        /// The time left to wait.
        wait: TimeDelta,
    },
    /// The person has created all the organizations that a person can; waiting does not help.
    #[error("a person can create at most {0} organizations in all")]
    TooManyOrganizations(u32),
    /// The identity provider reports no email address for the person.
    #[error("your account has no email address, which this action requires")]
    EmailRequired,
    /// The identity provider has not verified the email address.
    #[error("verify your email address at your sign-in provider first, then sign in again")]
    EmailNotVerified,
    /// The period has too few credits left.
    #[error("{}", used_up(*.used, *.allowed, *.wanted))]
    CreditsUsedUp {
        /// The credits used so far.
        used: u64,
        /// The period's credits.
        allowed: u64,
        /// The credits of the request.
        wanted: u64,
        /// The time left until the next period begins.
        wait: TimeDelta,
    },
    /// The API key lacks a scope.
    #[error("the API key lacks the scope `{0}`; create one that has it")]
    InsufficientScope(ApiKeyScope),
    /// No credits were used with the idempotency key, or too long ago.
    #[error("no credits were used with this idempotency key in the last 24 hours")]
    UsageNotFound,
    /// The credits of the idempotency key were given back.
    #[error(
        "{0} credit(s) of this idempotency key were given back; use a new key for a new request"
    )]
    UsageRefunded(u64),
    /// The organization or the API key uses credits too often.
    #[error("too many requests by this organization or API key; wait a few seconds")]
    RateLimitExceeded {
        /// The time left to wait.
        wait: TimeDelta,
    },
    /// The idempotency key was used by another request.
    #[error(
        "this idempotency key was already used for {0} credits; use a new key for a new request"
    )]
    IdempotencyKeyReused(u64),
}

/// Words the refusal as the product's own answers do: people read it there.
fn used_up(used: u64, allowed: u64, wanted: u64) -> String {
    if used < allowed {
        format!("You've used {used} of your {allowed} image credits, and this takes {wanted} more.")
    } else {
        format!("You've used {used} of your {allowed} image credits.")
    }
}

fn elsewhere(url: Option<&str>) -> String {
    url.map_or_else(String::new, |url| format!("; go to {url}"))
}

/// The kind of a refusal, from which the HTTP status of its answer follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// A value in the request is not allowed.
    Invalid,
    /// The person is not allowed to do this.
    Forbidden,
    /// The thing does not exist, or is not visible to this person.
    NotFound,
    /// The current state does not allow the change.
    Conflict,
    /// The thing existed and has ended.
    Gone,
    /// The same request is allowed later.
    TooEarly,
    /// The request contradicts an earlier one.
    Contradiction,
}

impl Refusal {
    /// Returns the stable code by which programs distinguish refusals.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OwnerRequired(_) => "owner_required",
            Self::PlanChangeNotAllowed { .. } => "plan_change_not_allowed",
            Self::OwnerOrAdminRequired(_) => "owner_or_admin_required",
            Self::CreatorRequired => "creator_required",
            Self::NotAnOwner => "not_an_owner",
            Self::CreatorOfOrganizations(_) => "creator_of_organizations",
            Self::CreatorProtected(_) => "creator_protected",
            Self::OrganizationSuspended(_) => "organization_suspended",
            Self::OrganizationNotFound => "organization_not_found",
            Self::ExternalIdTaken => "external_id_taken",
            Self::ApiKeyTaken => "api_key_taken",
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
            Self::InvitesPaused(_) => "invites_paused",
            Self::EmailLimitReached { .. } => "email_limit_reached",
            Self::RecipientOptedOut { .. } => "recipient_opted_out",
            Self::OrganizationLimitReached { .. } => "organization_limit_reached",
            Self::TooManyOrganizations(_) => "too_many_organizations",
            Self::EmailRequired => "email_required",
            Self::EmailNotVerified => "email_not_verified",
            Self::CreditsUsedUp { .. } => "credits_used_up",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::UsageNotFound => "usage_not_found",
            Self::UsageRefunded(_) => "usage_refunded",
            Self::RateLimitExceeded { .. } => "rate_limit_exceeded",
            Self::IdempotencyKeyReused(_) => "idempotency_key_reused",
        }
    }

    /// Returns the kind of the refusal.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::OwnerRequired(_)
            | Self::OwnerOrAdminRequired(_)
            | Self::CreatorProtected(_)
            | Self::CreatorRequired
            | Self::PlanChangeNotAllowed { .. }
            | Self::InvitesPaused(_)
            | Self::OrganizationSuspended(_)
            | Self::EmailRequired
            | Self::EmailNotVerified
            | Self::InsufficientScope(_) => RefusalKind::Forbidden,
            Self::ExpiryNotInFuture => RefusalKind::Invalid,
            Self::OrganizationNotFound
            | Self::MemberNotFound
            | Self::InviteNotFound
            | Self::ApiKeyNotFound
            | Self::UsageNotFound => RefusalKind::NotFound,
            Self::ExternalIdTaken
            | Self::ApiKeyTaken
            | Self::NotAnOwner
            | Self::CreatorOfOrganizations(_)
            | Self::AlreadyMember { .. }
            | Self::AlreadyMemberYourself
            | Self::InviteOutstanding { .. }
            | Self::TooManyInvites
            | Self::TooManyOrganizations(_)
            | Self::TooManyApiKeys
            | Self::ApiKeyExpired
            | Self::UsageRefunded(_)
            | Self::RecipientOptedOut { .. }
            | Self::InviteNeedsResend => RefusalKind::Conflict,
            Self::InviteEnded(_) | Self::LinkReplaced => RefusalKind::Gone,
            Self::EmailLimitReached { .. }
            | Self::OrganizationLimitReached { .. }
            | Self::RateLimitExceeded { .. }
            | Self::CreditsUsedUp { .. } => RefusalKind::TooEarly,
            Self::IdempotencyKeyReused(_) => RefusalKind::Contradiction,
        }
    }
}
