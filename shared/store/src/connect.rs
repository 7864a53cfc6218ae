//! Connecting to the table before the first request.

use aws_sdk_dynamodb::{
    config::{
        Config, ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeTransmitInterceptorContextMut, retry::RetryConfig,
    },
    error::{BoxError, SdkError},
    types::AttributeValue,
};
use aws_smithy_runtime_api::client::{interceptors::dyn_dispatch_hint, orchestrator::HttpRequest};

use crate::{Store, StoreError};

/// Replaces a signed request, just before it is sent, by DynamoDB's health check, which
/// is free and needs no credentials.
#[derive(Debug)]
struct HealthCheckInstead;

#[dyn_dispatch_hint]
impl Intercept for HealthCheckInstead {
    fn name(&self) -> &'static str {
        "HealthCheckInstead"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let endpoint = context.request().uri().trim_end_matches('/');
        *context.request_mut() = HttpRequest::get(format!("{endpoint}/ping"))?;
        Ok(())
    }
}

impl Store {
    /// Opens the connection to the table and runs every step of a request. It consumes
    /// no capacity and needs no permission.
    ///
    /// # Errors
    /// [`StoreError`] when there is no response.
    pub async fn connect(&self) -> Result<(), StoreError> {
        let outcome = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(String::new()))
            .customize()
            .interceptor(HealthCheckInstead)
            .config_override(Config::builder().retry_config(RetryConfig::disabled()))
            .send()
            .await;
        match outcome {
            // The health check's response is not one to the original request: any
            // response is a success.
            Ok(_) | Err(SdkError::ServiceError(_) | SdkError::ResponseError(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_sdk_dynamodb::{
        Client,
        config::{BehaviorVersion, Credentials, Region},
    };
    use aws_smithy_runtime_api::{
        client::{
            http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
            orchestrator::HttpResponse,
            result::ConnectorError,
        },
        http::StatusCode,
    };
    use aws_smithy_types::body::SdkBody;

    use super::*;

    /// An endpoint that responds as DynamoDB does, or not at all.
    #[derive(Debug, Clone)]
    struct Endpoint {
        answers: bool,
        asked: Arc<Mutex<Vec<(String, String, usize)>>>,
    }

    impl HttpConnector for Endpoint {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let (method, uri) = (request.method().to_owned(), request.uri().to_owned());
            let headers = request.headers().len();
            self.asked.lock().unwrap().push((method, uri, headers));
            let body = SdkBody::from("healthy: dynamodb.eu-central-1.amazonaws.com ");
            HttpConnectorFuture::ready(if self.answers {
                Ok(HttpResponse::new(StatusCode::try_from(200).unwrap(), body))
            } else {
                Err(ConnectorError::io("no route".into()))
            })
        }
    }

    async fn connect(endpoint: &Endpoint) -> Result<(), StoreError> {
        let endpoint = endpoint.clone();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("id", "key", None, None, "test"))
            .http_client(http_client_fn(move |_, _| {
                SharedHttpConnector::new(endpoint.clone())
            }))
            .build();
        let store = Store::new(Client::from_conf(config), "organizations".to_owned());
        store.connect().await
    }

    #[tokio::test]
    async fn connect_sends_one_health_check_without_credentials() {
        let endpoint = Endpoint {
            answers: true,
            asked: Arc::default(),
        };
        connect(&endpoint).await.unwrap();
        let url = "https://dynamodb.eu-central-1.amazonaws.com/ping";
        assert_eq!(
            *endpoint.asked.lock().unwrap(),
            [("GET".to_owned(), url.to_owned(), 0)]
        );
    }

    #[tokio::test]
    async fn unreachable_endpoint_is_an_error_after_one_attempt() {
        let endpoint = Endpoint {
            answers: false,
            asked: Arc::default(),
        };
        let error = connect(&endpoint).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert_eq!(endpoint.asked.lock().unwrap().len(), 1);
    }
}
