//! Options of a stack, and errors at its start.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use axum::http::Uri;
use functions::{
    Brand, Clock, EmailVerification, ImportedPrefixes, Limits, Metrics, PlanChanges, Plans,
    StoreError,
};

use crate::{
    database::DatabaseError,
    issuer::IssuerError,
    provider::Client,
    template::TemplateError,
    verifier::{ProviderError, TrustedProvider},
};

/// An error that keeps the stack from starting.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken.
    #[error("port {port} cannot be used: {source}; choose another one with `{option}`")]
    Port {
        /// The port.
        port: u16,
        /// The command line option for another port.
        option: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// The data folder cannot be used.
    #[error("the data folder `{folder}` cannot be used: {source}")]
    Folder {
        /// The folder.
        folder: String,
        /// The cause.
        source: io::Error,
    },
    /// Another stack uses the data folder: two would send every email twice.
    #[error("the data folder `{0}` is in use; choose another one with `--data`")]
    FolderInUse(String),
    /// The database is of another release, which this one would misread.
    #[error(
        "the data folder `{folder}` cannot be used: {source}; choose another one with `--data`"
    )]
    Format {
        /// The folder.
        folder: String,
        /// The cause.
        source: StoreError,
    },
    /// The template is invalid.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The identity provider cannot be used.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The signing key cannot be used.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
}

/// The place of the database.
#[derive(Debug, Clone)]
pub enum DatabaseLocation {
    /// In memory: lost when the stack stops.
    Memory,
    /// In this folder, beside the keys that belong to it.
    Folder(PathBuf),
}

/// The mode of the stream, the event bus, the schedules and the TTL sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// They run in background tasks.
    Automatic,
    /// They run when a test calls them.
    Manual,
}

/// Options of a stack.
#[derive(Clone)]
pub struct Options {
    /// The API's port; `None` means any free port.
    pub port: Option<u16>,
    /// The port of DynamoDB's API; `None` means any free port.
    pub dynamodb_port: Option<u16>,
    /// The port of SES's and Secrets Manager's API; `None` means any free port.
    pub services_port: Option<u16>,
    /// The address of the API.
    pub address: IpAddr,
    /// The names of this machine that the API answers to, besides `localhost`.
    pub hosts: Vec<String>,
    /// The base URL of the pages and of links; `None` means the API's own.
    pub public_url: Option<String>,
    /// The origins of other web pages that may call the API.
    pub allowed_origins: Vec<String>,
    /// The identity provider whose tokens are accepted too; `None` for the stand-in only.
    pub provider: Option<TrustedProvider>,
    /// The clients of the stand-in, besides the pages.
    pub clients: Vec<Client>,
    /// The address of DynamoDB, SES and Secrets Manager.
    pub aws_address: IpAddr,
    /// The place of the database.
    pub database: DatabaseLocation,
    /// The template's file.
    pub template: PathBuf,
    /// The available plans.
    pub plans: Plans,
    /// The party that changes plans.
    pub plan_changes: PlanChanges,
    /// The secret of the server key, without its prefix; `None` means that of the data
    /// folder, or a random one.
    pub server_key: Option<String>,
    /// The sender of emails.
    pub email_from: Option<String>,
    /// The Reply-To address of emails; `None` means the sender.
    pub email_reply_to: Option<String>,
    /// The configuration set that emails name.
    pub email_configuration_set: Option<String>,
    /// The receiver of audit events, by HTTP; `None` for none.
    pub webhook: Option<Uri>,
    /// The limits on emails and on organizations.
    pub limits: Limits,
    /// The evidence that an email address is the person's own.
    pub email_verification: EmailVerification,
    /// The brand of pages and emails.
    pub brand: Brand,
    /// The prefixes of an earlier system's API keys.
    pub imported_prefixes: ImportedPrefixes,
    /// The clock.
    pub clock: Clock,
    /// The HTTP client of the functions' AWS clients; `None` means their default.
    pub http_client: Option<SharedHttpClient>,
    /// The destination of the functions' metrics; `None` discards them.
    pub metrics: Option<Metrics>,
    /// The mode of the background work.
    pub background: Background,
}

impl Options {
    /// Returns the options of a stack in memory, on free ports, without background tasks.
    pub fn for_tests(clock: Clock) -> Self {
        Self {
            port: None,
            dynamodb_port: None,
            services_port: None,
            address: Ipv4Addr::LOCALHOST.into(),
            hosts: Vec::new(),
            public_url: None,
            allowed_origins: Vec::new(),
            provider: None,
            clients: Vec::new(),
            aws_address: Ipv4Addr::LOCALHOST.into(),
            database: DatabaseLocation::Memory,
            template: Self::shipped_template(),
            plans: Plans::default(),
            plan_changes: PlanChanges::default(),
            server_key: None,
            email_from: Some("Organization settings <no-reply@example.com>".to_owned()),
            email_reply_to: None,
            email_configuration_set: None,
            webhook: None,
            limits: Limits::default(),
            email_verification: EmailVerification::default(),
            brand: Brand::default(),
            imported_prefixes: ImportedPrefixes::default(),
            clock,
            http_client: None,
            metrics: None,
            background: Background::Manual,
        }
    }

    /// Returns the path of this repository's template.
    pub fn shipped_template() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")
    }
}
