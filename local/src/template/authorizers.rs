//! The API's authorizers.

use std::{collections::BTreeMap, time::Duration};

use functions::openapi::Caller;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{
    error::{TemplateError, check_operation, wrong},
    model::LambdaAuthorizer,
    resources::Resource,
    values::{self, Property},
};

/// The authorizers that routes can name.
#[derive(Debug, Default)]
pub(super) struct Authorizers {
    /// The authorizer of routes that name none.
    default: Option<String>,
    /// The authorizers that verify a person's token.
    jwt: Vec<String>,
    /// The authorizers that are functions.
    pub(super) lambda: Vec<LambdaAuthorizer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Api {
    auth: Option<Auth>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Auth {
    default_authorizer: Option<String>,
    #[serde(default)]
    authorizers: BTreeMap<String, Authorizer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Authorizer {
    #[serde(default)]
    jwt_configuration: Property<Json>,
    function_arn: Option<FunctionArn>,
    authorizer_payload_format_version: Option<String>,
    #[serde(default)]
    enable_simple_responses: bool,
    #[serde(default)]
    enable_function_default_permissions: bool,
    #[serde(default)]
    identity: Identity,
}

#[derive(Deserialize)]
struct FunctionArn {
    #[serde(rename = "Fn::GetAtt")]
    attribute: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Identity {
    headers: Vec<String>,
    reauthorize_every: Option<u64>,
}

impl Authorizers {
    pub(super) fn read(resources: &BTreeMap<String, Resource>) -> Result<Self, TemplateError> {
        let mut all = Self::default();
        for (name, resource) in resources {
            if resource.kind != Resource::API {
                continue;
            }
            let api: Api = values::read(resource.properties.clone(), name)?;
            let Some(auth) = api.auth else { continue };
            all.default = auth.default_authorizer.or(all.default);
            for (name, authorizer) in auth.authorizers {
                if !authorizer.jwt_configuration.is_absent() {
                    all.jwt.push(name);
                } else {
                    all.lambda.push(authorizer.into_lambda(name, resources)?);
                }
            }
        }
        Ok(all)
    }

    /// Returns the caller of a route with this authorizer, or of one without its own.
    pub(super) fn caller(
        &self,
        authorizer: Option<&str>,
        place: &str,
    ) -> Result<Caller, TemplateError> {
        let Some(name) = authorizer.or(self.default.as_deref()) else {
            return Ok(Caller::Anyone);
        };
        if name == "NONE" {
            return Ok(Caller::Anyone);
        }
        if self.jwt.iter().any(|jwt| jwt == name) {
            return Ok(Caller::Person);
        }
        let lambda = self.lambda.iter().find(|lambda| lambda.name == name);
        lambda.map(|lambda| lambda.caller).ok_or_else(|| {
            let problem = format!("asks `{name}`, which is no authorizer");
            wrong(place, &problem)
        })
    }
}

impl Authorizer {
    fn into_lambda(
        self,
        name: String,
        resources: &BTreeMap<String, Resource>,
    ) -> Result<LambdaAuthorizer, TemplateError> {
        // The gateway makes its event and reads its answer in this form only.
        if self.authorizer_payload_format_version.as_deref() != Some("2.0")
            || !self.enable_simple_responses
        {
            let problem = "is not of payload format 2.0 with simple responses";
            return Err(wrong(&name, problem));
        }
        // Without this permission an HTTP API answers 500, without a reason.
        if !self.enable_function_default_permissions {
            return Err(wrong(&name, "does not let API Gateway call its function"));
        }
        let function = self.function_arn.as_ref();
        let function = function.and_then(|arn| arn.attribute.strip_suffix(".Arn"));
        let operation = function
            .and_then(|function| resources.get(function)?.metadata.binary())
            .ok_or_else(|| wrong(&name, "has no function"))?;
        check_operation(operation, &name, functions::Operation::is_authorizer)?;
        let [header] = self.identity.headers.as_slice() else {
            return Err(wrong(&name, "must have exactly one header"));
        };
        // The function passes the context that only this kind of caller has.
        let caller = match operation {
            "authorize-server" => Caller::Server,
            _ => Caller::ApiClient,
        };
        Ok(LambdaAuthorizer {
            operation: operation.to_owned(),
            caller,
            header: header.to_lowercase(),
            cache_ttl: Duration::from_secs(self.identity.reauthorize_every.unwrap_or_default()),
            name,
        })
    }
}
