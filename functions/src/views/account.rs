//! The signed-in person.

use domain::{EmailAddress, Person, PersonName, UserId};
use schemars::JsonSchema;
use serde::Serialize;

use super::{MemberView, OrganizationView};

/// The signed-in person.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AccountView {
    /// Their id at the sign-in provider.
    user_id: UserId,
    /// Their address, where the sign-in tells one.
    email: Option<EmailAddress>,
    /// Whether the provider vouches for the address.
    email_verified: bool,
    /// Their name, where the sign-in tells one.
    name: Option<PersonName>,
    /// The organization that they work in at present.
    current_organization: Option<OrganizationView>,
}

impl AccountView {
    pub(crate) fn of(person: Person, current_organization: Option<OrganizationView>) -> Self {
        Self {
            user_id: person.user_id,
            email: person.email,
            email_verified: person.email_verified,
            name: person.name,
            current_organization,
        }
    }
}

/// What accepting an invite makes.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AcceptedView {
    /// The organization, which is the person's current one now.
    pub(crate) organization: OrganizationView,
    /// The person's membership.
    pub(crate) member: MemberView,
}
