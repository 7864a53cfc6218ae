//! The account, as its owner sees it.

use domain::{Member, Organization, OrganizationId, Person};
use store::Key;

use crate::{
    App,
    failure::Failure,
    representation::{AccountView, OrganizationView},
};

/// The person's account. An organization that they are not, or no longer, a
/// member of is not shown as the current one.
pub(super) async fn account(
    app: &App,
    person: Person,
    current: Option<OrganizationId>,
) -> Result<AccountView, Failure> {
    let current_organization = match current {
        None => None,
        Some(id) => {
            let (organization, member) = (Key::organization(id), Key::member(id, &person.user_id));
            let mut found = app
                .store
                .get_all(&[organization.clone(), member.clone()])
                .await?;
            let organization: Option<Organization> = found.take(&organization)?;
            let member: Option<Member> = found.take(&member)?;
            organization
                .zip(member)
                .map(|(organization, me)| OrganizationView::of(&organization, &me))
        }
    };
    Ok(AccountView::of(person, current_organization))
}
