//! Parts of several views: pages and permissions.

use domain::{Refusal, Role};
use schemars::JsonSchema;
use serde::Serialize;
use store::Page;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ListOf{T}")]
pub(crate) struct List<T> {
    /// The items, in the list's order.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page; `null` on the last one.
    pub(crate) next_cursor: Option<String>,
}

impl<T> List<T> {
    pub(crate) fn of<U>(page: Page<U>, view: impl FnMut(&U) -> T) -> Self {
        Self {
            items: page.items.iter().map(view).collect(),
            next_cursor: page.next_cursor,
        }
    }
}

/// A permission of the caller, with the reason if it is denied.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Permission {
    /// Whether the action is allowed.
    allowed: bool,
    /// The reason why the action is not allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Permission {
    pub(crate) fn of(decision: Result<(), Refusal>) -> Self {
        let reason = decision.err().map(|refusal| refusal.to_string());
        Self {
            allowed: reason.is_none(),
            reason,
        }
    }
}

/// The roles that the caller may choose, with the reason if there are none.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RoleChoice {
    /// The roles.
    roles: Vec<Role>,
    /// The reason why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl RoleChoice {
    pub(crate) fn of(decide: impl Fn(Role) -> Result<(), Refusal>) -> Self {
        let roles: Vec<Role> = Role::ALL
            .into_iter()
            .filter(|&role| decide(role).is_ok())
            .collect();
        let refusal = decide(Role::User).err().filter(|_| roles.is_empty());
        Self {
            roles,
            reason: refusal.map(|refusal| refusal.to_string()),
        }
    }
}
