//! Reading `template.yaml`: the table, the routes, the stream's subscribers,
//! the schedules and the rules.

mod authorizers;
mod error;
mod model;
mod parameters;
mod resources;
mod sources;
#[cfg(test)]
mod tests;
mod values;

use std::{collections::BTreeMap, io::ErrorKind::NotFound, path::Path};

use crate::options::Options;

use authorizers::Authorizers;
use error::wrong;
use resources::{Resource, Root, Table};
use sources::{Function, Pipe, Sources};

pub use error::TemplateError;
pub(crate) use model::DEFAULT_ROUTE;
pub use model::{LambdaAuthorizer, Rule, Schedule, StreamSource, Template};
pub use parameters::{Cors, Parameter};
pub(crate) use values::STACK_NAME;

/// This repository's template.
const EMBEDDED: &str = include_str!("../../../template.yaml");

impl Template {
    /// Reads a file.
    ///
    /// # Errors
    /// [`TemplateError`] names the place and the problem.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = match std::fs::read_to_string(path) {
            // The binary runs anywhere, without the checkout that it was built in.
            Err(error) if error.kind() == NotFound && path == Options::shipped_template() => {
                EMBEDDED.to_owned()
            }
            read => read.map_err(|source| TemplateError::Unreadable {
                path: path.display().to_string(),
                source,
            })?,
        };
        Self::parse(&text)
    }

    /// Parses a template's text.
    ///
    /// # Errors
    /// [`TemplateError`] names the place and the problem.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let yaml = serde_norway::from_str(text)?;
        let (variables, cors) = (parameters::variables(&yaml), parameters::cors(&yaml));
        let root: Root = values::read(values::plain(&yaml), "template")?;
        let resources = root
            .resources
            .ok_or_else(|| wrong("template", "has no `Resources`"))?;
        let authorizers = Authorizers::read(&resources)?;
        let mut table = None;
        let mut sources = Sources::default();
        let mut pipe = None;
        let mut timeouts = BTreeMap::new();
        for (name, resource) in resources {
            match resource.kind.as_str() {
                Resource::TABLE if table.is_some() => {
                    return Err(wrong(
                        &name,
                        "is a second table; only one can be run locally",
                    ));
                }
                Resource::TABLE => {
                    let read: Table = values::read(resource.properties, &name)?;
                    table = Some((read.create_request(&name)?, read.ttl_attribute().to_owned()));
                }
                Resource::PIPE => {
                    let read: Pipe = values::read(resource.properties, &name)?;
                    pipe = Some(read.source(name)?);
                }
                Resource::FUNCTION => {
                    let operation = resource
                        .metadata
                        .binary()
                        .ok_or_else(|| wrong(&name, "names no binary"))?;
                    let function: Function = values::read(resource.properties, &name)?;
                    let timeout = function.timeout(root.globals.function.timeout);
                    timeouts.insert(operation.to_owned(), timeout);
                    sources.add(&name, operation, function, &authorizers)?;
                }
                _ => {}
            }
        }
        let (table, ttl_attribute) =
            table.ok_or_else(|| wrong("Resources", "has no DynamoDB table"))?;
        Ok(Self {
            table,
            ttl_attribute,
            routes: sources.routes,
            lambda_authorizers: authorizers.lambda,
            streams: sources.streams,
            pipe,
            schedules: sources.schedules,
            rules: sources.rules,
            timeouts,
            parameters: root.parameters,
            variables,
            cors,
        })
    }
}
