//! `DELETE /v1/opt-outs/{token}`.

use domain::opt_in;
use lambda_http::Request;
use store::{Key, Transaction};

use super::opt_out_link;
use crate::{App, Operation, Shape, error::Error, mutate::Decision, response::Response};

/// Lets invite emails to a recipient leave again. The report of the opt-out stays.
pub static OPERATION: Operation = Operation::http("opt-in-to-invites", |app, request| {
    Box::pin(handle(app, request))
})
.needs(&["LINK_KEY_SECRET_ID"]);

/// How the API describes it.
pub const SHAPE: Shape =
    Shape::change("Allow invites to a recipient again", "anyone with the link")
        .refuses(&["invite_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let token = &opt_out_link::follow(app, request).await?;
    let recipient_id = &token.recipient_id();
    app.mutate(move |now| async move {
        let recipient = app.store.get(Key::recipient(recipient_id)).await?;
        Ok(match opt_in(recipient) {
            Some(recipient) => Decision::Commit(
                Transaction::in_organization(token.organization_id, now, [])
                    .write_recipient(Some(&recipient)),
                (),
            ),
            None => Decision::Unchanged(()),
        })
    })
    .await?;
    Ok(Response::no_content())
}
