//! An authorizer that is a function, whose answers are cached.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{http::StatusCode, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use functions::{Operation, openapi::Caller};
use serde_json::Value;

use crate::{invocation::Lambda, template::LambdaAuthorizer};

use super::{event::Incoming, response::message};

/// An authorizer with its cache, by the header's value.
#[derive(Clone)]
pub(super) struct CachingAuthorizer {
    authorizer: LambdaAuthorizer,
    operation: &'static Operation,
    cache: Arc<Mutex<HashMap<String, Cached>>>,
}

struct Cached {
    /// The caller's context; `None` if the authorizer refused.
    context: Option<Value>,
    expires_at: DateTime<Utc>,
}

impl CachingAuthorizer {
    pub(super) fn new(authorizer: LambdaAuthorizer, operation: &'static Operation) -> Self {
        Self {
            authorizer,
            operation,
            cache: Arc::default(),
        }
    }

    /// Returns whether it authorizes this kind of caller.
    pub(super) fn authorizes(&self, caller: Caller) -> bool {
        self.authorizer.caller == caller
    }

    /// Returns the same authorizer with an empty cache.
    pub(super) fn without_cache(&self) -> Self {
        Self::new(self.authorizer.clone(), self.operation)
    }

    /// Returns the caller's context; `None` if the authorizer refuses. A request
    /// without the header never reaches the function.
    pub(super) async fn authorize(
        &self,
        lambda: &Lambda,
        incoming: &Incoming<'_>,
    ) -> Result<Option<Value>, Response> {
        let identity = incoming.header(&self.authorizer.header);
        if identity.is_empty() {
            return Err(message(StatusCode::UNAUTHORIZED, "Unauthorized"));
        }
        if let Some(context) = self.cached(&identity, incoming.at) {
            return Ok(context);
        }
        let event = incoming.authorizer_event(&identity);
        let failed = || message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        let response = lambda
            .invoke(self.operation, event)
            .await
            .map_err(|error| {
                tracing::error!(operation = self.operation.name, %error, "an authorizer failed");
                failed()
            })?;
        let authorized = response.get("isAuthorized").and_then(Value::as_bool);
        let context = authorized
            .ok_or_else(failed)?
            .then(|| response.get("context").cloned().unwrap_or_default());
        self.store(identity, context.clone(), incoming.at);
        Ok(context)
    }

    fn cached(&self, identity: &str, now: DateTime<Utc>) -> Option<Option<Value>> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = cache.get(identity)?;
        (now < cached.expires_at).then(|| cached.context.clone())
    }

    fn store(&self, identity: String, context: Option<Value>, now: DateTime<Utc>) {
        let ttl = TimeDelta::from_std(self.authorizer.cache_ttl).unwrap_or_default();
        let expires_at = now + ttl;
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|_, cached| now < cached.expires_at);
        cache.insert(
            identity,
            Cached {
                context,
                expires_at,
            },
        );
    }
}
