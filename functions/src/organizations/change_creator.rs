//! `PUT /v1/organizations/{organization_id}/creator`.

use domain::{Refusal, UserId, hand_over};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Key, Transaction};

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input,
    mutate::Decision,
    response::Response,
    views::{ManagedOrganizationView, OrganizationForCaller, OrganizationView},
};

/// Hands the creator's place to another owner. The former creator stays an owner.
pub static OPERATION: Operation = Operation::http("change-creator", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Hand the creator's place to another owner", "creator")
    .takes::<Body>()
    .responds::<OrganizationView>(200)
    .responds_to_server::<ManagedOrganizationView>()
    .refuses(&[
        "invalid_request",
        "creator_required",
        "organization_not_found",
        "member_not_found",
        "not_an_owner",
    ]);

/// The next creator.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The user id of an owner of the organization.
    user_id: UserId,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let Body { user_id } = &input::body(request)?;
    let id = scope.organization_id;
    let (organization, caller) = app
        .mutate(move |now| async move {
            let keys = (Key::organization(id), Key::member(id, user_id));
            let (caller, (organization, to)) = scope.read(app, keys).await?;
            let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
            let to = to.ok_or(Refusal::MemberNotFound)?;
            // Most often the creator is the caller, whose membership is read already.
            let creator = match caller.member() {
                Some(me) if me.is_creator => Some(me.clone()),
                _ => {
                    app.store
                        .get(Key::member(id, &organization.creator_id))
                        .await?
                }
            };
            let Some(mut changed) = hand_over(&caller, &organization, creator.as_ref(), &to)?
            else {
                return Ok(Decision::Unchanged((organization, caller)));
            };
            let transaction = Transaction::by(&caller, now, [changed.event])
                .write_organization(&mut changed.organization)
                .write_member(&mut changed.creator);
            let transaction = match &mut changed.former {
                Some(former) => transaction.write_member(former),
                None => transaction,
            };
            Ok(Decision::Commit(
                transaction,
                (changed.organization, caller),
            ))
        })
        .await?;
    Ok(Response::ok(&OrganizationForCaller::of(
        &organization,
        &caller,
    )))
}
