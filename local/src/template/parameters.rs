//! The parameters, the variables that they set, and the rules for other origins.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;
use serde_norway::Value as Yaml;

use super::{resources::Resource, values};

/// A parameter, as far as its value can be checked here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Parameter {
    allowed_values: Vec<Json>,
    min_value: Option<i64>,
    max_value: Option<i64>,
}

impl Parameter {
    /// Returns the requirement that a value does not meet.
    pub(crate) fn problem(&self, value: &str) -> Option<String> {
        let text = |json: &Json| {
            json.as_str()
                .map_or_else(|| json.to_string(), str::to_owned)
        };
        let allowed: Vec<String> = self.allowed_values.iter().map(text).collect();
        if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed == value) {
            return Some(format!("must be one of: {}", allowed.join(", ")));
        }
        if self.min_value.is_none() && self.max_value.is_none() {
            return None;
        }
        let (min, max) = (self.min_value, self.max_value);
        let fits = value.parse::<i64>().is_ok_and(|value| {
            min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max)
        });
        let max = max.map_or_else(String::new, |max| format!(" to {max}"));
        let problem = || format!("must be a whole number from {}{max}", min.unwrap_or(0));
        (!fits).then(problem)
    }
}

/// What API Gateway tells browsers about requests of pages of other origins.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Cors {
    pub(crate) allow_methods: Vec<String>,
    pub(crate) allow_headers: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    pub(crate) max_age: u32,
}

/// Returns the variables of functions that a parameter alone sets: the variable by the
/// parameter.
pub(super) fn variables(yaml: &Yaml) -> BTreeMap<String, String> {
    let globals = at(yaml, &["Globals", "Function"]);
    let resources = yaml.get("Resources").and_then(Yaml::as_mapping);
    let resources = resources.into_iter().flatten();
    let properties = resources.filter_map(|(_, resource)| resource.get("Properties"));
    let environments = globals.into_iter().chain(properties);
    let variables = environments
        .filter_map(|part| at(part, &["Environment", "Variables"])?.as_mapping())
        .flatten();
    let set = variables.filter_map(|(variable, value)| {
        let parameter = referenced(value)?;
        Some((parameter.to_owned(), variable.as_str()?.to_owned()))
    });
    set.collect()
}

/// Returns the parameter that a value is, such as `!Ref Plans`.
fn referenced(value: &Yaml) -> Option<&str> {
    match value {
        Yaml::Tagged(tagged) if tagged.tag == "!Ref" => tagged.value.as_str(),
        _ => None,
    }
}

/// Returns the rules for other origins, which apply if there are any.
pub(super) fn cors(yaml: &Yaml) -> Option<Cors> {
    let mut resources = yaml.get("Resources")?.as_mapping()?.iter();
    let (_, api) = resources
        .find(|(_, resource)| resource.get("Type").and_then(Yaml::as_str) == Some(Resource::API))?;
    let cors = at(api, &["Properties", "CorsConfiguration"])?;
    let cors = match cors {
        Yaml::Tagged(tagged) if tagged.tag == "!If" => tagged.value.get(1)?,
        literal => literal,
    };
    values::read(values::plain(cors), "CorsConfiguration").ok()
}

fn at<'a>(yaml: &'a Yaml, path: &[&str]) -> Option<&'a Yaml> {
    path.iter().try_fold(yaml, |yaml, name| yaml.get(*name))
}
