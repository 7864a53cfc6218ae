//! `GET /v1/organizations`: the caller's own, with their role.

use domain::{Member, Organization};
use lambda_http::Request;
use store::Key;

use crate::{
    App, Operation, access,
    failure::Failure,
    input,
    output::Answer,
    representation::{List, OrganizationView},
};

/// Lists the organizations that the caller is a member of, oldest first.
pub static OPERATION: Operation = Operation::http("list-organizations", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let person = access::person(request)?;
    // Two items are read for each: together not more than one batch holds.
    let page = input::page(request)?.at_most(50);

    let memberships = app.store.memberships(&person.user_id, &page).await?;
    let keys: Vec<Key> = memberships
        .items
        .iter()
        .map(|membership| membership.organization_id)
        .flat_map(|id| [Key::organization(id), Key::member(id, &person.user_id)])
        .collect();
    let mut found = app.store.get_all(&keys).await?;

    let mut items = Vec::with_capacity(memberships.items.len());
    for membership in &memberships.items {
        let id = membership.organization_id;
        let organization: Option<Organization> = found.take(&Key::organization(id))?;
        let member: Option<Member> = found.take(&Key::member(id, &person.user_id))?;
        // The pointer may have been read a moment before the membership ended.
        if let (Some(organization), Some(member)) = (organization, member) {
            items.push(OrganizationView::of(&organization, &member));
        }
    }
    Ok(Answer::ok(&List {
        items,
        next_cursor: memberships.next_cursor,
    }))
}
