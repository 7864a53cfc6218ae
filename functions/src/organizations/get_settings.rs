//! `GET /v1/organizations/{organization_id}/settings`.

use lambda_http::Request;
use store::{Key, PageRequest};

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    ledger,
    response::Response,
    views::{
        CountsView, InviteView, List, ManagedOrganizationView, ManagedSettingsView, MemberView,
        OrganizationStateView, OrganizationView, Permissions, PlanPeriodView, SettingsView,
        UsageSummaryView,
    },
};

/// The number of members and invites in the settings; the lists have the rest.
const FIRST_PAGE: u16 = 25;

/// Returns the data of the settings page, with the caller's permissions.
pub static OPERATION: Operation = Operation::http("get-settings", |app, request| {
    Box::pin(handle(app, request))
})
.needs(&["PLANS", "PLAN_CHANGES"]);

/// How the API describes it.
pub const SHAPE: Shape = Shape::read("Get everything that the settings page shows", "member")
    .responds::<SettingsView>(200)
    .responds_to_server::<ManagedSettingsView>()
    .refuses(&["organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let id = scope.organization_id;
    let page = PageRequest::first(FIRST_PAGE);
    let proof_and_ledger = || {
        let read = |counters| {
            let keys = (scope.proof(), ledger::keys(id, counters), Key::counts(id));
            app.store.read(keys)
        };
        ledger::with_counters(app, id, read, |(_, found, _)| found.1.as_ref())
    };
    let read = || async {
        let (found, members, invites) = tokio::join!(
            proof_and_ledger(),
            app.store.members(id, &page),
            app.store.invites(id, &page),
        );
        let (proof, found, counts) = found?;
        Ok((proof, (found, counts, members?, invites?)))
    };
    let (caller, (found, counts, members, invites)) = scope.read_with(app, read).await?;
    let (organization, ledger) = ledger::of(app, found)?;
    let now = app.clock.now();
    let pending = invites.keep(|invite| !invite.terms.is_expired(now));
    let state = OrganizationStateView {
        members: List::of(members, |member| MemberView::of(member, &caller)),
        invites: List::of(pending, |invite| InviteView::of(invite, &caller)),
        counts: CountsView::of(counts.as_ref()),
        invites_paused: counts.and_then(|counts| counts.invites_paused),
        billing: PlanPeriodView::of(&ledger.billing, &app.plans, now),
        usage: UsageSummaryView::of(&ledger, &app.plans, now),
    };
    Ok(match caller.member() {
        Some(me) => Response::ok(&SettingsView {
            organization: OrganizationView::of(&organization, me),
            me: MemberView::of(me, &caller),
            email_in_use: scope.email_in_use(me),
            may: Permissions::of(&caller, &app.plan_changes),
            state,
        }),
        None => Response::ok(&ManagedSettingsView {
            organization: ManagedOrganizationView::of(&organization),
            state,
        }),
    })
}
