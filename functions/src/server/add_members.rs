//! `POST /v1/server/organizations/{organization_id}/members`.

use domain::{
    Caller, EmailAddress, NewMember, PersonName, Refusal, Role, Server, UserId, add_member,
};
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
    views::{AddedMember, AddedMembersView, MemberView},
};

/// The maximum number of people in a request.
const MAX: usize = 100;

/// Adds people as members without an invite. Each is added on its own; a repeated
/// request changes nothing.
pub static OPERATION: Operation =
    Operation::http("add-members", |app, request| Box::pin(handle(app, request)));

/// How the API describes it.
pub const SHAPE: Shape =
    Shape::change("Add up to 100 people as members, without invites", "server")
        .takes::<Body>()
        .responds::<AddedMembersView>(200)
        .refuses(&["invalid_request", "organization_not_found"]);

/// The people to add.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// 1 to 100 people.
    members: Vec<Row>,
}

/// A person to add.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The person's `sub` at the identity provider.
    user_id: UserId,
    /// The person's email address. The product has verified it.
    email: EmailAddress,
    /// The person's name.
    #[serde(default)]
    name: Option<PersonName>,
    /// The role.
    role: Role,
    /// Whether the member receives billing emails.
    #[serde(default)]
    receives_billing_emails: bool,
}

impl Row {
    fn as_new_member(&self) -> NewMember {
        NewMember {
            user_id: self.user_id.clone(),
            email: self.email.clone(),
            name: self.name.clone(),
            role: self.role,
            receives_billing_emails: self.receives_billing_emails,
        }
    }
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let Body { members } = input::body(request)?;
    if !(1..=MAX).contains(&members.len()) {
        return Err(Error::field("members", "must be 1 to 100 people"));
    }
    let (caller, ()) = scope.read(app, ()).await?;
    let Caller::Server(server) = &caller else {
        return Err(Error::NotSignedIn);
    };
    let mut items = Vec::with_capacity(members.len());
    for row in &members {
        let added = match add(app, server, row).await {
            Ok(added) => added,
            Err(Error::Refused(refusal)) => AddedMember::refused(row.user_id.clone(), &refusal),
            Err(error) => return Err(error),
        };
        items.push(added);
    }
    Ok(Response::ok(&AddedMembersView { items }))
}

async fn add(app: &App, server: &Server, row: &Row) -> Result<AddedMember, Error> {
    let id = server.organization_id;
    let caller = &Caller::Server(server.clone());
    app.mutate(move |now| async move {
        let keys = (
            Key::existence(id),
            Key::member(id, &row.user_id),
            Key::address(id, &row.email),
            Key::profile(&row.user_id),
        );
        let (existence, member, address, profile) = app.store.read(keys).await?;
        // Deleted meanwhile.
        if existence.is_none_or(|existence| existence.standing.deleted_at.is_some()) {
            return Err(Refusal::OrganizationNotFound.into());
        }
        let new = row.as_new_member();
        let added = add_member(server, new, address.as_ref(), member.as_ref(), now)?;
        let Some(mut added) = added else {
            let present = member.map(|member| MemberView::of(&member, caller));
            return Ok(Decision::Unchanged(AddedMember::present(
                row.user_id.clone(),
                present,
            )));
        };
        let mut transaction = Transaction::by(caller, now, added.events)
            .add_member(&mut added.member)
            .write_address(&added.address)
            .update_profile(&added.member, profile.as_ref());
        if let Some(ended) = &added.ended {
            transaction = transaction.end_expired_invite(ended).decrement_invites(id);
        }
        let view = MemberView::of(&added.member, caller);
        Ok(Decision::Commit(transaction, AddedMember::added(view)))
    })
    .await
}
