//! The environment of a function, as the template sets it.

use std::env;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use brand::{Brand, Color, ProductName, Support, Url};
use chrono::TimeDelta;
use domain::{
    EmailLimits, ImportedPrefixes, InvalidPlans, InvalidPrefixes, Limits, OrganizationLimits,
    PauseLimits, PlanChanges, Plans, RateLimit, UsageRates,
};

use crate::{access::EmailVerification, web::SignInConfig};

/// The access to AWS.
#[derive(Debug, Clone)]
pub struct Aws {
    /// The region.
    pub region: String,
    /// The credentials that requests are signed with.
    pub credentials: Credentials,
    /// DynamoDB's endpoint, if not the region's.
    pub dynamodb_endpoint: Option<String>,
    /// SES's endpoint, if not the region's.
    pub ses_endpoint: Option<String>,
    /// Secrets Manager's endpoint, if not the region's.
    pub secrets_endpoint: Option<String>,
    /// An HTTP client in place of the default one.
    pub http_client: Option<SharedHttpClient>,
}

/// The settings of a deployment.
#[derive(Debug, Clone)]
pub struct Config {
    /// The table's name.
    pub table_name: String,
    /// The name of the stack, in the events for other systems; empty for all functions but
    /// the one that describes them.
    pub stack_name: String,
    /// The base URL of links, such as `https://app.example.com`, without a trailing slash.
    pub public_url: String,
    /// The sender of emails; `None` for functions that send no email.
    pub email_from: Option<String>,
    /// The Reply-To address; defaults to the sender.
    pub email_reply_to: Option<String>,
    /// The SES configuration set that emails are sent with.
    pub email_configuration_set: Option<String>,
    /// The Secrets Manager secret that links are signed with; `None` for functions that
    /// neither create nor verify links.
    pub link_key_secret_id: Option<String>,
    /// The Secrets Manager secret that the product's backend authenticates with; `None`
    /// for all functions but its authorizer.
    pub server_key_secret_id: Option<String>,
    /// The identity provider of the pages.
    pub sign_in: SignInConfig,
    /// The plans on offer.
    pub plans: Plans,
    /// The parties that may change plans.
    pub plan_changes: PlanChanges,
    /// The limits on emails and on organizations.
    pub limits: Limits,
    /// The evidence that an email address is the person's own.
    pub email_verification: EmailVerification,
    /// The prefixes of an earlier system's API keys, which are accepted.
    pub imported_prefixes: ImportedPrefixes,
    /// The brand of pages and emails.
    pub brand: Brand,
}

/// The reason why the environment is unusable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable is missing.
    #[error("the environment variable `{0}` is not set")]
    Missing(&'static str),
    /// The choice of who changes plans is none.
    #[error("the environment variable `PLAN_CHANGES` must be `customer` or `server`")]
    PlanChanges,
    /// A limit is not a number.
    #[error("the environment variable `{0}` must be a whole number from 0, which means no limit")]
    Limit(&'static str),
    /// The choice of evidence for email addresses is none.
    #[error("the environment variable `EMAIL_VERIFICATION` must be `claim` or `trusted`")]
    EmailVerification,
    /// The prefixes of API keys cannot be read.
    #[error("the environment variable `IMPORTED_API_KEY_PREFIXES` {0}")]
    Prefixes(#[from] InvalidPrefixes),
    /// A part of the brand cannot be read.
    #[error("the environment variable `{name}` {reason}")]
    Brand {
        /// The variable.
        name: &'static str,
        /// The requirement that it does not meet.
        reason: String,
    },
    /// The list of plans cannot be read.
    #[error("the environment variable `PLANS`: {0}")]
    Plans(#[from] InvalidPlans),
}

impl Aws {
    /// Reads what Lambda sets, and the SDKs' standard variables for endpoints.
    ///
    /// Lambda provides credentials and region only in the environment, so there is no
    /// other source.
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        let variables = Variables(&of_environment);
        let endpoint = |service: &str| {
            let own = variables.optional(&format!("AWS_ENDPOINT_URL_{service}"));
            own.or_else(|| variables.optional("AWS_ENDPOINT_URL"))
        };
        Ok(Self {
            region: variables.required("AWS_REGION")?,
            credentials: Credentials::new(
                variables.required("AWS_ACCESS_KEY_ID")?,
                variables.required("AWS_SECRET_ACCESS_KEY")?,
                variables.optional("AWS_SESSION_TOKEN"),
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
    /// Reads the variables that the template sets. Functions without emails, links or
    /// plans lack those variables.
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        Self::read(&of_environment)
    }

    /// Reads variables from anywhere, as [`Self::from_env`] does from the environment.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable.
    pub fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let variables = Variables(variable);
        let optional = |name: &str| variables.optional(name);
        Ok(Self {
            table_name: variables.required("TABLE_NAME")?,
            stack_name: optional("STACK_NAME").unwrap_or_default(),
            public_url: optional("PUBLIC_URL").unwrap_or_default(),
            email_from: optional("EMAIL_FROM"),
            email_reply_to: optional("EMAIL_REPLY_TO"),
            email_configuration_set: optional("EMAIL_CONFIGURATION_SET"),
            link_key_secret_id: optional("LINK_KEY_SECRET_ID"),
            server_key_secret_id: optional("SERVER_KEY_SECRET_ID"),
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
            plan_changes: match variable("PLAN_CHANGES").as_deref() {
                Some("server") => PlanChanges::Server {
                    url: optional("PLAN_CHANGE_URL"),
                },
                Some("customer") | None => PlanChanges::Customer,
                Some(_) => return Err(ConfigError::PlanChanges),
            },
            limits: variables.limits()?,
            email_verification: match variable("EMAIL_VERIFICATION").as_deref() {
                Some("trusted") => EmailVerification::Trusted,
                Some("claim") | None => EmailVerification::Claim,
                Some(_) => return Err(ConfigError::EmailVerification),
            },
            imported_prefixes: match optional("IMPORTED_API_KEY_PREFIXES") {
                Some(text) => ImportedPrefixes::parse(&text)?,
                None => ImportedPrefixes::default(),
            },
            brand: variables.brand()?,
        })
    }
}

fn of_environment(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Variables of the environment, or those that a local stack sets.
struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    /// Returns a variable. An empty one counts as missing, because a template cannot omit one.
    fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing(name))
    }

    fn brand(&self) -> Result<Brand, ConfigError> {
        Ok(Brand {
            product: self.brand_part("PRODUCT_NAME", ProductName::parse)?,
            logo: self.brand_part("PRODUCT_LOGO_URL", Url::parse)?,
            accent: self.brand_part("ACCENT_COLOR", Color::parse)?,
            home: self.brand_part("PRODUCT_URL", Url::parse)?,
            support: self.brand_part("SUPPORT", Support::parse)?,
            terms: self.brand_part("TERMS_URL", Url::parse)?,
            privacy: self.brand_part("PRIVACY_URL", Url::parse)?,
            after_accept: self.brand_part("AFTER_ACCEPT_URL", Url::parse)?,
        })
    }

    /// Returns a part of the brand, if the function has it.
    fn brand_part<T, E: std::fmt::Display>(
        &self,
        name: &'static str,
        parse: fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ConfigError> {
        let parsed = self.optional(name).map(|text| parse(&text)).transpose();
        parsed.map_err(|error| ConfigError::Brand {
            name,
            reason: error.to_string(),
        })
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        let defaults = Limits::default();
        let (emails, organizations) = (defaults.emails, defaults.organizations);
        let interval = self
            .limit("ADDRESS_EMAIL_INTERVAL")?
            .map(i64::from)
            .map(TimeDelta::seconds);
        Ok(Limits {
            emails: EmailLimits {
                new_organization_per_day: self
                    .limit("NEW_ORGANIZATION_EMAILS_PER_DAY")?
                    .unwrap_or(emails.new_organization_per_day),
                organization_per_day: self
                    .limit("ORGANIZATION_EMAILS_PER_DAY")?
                    .unwrap_or(emails.organization_per_day),
                recipient_per_day: self
                    .limit("RECIPIENT_EMAILS_PER_DAY")?
                    .unwrap_or(emails.recipient_per_day),
                recipient_per_week: self
                    .limit("RECIPIENT_EMAILS_PER_WEEK")?
                    .unwrap_or(emails.recipient_per_week),
                address: self.limit("ADDRESS_EMAILS")?.unwrap_or(emails.address),
                address_interval: interval.unwrap_or(emails.address_interval),
            },
            organizations: OrganizationLimits {
                per_day: self
                    .limit("PERSON_ORGANIZATIONS_PER_DAY")?
                    .unwrap_or(organizations.per_day),
                in_all: self
                    .limit("PERSON_ORGANIZATIONS")?
                    .unwrap_or(organizations.in_all),
            },
            pause: PauseLimits {
                bounces: self
                    .limit("PAUSING_BOUNCES")?
                    .unwrap_or(defaults.pause.bounces),
                complaints: self
                    .limit("PAUSING_COMPLAINTS")?
                    .unwrap_or(defaults.pause.complaints),
            },
            usage: UsageRates {
                organization: self
                    .limit("ORGANIZATION_USAGE_RATE")?
                    .map_or(defaults.usage.organization, RateLimit),
                api_key: self
                    .limit("API_KEY_USAGE_RATE")?
                    .map_or(defaults.usage.api_key, RateLimit),
            },
        })
    }

    /// Returns a limit, if the function has it.
    fn limit(&self, name: &'static str) -> Result<Option<u32>, ConfigError> {
        let text = self.optional(name);
        let parsed = text.map(|text| text.parse().map_err(|_| ConfigError::Limit(name)));
        parsed.transpose()
    }
}

/// The variables of [`EmailLimits`], for the functions that send invites.
pub(crate) const EMAIL_LIMITS: &[&str] = &[
    "NEW_ORGANIZATION_EMAILS_PER_DAY",
    "ORGANIZATION_EMAILS_PER_DAY",
    "RECIPIENT_EMAILS_PER_DAY",
    "RECIPIENT_EMAILS_PER_WEEK",
    "ADDRESS_EMAILS",
    "ADDRESS_EMAIL_INTERVAL",
];

/// The variables of [`OrganizationLimits`].
pub(crate) const ORGANIZATION_LIMITS: &[&str] =
    &["PERSON_ORGANIZATIONS_PER_DAY", "PERSON_ORGANIZATIONS"];

/// The variables of [`PauseLimits`].
pub(crate) const PAUSE_LIMITS: &[&str] = &["PAUSING_BOUNCES", "PAUSING_COMPLAINTS"];

/// The variables of [`UsageRates`], and `PLANS`, for the function that uses credits.
pub(crate) const USAGE_RATES: &[&str] = &["PLANS", "ORGANIZATION_USAGE_RATE", "API_KEY_USAGE_RATE"];

/// Checks that the variables which an operation needs are set, so that a function
/// that the template has forgotten one for does not start. `PLANS` may be empty,
/// which means the default plans.
///
/// # Errors
/// [`ConfigError::Missing`] names the first one that is not.
pub(crate) fn check(needs: &[&'static str]) -> Result<(), ConfigError> {
    let is_set = |name: &str| match name {
        "PLANS" => env::var_os(name).is_some(),
        name => Variables(&of_environment).optional(name).is_some(),
    };
    match needs.iter().find(|name| !is_set(name)) {
        Some(name) => Err(ConfigError::Missing(name)),
        None => Ok(()),
    }
}
