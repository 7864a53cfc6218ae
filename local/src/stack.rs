//! Starting and stopping all of it.

use std::{
    fs::{self, File, TryLockError},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::post,
};
use dynoxide::Database;
use functions::{App, Aws, Clock, Config, Metrics, Plans, SignInConfig};
use serde_json::{Map, Value};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    database::{self, DatabaseError, TABLE},
    event_bus::{self, EventBus, Published, PutEvent},
    gateway::{self, Gateway},
    invocation::invoke,
    issuer::{CLIENT_ID, Issuer, IssuerError, SignIn},
    mail_catcher::{self, CaughtEmail, MailCatcher},
    mailbox_simulator, pages,
    provider::{self, Provider},
    secrets::{LINK_KEY, LinkKeyStore},
    stream::{Drained, StreamPump},
    template::{Template, TemplateError},
};

/// How often the stream is looked at.
const STREAM_POLL: Duration = Duration::from_millis(250);
/// How often the event bus is looked at.
const EVENT_POLL: Duration = Duration::from_millis(500);
/// How often expired items are swept; on AWS, DynamoDB does so on its own.
const TTL_SWEEP: Duration = Duration::from_secs(60);
/// What API Gateway takes at most.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// Why the stack did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken.
    #[error("port {port} cannot be used: {source}; another one can be chosen with `{option}`")]
    Port {
        /// The port.
        port: u16,
        /// What chooses another one.
        option: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The data folder cannot be used.
    #[error("the data folder `{folder}` cannot be used: {source}")]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        source: io::Error,
    },
    /// Two at once would send every email twice.
    #[error("the data folder `{0}` is in use; another one can be chosen with `--data`")]
    FolderInUse(String),
    /// The template cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The signing key cannot be used.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
}

/// Where the database is.
#[derive(Debug, Clone)]
pub enum DatabaseLocation {
    /// In memory: gone with the stack.
    Memory,
    /// In this folder, with the keys that belong to it.
    Folder(PathBuf),
}

/// Whether the stream, the schedule and the TTL sweep run by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// They do.
    Automatic,
    /// They run when they are called.
    Manual,
}

/// How to start.
#[derive(Clone)]
pub struct Options {
    /// The API's port; any free one if none.
    pub port: Option<u16>,
    /// The port of DynamoDB's API; any free one if none.
    pub dynamodb_port: Option<u16>,
    /// The port of SES's and Secrets Manager's API; any free one if none.
    pub services_port: Option<u16>,
    /// Where DynamoDB, SES and Secrets Manager listen. The API listens on loopback alone.
    pub aws_address: IpAddr,
    /// Where the database is.
    pub database: DatabaseLocation,
    /// The template's file.
    pub template: PathBuf,
    /// The plans that there are.
    pub plans: Plans,
    /// What time it is.
    pub clock: Clock,
    /// What the functions' AWS clients send requests with; theirs if none.
    pub http_client: Option<SharedHttpClient>,
    /// Where the functions' metrics go; nowhere if none.
    pub metrics: Option<Metrics>,
    /// Whether the background work runs by itself.
    pub background: Background,
}

impl Options {
    /// A stack in memory, on free ports, with nothing running by itself.
    pub fn for_tests(clock: Clock) -> Self {
        Self {
            port: None,
            dynamodb_port: None,
            services_port: None,
            aws_address: Ipv4Addr::LOCALHOST.into(),
            database: DatabaseLocation::Memory,
            template: Self::shipped_template(),
            plans: Plans::default(),
            clock,
            http_client: None,
            metrics: None,
            background: Background::Manual,
        }
    }

    /// The template of this repository.
    pub fn shipped_template() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")
    }
}

/// All of it, running.
pub struct Stack {
    url: String,
    dynamodb_url: String,
    services_url: String,
    app: Arc<App>,
    aws: Aws,
    config: Config,
    gateway: Gateway,
    issuer: Arc<Issuer>,
    provider: Arc<Provider>,
    mail_catcher: MailCatcher,
    link_keys: LinkKeyStore,
    pump: Arc<StreamPump>,
    events: EventBus,
    database: Database,
    template: Template,
    clock: Clock,
    /// Keeps others away from the data folder.
    _lock: Option<File>,
    stopping: watch::Sender<bool>,
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
    /// Starts everything.
    ///
    /// # Errors
    /// [`StartError`], in words for whoever typed the command.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let template = Template::read(&options.template)?;
        let clock = options.clock;
        let folder = match &options.database {
            DatabaseLocation::Memory => None,
            DatabaseLocation::Folder(folder) => Some(folder.as_path()),
        };
        let in_folder = |name: &str| folder.map(|folder| folder.join(name));
        let folder_failed = |source| StartError::Folder {
            folder: folder
                .map(|folder| folder.display().to_string())
                .unwrap_or_default(),
            source,
        };
        let lock = folder.map(lock).transpose()?;

        let (loopback, aws) = (Ipv4Addr::LOCALHOST.into(), options.aws_address);
        let (api, url) = listen(loopback, options.port, "--port").await?;
        let (dynamodb, dynamodb_url) =
            listen(aws, options.dynamodb_port, "--dynamodb-port").await?;
        let (services, services_url) =
            listen(aws, options.services_port, "--services-port").await?;

        let database = database::open(in_folder("organizations.db").as_deref(), &clock, &template)?;
        let link_keys =
            LinkKeyStore::open(in_folder("link-key").as_deref()).map_err(folder_failed)?;
        let issuer = Issuer::new(&url, clock.clone(), in_folder("sign-in-key").as_deref())?;
        let issuer = Arc::new(issuer);
        let people = in_folder("people.jsonl");
        let provider = Provider::open(&url, issuer.clone(), clock.clone(), people.as_deref())
            .map_err(folder_failed)?;
        let mail_catcher = MailCatcher::open(clock.clone(), in_folder("mails.jsonl").as_deref())
            .map_err(folder_failed)?;

        let aws = Aws {
            region: "us-east-1".to_owned(),
            credentials: Credentials::new("local", "local", None, None, "local"),
            dynamodb_endpoint: Some(dynamodb_url.clone()),
            ses_endpoint: Some(services_url.clone()),
            secrets_endpoint: Some(services_url.clone()),
            http_client: options.http_client,
        };
        let config = Config {
            table_name: TABLE.to_owned(),
            public_url: url.clone(),
            email_from: Some("Organization settings <no-reply@example.com>".to_owned()),
            email_reply_to: None,
            email_configuration_set: None,
            link_key_secret_id: Some(LINK_KEY.to_owned()),
            sign_in: SignInConfig {
                issuer: url.clone(),
                client_id: CLIENT_ID.to_owned(),
                sign_out_url: String::new(),
                origins: String::new(),
            },
            plans: options.plans,
        };
        let app = App::new(aws.clone(), config.clone(), clock.clone());
        let app = Arc::new(app.reporting(options.metrics));
        let gateway = Gateway::new(app.clone(), issuer.clone(), clock.clone(), &template)?;
        let pump = Arc::new(StreamPump::new(
            database.clone(),
            template.streams.clone(),
            clock.clone(),
            in_folder("stream-positions.json"),
        )?);

        let events = EventBus::new(&template, clock.clone());

        let (stopping, _) = watch::channel(false);
        let mut stack = Self {
            url,
            dynamodb_url,
            services_url,
            app,
            aws,
            config,
            gateway,
            issuer,
            provider: Arc::new(provider),
            mail_catcher,
            link_keys,
            pump,
            events,
            database,
            template,
            clock,
            _lock: lock,
            stopping,
            tasks: JoinSet::new(),
        };
        stack.serve(api, dynamodb, services);
        if options.background == Background::Automatic {
            stack.run_in_background();
        }
        Ok(stack)
    }

    fn serve(&mut self, api: TcpListener, dynamodb: TcpListener, services: TcpListener) {
        let stopped = self.stopped();
        let database = self.database.clone();
        self.tasks.spawn(async move {
            let served = dynoxide::server::serve_with_shutdown(dynamodb, database, stopped);
            if let Err(error) = served.await {
                tracing::error!(error, "the database's API has ended");
            }
        });
        let services_router = Router::new()
            .route("/", post(secrets_manager))
            .route("/v2/email/outbound-emails", post(ses))
            .with_state(Services {
                mail_catcher: self.mail_catcher.clone(),
                link_keys: self.link_keys.clone(),
                events: self.events.clone(),
            });
        self.serve_router(services, services_router);
        let pages = pages::router(
            self.url.clone(),
            self.issuer.clone(),
            self.provider.clone(),
            self.mail_catcher.clone(),
        );
        let router = pages
            .merge(event_bus::router(self.events.clone(), self.app.clone()))
            .merge(provider::router(self.provider.clone()))
            .merge(
                Router::new()
                    .fallback(api_request)
                    .with_state(self.gateway.clone()),
            )
            .layer(DefaultBodyLimit::max(MAX_BODY));
        self.serve_router(api, router);
    }

    fn serve_router(&mut self, listener: TcpListener, router: Router) {
        let stopped = self.stopped();
        self.tasks.spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stopped);
            if let Err(error) = served.await {
                tracing::error!(%error, "a server has ended");
            }
        });
    }

    /// Ends when the stack is stopped, or dropped.
    fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.stopping.subscribe();
        async move {
            // An error means that the stack is gone: stopped, too.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        }
    }

    fn run_in_background(&mut self) {
        let (pump, app, stopped) = (self.pump.clone(), self.app.clone(), self.stopped());
        self.tasks.spawn(until(stopped, async move {
            loop {
                let pause = match pump.drain(&app).await {
                    Ok(Drained { stuck: 0, .. }) => STREAM_POLL,
                    Ok(_) => STREAM_POLL * 8,
                    Err(error) => {
                        tracing::error!(%error, "the stream cannot be read");
                        STREAM_POLL * 8
                    }
                };
                tokio::time::sleep(pause).await;
            }
        }));
        let (events, app, stopped) = (self.events.clone(), self.app.clone(), self.stopped());
        self.tasks.spawn(until(stopped, async move {
            loop {
                events.deliver(&app).await;
                tokio::time::sleep(EVENT_POLL).await;
            }
        }));
        for schedule in self.template.schedules.clone() {
            let (app, clock, stopped) = (self.app.clone(), self.clock.clone(), self.stopped());
            self.tasks.spawn(until(stopped, async move {
                // The first tick is at once: what expired while the stack was off is due.
                let mut interval = tokio::time::interval(schedule.every);
                loop {
                    interval.tick().await;
                    fire(&app, &clock, &schedule.operation).await;
                }
            }));
        }
        let (database, stopped) = (self.database.clone(), self.stopped());
        self.tasks.spawn(until(stopped, async move {
            let mut interval = tokio::time::interval(TTL_SWEEP);
            loop {
                interval.tick().await;
                let database = database.clone();
                let swept = tokio::task::spawn_blocking(move || database.sweep_ttl());
                if let Ok(Err(error)) = swept.await {
                    tracing::error!(%error, "expired items cannot be swept");
                }
            }
        }));
    }

    /// Where the API and the pages are.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where DynamoDB's API is.
    pub fn dynamodb_url(&self) -> &str {
        &self.dynamodb_url
    }

    /// Where SES's and Secrets Manager's API is.
    pub fn services_url(&self) -> &str {
        &self.services_url
    }

    /// What the template says.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// What the operations work with.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The API, for requests from within.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The same API at another time: for making a past.
    pub(crate) fn gateway_at(&self, clock: Clock) -> Gateway {
        self.gateway.with_app(Arc::new(App::new(
            self.aws.clone(),
            self.config.clone(),
            clock,
        )))
    }

    /// The sign-in provider.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// A token for somebody who has just signed in.
    pub fn sign_in(&self, who: &SignIn) -> String {
        self.provider.meet(who);
        self.issuer.sign_in(who)
    }

    /// Whom the sign-in page offers; the last to sign in comes last.
    pub fn people(&self) -> Vec<SignIn> {
        self.provider.people()
    }

    /// The emails so far, the oldest first.
    pub fn mails(&self) -> Vec<CaughtEmail> {
        self.mail_catcher.mails()
    }

    /// What catches the emails.
    pub fn mail_catcher(&self) -> &MailCatcher {
        &self.mail_catcher
    }

    /// What keeps the link key.
    pub fn link_keys(&self) -> &LinkKeyStore {
        &self.link_keys
    }

    /// The stream, with its dead letters.
    pub fn pump(&self) -> &StreamPump {
        &self.pump
    }

    /// Hands the stream's records to their subscribers.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn drain_stream(&self) -> Result<Drained, DatabaseError> {
        self.pump.drain(&self.app).await
    }

    /// Puts an event on the bus, and calls every function whose rule matches it.
    pub async fn put_event(&self, event: PutEvent) -> Published {
        self.events.publish(&self.app, event).await
    }

    /// Calls the functions whose next attempt at an event is due. Gives how many
    /// events still wait.
    pub async fn deliver_events(&self) -> usize {
        self.events.deliver(&self.app).await
    }

    /// Events that were given up.
    pub fn dead_events(&self) -> Vec<Value> {
        self.events.dead_letters()
    }

    /// Runs what is scheduled, once.
    pub async fn run_schedules(&self) {
        for schedule in &self.template.schedules {
            self.run_schedule(&schedule.operation).await;
        }
    }

    /// Runs one operation as its schedule does.
    pub async fn run_schedule(&self, operation: &str) {
        fire(&self.app, &self.clock, operation).await;
    }

    /// Deletes the items whose time to live is over, as DynamoDB does when it
    /// gets to it. Gives how many.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn sweep_ttl(&self) -> Result<usize, DatabaseError> {
        Ok(self.database.sweep_ttl()?)
    }

    /// Stops everything, once the requests under way are answered.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        // A connection that is kept open must not keep the process.
        let _ = tokio::time::timeout(Duration::from_secs(3), async {
            while self.tasks.join_next().await.is_some() {}
        })
        .await;
    }
}

async fn until(stopped: impl Future<Output = ()>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stopped => {}
        () = work => {}
    }
}

/// Makes the data folder, and keeps others out of it for as long as the file is open.
fn lock(folder: &Path) -> Result<File, StartError> {
    let name = || folder.display().to_string();
    let failed = |source| StartError::Folder {
        folder: name(),
        source,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let file = File::create(folder.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::FolderInUse(name())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Calls an operation as EventBridge does.
async fn fire(app: &Arc<App>, clock: &Clock, operation: &str) {
    let Some(operation) = functions::operation(operation) else {
        return;
    };
    let event = PutEvent {
        source: "aws.events".to_owned(),
        detail_type: "Scheduled Event".to_owned(),
        detail: Map::new(),
        resources: Vec::new(),
    };
    let event = event_bus::envelope(event, clock.now());
    if let Err(error) = invoke(app, operation, event).await {
        tracing::error!(operation = operation.name, %error, "a scheduled operation failed");
    }
}

async fn api_request(
    State(gateway): State<Gateway>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match body {
        Ok(body) => gateway.answer(&method, &uri, &headers, body).await,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            gateway::message(error.status(), "Request Entity Too Large")
        }
        Err(error) => gateway::message(error.status(), "Bad Request"),
    }
}

/// What stands in for SES and Secrets Manager.
#[derive(Clone)]
struct Services {
    mail_catcher: MailCatcher,
    link_keys: LinkKeyStore,
    events: EventBus,
}

async fn ses(State(services): State<Services>, body: Bytes) -> Response {
    match services.mail_catcher.catch(&body) {
        Ok(mail) => {
            if let Some(report) = mailbox_simulator::report(&mail) {
                services.events.put(report);
            }
            mail_catcher::taken(&mail)
        }
        Err(refusal) => mail_catcher::refused(refusal),
    }
}

async fn secrets_manager(
    State(Services { link_keys, .. }): State<Services>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
    {
        Some("secretsmanager.GetSecretValue") => link_keys.get_secret_value(&body),
        _ => StatusCode::NOT_IMPLEMENTED.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    };

    use chrono::{DateTime, TimeDelta, Utc};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const ADA: &str = "ada@example.com";

    /// A clock that tests move.
    fn clock() -> (Clock, impl Fn(TimeDelta)) {
        let now = Arc::new(Mutex::new(
            DateTime::<Utc>::from_timestamp(1_730_871_464, 0).unwrap(),
        ));
        let told = now.clone();
        let wait = move |time| *now.lock().unwrap() += time;
        (Clock::new(move || *told.lock().unwrap()), wait)
    }

    /// A folder of the test's own, which goes with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("local-stack-{}-{number}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn options(&self) -> Options {
            Options {
                database: DatabaseLocation::Folder(self.0.clone()),
                ..Options::for_tests(Clock::system())
            }
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    async fn post(stack: &Stack, path: &str, body: Value) -> Value {
        let token = stack.sign_in(&SignIn::with_email(ADA));
        let gateway = stack.gateway();
        let answer = gateway
            .call(Method::POST, path, Some(&token), Some(&body))
            .await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body
    }

    async fn invite(stack: &Stack, email: &str) {
        let organization = post(stack, "/v1/organizations", json!({ "name": "Acme" })).await;
        let id = organization["id"].as_str().unwrap();
        let path = format!("/v1/organizations/{id}/invites");
        post(stack, &path, json!({ "email": email, "role": "user" })).await;
    }

    /// A record that `deliver-email` subscribes to and cannot read.
    fn put_poison(stack: &Stack) {
        let item = json!({
            "pk": { "S": "AUDIT#poison" }, "sk": { "S": "1" }, "mail": { "S": "invite" },
        });
        let put = serde_json::from_value(json!({ "TableName": TABLE, "Item": item })).unwrap();
        stack.database.put_item(put).unwrap();
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_read_does_not_hold_up_those_behind_it() {
        let stack = Stack::start(Options::for_tests(Clock::system()))
            .await
            .unwrap();
        invite(&stack, "before@example.com").await;
        put_poison(&stack);
        invite(&stack, "behind@example.com").await;
        assert_eq!(stack.drain_stream().await.unwrap().stuck, 0);
        assert_eq!(stack.mails().len(), 2);
        stack.stop().await;
    }

    #[tokio::test]
    async fn the_ttl_sweep_goes_by_the_stacks_clock() {
        let (clock, wait) = clock();
        let stack = Stack::start(Options::for_tests(clock)).await.unwrap();
        invite(&stack, "never@example.com").await;
        stack.drain_stream().await.unwrap();
        assert_eq!(stack.sweep_ttl().unwrap(), 0);
        wait(TimeDelta::days(15) + TimeDelta::seconds(1));
        assert_eq!(stack.sweep_ttl().unwrap(), 1);
        // No function subscribes to removals.
        assert_eq!(stack.drain_stream().await.unwrap().delivered, 0);
        stack.stop().await;
    }

    /// The shipped template with a rule on `deliver-email`, which fails with
    /// whatever is no event of a stream, and one on `expire-invites`, which does not.
    async fn with_rules(clock: Clock, folder: &Folder) -> Stack {
        let mut text = fs::read_to_string(Options::shipped_template()).unwrap();
        for (event, pattern) in [
            (
                "AuditEvents",
                "source: [shop], detail: { kind: [{ prefix: re }] }",
            ),
            ("Hourly", "source: [shop, pub], detail-type: [sold]"),
        ] {
            let rule = format!(
                "        Rule: {{ Type: EventBridgeRule, Properties: {{ Pattern: {{ {pattern} }} }} }}\n"
            );
            let line = format!("        {event}:\n");
            let at = text.find(&line).unwrap();
            text.insert_str(at, &rule);
        }
        fs::create_dir_all(&folder.0).unwrap();
        let template = folder.0.join("template.yaml");
        fs::write(&template, text).unwrap();
        let options = Options {
            template,
            ..Options::for_tests(clock)
        };
        Stack::start(options).await.unwrap()
    }

    fn event(source: &str, kind: &str) -> PutEvent {
        let put = json!({ "source": source, "detail-type": "sold", "detail": { "kind": kind } });
        serde_json::from_value(put).unwrap()
    }

    fn called(operation: &str, failed: bool) -> event_bus::Called {
        event_bus::Called {
            operation: operation.to_owned(),
            failed,
        }
    }

    #[tokio::test]
    async fn an_event_calls_every_function_whose_rule_matches_it() {
        let folder = Folder::new();
        let stack = with_rules(clock().0, &folder).await;
        for (event, expected) in [
            (event("pub", "red"), vec![called("expire-invites", false)]),
            (
                event("shop", "red"),
                vec![
                    called("deliver-email", true),
                    called("expire-invites", false),
                ],
            ),
            (
                event("shop", "green"),
                vec![called("expire-invites", false)],
            ),
            (event("bank", "red"), vec![]),
        ] {
            let published = stack.put_event(event).await;
            assert_eq!(published.called, expected);
            assert!(Uuid::parse_str(&published.id).is_ok());
        }
        stack.stop().await;
    }

    #[tokio::test]
    async fn an_event_that_fails_is_tried_twice_more_and_is_then_a_dead_letter() {
        let folder = Folder::new();
        let (clock, wait) = clock();
        let stack = with_rules(clock, &folder).await;
        stack.put_event(event("shop", "red")).await;
        assert_eq!(stack.deliver_events().await, 1);
        for minutes in [1, 2] {
            wait(TimeDelta::minutes(minutes) - TimeDelta::seconds(1));
            assert_eq!(stack.deliver_events().await, 1);
            assert!(stack.dead_events().is_empty());
            wait(TimeDelta::seconds(1));
            stack.deliver_events().await;
        }
        assert_eq!(stack.deliver_events().await, 0);
        let dead = stack.dead_events();
        assert_eq!(dead.len(), 1);
        let envelope = json!({
            "version": "0",
            "id": dead[0]["id"],
            "detail-type": "sold",
            "source": "shop",
            "account": "000000000000",
            "time": "2024-11-06T05:37:44Z",
            "region": "us-east-1",
            "resources": [],
            "detail": { "kind": "red" },
        });
        assert_eq!(dead[0], envelope);
        stack.stop().await;
    }

    #[tokio::test]
    async fn a_restart_loses_nothing_and_sends_no_email_twice() {
        let folder = Folder::new();
        let stack = Stack::start(folder.options()).await.unwrap();
        invite(&stack, "first@example.com").await;
        assert_eq!(stack.drain_stream().await.unwrap().delivered, 1);
        invite(&stack, "second@example.com").await;
        stack.stop().await;

        let stack = Stack::start(folder.options()).await.unwrap();
        assert_eq!(stack.mails().len(), 1);
        assert_eq!(stack.drain_stream().await.unwrap().delivered, 1);
        assert_eq!(stack.mails().len(), 2);
        stack.stop().await;

        // Without positions all records come again, to functions that know them.
        fs::remove_file(folder.0.join("stream-positions.json")).unwrap();
        let stack = Stack::start(folder.options()).await.unwrap();
        assert_eq!(stack.drain_stream().await.unwrap().delivered, 2);
        assert_eq!(stack.mails().len(), 2);
        stack.stop().await;
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_said_in_one_line() {
        let folder = Folder::new();
        let stack = Stack::start(folder.options()).await.unwrap();
        let port: u16 = stack.url().rsplit(':').next().unwrap().parse().unwrap();
        let mut busy = Options::for_tests(Clock::system());
        busy.dynamodb_port = Some(port);
        let broken = Folder::new();
        fs::create_dir_all(&broken.0).unwrap();
        fs::write(
            broken.0.join("organizations.db"),
            "no database ".repeat(500),
        )
        .unwrap();
        let short = Folder::new();
        fs::create_dir_all(&short.0).unwrap();
        fs::write(short.0.join("link-key"), "short").unwrap();
        for (options, said) in [
            (busy, "another one can be chosen with `--dynamodb-port`"),
            (folder.options(), "is in use"),
            (broken.options(), "organizations.db` cannot be opened: "),
            (short.options(), "`link-key` is broken"),
        ] {
            let error = Stack::start(options).await.err().unwrap().to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
        stack.stop().await;
    }
}
