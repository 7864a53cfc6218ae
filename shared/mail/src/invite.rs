//! The invite email.

use askama::Template;
use brand::Brand;
use chrono::{DateTime, Utc};

use crate::{
    Message, RenderError,
    look::Look,
    names::{BODY_NAME, SUBJECT_NAME, one_line, quoted, unlinked},
    words::{Catalog, Sentence, fill},
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
        let look = &Look::of(brand);
        let catalog = look.catalog;
        let (role, may) = words_for(self.role, catalog)?;
        let on = look.product.as_ref();
        let on = on.map(|product| fill(catalog.on_product).plain("product", product).text());
        let on = on.unwrap_or_default();
        let subject = {
            let organization = self.organization(SUBJECT_NAME, catalog);
            match self.inviter(SUBJECT_NAME, catalog) {
                Some(inviter) => fill(catalog.invite_subject).plain("inviter", &inviter),
                None => fill(catalog.invite_subject_alone),
            }
            .plain("organization", &organization)
            .plain("on", &on)
            .text()
        };
        let organization = self.organization(BODY_NAME, catalog);
        let inviter = self.inviter(BODY_NAME, catalog);
        let email = self.inviter_email.map(|email| unlinked(&one_line(email)));
        let until = catalog.moment(self.expires_at);
        let recipient = one_line(self.recipient);
        let heading = match &inviter {
            Some(inviter) => fill(catalog.invite_subject).name("inviter", inviter),
            None => fill(catalog.invite_subject_alone),
        };
        let with_email = match (&inviter, &email) {
            (Some(inviter), Some(email)) => Some(format!("{inviter} ({email})")),
            _ => inviter.clone(),
        };
        let opening = match &with_email {
            Some(inviter) => fill(catalog.invite_text).name("inviter", inviter),
            None => fill(catalog.invite_text_alone),
        };
        let named = |sentence: Sentence| {
            sentence
                .name("organization", &organization)
                .plain("on", &on)
                .plain("role", role)
        };
        let words = Words {
            look,
            subject: &subject,
            heading: named(heading),
            opening: named(opening),
            preview: fill(catalog.invite_preview)
                .plain("until", &until)
                .plain("role", role),
            inviter_address: inviter
                .as_ref()
                .zip(email.as_ref())
                .map(|(inviter, email)| {
                    fill(catalog.inviter_address)
                        .name("inviter", inviter)
                        .name("email", email)
                }),
            invited_as: fill(catalog.invited_as).strong("role", role),
            may,
            receives_billing_emails: self.receives_billing_emails,
            expires: fill(catalog.invite_expires)
                .strong("until", &until)
                .name("recipient", &recipient),
            link: self.link,
            opt_out: self.opt_out_page,
        };
        let (text, html) = (Text { words: &words }, Html { words: &words });
        Ok(Message {
            opt_out: Some(self.opt_out.to_owned()),
            ..Message::render(&subject, &text, &html)?
        })
    }

    fn inviter(&self, limit: usize, catalog: &Catalog) -> Option<String> {
        let name = quoted(self.inviter_name?, limit, catalog);
        Some(name.unwrap_or_else(|| catalog.someone.to_owned()))
    }

    fn organization(&self, limit: usize, catalog: &Catalog) -> String {
        quoted(self.organization_name, limit, catalog)
            .unwrap_or_else(|| catalog.an_organization.to_owned())
    }
}

/// Returns the role as part of a sentence, and a sentence on its permissions.
fn words_for(role: &str, words: &Catalog) -> Result<(&'static str, &'static str), RenderError> {
    match role {
        "owner" => Ok((words.as_owner, words.owners_may)),
        "admin" => Ok((words.as_admin, words.admins_may)),
        "user" => Ok((words.as_user, words.users_may)),
        other => Err(RenderError::UnknownRole(other.to_owned())),
    }
}

/// The content of both bodies.
struct Words<'a> {
    look: &'a Look<'a>,
    subject: &'a str,
    heading: Sentence,
    /// The first sentence of the plain body.
    opening: Sentence,
    preview: Sentence,
    inviter_address: Option<Sentence>,
    invited_as: Sentence,
    may: &'static str,
    receives_billing_emails: bool,
    expires: Sentence,
    link: &'a str,
    opt_out: &'a str,
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
