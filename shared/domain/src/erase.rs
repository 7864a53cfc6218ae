//! Erasing a person.

use crate::{ApiKey, KeyCreator, UserId};

/// The name that stands for a person who was erased.
const FORMER: &str = "former member";

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
