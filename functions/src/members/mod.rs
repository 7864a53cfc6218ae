//! The members of an organization.

pub mod list_members;
pub mod remove_member;
pub mod update_member;

use domain::{ApiKey, Member, Refusal, UserId};
use store::{Key, PageRequest};

use crate::{App, access::Asked, failure::Failure};

/// All the API keys of an organization: never more than fit on one page.
async fn all_keys(app: &App, asked: &Asked) -> Result<Vec<ApiKey>, Failure> {
    let page = PageRequest::first(PageRequest::MAX_LIMIT);
    Ok(app
        .store
        .api_keys(asked.organization_id, &page)
        .await?
        .items)
}

/// The caller's membership and the member in the path, who may be the same.
/// What cannot be a user id is nobody's.
async fn load(
    app: &App,
    asked: &Asked,
    target_id: Option<&UserId>,
) -> Result<(Member, Member), Failure> {
    let target = target_id.map(|id| Key::member(asked.organization_id, id));
    let keys: Vec<Key> = [asked.membership_key()]
        .into_iter()
        .chain(target.clone())
        .collect();
    let mut found = app.store.get_all(&keys).await?;
    let me = asked.membership(&mut found)?;
    if target_id == Some(&me.user_id) {
        return Ok((me.clone(), me));
    }
    let target = match target {
        Some(target) => found.take(&target)?,
        None => None,
    };
    Ok((me, target.ok_or(Refusal::MemberNotFound)?))
}
