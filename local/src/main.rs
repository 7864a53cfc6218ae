//! `cargo run`: the whole system on this machine.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
};

use axum::http::Uri;
use brand::{Brand, Color, ProductName, Support, Url};
use functions::{Clock, EmailVerification, ImportedPrefixes, Limits, PlanChanges, Plans};
use local::{Background, DatabaseLocation, Options, Stack};
use tokio::signal;

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
  --plans PLANS        the available plans, in the format of the template's
                       parameter `Plans`
  --plan-changes PARTY the party that changes plans: customer (the default) or
                       server, as the template's parameter `PlanChanges`
  --plan-change-url URL  the page where people change the plan if the server does
  --server-key KEY     the key of the product's own backend, `oss_` and at least 32
                       characters (random, kept in the data folder)
  --webhook URL        send every audit event to a URL that begins with http://, as
                       the template's parameter `WebhookUrl`
  --imported-api-key-prefixes LIST
                       the prefixes of an earlier system's API keys, as the
                       template's parameter `ImportedApiKeyPrefixes`
  --product-name NAME, --product-logo-url URL, --accent-color COLOR,
  --product-url URL, --support ADDRESS, --terms-url URL, --privacy-url URL,
  --after-accept-url URL
                       the brand of pages and emails, as the template's parameters
  --no-limits          allow any number of emails and organizations
  --help               show this text
";

struct Arguments {
    demo: bool,
    ephemeral: bool,
    port: u16,
    dynamodb_port: Option<u16>,
    services_port: Option<u16>,
    aws_address: IpAddr,
    data: PathBuf,
    template: PathBuf,
    plans: Plans,
    by_server: bool,
    plan_change_url: Option<String>,
    server_key: Option<String>,
    webhook: Option<Uri>,
    imported_prefixes: ImportedPrefixes,
    brand: Brand,
    limits: Limits,
}

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

/// Parses the command line. Returns `None` for `--help`.
fn arguments() -> Result<Option<Arguments>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut arguments = Arguments {
        demo: false,
        ephemeral: false,
        port: 3000,
        dynamodb_port: None,
        services_port: None,
        aws_address: Ipv4Addr::LOCALHOST.into(),
        data: default_folder(),
        template: Options::shipped_template(),
        plans: Plans::default(),
        by_server: false,
        plan_change_url: None,
        server_key: None,
        webhook: None,
        imported_prefixes: ImportedPrefixes::default(),
        brand: Brand::default(),
        limits: Limits::default(),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(value) if value == "demo" => arguments.demo = true,
            Long("ephemeral") => arguments.ephemeral = true,
            Long("port") => arguments.port = parser.value()?.parse()?,
            Long("dynamodb-port") => arguments.dynamodb_port = Some(parser.value()?.parse()?),
            Long("services-port") => arguments.services_port = Some(parser.value()?.parse()?),
            Long("aws-address") => arguments.aws_address = parser.value()?.parse()?,
            Long("data") => arguments.data = parser.value()?.into(),
            Long("template") => arguments.template = parser.value()?.into(),
            Long("plans") => arguments.plans = parser.value()?.parse_with(Plans::parse)?,
            Long("plan-changes") => {
                arguments.by_server = match parser.value()?.string()?.as_str() {
                    "customer" => false,
                    "server" => true,
                    _ => return Err("`--plan-changes` must be `customer` or `server`".into()),
                }
            }
            Long("plan-change-url") => {
                arguments.plan_change_url = Some(parser.value()?.string()?);
            }
            Long("server-key") => {
                arguments.server_key = Some(parser.value()?.parse_with(server_key)?);
            }
            Long("webhook") => arguments.webhook = Some(parser.value()?.parse_with(webhook)?),
            Long("imported-api-key-prefixes") => {
                arguments.imported_prefixes =
                    parser.value()?.parse_with(ImportedPrefixes::parse)?;
            }
            Long("product-name") => {
                arguments.brand.product = Some(parser.value()?.parse_with(ProductName::parse)?);
            }
            Long("product-logo-url") => arguments.brand.logo = Some(url(&mut parser)?),
            Long("accent-color") => {
                arguments.brand.accent = Some(parser.value()?.parse_with(Color::parse)?);
            }
            Long("product-url") => arguments.brand.home = Some(url(&mut parser)?),
            Long("support") => {
                arguments.brand.support = Some(parser.value()?.parse_with(Support::parse)?);
            }
            Long("terms-url") => arguments.brand.terms = Some(url(&mut parser)?),
            Long("privacy-url") => arguments.brand.privacy = Some(url(&mut parser)?),
            Long("after-accept-url") => arguments.brand.after_accept = Some(url(&mut parser)?),
            Long("no-limits") => arguments.limits = Limits::NONE,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    // Fixed ports, so that `sam local` finds them.
    if !arguments.ephemeral {
        arguments.dynamodb_port.get_or_insert(8000);
        arguments.services_port.get_or_insert(8001);
    }
    Ok(Some(arguments))
}

/// Reads a URL of the brand.
fn url(parser: &mut lexopt::Parser) -> Result<Url, lexopt::Error> {
    use lexopt::prelude::*;
    parser.value()?.parse_with(Url::parse)
}

/// Returns the URL of a webhook.
fn webhook(text: &str) -> Result<Uri, &'static str> {
    let url = text.parse::<Uri>().ok();
    let url = url.filter(|url| url.scheme_str() == Some("http") && url.host().is_some());
    url.ok_or("must be a URL that begins with http://")
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
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}; `--help` lists the options");
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt()
        .compact()
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    runtime.block_on(run(arguments))
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments) -> ExitCode {
    let clock = Clock::system();
    let database = if arguments.ephemeral {
        DatabaseLocation::Memory
    } else {
        DatabaseLocation::Folder(arguments.data.clone())
    };
    let options = Options {
        port: Some(arguments.port),
        dynamodb_port: arguments.dynamodb_port,
        services_port: arguments.services_port,
        aws_address: arguments.aws_address,
        database,
        template: arguments.template,
        plans: arguments.plans,
        plan_changes: if arguments.by_server {
            PlanChanges::Server {
                url: arguments.plan_change_url,
            }
        } else {
            PlanChanges::Customer
        },
        server_key: arguments.server_key,
        webhook: arguments.webhook.clone(),
        imported_prefixes: arguments.imported_prefixes,
        brand: arguments.brand,
        limits: arguments.limits,
        // The local provider always says whether it has verified an address.
        email_verification: EmailVerification::Claim,
        clock: clock.clone(),
        http_client: None,
        metrics: None,
        background: Background::Automatic,
    };
    let stack = match Stack::start(options).await {
        Ok(stack) => stack,
        Err(error) => return fail(&error),
    };
    let location = if arguments.ephemeral {
        "in memory".to_owned()
    } else {
        arguments.data.display().to_string()
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
    if let Some(webhook) = &arguments.webhook {
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
    if arguments.demo
        && let Err(error) = local::fill_with_demo(&stack, &clock).await
    {
        stack.stop().await;
        return fail(&error);
    }
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
