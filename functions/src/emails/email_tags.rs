//! The tags of an invite's email, which identify it in the email service's reports:
//! ids and a number, never the address.

use std::collections::HashMap;

use domain::{Invite, InviteId, OrganizationId};
use mail::Tag;

const ORGANIZATION_ID: &str = "organization_id";
const INVITE_ID: &str = "invite_id";
const TIMES_SENT: &str = "times_sent";

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
        let tag = |name| tags.get(name)?.first().map(String::as_str);
        Some(Self {
            organization_id: OrganizationId::parse(tag(ORGANIZATION_ID)?).ok()?,
            invite_id: InviteId::parse(tag(INVITE_ID)?).ok()?,
            times_sent: tag(TIMES_SENT)?.parse().ok()?,
        })
    }
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
