//! `cargo run`: the whole system on this machine.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
};

use functions::{Clock, Limits};
use local::{Background, Client, DatabaseLocation, Options, Settings, Stack};
use tokio::signal;
use tracing_subscriber::{
    filter::LevelFilter, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

const HELP: &str = "\
Runs organization settings on this machine: API, database, emails and schedules.

Usage: cargo run [-- [demo] [options]]

  demo                 fill the database with an example organization first

  --port N             the API's port (3000)
  --dynamodb-port N    the port of DynamoDB's API (8000)
  --services-port N    the port of SES's and Secrets Manager's API (8001)
  --aws-address IP     the address of DynamoDB, SES and Secrets Manager (127.0.0.1);
                       0.0.0.0 lets containers reach them, and everybody in the
                       network: they check no credentials
  --data FOLDER        the folder of the database and its keys
                       (.local, beside template.yaml)
  --ephemeral          keep the database in memory only, and use any free
                       ports for DynamoDB, SES and Secrets Manager
  --template FILE      the template to run (template.yaml)
  --set NAME=VALUE     a parameter of the template, as `sam deploy` takes it; may be
                       repeated
  --issuer URL, --audience LIST
                       also accept the tokens of your identity provider, and sign in
                       there (JwtIssuer and JwtAudience)
  --client ID=URI      a client of the stand-in for the identity provider, and its
                       redirect URI; may be repeated
  --listen IP          the API's address (127.0.0.1); 0.0.0.0 lets containers reach it,
                       and everybody in the network: anybody signs in as anyone
  --host NAME          another name that the API answers to; may be repeated
  --public-url URL     the base URL of the pages and of links (PublicUrl)
  --plans, --plan-changes, --plan-change-url, --imported-api-key-prefixes,
  --product-name, --product-logo-url, --accent-color, --product-url, --support,
  --terms-url, --privacy-url, --after-accept-url
                       the parameters of the template with these names
  --server-key KEY     the key of the product's own backend, `oss_` and at least 32
                       characters (random, kept in the data folder)
  --webhook URL        send every audit event to a URL that begins with http://
                       (WebhookUrl)
  --no-limits          allow any number of emails and organizations
  --version            show the release
  --help               show this text
";

const VERSION: &str = concat!("organization-settings ", env!("CARGO_PKG_VERSION"), "\n");

struct Arguments {
    demo: bool,
    no_limits: bool,
    /// The template's parameters.
    set: Vec<(String, String)>,
    options: Options,
}

/// The options that set a parameter of the template.
const SHORT_FORMS: [(&str, &str); 16] = [
    ("accent-color", "AccentColor"),
    ("after-accept-url", "AfterAcceptUrl"),
    ("audience", "JwtAudience"),
    ("imported-api-key-prefixes", "ImportedApiKeyPrefixes"),
    ("issuer", "JwtIssuer"),
    ("plan-change-url", "PlanChangeUrl"),
    ("plan-changes", "PlanChanges"),
    ("plans", "Plans"),
    ("privacy-url", "PrivacyUrl"),
    ("product-logo-url", "ProductLogoUrl"),
    ("product-name", "ProductName"),
    ("product-url", "ProductUrl"),
    ("public-url", "PublicUrl"),
    ("support", "Support"),
    ("terms-url", "TermsUrl"),
    ("webhook", "WebhookUrl"),
];

/// Returns the default data folder: beside the template of the current checkout.
fn default_folder() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let root = here
        .ancestors()
        .find(|folder| folder.join("template.yaml").exists());
    root.filter(|root| *root != here)
        .unwrap_or(Path::new(""))
        .join(".local")
}

/// The effect of the command line.
enum Wish {
    Run(Box<Arguments>),
    Show(&'static str),
}

/// Parses the command line.
fn arguments() -> Result<Wish, lexopt::Error> {
    use lexopt::prelude::*;
    let mut arguments = Arguments {
        demo: false,
        no_limits: false,
        set: Vec::new(),
        options: Options {
            port: Some(3000),
            background: Background::Automatic,
            ..Options::for_tests(Clock::system())
        },
    };
    let (mut is_ephemeral, mut data) = (false, default_folder());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        let options = &mut arguments.options;
        match argument {
            Value(value) if value == "demo" => arguments.demo = true,
            Long("ephemeral") => is_ephemeral = true,
            Long("port") => options.port = Some(parser.value()?.parse()?),
            Long("listen") => options.address = parser.value()?.parse()?,
            Long("host") => options.hosts.push(parser.value()?.string()?),
            Long("dynamodb-port") => options.dynamodb_port = Some(parser.value()?.parse()?),
            Long("services-port") => options.services_port = Some(parser.value()?.parse()?),
            Long("aws-address") => options.aws_address = parser.value()?.parse()?,
            Long("data") => data = parser.value()?.into(),
            Long("template") => options.template = parser.value()?.into(),
            Long("client") => {
                let client = parser.value()?.parse_with(Client::parse)?;
                options.clients.push(client);
            }
            Long("server-key") => {
                options.server_key = Some(parser.value()?.parse_with(server_key)?);
            }
            Long("set") => arguments.set.push(parser.value()?.parse_with(setting)?),
            Long("no-limits") => arguments.no_limits = true,
            Long("version") | Short('V') => return Ok(Wish::Show(VERSION)),
            Long("help") | Short('h') => return Ok(Wish::Show(HELP)),
            Long(name) => {
                let mut forms = SHORT_FORMS.iter();
                let Some((_, parameter)) = forms.find(|(form, _)| *form == name) else {
                    return Err(argument.unexpected());
                };
                let value = parser.value()?.string()?;
                arguments.set.push(((*parameter).to_owned(), value));
            }
            other => return Err(other.unexpected()),
        }
    }
    // Fixed ports, so that `sam local` finds them.
    if !is_ephemeral {
        arguments.options.dynamodb_port.get_or_insert(8000);
        arguments.options.services_port.get_or_insert(8001);
        arguments.options.database = DatabaseLocation::Folder(data);
    }
    Ok(Wish::Run(Box::new(arguments)))
}

/// Returns a parameter of the template and its value.
fn setting(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("must be `Name=value`")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Returns the secret of a server key.
fn server_key(text: &str) -> Result<String, &'static str> {
    let secret = text.strip_prefix("oss_").filter(|key| key.len() >= 32);
    let secret = secret.filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()));
    let problem = "must be `oss_` and at least 32 printable characters";
    secret.map(str::to_owned).ok_or(problem)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(Wish::Run(arguments)) => *arguments,
        Ok(Wish::Show(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}; `--help` lists the options");
            return ExitCode::from(2);
        }
    };
    let (level, handle) = reload::Layer::new(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer()
        .compact()
        .with_target(false)
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(level)
        .with(lines)
        .init();
    let quiet = move |is_quiet| {
        let level = if is_quiet {
            LevelFilter::ERROR
        } else {
            LevelFilter::INFO
        };
        if let Err(error) = handle.reload(level) {
            eprintln!("{error}");
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    runtime.block_on(run(arguments, quiet))
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments, quiet: impl Fn(bool)) -> ExitCode {
    let mut options = arguments.options;
    let settings = match Settings::of(&options, arguments.set) {
        Ok(settings) => settings,
        Err(error) => return fail(&error),
    };
    if let Err(error) = settings.apply(&mut options) {
        return fail(&error);
    }
    for name in settings.without_effect() {
        eprintln!("`{name}` has no effect on a local stack");
    }
    if arguments.no_limits {
        options.limits = Limits::NONE;
    }
    let (clock, webhook, address) = (
        options.clock.clone(),
        options.webhook.clone(),
        options.address,
    );
    let location = match &options.database {
        DatabaseLocation::Memory => "in memory".to_owned(),
        DatabaseLocation::Folder(folder) => folder.display().to_string(),
    };
    // The requests that make the demo organization are no news.
    quiet(arguments.demo);
    let stack = match Stack::start(options).await {
        Ok(stack) => stack,
        Err(error) => return fail(&error),
    };
    let url = stack.url();
    println!("Pages       {url}/");
    println!("Emails      {url}/local/   (and tokens for curl)");
    println!("API         {url}/v1");
    println!("Server key  {}", stack.secrets().server_key());
    let dynamodb = shown(stack.dynamodb_url(), stack.aws_address());
    println!("DynamoDB    {dynamodb}   (data {location})");
    println!(
        "SES         {}",
        shown(stack.services_url(), stack.aws_address())
    );
    println!("Events      {url}/local/events   (POST; calls the functions whose rule matches)");
    if let Some(webhook) = &webhook {
        let key = stack.secrets().webhook_key();
        println!("Webhook     {webhook}   (x-webhook-key: {key})");
    }
    for schedule in &stack.template().schedules {
        println!(
            "Schedule    {} every {} minutes",
            schedule.operation,
            schedule.every.as_secs() / 60
        );
    }
    println!();
    if !stack.aws_address().is_loopback() {
        println!(
            "WARNING: DynamoDB, SES and Secrets Manager are open to your network, without a check."
        );
        println!(
            "Everybody in it can read and change the database, and read the link key, the server"
        );
        println!("key and all emails.");
        println!();
    }
    if !address.is_loopback() {
        println!("WARNING: the API is open to your network, and signs anybody in as anyone.");
        println!();
    }
    if arguments.demo
        && let Err(error) = local::fill_with_demo(&stack, &clock).await
    {
        stack.stop().await;
        return fail(&error);
    }
    quiet(false);
    let email = if arguments.demo {
        println!("The demo organization is ready. Sign in as any of:");
        for (email, role) in local::DEMO_PEOPLE {
            println!("  {email:<24} {role}");
        }
        println!();
        println!("Sign in, and list your organizations:");
        local::DEMO_PEOPLE[0].0
    } else {
        println!("Sign in, and create an organization:");
        "ada@example.com"
    };
    println!(
        "  TOKEN=$(curl -s {url}/local/sign-in -d email={email} -d name=Ada | sed 's/.*\"token\":\"\\([^\"]*\\).*/\\1/')"
    );
    let input = if arguments.demo {
        ""
    } else {
        " -d '{\"name\":\"Acme\"}'"
    };
    println!("  curl -s {url}/v1/organizations -H \"Authorization: Bearer $TOKEN\"{input}");
    println!();
    println!("Ready at {url}");
    println!("Ctrl-C stops.");
    if let Err(error) = shutdown_signal().await {
        return fail(&error);
    }
    println!("Stopping.");
    stack.stop().await;
    ExitCode::SUCCESS
}

/// Returns a server's address as it listens: a stack that listens to all addresses uses
/// the loopback one itself.
fn shown(url: &str, address: IpAddr) -> String {
    match url.rsplit_once(':') {
        Some((_, port)) if address.is_unspecified() => {
            format!(
                "http://{}",
                SocketAddr::new(address, port.parse().unwrap_or_default())
            )
        }
        _ => url.to_owned(),
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn shutdown_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    signal::ctrl_c().await
}
