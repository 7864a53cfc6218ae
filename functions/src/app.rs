//! The parts that an operation works with: the table, the email service, the clock.

use std::{
    fmt,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use brand::Brand;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use domain::{ImportedPrefixes, Limits, LinkKeys, PlanChanges, Plans, ServerKeys};
use mail::{Mailer, Sender};
use store::{Store, StoreError};
use uuid::{ContextV7, Timestamp, Uuid};

use crate::{
    access::EmailVerification,
    config::{Aws, Config, ConfigError},
    error::Error,
    error_chain,
    ledger::CounterMemory,
    metrics::Metrics,
    secrets::SecretSource,
    tls,
    usage::Limiter,
    web::Document,
};

/// The time limit of [`App::warm_up`], before a function takes its first request.
const WARM_UP: Duration = Duration::from_secs(2);

/// The parts that every operation works with, created once per process.
pub struct App {
    pub(crate) store: Store,
    mailer: Option<Mailer>,
    link_keys: Option<SecretSource<LinkKeys>>,
    server_keys: Option<SecretSource<ServerKeys>>,
    pub(crate) stack_name: String,
    pub(crate) public_url: String,
    /// Rendered on the first request of a page, because only one function serves pages.
    pub(crate) pages: LazyLock<Document, Box<dyn FnOnce() -> Document + Send>>,
    pub(crate) plans: Plans,
    pub(crate) plan_changes: PlanChanges,
    pub(crate) limits: Limits,
    pub(crate) limiter: Limiter,
    pub(crate) counters: CounterMemory,
    pub(crate) email_verification: EmailVerification,
    pub(crate) imported_prefixes: ImportedPrefixes,
    pub(crate) brand: Brand,
    pub(crate) clock: Clock,
    pub(crate) metrics: Option<Metrics>,
    ids: Mutex<ContextV7>,
}

/// The time in whole milliseconds. All time-dependent code reads the app's clock, so
/// that tests can move it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// Returns the machine's clock.
    pub fn system() -> Self {
        Self::new(Utc::now)
    }

    /// Returns a clock that reads the time from a function.
    pub fn new(tell: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Returns the time.
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

/// The settings that all three clients share: each service has a config type of its own.
macro_rules! client {
    ($sdk:ident, $aws:expr, $http:expr, $endpoint:expr, $attempts:expr, $seconds:expr) => {{
        // The first pause is as short as that of DynamoDB's own clients, because a
        // caller waits for the response.
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
    /// Creates the configured clients. They share connections and certificates.
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
            // After a timeout the email may have left, so only the stream retries.
            let ses = client!(aws_sdk_sesv2, aws, http_client, aws.ses_endpoint, 1, 15);
            let sender = Sender {
                from,
                reply_to: config.email_reply_to,
                configuration_set: config.email_configuration_set,
                // Lets the rules of each stack select the reports on its own emails.
                tags: vec![("stack", config.stack_name.clone())],
            };
            Mailer::new(ses, sender)
        });
        let secrets = || {
            client!(
                aws_sdk_secretsmanager,
                aws,
                http_client,
                aws.secrets_endpoint,
                3,
                3
            )
        };
        let link_keys = config.link_key_secret_id;
        let link_keys = link_keys.map(|id| SecretSource::new(secrets(), id));
        let brand = config.brand.clone();
        let server_keys = config.server_key_secret_id;
        let server_keys = server_keys.map(|id| SecretSource::new(secrets(), id));
        Self {
            store: Store::new(dynamodb, config.table_name),
            mailer,
            link_keys,
            server_keys,
            stack_name: config.stack_name,
            public_url: config.public_url,
            pages: LazyLock::new(Box::new(move || Document::new(&config.sign_in, &brand))),
            plans: config.plans,
            plan_changes: config.plan_changes,
            limits: config.limits,
            limiter: Limiter::default(),
            counters: CounterMemory::default(),
            email_verification: config.email_verification,
            imported_prefixes: config.imported_prefixes,
            brand: config.brand,
            clock,
            metrics: None,
            ids: Mutex::new(ContextV7::new()),
        }
    }

    /// Reports metrics to `metrics`.
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

    /// Returns the sender of emails.
    pub(crate) fn mailer(&self) -> Result<&Mailer, ConfigError> {
        self.mailer
            .as_ref()
            .ok_or(ConfigError::Missing("EMAIL_FROM"))
    }

    /// Returns the source of the keys that links are signed with.
    pub(crate) fn link_keys(&self) -> Result<&SecretSource<LinkKeys>, ConfigError> {
        let keys = self.link_keys.as_ref();
        keys.ok_or(ConfigError::Missing("LINK_KEY_SECRET_ID"))
    }

    /// Returns the source of the keys that the product's backend authenticates with.
    pub(crate) fn server_keys(&self) -> Result<&SecretSource<ServerKeys>, ConfigError> {
        let keys = self.server_keys.as_ref();
        keys.ok_or(ConfigError::Missing("SERVER_KEY_SECRET_ID"))
    }

    /// Marks the table with this release's format, or checks the marker that it has.
    ///
    /// # Errors
    /// [`StoreError::OtherFormat`] of a table that this release would misread.
    pub async fn claim_table(&self) -> Result<(), StoreError> {
        self.store.claim().await
    }

    /// Connects to the table and reads the secrets if needed, so that the first request
    /// does not have to. Lambda initializes a function on a whole processor and runs it
    /// on a part of one.
    ///
    /// A failure is only logged: the first request tries again.
    pub(crate) async fn warm_up(&self) {
        let table = async {
            if let Err(error) = self.store.connect().await {
                let error = error_chain::chain(&error);
                tracing::warn!(
                    error,
                    "the connection to the table failed before the first request"
                );
            }
        };
        let secrets = async {
            let now = self.clock.now();
            if let Some(source) = &self.link_keys {
                source.warm_up(now).await;
            }
            if let Some(source) = &self.server_keys {
                source.warm_up(now).await;
            }
        };
        let both = async { tokio::join!(table, secrets) };
        if tokio::time::timeout(WARM_UP, both).await.is_err() {
            tracing::warn!("connecting takes longer than the warm-up");
        }
    }

    /// Returns a new UUID v7. The ids of one process sort in the order of their creation,
    /// even within one millisecond.
    pub(crate) fn new_id(&self) -> Uuid {
        let now = self.clock.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(
            &self.ids,
            seconds,
            now.timestamp_subsec_nanos(),
        ))
    }

    /// Returns random bytes for secrets.
    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes)?;
        Ok(bytes)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
