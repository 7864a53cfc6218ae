//! What an operation works with: the table, the email service, the time.

use std::{
    env, fmt,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use domain::{AuditEvent, Event, EventId, InvalidPlans, OrganizationId, Plans};
use mail::{Mailer, Sender};
use store::{Store, Transaction};
use uuid::{ContextV7, Timestamp, Uuid};

use crate::{
    failure::Failure,
    link_keys::LinkKeySource,
    metrics::Metrics,
    pages::{Document, SignInConfig},
    telemetry, tls,
};

/// How long a function waits for connections before it takes its first request.
const WARM_UP: Duration = Duration::from_secs(2);

/// What every operation works with; made once for each process.
pub struct App {
    pub(crate) store: Store,
    mailer: Option<Mailer>,
    link_keys: Option<LinkKeySource>,
    pub(crate) public_url: String,
    /// Written when a page is first asked for: only one function has any.
    pub(crate) pages: LazyLock<Document, Box<dyn FnOnce() -> Document + Send>>,
    pub(crate) plans: Plans,
    pub(crate) clock: Clock,
    pub(crate) metrics: Option<Metrics>,
    ids: Mutex<ContextV7>,
}

/// Tells the time, to the millisecond. Everything that depends on time asks
/// the app's clock, so that tests can move it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::new(Utc::now)
    }

    /// A clock that tells whatever the function gives.
    pub fn new(tell: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        let now = (self.0)();
        now.duration_trunc(TimeDelta::milliseconds(1))
            .unwrap_or(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// How AWS is reached.
#[derive(Debug, Clone)]
pub struct Aws {
    /// The region.
    pub region: String,
    /// Whose requests they are.
    pub credentials: Credentials,
    /// Where DynamoDB is, if not in the region.
    pub dynamodb_endpoint: Option<String>,
    /// Where SES is, if not in the region.
    pub ses_endpoint: Option<String>,
    /// Where Secrets Manager is, if not in the region.
    pub secrets_endpoint: Option<String>,
    /// The HTTP client to use in place of our own.
    pub http_client: Option<SharedHttpClient>,
}

/// What the deployment sets.
#[derive(Debug, Clone)]
pub struct Config {
    /// The table's name.
    pub table_name: String,
    /// What links begin with, such as `https://app.example.com`, without a slash at the end.
    pub public_url: String,
    /// Whom emails are from; none where no emails are sent.
    pub email_from: Option<String>,
    /// Whom answers to emails go to, if not to the sender.
    pub email_reply_to: Option<String>,
    /// The SES configuration set that emails are sent with.
    pub email_configuration_set: Option<String>,
    /// The Secrets Manager secret that links are signed with; none where there
    /// is nothing to do with links.
    pub link_key_secret_id: Option<String>,
    /// How pages find the sign-in.
    pub sign_in: SignInConfig,
    /// The plans that there are.
    pub plans: Plans,
}

/// What is wrong with the environment.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable is missing.
    #[error("the environment variable `{0}` is not set")]
    Missing(&'static str),
    /// The table of plans cannot be read.
    #[error("the environment variable `PLANS`: {0}")]
    Plans(#[from] InvalidPlans),
}

fn required(name: &'static str) -> Result<String, ConfigError> {
    optional(name).ok_or(ConfigError::Missing(name))
}

/// A variable that is set to nothing counts as not set: a template cannot leave one out.
fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

impl Aws {
    /// Reads what Lambda sets, and the SDKs' standard variables for endpoints.
    ///
    /// Lambda gives credentials and region in the environment alone, so no other
    /// source is asked.
    fn from_env() -> Result<Self, ConfigError> {
        let endpoint = |service: &str| {
            optional(&format!("AWS_ENDPOINT_URL_{service}"))
                .or_else(|| optional("AWS_ENDPOINT_URL"))
        };
        Ok(Self {
            region: required("AWS_REGION")?,
            credentials: Credentials::new(
                required("AWS_ACCESS_KEY_ID")?,
                required("AWS_SECRET_ACCESS_KEY")?,
                optional("AWS_SESSION_TOKEN"),
                None,
                "environment",
            ),
            dynamodb_endpoint: endpoint("DYNAMODB"),
            ses_endpoint: endpoint("SESV2"),
            secrets_endpoint: endpoint("SECRETS_MANAGER"),
            http_client: None,
        })
    }
}

impl Config {
    /// Functions that send no email, make no links and know no plans get no
    /// variables for it.
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            table_name: required("TABLE_NAME")?,
            public_url: optional("PUBLIC_URL").unwrap_or_default(),
            email_from: optional("EMAIL_FROM"),
            email_reply_to: optional("EMAIL_REPLY_TO"),
            email_configuration_set: optional("EMAIL_CONFIGURATION_SET"),
            link_key_secret_id: optional("LINK_KEY_SECRET_ID"),
            sign_in: SignInConfig {
                issuer: optional("SIGN_IN_ISSUER").unwrap_or_default(),
                client_id: optional("SIGN_IN_CLIENT_ID").unwrap_or_default(),
                sign_out_url: optional("SIGN_OUT_URL").unwrap_or_default(),
                origins: optional("SIGN_IN_ORIGINS").unwrap_or_default(),
            },
            plans: match optional("PLANS") {
                Some(text) => Plans::parse(&text)?,
                None => Plans::default(),
            },
        })
    }
}

/// The settings that all three clients share: each service has a config type of its own.
macro_rules! client {
    ($sdk:ident, $aws:expr, $http:expr, $endpoint:expr, $attempts:expr, $seconds:expr) => {{
        // The pause between attempts is as short as DynamoDB's own clients make
        // it: somebody waits for the answer.
        let retries = RetryConfig::standard()
            .with_max_attempts($attempts)
            .with_initial_backoff(Duration::from_millis(50));
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs($seconds))
            .build();
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new($aws.region.clone()))
            .credentials_provider($aws.credentials.clone())
            .http_client($http.clone())
            .retry_config(retries)
            .timeout_config(timeouts)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_endpoint_url($endpoint.clone());
        $sdk::Client::from_conf(config.build())
    }};
}

impl App {
    /// Makes the clients: those that there is a configuration for. They share
    /// connections and certificates.
    pub fn new(aws: Aws, config: Config, clock: Clock) -> Self {
        let http_client = aws.http_client.clone().unwrap_or_else(tls::https_client);
        let dynamodb = client!(
            aws_sdk_dynamodb,
            aws,
            http_client,
            aws.dynamodb_endpoint,
            3,
            3
        );
        let mailer = config.email_from.map(|from| {
            // An email whose answer is late may have left: only the stream tries again.
            let ses = client!(aws_sdk_sesv2, aws, http_client, aws.ses_endpoint, 1, 15);
            let sender = Sender {
                from,
                reply_to: config.email_reply_to,
                configuration_set: config.email_configuration_set,
            };
            Mailer::new(ses, sender)
        });
        let link_keys = config.link_key_secret_id.map(|secret_id| {
            let secrets = client!(
                aws_sdk_secretsmanager,
                aws,
                http_client,
                aws.secrets_endpoint,
                3,
                3
            );
            LinkKeySource::new(secrets, secret_id)
        });
        Self {
            store: Store::new(dynamodb, config.table_name),
            mailer,
            link_keys,
            public_url: config.public_url,
            pages: LazyLock::new(Box::new(move || Document::new(&config.sign_in))),
            plans: config.plans,
            clock,
            metrics: None,
            ids: Mutex::new(ContextV7::new()),
        }
    }

    /// Tells there how its operations fare.
    #[must_use]
    pub fn reporting(self, metrics: Option<Metrics>) -> Self {
        Self { metrics, ..self }
    }

    /// Reads the environment that the template sets.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self::new(
            Aws::from_env()?,
            Config::from_env()?,
            Clock::system(),
        ))
    }

    /// What sends emails.
    pub(crate) fn mailer(&self) -> Result<&Mailer, ConfigError> {
        self.mailer
            .as_ref()
            .ok_or(ConfigError::Missing("EMAIL_FROM"))
    }

    /// What links are signed with.
    pub(crate) fn link_keys(&self) -> Result<&LinkKeySource, ConfigError> {
        let keys = self.link_keys.as_ref();
        keys.ok_or(ConfigError::Missing("LINK_KEY_SECRET_ID"))
    }

    /// Does what the first request would otherwise wait for: connects to the
    /// table, and reads the link keys where they are needed. Lambda starts a
    /// function on a whole processor, and runs it on a part of one.
    ///
    /// What fails here fails nothing: the first request tries it again.
    pub(crate) async fn warm_up(&self) {
        let table = async {
            if let Err(error) = self.store.connect().await {
                let error = telemetry::chain(&error);
                tracing::warn!(
                    error,
                    "the table cannot be reached ahead of the first request"
                );
            }
        };
        let link_keys = async {
            if let Some(source) = &self.link_keys
                && let Err(error) = source.get(self.clock.now()).await
            {
                let error = telemetry::chain(&error);
                tracing::warn!(
                    error,
                    "the link key cannot be read ahead of the first request"
                );
            }
        };
        let both = async { tokio::join!(table, link_keys) };
        if tokio::time::timeout(WARM_UP, both).await.is_err() {
            tracing::warn!("the first request is taken before everything is connected");
        }
    }

    /// A new UUID v7. Those of one process sort as they were made, even within
    /// one millisecond.
    pub(crate) fn new_id(&self) -> Uuid {
        let now = self.clock.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(
            &self.ids,
            seconds,
            now.timestamp_subsec_nanos(),
        ))
    }

    /// Random bytes that nobody can guess, for secrets.
    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], Failure> {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Makes the audit events that go with a commit.
    pub(crate) fn stamp(
        &self,
        organization_id: OrganizationId,
        at: DateTime<Utc>,
        event: Event,
    ) -> AuditEvent {
        event.recorded(EventId::new(self.new_id()), organization_id, at)
    }

    /// Adds the audit events of a decision to its commit.
    pub(crate) fn record(
        &self,
        transaction: Transaction,
        organization_id: OrganizationId,
        at: DateTime<Utc>,
        events: impl IntoIterator<Item = Event>,
    ) -> Transaction {
        events.into_iter().fold(transaction, |transaction, event| {
            transaction.record(&self.stamp(organization_id, at, event))
        })
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
