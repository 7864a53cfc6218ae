//! Errors as problem details (RFC 9457).

use chrono::TimeDelta;
use domain::Refusal;
use lambda_http::{Request, http::StatusCode};
use serde::Serialize;

use crate::{error::Error, input, response::Response};

/// Every code of a problem, its status, and the case that it stands for. The
/// table of `docs/api.md` and the OpenAPI document are generated from it.
pub(crate) const CODES: &[(&str, u16, &str)] = &[
    (
        "invalid_request",
        400,
        "The body, a parameter or a header is malformed.",
    ),
    (
        "not_signed_in",
        401,
        "The token's `sub` cannot be a user id, or it is an access token.",
    ),
    ("owner_required", 403, "The action requires an owner."),
    (
        "owner_or_admin_required",
        403,
        "The action requires an owner or an admin.",
    ),
    ("creator_required", 403, "The action requires the creator."),
    (
        "creator_of_organizations",
        409,
        "The person is the creator of the organizations in `organization_ids`.",
    ),
    ("not_an_owner", 409, "The next creator is not an owner."),
    (
        "creator_protected",
        403,
        "The creator stays an owner, a member and a recipient of billing emails.",
    ),
    (
        "plan_change_not_allowed",
        403,
        "The deployment lets only its own backend change plans.",
    ),
    (
        "invites_paused",
        403,
        "Bounces or complaints have paused the organization's invites; only the product's backend lifts the pause.",
    ),
    (
        "recipient_opted_out",
        409,
        "The recipient has stopped invite emails, and can allow them again.",
    ),
    (
        "email_required",
        403,
        "The caller's account has no usable email address.",
    ),
    (
        "email_not_verified",
        403,
        "The identity provider has not verified the caller's address.",
    ),
    (
        "insufficient_scope",
        403,
        "The API key lacks the scope that the route needs.",
    ),
    (
        "organization_not_found",
        404,
        "The organization does not exist, or the caller is not a member.",
    ),
    (
        "external_id_taken",
        409,
        "Another organization has this `external_id`.",
    ),
    (
        "api_key_taken",
        409,
        "Another organization has this API key, which should be imported.",
    ),
    (
        "organization_suspended",
        403,
        "The product has suspended the organization: it can be read, but not used or changed.",
    ),
    (
        "member_not_found",
        404,
        "The organization has no such member.",
    ),
    (
        "invite_not_found",
        404,
        "The organization has no such invite, it is not to the caller's address, or the link is unknown.",
    ),
    (
        "api_key_not_found",
        404,
        "The organization has no such API key, or it was revoked.",
    ),
    (
        "usage_not_found",
        404,
        "No credits were used with the idempotency key in the last 24 hours.",
    ),
    (
        "already_member",
        409,
        "The address belongs to a member, or the caller is a member already.",
    ),
    (
        "invite_outstanding",
        409,
        "An invite to the address is outstanding; `invite_id` names it.",
    ),
    (
        "too_many_invites",
        409,
        "The organization has 100 outstanding invites.",
    ),
    (
        "too_many_organizations",
        409,
        "The caller has created as many organizations as a person can in all.",
    ),
    (
        "invite_needs_resend",
        409,
        "The inviter could no longer send this invite; a member with the right to can resend it.",
    ),
    (
        "api_key_expired",
        409,
        "An expired API key cannot be rotated.",
    ),
    (
        "too_many_api_keys",
        409,
        "The organization has 50 API keys.",
    ),
    (
        "usage_refunded",
        409,
        "Credits of the idempotency key were given back: it cannot be used again, and no other number can be given back.",
    ),
    ("invite_accepted", 410, "The invite has been accepted."),
    ("invite_declined", 410, "The invite has been declined."),
    ("invite_cancelled", 410, "The invite has been cancelled."),
    ("invite_expired", 410, "The invite's 14 days are over."),
    ("link_replaced", 410, "A later email has a newer link."),
    (
        "version_mismatch",
        412,
        "The item is in another version than `If-Match` names; `current` has its present state.",
    ),
    (
        "idempotency_key_reused",
        422,
        "The idempotency key was used for another number of credits.",
    ),
    (
        "credits_used_up",
        429,
        "The period's credits do not suffice; `retry-after` is when the next period begins.",
    ),
    (
        "email_limit_reached",
        429,
        "One more invite email would exceed a limit, which `detail` names; `retry-after` says how long to wait.",
    ),
    (
        "rate_limit_exceeded",
        429,
        "The organization or the API key uses credits too often; `retry-after` says how long to wait.",
    ),
    (
        "organization_limit_reached",
        429,
        "The caller has created as many organizations as a person can on one day (UTC); `retry-after` is when the next begins.",
    ),
    (
        "internal_error",
        500,
        "An error on our side; the logs have it.",
    ),
    (
        "busy",
        503,
        "Other requests kept changing the same items; nothing was written. Has `retry-after: 1`.",
    ),
    (
        "unavailable",
        503,
        "The table or the link key could not be reached in time. Has `retry-after: 1`.",
    ),
];

/// Returns the status of a code.
pub(crate) fn status_of(code: &str) -> Option<u16> {
    let entry = CODES.iter().find(|(known, ..)| *known == code);
    entry.map(|(_, status, _)| *status)
}

/// Problem details (RFC 9457) with a stable code.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Problem {
    /// The status as text.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable code of the problem.
    code: &'static str,
    /// A sentence for people; may change.
    detail: String,
    /// The path of the request, unless it holds a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// The field, parameter or header that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The organizations that caused the conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_ids: Option<Vec<String>>,
    /// The outstanding invite that caused the conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_id: Option<String>,
    /// The view of the item that has changed. Its schema is the operation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    current: Option<serde_json::Value>,
}

impl Error {
    /// Builds the response. It has details only about errors that the client can correct.
    pub(crate) fn into_response(self, request: &Request) -> Response {
        let status = self.status();
        let mut problem = Problem {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: self.code(),
            detail: self.to_string(),
            // The path of a link holds a token.
            instance: input::path(request, "token")
                .is_empty()
                .then(|| request.uri().path().to_owned()),
            field: None,
            organization_ids: None,
            invite_id: None,
            current: None,
        };
        let mut retry_after = None;
        let mut credits = None;
        match self {
            Self::Refused(Refusal::CreatorOfOrganizations(ids)) => {
                problem.organization_ids = Some(ids.iter().map(ToString::to_string).collect());
            }
            Self::Refused(Refusal::InviteOutstanding { invite_id, .. }) => {
                problem.invite_id = Some(invite_id.to_string());
            }
            Self::Refused(Refusal::ExpiryNotInFuture) => {
                problem.field = Some("expires_at".to_owned());
            }
            Self::Refused(
                Refusal::EmailLimitReached { wait, .. }
                | Refusal::OrganizationLimitReached { wait, .. }
                | Refusal::RateLimitExceeded { wait },
            ) => {
                retry_after = Some(whole_seconds(wait));
            }
            Self::Refused(Refusal::CreditsUsedUp {
                used,
                allowed,
                wait,
                ..
            }) => {
                retry_after = Some(whole_seconds(wait));
                credits = Some((allowed, used));
            }
            Self::Invalid { field, .. } => problem.field = field,
            Self::VersionMismatch { current } => problem.current = Some(current),
            Self::Refused(_) | Self::NotSignedIn | Self::UnusableToken(_) => {}
            Self::Busy => retry_after = Some(1),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                problem.detail = "temporarily unavailable; please try again".to_owned();
                retry_after = Some(1);
            }
            _ => problem.detail = "something went wrong on our side".to_owned(),
        }
        let mut response = Response::problem(status, &problem);
        if let Some((allowed, used)) = credits {
            response = response.with_credits(allowed, 0, used);
        }
        match retry_after {
            Some(seconds) => response.with_header("retry-after", seconds),
            None => response,
        }
    }
}

/// Rounds up, so that the wait has ended after this many seconds.
fn whole_seconds(wait: TimeDelta) -> i64 {
    (wait.num_milliseconds() + 999) / 1000
}
