//! The mails: what they say, and their way to SES.
//!
//! Rendering is pure and takes plain values. User-given text is made fit for
//! one line here and escaped by the template engine, so whatever name reaches
//! an email, it stays a name.

mod billing;
mod invite;
mod mailer;
mod names;
mod sender;

use askama::Template;

pub use billing::{About, BillingEmail, InvoiceFacts};
pub use invite::InviteEmail;
pub use mailer::{Mailer, MessageId, SendError, Tag};
pub use sender::Sender;

/// Why there is no email.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A role that the email has no words for.
    #[error("there is no invite email for the role `{0}`")]
    UnknownRole(String),
    /// A template.
    #[error("the email template failed to render")]
    Template(#[from] askama::Error),
}

/// An email without its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line, of bounded length.
    pub subject: String,
    /// The body for clients that show plain text.
    pub text: String,
    /// The body for all others. It says the same.
    pub html: String,
}

impl Message {
    /// Writes both bodies.
    fn write(
        subject: &str,
        text: &impl Template,
        html: &impl Template,
    ) -> Result<Self, RenderError> {
        Ok(Self {
            subject: subject.to_owned(),
            text: text.render()?,
            html: html.render()?,
        })
    }
}
