//! The signed-in person.

use domain::{EmailAddress, Person, PersonName, UserId};
use schemars::JsonSchema;
use serde::Serialize;

use super::{MemberView, OrganizationView};

/// The signed-in person.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AccountView {
    /// The person's id at the identity provider.
    user_id: UserId,
    /// The person's email address, if the identity provider passes one.
    email: Option<EmailAddress>,
    /// Whether the identity provider has verified the address.
    email_verified: bool,
    /// The person's name, if the identity provider passes one.
    name: Option<PersonName>,
    /// The person's current organization.
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

/// The result of accepting an invite.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AcceptedView {
    /// The organization, which is now the person's current one.
    pub(crate) organization: OrganizationView,
    /// The person's membership.
    pub(crate) member: MemberView,
}
