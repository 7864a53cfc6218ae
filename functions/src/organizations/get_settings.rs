//! `GET /v1/organizations/{organization_id}/settings`: members.

use lambda_http::Request;
use store::PageRequest;

use crate::{
    App, Operation,
    access::Asked,
    failure::Failure,
    ledger,
    output::Answer,
    representation::{
        ApiKeyView, InviteView, List, MemberView, OrganizationView, Permissions, PlanView,
        SettingsView, UsageSummaryView,
    },
};

/// How many members, invites and API keys come with the settings; the lists have the rest.
const FIRST_PAGE: u16 = 25;

/// Gives all that the settings page shows, with what the caller may do.
pub static OPERATION: Operation = Operation::http("get-settings", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let id = asked.organization_id;
    let page = PageRequest::first(FIRST_PAGE);
    let (found, members, invites, keys) = tokio::join!(
        ledger::of_member(app, &asked),
        app.store.members(id, &page),
        app.store.invites(id, &page),
        app.store.api_keys(id, &page),
    );
    let (organization, ledger, me) = found?;
    let now = app.clock.now();
    let pending = invites?.keep(|invite| !invite.is_expired(now));
    Ok(Answer::ok(&SettingsView {
        organization: OrganizationView::of(&organization, &me),
        me: MemberView::of(&me, &me),
        may: Permissions::of(&me),
        members: List::of(members?, |member| MemberView::of(member, &me)),
        invites: List::of(pending, |invite| InviteView::of(invite, &me)),
        api_keys: List::of(keys?, |key| ApiKeyView::of(key, &me, now)),
        billing: PlanView::of(&ledger.billing, &app.plans, now),
        usage: UsageSummaryView::of(&ledger, &app.plans, now),
    }))
}
