//! Erasing a person.

use crate::{
    Action, ApiKey, Caller, Event, KeyCreator, Member, Refusal, Server, UserId, permit,
    remove_member,
};

/// The name that stands for a person who was erased.
const FORMER: &str = "former member";

/// Decides the removal of a person who is erased from an organization. Returns the
/// event to record.
///
/// # Errors
/// [`Refusal::CreatorProtected`]: somebody else has to take the creator's place first.
pub fn erase_member(server: &Server, member: &Member) -> Result<Event, Refusal> {
    let caller = Caller::Server(server.clone());
    permit(&caller, Action::RemoveMember(member))?;
    remove_member(&caller, member)
}

/// Returns an API key without the name of the person who created it; `None` if somebody
/// else has, or the name is gone. The id stays.
pub fn without_creator_name(key: &ApiKey, person: &UserId) -> Option<ApiKey> {
    let creator = key.created_by.as_ref()?;
    let has_name = creator.id == *person && creator.name != FORMER;
    has_name.then(|| ApiKey {
        created_by: Some(KeyCreator {
            id: creator.id.clone(),
            name: FORMER.to_owned(),
        }),
        ..key.clone()
    })
}
