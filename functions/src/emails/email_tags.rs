//! The tags of an email, which identify it in the email service's reports: ids and a
//! number, never the address.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{EventId, Invite, InviteId, OrganizationId, UserId};
use mail::Tag;

const ORGANIZATION_ID: &str = "organization_id";
const INVITE_ID: &str = "invite_id";
const TIMES_SENT: &str = "times_sent";
const BILLING_EVENT_ID: &str = "billing_event_id";
const USER_ID: &str = "user_id";
/// The length of a tag's value that SES allows.
const MAX_LENGTH: usize = 256;

/// The email that a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tagged {
    Invite(Sending),
    Billing(BillingSending),
}

impl Tagged {
    /// Parses the tags of a report; `None` when they are not of an email from here.
    pub(crate) fn from_tags(tags: &HashMap<String, Vec<String>>) -> Option<Self> {
        let invite = Sending::from_tags(tags).map(Self::Invite);
        invite.or_else(|| BillingSending::from_tags(tags).map(Self::Billing))
    }
}

/// One sending of an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sending {
    pub(crate) organization_id: OrganizationId,
    pub(crate) invite_id: InviteId,
    pub(crate) times_sent: u32,
}

impl Sending {
    /// Returns the last sending of an invite.
    pub(crate) fn of(invite: &Invite) -> Self {
        Self {
            organization_id: invite.organization_id,
            invite_id: invite.id,
            times_sent: invite.terms.times_sent,
        }
    }

    pub(crate) fn to_tags(self) -> [Tag; 3] {
        [
            (ORGANIZATION_ID, self.organization_id.to_string()),
            (INVITE_ID, self.invite_id.to_string()),
            (TIMES_SENT, self.times_sent.to_string()),
        ]
    }

    /// Parses the tags of a report; `None` when they are not an invite's.
    pub(crate) fn from_tags(tags: &HashMap<String, Vec<String>>) -> Option<Self> {
        Some(Self {
            organization_id: OrganizationId::parse(tag(tags, ORGANIZATION_ID)?).ok()?,
            invite_id: InviteId::parse(tag(tags, INVITE_ID)?).ok()?,
            times_sent: tag(tags, TIMES_SENT)?.parse().ok()?,
        })
    }
}

/// The email about an event to one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BillingSending {
    pub(crate) organization_id: OrganizationId,
    pub(crate) event_id: EventId,
    pub(crate) user_id: UserId,
}

impl BillingSending {
    /// Returns the tags. A user id of over 192 characters does not fit: reports about that
    /// email are not recorded.
    pub(crate) fn to_tags(&self) -> Vec<Tag> {
        let user_id = BASE64_URL_SAFE_NO_PAD.encode(self.user_id.as_str());
        if user_id.len() > MAX_LENGTH {
            return Vec::new();
        }
        vec![
            (ORGANIZATION_ID, self.organization_id.to_string()),
            (BILLING_EVENT_ID, self.event_id.to_string()),
            (USER_ID, user_id),
        ]
    }

    fn from_tags(tags: &HashMap<String, Vec<String>>) -> Option<Self> {
        let user_id = BASE64_URL_SAFE_NO_PAD.decode(tag(tags, USER_ID)?).ok()?;
        Some(Self {
            organization_id: OrganizationId::parse(tag(tags, ORGANIZATION_ID)?).ok()?,
            event_id: EventId::parse(tag(tags, BILLING_EVENT_ID)?).ok()?,
            user_id: UserId::parse(std::str::from_utf8(&user_id).ok()?).ok()?,
        })
    }
}

fn tag<'a>(tags: &'a HashMap<String, Vec<String>>, name: &str) -> Option<&'a str> {
    tags.get(name)?.first().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(id: &str, times_sent: &str) -> HashMap<String, Vec<String>> {
        let tags = [
            (ORGANIZATION_ID, "01930000-0000-7000-8000-000000000001"),
            (INVITE_ID, id),
            (TIMES_SENT, times_sent),
        ];
        let tags = tags.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
        tags.into()
    }

    #[test]
    fn tags_of_a_sending_parse_back_to_it() {
        let sending = Sending::from_tags(&tags("01930000-0000-7000-8000-000000000002", "3"));
        let sending = sending.unwrap();
        let sent: HashMap<String, Vec<String>> = sending
            .to_tags()
            .map(|(name, value)| (name.to_owned(), vec![value]))
            .into();
        assert_eq!(Sending::from_tags(&sent), Some(sending));
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        for (name, value) in sending.to_tags() {
            assert!(name.chars().chain(value.chars()).all(allowed), "{name}");
        }
    }

    #[test]
    fn tags_of_a_billing_email_parse_back_to_it() {
        let sending = |user_id: &str| BillingSending {
            organization_id: OrganizationId::parse("01930000-0000-7000-8000-000000000001").unwrap(),
            event_id: EventId::parse("01930000-0000-7000-8000-000000000002").unwrap(),
            user_id: UserId::parse(user_id).unwrap(),
        };
        for user_id in ["auth0|ada", "a b~", &"x".repeat(192)] {
            let sending = sending(user_id);
            let sent = sending.to_tags();
            for (name, value) in &sent {
                let allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
                assert!(name.chars().chain(value.chars()).all(allowed), "{name}");
                assert!(value.len() <= 256, "{value}");
            }
            let sent: HashMap<String, Vec<String>> = sent
                .into_iter()
                .map(|(name, value)| (name.to_owned(), vec![value]))
                .collect();
            assert_eq!(Tagged::from_tags(&sent), Some(Tagged::Billing(sending)));
        }
        assert_eq!(sending(&"x".repeat(193)).to_tags(), []);
    }

    #[test]
    fn invalid_tags_parse_to_none() {
        assert_eq!(Sending::from_tags(&HashMap::new()), None);
        assert_eq!(Sending::from_tags(&tags("x", "3")), None);
        let id = "01930000-0000-7000-8000-000000000002";
        assert_eq!(Sending::from_tags(&tags(id, "-1")), None);
        let mut empty = tags(id, "1");
        empty.insert(INVITE_ID.to_owned(), vec![]);
        assert_eq!(Sending::from_tags(&empty), None);
    }
}
