//! `POST /v1/opt-outs/{token}`.

use domain::{EmailReport, opt_out, record_report};
use lambda_http::Request;
use store::{InvitePlaces, Key, Transaction};

use super::opt_out_link;
use crate::{
    App, Operation, Shape,
    emails::record_email_delivery::transaction_of,
    error::Error,
    metrics::{Counter, count},
    mutate::Decision,
    response::Response,
};

/// Stops the invite emails of all organizations to a recipient, and reports the email whose
/// link it is. Email clients call it, too (RFC 8058), with a form as the body.
pub static OPERATION: Operation = Operation::http("opt-out-of-invites", |app, request| {
    Box::pin(handle(app, request))
})
.needs(&[
    "LINK_KEY_SECRET_ID",
    "PAUSING_BOUNCES",
    "PAUSING_COMPLAINTS",
]);

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Report an invite email and stop all invites to its recipient",
    "anyone with the link",
)
.refuses(&["invite_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let token = &opt_out_link::follow(app, request).await?;
    let id = token.organization_id;
    let recipient_id = &token.recipient_id();
    let is_report = app
        .mutate(move |now| async move {
            let keys = (
                Key::recipient(recipient_id),
                InvitePlaces {
                    organization_id: id,
                    invite_id: token.invite_id,
                },
                Key::counts(id),
                Key::organization(id),
            );
            let (recipient, state, counts, organization) = app.store.read(keys).await?;
            let Some(recipient) = opt_out(recipient_id, recipient, now) else {
                return Ok(Decision::Unchanged(false));
            };
            // The opt-out holds even if the invite or its organization is gone.
            let reported = organization.zip(state).and_then(|(organization, state)| {
                record_report(
                    &organization,
                    &counts.unwrap_or_default(),
                    &app.limits.pause,
                    &state,
                    EmailReport::Complained,
                    token.times_sent,
                    now,
                )
            });
            let is_report = reported.is_some();
            let transaction = match reported {
                Some(reported) => transaction_of(id, reported, now),
                None => Transaction::in_organization(id, now, []),
            };
            let transaction = transaction.write_recipient(Some(&recipient));
            Ok(Decision::Commit(transaction, is_report))
        })
        .await?;
    if is_report {
        count(Counter::EmailsComplained, 1);
    }
    Ok(Response::no_content())
}
