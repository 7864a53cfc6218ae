//! Plans: the credits of an organization in a billing period.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{breaks_line, is_visible, parsed_text};

/// The maximum number of plans.
const MAX_PLANS: usize = 20;
/// The maximum credits of a plan.
const MAX_CREDITS: u64 = 1_000_000_000;

/// A plan's id: 1 to 32 lower-case letters, digits, hyphens and underscores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline)]
pub struct PlanId(String);

/// The error of a text that is not a plan's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 32 lower-case letters, digits, hyphens or underscores")]
pub struct InvalidPlanId;

impl PlanId {
    /// Parses an id.
    ///
    /// # Errors
    /// [`InvalidPlanId`].
    pub fn parse(text: &str) -> Result<Self, InvalidPlanId> {
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_".contains(&c);
        if (1..=32).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPlanId)
        }
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

parsed_text!(PlanId, InvalidPlanId);

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The plan's id.
    pub id: PlanId,
    /// The name, for people.
    pub name: String,
    /// The credits of a billing period.
    pub monthly_credits: u64,
    /// The price, in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
}

/// The offered plans, in order.
// INVARIANT: there is a first plan, and ids are unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    first: Plan,
    others: Vec<Plan>,
}

/// The reason why a text is not a list of plans.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlans {
    /// The numbered entry is not `id:credits:name`, with or without `:price`.
    #[error("plan {0} must be written as `id:credits:name` or `id:credits:name:price`")]
    Shape(usize),
    /// The id of the numbered entry is invalid.
    #[error("the id of plan {0} {1}")]
    Id(usize, InvalidPlanId),
    /// The credits of the numbered entry are invalid.
    #[error("the credits of plan {0} must be a whole number from 1 to 1000000000")]
    Credits(usize),
    /// The name of the numbered entry is invalid.
    #[error("the name of plan {0} must be 1 to 40 characters on one line")]
    Name(usize),
    /// The price of the numbered entry is invalid.
    #[error("the price of plan {0} must be 1 to 60 characters on one line")]
    Price(usize),
    /// Two plans have the same id.
    #[error("there are two plans with the id `{0}`")]
    Duplicate(PlanId),
    /// There are more than 20 plans.
    #[error("there must be at most 20 plans")]
    TooMany,
}

/// The parties that may change plans, a choice of the deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PlanChanges {
    /// Owners and admins change the plan of their organization.
    #[default]
    Customer,
    /// Only the product's own backend changes plans, such as after a payment.
    Server {
        /// The page where people change the plan instead.
        url: Option<String>,
    },
}

impl Default for Plans {
    /// Returns the plans of a deployment that sets none.
    fn default() -> Self {
        let plan = |id: &str, name: &str, monthly_credits| Plan {
            id: PlanId(id.to_owned()),
            name: name.to_owned(),
            monthly_credits,
            price: None,
        };
        Self {
            first: plan("free", "Free", 50),
            others: vec![
                plan("basic", "Basic", 3_000),
                plan("pro", "Pro", 10_000),
                plan("scale", "Scale", 100_000),
            ],
        }
    }
}

impl Plans {
    /// Parses a list of plans, such as `free:50:Free,basic:3000:Basic:19 € a month`.
    ///
    /// # Errors
    /// [`InvalidPlans`] names the first invalid entry.
    pub fn parse(text: &str) -> Result<Self, InvalidPlans> {
        let mut plans: Vec<Plan> = Vec::new();
        for (n, entry) in text.split(',').enumerate() {
            if n == MAX_PLANS {
                return Err(InvalidPlans::TooMany);
            }
            let plan = read(n + 1, entry)?;
            if plans.iter().any(|other| other.id == plan.id) {
                return Err(InvalidPlans::Duplicate(plan.id));
            }
            plans.push(plan);
        }
        let mut plans = plans.into_iter();
        let first = plans.next().ok_or(InvalidPlans::Shape(1))?;
        Ok(Self {
            first,
            others: plans.collect(),
        })
    }

    /// Returns the plan of an organization that has chosen none.
    pub fn first(&self) -> &Plan {
        &self.first
    }

    /// Returns the plan with that id.
    pub fn get(&self, id: &PlanId) -> Option<&Plan> {
        self.iter().find(|plan| plan.id == *id)
    }

    /// Returns all plans, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

fn read(n: usize, entry: &str) -> Result<Plan, InvalidPlans> {
    let parts: Vec<&str> = entry.trim().splitn(4, ':').map(str::trim).collect();
    let (id, credits, name, price) = match parts.as_slice() {
        [id, credits, name] => (id, credits, name, None),
        [id, credits, name, price] => (id, credits, name, Some(*price)),
        _ => return Err(InvalidPlans::Shape(n)),
    };
    let credits = credits.parse().ok();
    let credits = credits.filter(|credits| (1..=MAX_CREDITS).contains(credits));
    if !is_line(name, 40) {
        return Err(InvalidPlans::Name(n));
    }
    if price.is_some_and(|price| !is_line(price, 60)) {
        return Err(InvalidPlans::Price(n));
    }
    Ok(Plan {
        id: PlanId::parse(id).map_err(|error| InvalidPlans::Id(n, error))?,
        name: (*name).to_owned(),
        monthly_credits: credits.ok_or(InvalidPlans::Credits(n))?,
        price: price.map(str::to_owned),
    })
}

fn is_line(text: &str, max: usize) -> bool {
    let fits = (1..=max).contains(&text.chars().count());
    fits && !text.chars().any(breaks_line) && text.chars().any(is_visible)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_plans_begin_with_the_free_one() {
        let text = "free:50:Free,basic:3000:Basic,pro:10000:Pro,scale:100000:Scale";
        let plans = Plans::default();
        assert_eq!(Plans::parse(text).unwrap(), plans);
        let ids: Vec<&str> = plans.iter().map(|plan| plan.id.as_str()).collect();
        assert_eq!(ids, ["free", "basic", "pro", "scale"]);
        assert_eq!(plans.first().monthly_credits, 50);
        let basic = PlanId::parse("basic").unwrap();
        assert_eq!(plans.get(&basic).unwrap().name, "Basic");
        assert_eq!(plans.get(&PlanId::parse("gold").unwrap()), None);
    }

    #[test]
    fn plans_with_spaces_between_parts_are_parsed() {
        let plans =
            Plans::parse(" a:1:A , b_2-c : 1000000000 : Big & bold : 19 €: a month ").unwrap();
        let shown: Vec<_> = plans
            .iter()
            .map(|plan| (plan.name.as_str(), plan.price.as_deref()))
            .collect();
        assert_eq!(shown, [("A", None), ("Big & bold", Some("19 €: a month"))]);
    }

    #[test]
    fn plan_name_with_a_line_separator_is_refused() {
        for end in ["\n", "\u{85}", "\u{2028}", "\u{2029}"] {
            let text = format!("a:1:A{end}B");
            assert_eq!(Plans::parse(&text), Err(InvalidPlans::Name(1)), "{end:?}");
        }
    }

    #[test]
    fn plans_with_an_invalid_entry_name_it() {
        let many: Vec<String> = (0..21).map(|n| format!("p{n}:1:P")).collect();
        for (text, error) in [
            (
                "",
                "plan 1 must be written as `id:credits:name` or `id:credits:name:price`",
            ),
            (
                "a:1:A,b:2",
                "plan 2 must be written as `id:credits:name` or `id:credits:name:price`",
            ),
            (
                "A:1:A",
                "the id of plan 1 must be 1 to 32 lower-case letters, digits, hyphens or underscores",
            ),
            (
                "a:1:A,b:0:B",
                "the credits of plan 2 must be a whole number from 1 to 1000000000",
            ),
            (
                "a:1e3:A",
                "the credits of plan 1 must be a whole number from 1 to 1000000000",
            ),
            (
                "a:1: ",
                "the name of plan 1 must be 1 to 40 characters on one line",
            ),
            (
                "a:1:A: ",
                "the price of plan 1 must be 1 to 60 characters on one line",
            ),
            ("a:1:A,a:2:B", "there are two plans with the id `a`"),
            (&many.join(","), "there must be at most 20 plans"),
        ] {
            assert_eq!(Plans::parse(text).unwrap_err().to_string(), error, "{text}");
        }
    }
}
