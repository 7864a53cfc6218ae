//! The invite email.

use askama::Template;
use brand::Brand;
use chrono::{DateTime, Utc};

use crate::{
    Message, RenderError,
    look::Look,
    names::{BODY_NAME, SUBJECT_NAME, one_line, quoted, unlinked},
};

/// The content of the invite email.
#[derive(Debug, Clone, Copy)]
pub struct InviteEmail<'a> {
    /// The organization's name, as typed by its owners.
    pub organization_name: &'a str,
    /// The inviter's name, from the identity provider; `None` for an invite of the
    /// product's own backend.
    pub inviter_name: Option<&'a str>,
    /// The inviter's verified email address; `None` if the inviter has left.
    pub inviter_email: Option<&'a str>,
    /// `owner`, `admin` or `user`.
    pub role: &'a str,
    /// Whether accepting turns on the organization's billing emails.
    pub receives_billing_emails: bool,
    /// The expiry of the invite.
    pub expires_at: DateTime<Utc>,
    /// The URL of the invite's page.
    pub link: &'a str,
    /// The URL of the page that reports the email and stops all invites to the recipient.
    pub opt_out_page: &'a str,
    /// The URL that does so when it receives a POST.
    pub opt_out: &'a str,
    /// The invited address, as typed by the inviter.
    pub recipient: &'a str,
}

impl InviteEmail<'_> {
    /// Renders the email.
    ///
    /// # Errors
    /// [`RenderError::UnknownRole`] if the role is none of the three.
    pub fn render(&self, brand: &Brand) -> Result<Message, RenderError> {
        let (role, may) = words_for(self.role)?;
        let organization = self.organization(SUBJECT_NAME);
        let look = &Look::of(brand);
        let on = look
            .product
            .as_ref()
            .map(|product| format!(" on {product}"));
        let on = on.unwrap_or_default();
        let subject = match self.inviter(SUBJECT_NAME) {
            Some(inviter) => format!("{inviter} invited you to join {organization}{on}"),
            None => format!("You’re invited to join {organization}{on}"),
        };
        let inviter = self.inviter(BODY_NAME);
        let inviter_email = self.inviter_email.map(|email| unlinked(&one_line(email)));
        let words = Words {
            look,
            subject: &subject,
            on: &on,
            inviter: inviter.as_deref(),
            inviter_email: inviter_email.as_deref(),
            organization: &self.organization(BODY_NAME),
            role,
            may,
            receives_billing_emails: self.receives_billing_emails,
            until: &self.expires_at.format("%-d %B %Y, %H:%M UTC").to_string(),
            link: self.link,
            note: look.note("Or paste this link into your browser:"),
            opt_out: self.opt_out_page,
            recipient: &one_line(self.recipient),
        };
        let (text, html) = (Text { words: &words }, Html { words: &words });
        Ok(Message {
            opt_out: Some(self.opt_out.to_owned()),
            ..Message::render(&subject, &text, &html)?
        })
    }

    fn inviter(&self, limit: usize) -> Option<String> {
        let name = self.inviter_name?;
        Some(quoted(name, limit).unwrap_or_else(|| "Someone".to_owned()))
    }

    fn organization(&self, limit: usize) -> String {
        quoted(self.organization_name, limit).unwrap_or_else(|| "an organization".to_owned())
    }
}

/// Returns the role as part of a sentence, and a sentence on its permissions.
fn words_for(role: &str) -> Result<(&'static str, &'static str), RenderError> {
    match role {
        "owner" => Ok((
            "an owner",
            "Owners have full access: members, roles, billing, API keys and the organization itself.",
        )),
        "admin" => Ok((
            "an admin",
            "Admins manage members, invites, API keys and billing, but not owners.",
        )),
        "user" => Ok((
            "a user",
            "Users can view the organization and its usage, but can’t make changes.",
        )),
        other => Err(RenderError::UnknownRole(other.to_owned())),
    }
}

/// The content of both bodies.
struct Words<'a> {
    look: &'a Look<'a>,
    subject: &'a str,
    /// The product behind the organization's name, as part of a sentence.
    on: &'a str,
    inviter: Option<&'a str>,
    inviter_email: Option<&'a str>,
    organization: &'a str,
    role: &'a str,
    may: &'a str,
    receives_billing_emails: bool,
    until: &'a str,
    link: &'a str,
    /// The links that are ours, for a reader in doubt.
    note: &'static str,
    opt_out: &'a str,
    recipient: &'a str,
}

#[derive(Template)]
#[template(path = "invite.txt")]
struct Text<'a> {
    words: &'a Words<'a>,
}

#[derive(Template)]
#[template(path = "invite.html")]
struct Html<'a> {
    words: &'a Words<'a>,
}

#[cfg(test)]
mod tests;
