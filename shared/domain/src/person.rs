//! The signed-in person.

use chrono::{DateTime, Utc};

use crate::{Actor, EmailAddress, PersonName, Refusal, UserId};

/// The person who sent a request, as the identity provider describes them.
#[derive(Debug, Clone)]
pub struct Person {
    /// The provider's `sub`.
    pub user_id: UserId,
    /// The provider's `email`, if it is an address that SES can send to.
    pub email: Option<EmailAddress>,
    /// The provider's `email_verified`.
    pub email_verified: bool,
    /// The provider's `name`, if usable.
    pub name: Option<PersonName>,
    /// The time at which the provider issued the token (`iat`).
    pub issued_at: Option<DateTime<Utc>>,
}

impl Person {
    /// Returns the person's email address, verified or not.
    ///
    /// # Errors
    /// [`Refusal::EmailRequired`] if the person has none.
    pub fn email(&self) -> Result<&EmailAddress, Refusal> {
        self.email.as_ref().ok_or(Refusal::EmailRequired)
    }

    /// Returns the person's email address, if the provider has verified it.
    ///
    /// # Errors
    /// [`Refusal::EmailRequired`] or [`Refusal::EmailNotVerified`].
    pub fn verified_email(&self) -> Result<&EmailAddress, Refusal> {
        let email = self.email()?;
        if self.email_verified {
            Ok(email)
        } else {
            Err(Refusal::EmailNotVerified)
        }
    }

    /// Returns the person as the actor of an audit event.
    pub(crate) fn as_actor(&self) -> Actor {
        Actor::Person {
            user_id: self.user_id.clone(),
        }
    }
}
