//! The running stack: its servers, its background tasks, and the verbs of tests.

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::DefaultBodyLimit};
use functions::App;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    background, controls, cors,
    database::DatabaseError,
    event_bus::{self, Published, PutEvent},
    gateway,
    guard::{self, Names},
    issuer::{Issuer, SignIn},
    mail_catcher::{CaughtEmail, MailCatcher},
    options::{Background, Options, StartError},
    pages,
    parts::{DataFolder, Parts, Urls},
    provider,
    secrets::SecretStore,
    services,
    shutdown::Shutdown,
    stream::{Drained, StreamPump},
    template::Template,
    verifier::TrustedKeys,
};

/// The largest body that API Gateway accepts.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// How long [`Stack::stop`] waits for open connections.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// The running stack.
pub struct Stack {
    pub(crate) parts: Parts,
    aws_address: IpAddr,
    /// Locks the data folder.
    _lock: Option<File>,
    shutdown: Shutdown,
    tasks: JoinSet<()>,
}

async fn listen(
    address: IpAddr,
    port: Option<u16>,
    option: &'static str,
) -> Result<(TcpListener, String), StartError> {
    let port = port.unwrap_or(0);
    let failed = |source| StartError::Port {
        port,
        option,
        source,
    };
    let listener = TcpListener::bind(SocketAddr::from((address, port)))
        .await
        .map_err(failed)?;
    let mut local = listener.local_addr().map_err(failed)?;
    if local.ip().is_unspecified() {
        local.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    Ok((listener, format!("http://{local}")))
}

impl Stack {
    /// Starts the servers and, if asked for, the background tasks.
    ///
    /// # Errors
    /// [`StartError`], as one line for the terminal.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let template = Template::read(&options.template)?;
        let folder = DataFolder::of(&options.database);
        let lock = folder.lock()?;
        let (address, aws) = (options.address, options.aws_address);
        let (api_listener, api) = listen(address, options.port, "--port").await?;
        let api = options.public_url.clone().unwrap_or(api);
        let (dynamodb_listener, dynamodb) =
            listen(aws, options.dynamodb_port, "--dynamodb-port").await?;
        let (services_listener, services) =
            listen(aws, options.services_port, "--services-port").await?;
        let failed = |source| StartError::Port {
            port: 0,
            option: "--dynamodb-port",
            source,
        };
        let hidden = guard::hidden_listener().await.map_err(failed)?;
        let trusted = match options.provider.clone() {
            Some(provider) => Some(TrustedKeys::read(provider).await?),
            None => None,
        };
        let names = Names::of_api(address, &api, &options.hosts);
        let origins = options.allowed_origins.clone();
        let urls = Urls {
            api,
            dynamodb,
            services,
        };
        let background = options.background;
        let mut stack = Self {
            parts: Parts::open(options, template, &folder, urls, trusted)?,
            aws_address: aws,
            _lock: lock,
            shutdown: Shutdown::new(),
            tasks: JoinSet::new(),
        };
        let inner = hidden.local_addr().map_err(failed)?;
        stack.serve_database(hidden);
        let of_aws = Names::of_aws(aws);
        let database = guard::in_front_of(&format!("http://{inner}"), of_aws.clone());
        stack.serve(dynamodb_listener, database);
        let claimed = stack.app().claim_table().await;
        claimed.map_err(|source| folder.unusable(source))?;
        let services = guard::guarded(services::router(&stack.parts), of_aws);
        stack.serve(services_listener, services);
        let rules = stack.parts.template.cors.clone();
        let api = cors::allowing(api_router(&stack.parts), &origins, rules.as_ref());
        let api = guard::guarded(api, names.with_pages_of(origins));
        stack.serve(api_listener, api);
        if background == Background::Automatic {
            background::spawn(&stack.parts, &stack.shutdown, &mut stack.tasks);
        }
        Ok(stack)
    }

    fn serve_database(&mut self, listener: TcpListener) {
        let (database, stopped) = (self.parts.database.clone(), self.shutdown.started());
        self.tasks.spawn(async move {
            let served = dynoxide::server::serve_with_shutdown(listener, database, stopped);
            if let Err(error) = served.await {
                tracing::error!(error, "the database's API has ended");
            }
        });
    }

    fn serve(&mut self, listener: TcpListener, router: Router) {
        let stopped = self.shutdown.started();
        self.tasks.spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stopped);
            if let Err(error) = served.await {
                tracing::error!(%error, "a server has ended");
            }
        });
    }

    /// Returns the address of the API and the pages.
    pub fn url(&self) -> &str {
        &self.parts.urls.api
    }

    /// Returns the address of DynamoDB's API.
    pub fn dynamodb_url(&self) -> &str {
        &self.parts.urls.dynamodb
    }

    /// Returns the address at which DynamoDB's, SES's and Secrets Manager's API listen.
    pub fn aws_address(&self) -> IpAddr {
        self.aws_address
    }

    /// Returns the address of SES's and Secrets Manager's API.
    pub fn services_url(&self) -> &str {
        &self.parts.urls.services
    }

    /// Returns the template that the stack runs.
    pub fn template(&self) -> &Template {
        &self.parts.template
    }

    /// Returns the app that the operations work with.
    pub fn app(&self) -> &Arc<App> {
        self.parts.lambda.app()
    }

    /// Returns the issuer of tokens.
    pub fn issuer(&self) -> &Issuer {
        &self.parts.issuer
    }

    /// Returns the mail catcher.
    pub fn mail_catcher(&self) -> &MailCatcher {
        &self.parts.mail_catcher
    }

    /// Returns the store of the deployment's secrets, which tests can rotate.
    pub fn secrets(&self) -> &SecretStore {
        &self.parts.secrets
    }

    /// Returns the reader of the table's stream, with its dead letters.
    pub fn pump(&self) -> &StreamPump {
        &self.parts.pump
    }

    /// Returns the caught emails, the oldest first.
    pub fn emails(&self) -> Vec<CaughtEmail> {
        self.parts.mail_catcher.emails()
    }

    /// Returns the people that the sign-in page offers; the last to sign in comes last.
    pub fn people(&self) -> Vec<SignIn> {
        self.parts.provider.people()
    }

    /// Signs a person in and returns the token.
    pub fn sign_in(&self, person: &SignIn) -> String {
        self.parts.provider.remember(person);
        self.parts.issuer.sign_in(person)
    }

    /// Delivers the stream's records to their subscribers.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn drain_stream(&self) -> Result<Drained, DatabaseError> {
        self.parts.pump.drain(&self.parts.lambda).await
    }

    /// Puts an event on the bus, and calls every function whose rule matches it.
    pub async fn put_event(&self, event: PutEvent) -> Published {
        self.parts.events.publish(&self.parts.lambda, event).await
    }

    /// Calls the functions whose next attempt at an event is due, and returns
    /// the number of events that still wait.
    pub async fn deliver_events(&self) -> usize {
        self.parts.events.deliver(&self.parts.lambda).await
    }

    /// Returns the dead letters of the event bus.
    pub fn dead_events(&self) -> Vec<Value> {
        self.parts.events.dead_letters()
    }

    /// Runs every scheduled operation once.
    pub async fn run_schedules(&self) {
        for schedule in &self.parts.template.schedules {
            self.run_schedule(&schedule.operation).await;
        }
    }

    /// Runs one operation as its schedule does.
    pub async fn run_schedule(&self, operation: &str) {
        background::run_scheduled(&self.parts.lambda, &self.parts.clock, operation).await;
    }

    /// Deletes the items whose time to live has passed, and returns their number.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn sweep_ttl(&self) -> Result<usize, DatabaseError> {
        Ok(self.parts.database.sweep_ttl()?)
    }

    /// Stops the stack after the requests under way are answered.
    pub async fn stop(mut self) {
        self.shutdown.start();
        // A connection that a client keeps open must not keep the process.
        let _ = tokio::time::timeout(STOP_TIMEOUT, async {
            while self.tasks.join_next().await.is_some() {}
        })
        .await;
    }
}

/// Returns the router of the API, the pages and the identity provider.
fn api_router(parts: &Parts) -> Router {
    pages::router(parts)
        .merge(controls::router(parts))
        .merge(event_bus::router(
            parts.events.clone(),
            parts.lambda.clone(),
        ))
        .merge(provider::router(parts.provider.clone()))
        .merge(gateway::router(parts.gateway.clone()))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}
