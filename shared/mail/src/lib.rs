//! Emails: templates, and sending through SES.
//!
//! Rendering is pure and takes plain values. Text that users typed is reduced to
//! one line here and escaped by the template engine, so that a name in an email
//! stays a name.

mod billing;
mod invite;
mod look;
mod mailer;
mod names;
mod sender;

use askama::Template;

pub use billing::{About, BillingEmail, InvoiceFacts};
pub use invite::InviteEmail;
pub use mailer::{Mailer, MessageId, SendError, Tag};
pub use sender::Sender;

/// The reason why an email cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The role is none that the invite email describes.
    #[error("there is no invite email for the role `{0}`")]
    UnknownRole(String),
    /// The template failed.
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
    /// The body for all other clients, with the same content.
    pub html: String,
    /// The URL that stops such emails when it receives a POST (RFC 8058).
    pub opt_out: Option<String>,
}

impl Message {
    /// Renders both bodies.
    fn render(
        subject: &str,
        text: &impl Template,
        html: &impl Template,
    ) -> Result<Self, RenderError> {
        Ok(Self {
            subject: subject.to_owned(),
            text: text.render()?,
            html: html.render()?,
            opt_out: None,
        })
    }
}
