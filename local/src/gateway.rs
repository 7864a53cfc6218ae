//! The stand-in for API Gateway: it makes the events of an HTTP API, verifies
//! tokens as a JWT authorizer does, and converts Lambda's responses to HTTP.

mod event;
mod lambda_authorizer;
mod response;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use functions::{
    App, Clock, Operation,
    openapi::{Caller, Route},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    invocation::Lambda,
    template::{DEFAULT_ROUTE, Template, TemplateError},
    verifier::Verifier,
};

use event::{Incoming, path_parameters};
use lambda_authorizer::CachingAuthorizer;
use response::{from_lambda, message};

/// Routes requests to operations.
#[derive(Clone)]
pub struct Gateway {
    lambda: Lambda,
    verifier: Verifier,
    clock: Clock,
    routes: Arc<Vec<(Route, &'static Operation)>>,
    lambda_authorizers: Vec<CachingAuthorizer>,
}

/// The API's response to a request from within the process.
#[derive(Debug, Clone)]
pub struct GatewayResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body; null if there is none.
    pub body: Value,
}

impl Gateway {
    pub(crate) fn new(
        lambda: Lambda,
        verifier: Verifier,
        clock: Clock,
        template: &Template,
    ) -> Result<Self, TemplateError> {
        let operation = |name: &str, place: &str| {
            functions::operation(name).ok_or_else(|| TemplateError::Wrong {
                place: place.to_owned(),
                problem: format!("runs `{name}`, which is no operation"),
            })
        };
        let routes = template.routes.iter().map(|route| {
            let operation = operation(&route.operation, &route.path)?;
            Ok::<_, TemplateError>((route.clone(), operation))
        });
        let lambda_authorizers = template.lambda_authorizers.iter().map(|authorizer| {
            let operation = operation(&authorizer.operation, &authorizer.name)?;
            Ok::<_, TemplateError>(CachingAuthorizer::new(authorizer.clone(), operation))
        });
        let lambda_authorizers = lambda_authorizers.collect::<Result<_, _>>()?;
        let mut routes = routes.collect::<Result<Vec<_>, _>>()?;
        // Of two routes that match, API Gateway prefers the more literal one.
        routes.sort_by_key(|(route, _)| route.path.matches('{').count());
        let routes = Arc::new(routes);
        Ok(Self {
            lambda,
            verifier,
            clock,
            routes,
            lambda_authorizers,
        })
    }

    /// Returns a gateway to another app, with a cache of its own.
    pub(crate) fn with_app(&self, app: Arc<App>) -> Self {
        let authorizers = self.lambda_authorizers.iter();
        Self {
            lambda: self.lambda.with_app(app),
            lambda_authorizers: authorizers.map(CachingAuthorizer::without_cache).collect(),
            ..self.clone()
        }
    }

    /// Sends a request from within the process, with a token or without.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> GatewayResponse {
        self.call_once(method, path, token, body, None).await
    }

    /// Sends a request from within the process, with an idempotency key.
    pub async fn call_once(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> GatewayResponse {
        let mut headers = HeaderMap::new();
        let key = idempotency_key.and_then(|key| HeaderValue::from_str(key).ok());
        if let Some(key) = key {
            headers.insert("idempotency-key", key);
        }
        let bearer = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
        if let Some(bearer) = bearer {
            headers.insert(header::AUTHORIZATION, bearer);
        }
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let body = body
            .map(|body| Bytes::from(body.to_string()))
            .unwrap_or_default();
        let response = self
            .respond(&method, &path.parse().unwrap_or_default(), &headers, body)
            .await;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap_or_default();
        GatewayResponse {
            status,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    /// Responds to an HTTP request.
    async fn respond(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Response {
        let found = self.routes.iter().find_map(|(route, operation)| {
            let parameters = path_parameters(&route.path, uri.path())?;
            (route.method == method.as_str()).then_some((route, *operation, parameters))
        });
        let found = found.or_else(|| {
            let mut routes = self.routes.iter();
            let (route, operation) = routes.find(|(route, _)| route.path == DEFAULT_ROUTE)?;
            Some((route, *operation, BTreeMap::new()))
        });
        let Some((route, operation, parameters)) = found else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let incoming = Incoming {
            route,
            method,
            uri,
            headers,
            body: &body,
            parameters,
            request_id: Uuid::now_v7(),
            at: self.clock.now(),
        };
        let authorizer = match self.authorize(&incoming).await {
            Ok(authorizer) => authorizer,
            Err(refusal) => return refusal,
        };
        match self
            .lambda
            .invoke(operation, incoming.event(authorizer))
            .await
        {
            Ok(response) => from_lambda(&response),
            Err(error) => {
                tracing::error!(operation = operation.name, %error, "an operation failed");
                message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }

    /// Returns the context of the route's authorizer; `None` for a route without one.
    async fn authorize(&self, incoming: &Incoming<'_>) -> Result<Option<Value>, Response> {
        match incoming.route.caller {
            Caller::Anyone => Ok(None),
            Caller::Person => {
                let token = bearer(incoming.headers);
                let claims = match token {
                    Some(token) => self.verifier.verify(token).await.map_err(Some),
                    None => Err(None),
                };
                let claims = claims.map_err(|invalid| {
                    let challenge = invalid.map_or_else(
                        || "Bearer".to_owned(),
                        |reason| {
                            format!(
                                "Bearer scope=\"\" error=\"invalid_token\" error_description=\"{reason}\""
                            )
                        },
                    );
                    let challenge = [(header::WWW_AUTHENTICATE, challenge)];
                    (challenge, message(StatusCode::UNAUTHORIZED, "Unauthorized")).into_response()
                })?;
                Ok(Some(json!({ "jwt": { "claims": claims, "scopes": null } })))
            }
            caller @ (Caller::ApiClient | Caller::Server) => {
                let mut authorizers = self.lambda_authorizers.iter();
                let context = match authorizers.find(|authorizer| authorizer.authorizes(caller)) {
                    Some(authorizer) => authorizer.authorize(&self.lambda, incoming).await?,
                    None => None,
                };
                let context = context.ok_or_else(|| message(StatusCode::FORBIDDEN, "Forbidden"))?;
                Ok(Some(json!({ "lambda": context })))
            }
        }
    }
}

/// Returns the router of all paths that no other router of the stack has.
pub(crate) fn router(gateway: Gateway) -> Router {
    Router::new().fallback(respond).with_state(gateway)
}

async fn respond(
    State(gateway): State<Gateway>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match body {
        Ok(body) => gateway.respond(&method, &uri, &headers, body).await,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            message(error.status(), "Request Entity Too Large")
        }
        Err(error) => message(error.status(), "Bad Request"),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ').unwrap_or(("Bearer", value));
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
