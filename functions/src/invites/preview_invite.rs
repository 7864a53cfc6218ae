//! `GET /v1/invites/{token}`: whoever holds the link. Changes nothing.

use lambda_http::Request;

use super::link;
use crate::{App, Operation, failure::Failure, output::Answer, representation::PreviewView};

/// Gives what the holder of a link may know of the invite.
pub static OPERATION: Operation = Operation::http("preview-invite", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let (organization, state) = link::follow(app, request).await?;
    let invite = state.pending(app.clock.now())?;
    Ok(Answer::ok(&PreviewView::of(invite, &organization)))
}
