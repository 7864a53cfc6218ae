//! Following the link that stops invite emails.

use domain::{OptOutToken, Refusal};
use lambda_http::Request;

use crate::{App, error::Error, input};

/// Verifies the token in the path.
///
/// # Errors
/// [`Refusal::InviteNotFound`] for a token without a valid signature.
pub(super) async fn follow(app: &App, request: &Request) -> Result<OptOutToken, Error> {
    let token =
        OptOutToken::parse(input::path(request, "token")).map_err(|_| Refusal::InviteNotFound)?;
    let link_keys = app.link_keys()?.get(app.clock.now()).await?;
    if !link_keys.verify_opt_out(&token) {
        return Err(Refusal::InviteNotFound.into());
    }
    Ok(token)
}
