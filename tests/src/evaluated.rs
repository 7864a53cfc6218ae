//! The template as CloudFormation evaluates it with some parameters.

use std::{collections::BTreeSet, fs};

use serde_norway::{Mapping, Value, value::TaggedValue};

/// A template with the parameters of a deployment; the others have their defaults.
pub struct Evaluated<'a> {
    pub template: Value,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Evaluated<'a> {
    /// Reads the shipped template.
    pub fn with(parameters: &[(&'a str, &'a str)]) -> Self {
        let text = fs::read_to_string(local::Options::shipped_template()).unwrap();
        let template: Value = serde_norway::from_str(&text).unwrap();
        for (name, _) in parameters {
            let known = !template["Parameters"][*name].is_null();
            assert!(known, "the template has no parameter {name}");
        }
        Self {
            template,
            parameters: parameters.to_vec(),
        }
    }

    /// Returns the value of a parameter.
    fn parameter(&self, name: &str) -> Option<String> {
        let given = self.parameters.iter().find(|(given, _)| *given == name);
        if let Some((_, value)) = given {
            return Some((*value).to_owned());
        }
        match &self.template["Parameters"][name]["Default"] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ if self.template["Parameters"][name].is_null() => None,
            _ => Some(format!("<{name}>")),
        }
    }

    /// Returns whether a function of a rule or a condition holds.
    fn holds(&self, function: &Value) -> bool {
        let Value::Tagged(tagged) = function else {
            panic!("{function:?}");
        };
        let values = || tagged.value.as_sequence().unwrap();
        match tag(tagged) {
            "Equals" => self.resolve(&values()[0]) == self.resolve(&values()[1]),
            "Not" => !self.holds(&values()[0]),
            "Or" => values().iter().any(|value| self.holds(value)),
            "And" => values().iter().all(|value| self.holds(value)),
            "Condition" => self.condition(tagged.value.as_str().unwrap()),
            tag => panic!("{tag}"),
        }
    }

    /// Returns whether a condition of the template holds.
    pub fn condition(&self, name: &str) -> bool {
        let condition = &self.template["Conditions"][name];
        assert!(!condition.is_null(), "the template has no condition {name}");
        self.holds(condition)
    }

    /// Returns the assertions that fail, as CloudFormation reports them before it makes anything.
    pub fn violations(&self) -> Vec<String> {
        let rules = self.template["Rules"].as_mapping().unwrap().values();
        let applied = rules.filter(|rule| {
            let condition = rule.get("RuleCondition");
            condition.is_none_or(|condition| self.holds(condition))
        });
        let assertions = applied.flat_map(|rule| rule["Assertions"].as_sequence().unwrap());
        assertions
            .filter(|assertion| !self.holds(&assertion["Assert"]))
            .map(|assertion| assertion["AssertDescription"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Returns the entries of a section that are made, evaluated.
    fn made(&self, section: &str) -> Mapping {
        let all = self.template[section].as_mapping().unwrap();
        let made = all.iter().filter(|(_, entry)| {
            let condition = entry["Condition"].as_str();
            condition.is_none_or(|condition| self.condition(condition))
        });
        made.map(|(name, entry)| (name.clone(), self.resolve(entry).unwrap()))
            .collect()
    }

    /// Returns the names of the resources that are made.
    pub fn resources(&self) -> BTreeSet<String> {
        let made = self.made("Resources");
        made.keys()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    }

    /// Returns the references to resources that are not made, by resources and outputs that are.
    pub fn missing(&self) -> BTreeSet<String> {
        let made = self.resources();
        let mut texts = Vec::new();
        for section in ["Resources", "Outputs"] {
            collect(&Value::Mapping(self.made(section)), &mut texts);
        }
        let all = self.template["Resources"].as_mapping().unwrap();
        let referenced = texts.iter().flat_map(|text| text.split('{').skip(1));
        let names = referenced.filter_map(|part| part.split_once('}')?.0.split('.').next());
        let known = names.filter(|name| all.contains_key(*name));
        known
            .filter(|name| !made.contains(*name))
            .map(str::to_owned)
            .collect()
    }

    /// Returns the properties of a resource that is made.
    pub fn properties(&self, resource: &str) -> Value {
        self.made("Resources")[resource]["Properties"].clone()
    }

    /// Returns the value of an output, if it is made.
    pub fn output(&self, name: &str) -> Option<String> {
        let outputs = self.made("Outputs");
        let value = outputs.get(name)?["Value"].as_str();
        Some(value.unwrap().to_owned())
    }

    /// Returns a value with its functions evaluated. A resource's values, which exist only after a
    /// deployment, become texts such as `{Table.Arn}`. `AWS::NoValue` becomes nothing.
    fn resolve(&self, value: &Value) -> Option<Value> {
        Some(match value {
            Value::Sequence(items) => items.iter().filter_map(|item| self.resolve(item)).collect(),
            Value::Mapping(entries) => {
                let entries = entries.iter();
                let entries =
                    entries.filter_map(|(name, value)| Some((name.clone(), self.resolve(value)?)));
                Value::Mapping(entries.collect())
            }
            Value::Tagged(tagged) => return self.call(tagged),
            other => other.clone(),
        })
    }

    fn call(&self, tagged: &TaggedValue) -> Option<Value> {
        let value = &tagged.value;
        let items = || value.as_sequence().unwrap();
        let text = |value: &Value| {
            let value = self.resolve(value).unwrap();
            value.as_str().map(str::to_owned).unwrap()
        };
        Some(match tag(tagged) {
            "Ref" if value == "AWS::NoValue" => return None,
            "Ref" => self.reference(value.as_str().unwrap()).into(),
            "GetAtt" => format!("{{{}}}", value.as_str().unwrap()).into(),
            "If" => {
                let holds = self.condition(items()[0].as_str().unwrap());
                return self.resolve(&items()[if holds { 1 } else { 2 }]);
            }
            "Sub" => match value {
                Value::Sequence(items) => {
                    let names = items[1].as_mapping().unwrap();
                    let names = names
                        .iter()
                        .map(|(name, value)| (name.as_str().unwrap(), text(value)));
                    self.substituted(items[0].as_str().unwrap(), &names.collect::<Vec<_>>())
                }
                value => self.substituted(value.as_str().unwrap(), &[]),
            }
            .into(),
            "Split" => {
                let whole = text(&items()[1]);
                let parts = whole.split(items()[0].as_str().unwrap());
                parts.map(Value::from).collect()
            }
            "Join" => {
                let parts = self.resolve(&items()[1]).unwrap();
                let parts = parts.as_sequence().unwrap();
                let parts: Vec<_> = parts.iter().map(|part| part.as_str().unwrap()).collect();
                parts.join(items()[0].as_str().unwrap()).into()
            }
            "Select" => {
                let parts = self.resolve(&items()[1]).unwrap();
                let index = items()[0].as_u64().unwrap();
                // The parts of what exists only after a deployment are unknown.
                let part = parts.get(usize::try_from(index).unwrap());
                part.cloned().unwrap_or_else(|| "{part}".into())
            }
            // Of a rule or a condition.
            tag => panic!("{tag}"),
        })
    }

    fn reference(&self, name: &str) -> String {
        self.parameter(name)
            .unwrap_or_else(|| format!("{{{name}}}"))
    }

    /// Replaces each `${Name}` in a text.
    fn substituted(&self, text: &str, names: &[(&str, String)]) -> String {
        let mut parts = text.split("${");
        let mut result = parts.next().unwrap().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap();
            let given = names.iter().find(|(given, _)| *given == name);
            result += &given.map_or_else(|| self.reference(name), |(_, value)| value.clone());
            result += rest;
        }
        result
    }
}

/// Adds the texts in a value.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Mapping(entries) => entries.values().for_each(|entry| collect(entry, texts)),
        _ => {}
    }
}

/// Returns the name of a function, such as `Ref`.
fn tag(tagged: &TaggedValue) -> &'static str {
    const FUNCTIONS: [&str; 12] = [
        "And",
        "Condition",
        "Equals",
        "GetAtt",
        "If",
        "Join",
        "Not",
        "Or",
        "Ref",
        "Select",
        "Split",
        "Sub",
    ];
    let tag = tagged.tag.to_string();
    let known = FUNCTIONS
        .iter()
        .find(|name| tag.strip_prefix('!') == Some(name));
    known.unwrap_or_else(|| panic!("{tag} is unknown to the tests"))
}
