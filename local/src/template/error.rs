//! Errors in the template.

use crate::pattern::InvalidPattern;

/// An error in the template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("the template `{path}` cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not YAML.
    #[error("the template is not valid YAML: {0}")]
    NotYaml(#[from] serde_norway::Error),
    /// A property is missing, or has a value of another type.
    #[error("the template's `{place}`: {source}")]
    Property {
        /// The path to the property.
        place: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// A resource or an event cannot be run locally.
    #[error("the template's `{place}` {problem}")]
    Wrong {
        /// The path to the resource or the event.
        place: String,
        /// The problem, as the rest of a sentence.
        problem: String,
    },
    /// A stream's filter or a rule's pattern is invalid.
    #[error("the template's `{place}`: {source}")]
    Pattern {
        /// The path to the event.
        place: String,
        /// The cause.
        source: InvalidPattern,
    },
}

/// Checks that an operation exists and fits: otherwise only its first call would fail.
pub(super) fn check_operation(
    name: &str,
    place: &str,
    fits: impl Fn(&functions::Operation) -> bool,
) -> Result<(), TemplateError> {
    match functions::operation(name) {
        None => Err(wrong(
            place,
            &format!("runs `{name}`, which is no operation"),
        )),
        Some(operation) if !fits(operation) => {
            let problem = format!("runs `{name}`, which takes other events");
            Err(wrong(place, &problem))
        }
        Some(_) => Ok(()),
    }
}

pub(super) fn wrong(place: &str, problem: &str) -> TemplateError {
    TemplateError::Wrong {
        place: place.to_owned(),
        problem: problem.to_owned(),
    }
}
