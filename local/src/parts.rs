//! The parts of a stack, wired together.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_credential_types::Credentials;
use dynoxide::Database;
use functions::{App, Aws, Clock, Config, SignInConfig, StoreError};

use crate::{
    database::{self, TABLE},
    event_bus::EventBus,
    gateway::Gateway,
    invocation::Lambda,
    issuer::{CLIENT_ID, Issuer},
    mail_catcher::MailCatcher,
    movable_clock::MovableClock,
    options::{DatabaseLocation, Options, StartError},
    persist,
    provider::Provider,
    secrets::{Secret, SecretStore},
    stream::StreamPump,
    template::{STACK_NAME, Template},
    verifier::{TrustedKeys, Verifier},
    webhook::Webhook,
};

/// The addresses of the stack's servers.
pub(crate) struct Urls {
    pub(crate) api: String,
    pub(crate) dynamodb: String,
    pub(crate) services: String,
}

/// The parts of a stack.
pub(crate) struct Parts {
    pub(crate) urls: Urls,
    pub(crate) lambda: Lambda,
    pub(crate) gateway: Gateway,
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) provider: Arc<Provider>,
    pub(crate) mail_catcher: MailCatcher,
    pub(crate) secrets: SecretStore,
    pub(crate) pump: Arc<StreamPump>,
    pub(crate) events: EventBus,
    pub(crate) database: Database,
    pub(crate) template: Arc<Template>,
    pub(crate) movable_clock: MovableClock,
    pub(crate) clock: Clock,
    aws: Aws,
    config: Config,
}

impl Parts {
    /// Opens the data folder's files and builds all parts around them.
    pub(crate) fn open(
        options: Options,
        template: Template,
        folder: &DataFolder,
        urls: Urls,
        trusted: Option<TrustedKeys>,
    ) -> Result<Self, StartError> {
        let movable_clock = MovableClock::following(options.clock);
        let clock = movable_clock.clock();
        let file = |name: &str| folder.file(name);
        let failed = |source| folder.failed(source);
        let database = file("organizations.db");
        if let Some(file) = &database {
            // SQLite gives its other files the rights of this one.
            persist::make_private(file).map_err(failed)?;
        }
        let database = database::open(database.as_deref(), &clock, &template)?;
        let secrets = SecretStore::open(file).map_err(failed)?;
        if let Some(key) = options.server_key {
            secrets.replace(Secret::ServerKey, key);
        }
        let issuer = Issuer::new(&urls.api, clock.clone(), file("sign-in-rsa-key").as_deref())?;
        let issuer = Arc::new(issuer);
        let audiences = options.clients.iter().map(|client| client.id.clone());
        let verifier = Verifier::new(issuer.clone(), audiences.collect(), trusted, clock.clone());
        let provider = Provider::open(
            &urls.api,
            issuer.clone(),
            options.clients,
            clock.clone(),
            file("people.jsonl").as_deref(),
        );
        let provider = Arc::new(provider.map_err(failed)?);
        let mail_catcher = MailCatcher::open(clock.clone(), file("emails.jsonl").as_deref());
        let mail_catcher = mail_catcher.map_err(failed)?;

        let aws = Aws {
            region: "us-east-1".to_owned(),
            credentials: Credentials::new("local", "local", None, None, "local"),
            dynamodb_endpoint: Some(urls.dynamodb.clone()),
            ses_endpoint: Some(urls.services.clone()),
            secrets_endpoint: Some(urls.services.clone()),
            http_client: options.http_client,
        };
        let config = Config {
            table_name: TABLE.to_owned(),
            stack_name: STACK_NAME.to_owned(),
            public_url: urls.api.clone(),
            email_from: options.email_from,
            email_reply_to: options.email_reply_to,
            email_configuration_set: options.email_configuration_set,
            link_key_secret_id: Some(Secret::LinkKey.id().to_owned()),
            server_key_secret_id: Some(Secret::ServerKey.id().to_owned()),
            sign_in: match options.provider {
                Some(provider) => SignInConfig {
                    issuer: provider.issuer,
                    client_id: provider.client_id,
                    sign_out_url: provider.sign_out_url,
                    origins: provider.origins,
                },
                None => SignInConfig {
                    issuer: urls.api.clone(),
                    client_id: CLIENT_ID.to_owned(),
                    sign_out_url: String::new(),
                    origins: String::new(),
                },
            },
            plans: options.plans,
            plan_changes: options.plan_changes,
            limits: options.limits,
            email_verification: options.email_verification,
            imported_prefixes: options.imported_prefixes,
            brand: options.brand,
        };
        let app = App::new(aws.clone(), config.clone(), clock.clone());
        let lambda = Lambda::new(Arc::new(app.reporting(options.metrics)), &template);
        let gateway = Gateway::new(lambda.clone(), verifier, clock.clone(), &template)?;
        let webhook = options.webhook.zip(template.pipe.clone());
        let webhook = webhook.map(|(url, pipe)| (pipe, Webhook::new(url, secrets.webhook_key())));
        let pump = StreamPump::new(
            database.clone(),
            template.streams.clone(),
            webhook,
            clock.clone(),
            file("organizations.db"),
            file("stream-positions.json"),
        )?;
        Ok(Self {
            urls,
            lambda,
            gateway,
            issuer,
            provider,
            mail_catcher,
            secrets,
            pump: Arc::new(pump),
            events: EventBus::new(&template, clock.clone()),
            database,
            template: Arc::new(template),
            movable_clock,
            clock,
            aws,
            config,
        })
    }

    /// Returns the API at another time, for demo data in the past.
    pub(crate) fn gateway_at(&self, clock: Clock) -> Gateway {
        let app = App::new(self.aws.clone(), self.config.clone(), clock);
        self.gateway.with_app(Arc::new(app))
    }
}

/// The folder of the files that outlive the process, which a stack in memory lacks.
pub(crate) struct DataFolder(Option<PathBuf>);

impl DataFolder {
    pub(crate) fn of(location: &DatabaseLocation) -> Self {
        match location {
            DatabaseLocation::Memory => Self(None),
            DatabaseLocation::Folder(folder) => Self(Some(folder.clone())),
        }
    }

    /// Creates the folder, and locks it for as long as the returned file is open.
    pub(crate) fn lock(&self) -> Result<Option<File>, StartError> {
        let Some(folder) = &self.0 else {
            return Ok(None);
        };
        persist::create_folder(folder).map_err(|source| self.failed(source))?;
        let file = File::create(folder.join("lock")).map_err(|source| self.failed(source))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(StartError::FolderInUse(self.name())),
            Err(TryLockError::Error(source)) => Err(self.failed(source)),
        }
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        self.0.as_ref().map(|folder| folder.join(name))
    }

    /// Returns the error of a database that this release cannot use.
    pub(crate) fn unusable(&self, source: StoreError) -> StartError {
        StartError::Format {
            folder: self.name(),
            source,
        }
    }

    fn failed(&self, source: std::io::Error) -> StartError {
        StartError::Folder {
            folder: self.name(),
            source,
        }
    }

    fn name(&self) -> String {
        let folder = self.0.as_deref().unwrap_or(Path::new(""));
        folder.display().to_string()
    }
}
