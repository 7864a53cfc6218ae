//! Loading a member.

use domain::{Caller, Member, Refusal, UserId};
use lambda_http::Request;
use store::Key;

use crate::{App, access::Scope, error::Error, input};

/// Reads the user id from the path. A malformed id matches no member.
pub(super) fn user_id(request: &Request) -> Option<UserId> {
    UserId::parse(input::path(request, "user_id")).ok()
}

/// Reads the caller and the member that the request targets; they may be the same.
///
/// # Errors
/// [`Refusal::OrganizationNotFound`], [`Refusal::MemberNotFound`].
pub(super) async fn caller_and_member(
    app: &App,
    scope: &Scope,
    user_id: Option<&UserId>,
) -> Result<(Caller, Member), Error> {
    let key = user_id.map(|user_id| Key::member(scope.organization_id, user_id));
    let (caller, member) = scope.read(app, key).await?;
    Ok((caller, member.ok_or(Refusal::MemberNotFound)?))
}
