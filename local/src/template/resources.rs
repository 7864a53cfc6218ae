//! The template's resources, as far as they run locally.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{error::TemplateError, parameters::Parameter, values::Property};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Root {
    #[serde(default)]
    pub(super) globals: Globals,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) resources: Option<BTreeMap<String, Resource>>,
}

/// SAM's defaults for the properties of resources.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Globals {
    pub(super) function: FunctionGlobals,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct FunctionGlobals {
    /// In seconds.
    pub(super) timeout: Property<u64>,
}

/// A resource, whose type decides how its properties are read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Resource {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) properties: Json,
}

impl Resource {
    pub(super) const TABLE: &str = "AWS::DynamoDB::Table";
    pub(super) const FUNCTION: &str = "AWS::Serverless::Function";
    pub(super) const PIPE: &str = "AWS::Pipes::Pipe";
    pub(super) const API: &str = "AWS::Serverless::HttpApi";
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Metadata {
    build_properties: BuildProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BuildProperties {
    binary: Option<String>,
}

impl Metadata {
    /// Returns the binary that a function runs: the operation's name.
    pub(super) fn binary(&self) -> Option<&str> {
        self.build_properties.binary.as_deref()
    }
}

/// A table. But for the time to live, its properties are those of a
/// `CreateTable` request.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Table {
    key_schema: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute_definitions: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    global_secondary_indexes: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_mode: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_specification: Option<StreamSpecification>,
    #[serde(skip_serializing)]
    time_to_live_specification: TimeToLive,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamSpecification {
    // CloudFormation leaves it out; `CreateTable` requires it.
    #[serde(skip_deserializing, default = "enabled")]
    stream_enabled: bool,
    stream_view_type: String,
}

fn enabled() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeToLive {
    attribute_name: String,
}

impl Table {
    /// Returns the `CreateTable` request, without a table name.
    pub(super) fn create_request(&self, name: &str) -> Result<Json, TemplateError> {
        serde_json::to_value(self).map_err(|source| TemplateError::Property {
            place: name.to_owned(),
            source,
        })
    }

    pub(super) fn ttl_attribute(&self) -> &str {
        &self.time_to_live_specification.attribute_name
    }
}
