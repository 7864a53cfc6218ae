//! `DELETE /v1/server/people/{user_id}`.

use std::collections::BTreeSet;

use domain::{
    Caller, EmailAddress, Member, OrganizationId, Refusal, Server, UserId, cancel, remove_member,
    without_creator_name,
};
use lambda_http::Request;
use store::{InvitePlaces, Key, PageRequest, Transaction};

use crate::{
    App, Operation, Shape, access, error::Error, input, mutate::Decision, response::Response,
};

/// Erases a person: memberships, profile, account, the invites to their addresses, and
/// their name at the API keys that they created. Audit events keep the id. A request
/// that runs out of time is repeated, and goes on.
pub static OPERATION: Operation = Operation::http("erase-person", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Erase a person", "server")
    .refuses(&["invalid_request", "creator_of_organizations"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let on_behalf_of = access::server(request)?;
    let user_id = UserId::parse(input::path(request, "user_id"));
    let user_id = &user_id.map_err(|invalid| Error::field("user_id", invalid))?;
    let server = |organization_id| Server {
        organization_id,
        on_behalf_of: on_behalf_of.clone(),
    };

    let members = memberships(app, user_id).await?;
    let created = members.iter().filter(|member| member.is_creator);
    let created: Vec<OrganizationId> = created.map(|member| member.organization_id).collect();
    if !created.is_empty() {
        return Err(Refusal::CreatorOfOrganizations(created).into());
    }
    let profile = app.store.get(Key::profile(user_id)).await?;
    let of_members = members.iter().map(|member| member.email.clone());
    let emails: BTreeSet<String> = of_members
        .chain(profile.map(|profile| profile.email))
        .map(|email| email.normal().to_owned())
        .collect();

    for member in &members {
        remove(app, &server(member.organization_id), user_id).await?;
    }
    let mut page = Some(PageRequest::first(PageRequest::MAX_LIMIT));
    while let Some(request) = page {
        let former = app.store.key_maker(user_id, &request).await?;
        for maker in &former.items {
            rename_keys(app, maker.organization_id, user_id).await?;
        }
        page = next(former.next_cursor);
    }
    for email in emails {
        // A normal form is an address.
        if let Ok(email) = EmailAddress::parse(&email) {
            cancel_invites(app, &server, &email).await?;
            app.store.erase_address(&email).await?;
        }
    }
    app.store.erase_person(user_id).await?;
    Ok(Response::no_content())
}

fn next(cursor: Option<String>) -> Option<PageRequest> {
    cursor.and_then(|cursor| PageRequest::at(PageRequest::MAX_LIMIT, &cursor))
}

async fn memberships(app: &App, user_id: &UserId) -> Result<Vec<Member>, Error> {
    let mut members = Vec::new();
    let mut page = Some(PageRequest::first(PageRequest::MAX_LIMIT));
    while let Some(request) = page {
        let pointers = app.store.memberships(user_id, &request).await?;
        let ids = pointers.items.iter().map(|pointer| pointer.organization_id);
        let keys: Vec<Key<Member>> = ids.map(|id| Key::member(id, user_id)).collect();
        members.extend(app.store.read(keys).await?.into_iter().flatten());
        page = next(pointers.next_cursor);
    }
    Ok(members)
}

/// Removes the person from an organization, after their name is gone from its keys.
async fn remove(app: &App, server: &Server, user_id: &UserId) -> Result<(), Error> {
    let id = server.organization_id;
    rename_keys(app, id, user_id).await?;
    app.mutate(move |now| async move {
        let member = app.store.get(Key::member(id, user_id)).await?;
        let Some(member) = member else {
            return Ok(Decision::Unchanged(()));
        };
        let caller = Caller::Server(server.clone());
        let event = remove_member(&caller, &member)?;
        let transaction = Transaction::by(&caller, now, [event]).remove_member(&member);
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}

async fn rename_keys(app: &App, id: OrganizationId, user_id: &UserId) -> Result<(), Error> {
    app.mutate(move |now| async move {
        let keys = app.store.all_api_keys(id).await?;
        let renamed = keys
            .iter()
            .filter_map(|key| without_creator_name(key, user_id));
        let mut renamed: Vec<_> = renamed.collect();
        if renamed.is_empty() {
            return Ok(Decision::Unchanged(()));
        }
        let transaction = Transaction::in_organization(id, now, []);
        let keys = renamed.iter_mut();
        let transaction = keys.fold(transaction, Transaction::write_api_key);
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}

async fn cancel_invites(
    app: &App,
    server: &impl Fn(OrganizationId) -> Server,
    email: &EmailAddress,
) -> Result<(), Error> {
    loop {
        let page = PageRequest::first(PageRequest::MAX_LIMIT);
        let pointers = app.store.invite_pointers(email, &page).await?;
        if pointers.items.is_empty() {
            return Ok(());
        }
        for pointer in &pointers.items {
            let caller = &Caller::Server(server(pointer.organization_id));
            let places = &InvitePlaces {
                organization_id: pointer.organization_id,
                invite_id: pointer.invite_id,
            };
            app.mutate(move |now| async move {
                let Some(state) = app.store.read(places).await? else {
                    return Ok(Decision::Unchanged(()));
                };
                // One that has expired waits for the cleanup, or ends here.
                let Some(ended) = cancel(caller, &state, now).ok().flatten() else {
                    return Ok(Decision::Unchanged(()));
                };
                let transaction = Transaction::by(caller, now, [ended.event])
                    .end_pending_invite(&ended.invite, ended.holder);
                Ok(Decision::Commit(transaction, ()))
            })
            .await?;
        }
        if pointers.next_cursor.is_none() {
            return Ok(());
        }
    }
}
