//! The template's parameters, as `--set Name=value` sets them for a local stack.

use std::collections::BTreeMap;

use axum::http::Uri;
use functions::{Config, ConfigError};

use crate::{
    database::TABLE,
    options::Options,
    template::{Template, TemplateError},
    verifier::TrustedProvider,
};

/// A parameter that cannot be set to a value.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The template has no such parameter.
    #[error("the template has no parameter `{0}`")]
    Unknown(String),
    /// The value does not fit.
    #[error("`{name}` {problem}")]
    Value {
        /// The parameter.
        name: String,
        /// The requirement that the value does not meet.
        problem: String,
    },
    /// The functions refuse the value.
    #[error("{0}")]
    Refused(String),
    /// The template cannot be read.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// The parameters that the stack itself reads; functions read the others.
const OF_THE_STACK: [&str; 8] = [
    "AllowedOrigins",
    "JwtAudience",
    "JwtIssuer",
    "PublicUrl",
    "SignInClientId",
    "SignInOrigins",
    "SignOutUrl",
    "WebhookUrl",
];

/// The parameters of a template that have been set.
pub struct Settings {
    values: BTreeMap<String, String>,
    /// The functions' variables, by parameter.
    variables: BTreeMap<String, String>,
}

impl Settings {
    /// Checks parameters against the template of the options.
    ///
    /// # Errors
    /// [`SettingError`] names the parameter.
    pub fn of(options: &Options, set: Vec<(String, String)>) -> Result<Self, SettingError> {
        let template = Template::read(&options.template)?;
        for (name, value) in &set {
            let parameter = template.parameters.get(name);
            let parameter = parameter.ok_or_else(|| SettingError::Unknown(name.clone()))?;
            if let Some(problem) = parameter.problem(value) {
                return Err(wrong(name, &problem));
            }
        }
        let mut variables = template.variables;
        // In the template, a condition stands between the two.
        let (parameter, variable) = ("EmailConfigurationSet", "EMAIL_CONFIGURATION_SET");
        variables.insert(parameter.to_owned(), variable.to_owned());
        Ok(Self {
            values: set.into_iter().collect(),
            variables,
        })
    }

    /// Returns the parameters that change nothing on a local stack, such as
    /// `FunctionMemory`.
    pub fn without_effect(&self) -> impl Iterator<Item = &str> {
        let names = self.values.keys().map(String::as_str);
        names.filter(|name| !OF_THE_STACK.contains(name) && !self.variables.contains_key(*name))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    fn list(&self, name: &str) -> Vec<String> {
        let items = self.get(name).into_iter().flat_map(|list| list.split(','));
        items.map(str::to_owned).collect()
    }

    /// Changes the options of a stack as the parameters say.
    ///
    /// # Errors
    /// [`SettingError`] names the parameter.
    pub fn apply(&self, options: &mut Options) -> Result<(), SettingError> {
        let read = |variable: &str| {
            // The stack has a table of its own.
            if variable == "TABLE_NAME" {
                return Some(TABLE.to_owned());
            }
            let mut all = self.variables.iter();
            let (parameter, _) = all.find(|(_, of)| of.as_str() == variable)?;
            self.values.get(parameter).cloned()
        };
        let config = Config::read(&read).map_err(|error| self.refused(&error))?;
        options.plans = config.plans;
        options.plan_changes = config.plan_changes;
        options.limits = config.limits;
        options.email_verification = config.email_verification;
        options.imported_prefixes = config.imported_prefixes;
        options.brand = config.brand;
        options.email_from = config.email_from.or(options.email_from.take());
        options.email_reply_to = config.email_reply_to;
        options.email_configuration_set = config.email_configuration_set;
        options.allowed_origins = self.list("AllowedOrigins");
        options.public_url = self.get("PublicUrl").map(str::to_owned);
        options.webhook = self.get("WebhookUrl").map(webhook).transpose()?;
        options.provider = self.provider()?;
        Ok(())
    }

    fn provider(&self) -> Result<Option<TrustedProvider>, SettingError> {
        let Some(issuer) = self.get("JwtIssuer") else {
            return Ok(None);
        };
        let audiences = self.list("JwtAudience");
        let client_id = self.get("SignInClientId").map(str::to_owned);
        let Some(client_id) = client_id.or_else(|| audiences.first().cloned()) else {
            let problem = "requires `JwtAudience`";
            return Err(wrong("JwtIssuer", problem));
        };
        let text = |name| self.get(name).unwrap_or_default().to_owned();
        Ok(Some(TrustedProvider {
            issuer: issuer.to_owned(),
            audiences,
            client_id,
            origins: text("SignInOrigins"),
            sign_out_url: text("SignOutUrl"),
        }))
    }

    /// Returns the functions' refusal, in terms of the parameter.
    fn refused(&self, error: &ConfigError) -> SettingError {
        let mut text = error.to_string();
        for (parameter, variable) in &self.variables {
            let theirs = format!("the environment variable `{variable}`");
            text = text.replace(&theirs, &format!("`{parameter}`"));
        }
        SettingError::Refused(text)
    }
}

fn wrong(name: &str, problem: &str) -> SettingError {
    SettingError::Value {
        name: name.to_owned(),
        problem: problem.to_owned(),
    }
}

/// Returns the URL of a webhook. The stack sends to this machine, so without TLS.
fn webhook(text: &str) -> Result<Uri, SettingError> {
    let url = text.parse::<Uri>().ok();
    let url = url.filter(|url| url.scheme_str() == Some("http") && url.host().is_some());
    url.ok_or_else(|| wrong("WebhookUrl", "must be a URL that begins with http://"))
}

#[cfg(test)]
mod tests {
    use functions::{Clock, PlanChanges};

    use super::*;

    fn options(set: &[(&str, &str)]) -> Result<Options, SettingError> {
        let mut options = Options::for_tests(Clock::system());
        let set = set
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::of(&options, set.collect())?.apply(&mut options)?;
        Ok(options)
    }

    #[test]
    fn parameters_of_functions_and_of_the_stack_are_set() {
        let options = options(&[
            ("Plans", "one:7:One"),
            ("PlanChanges", "server"),
            ("RecipientEmailsPerDay", "2"),
            ("EmailFrom", "Shop <shop@example.com>"),
            ("AllowedOrigins", "http://a.test,https://b.test"),
            ("PublicUrl", "https://shop.test"),
            ("JwtIssuer", "https://login.test/"),
            ("JwtAudience", "web,app"),
        ]);
        let options = options.unwrap();
        assert_eq!(options.plan_changes, PlanChanges::Server { url: None });
        assert_eq!(options.limits.emails.recipient_per_day, 2);
        assert_eq!(
            options.email_from.as_deref(),
            Some("Shop <shop@example.com>")
        );
        assert_eq!(options.allowed_origins, ["http://a.test", "https://b.test"]);
        assert_eq!(options.public_url.as_deref(), Some("https://shop.test"));
        let provider = options.provider.unwrap();
        assert_eq!(provider.audiences, ["web", "app"]);
        assert_eq!(
            (&*provider.issuer, &*provider.client_id),
            ("https://login.test/", "web")
        );
    }

    #[test]
    fn refused_parameter_is_named() {
        for (set, said) in [
            (("Plan", "x"), "the template has no parameter `Plan`"),
            (
                ("PlanChanges", "nobody"),
                "`PlanChanges` must be one of: customer, server",
            ),
            (
                ("RecipientEmailsPerDay", "31"),
                "`RecipientEmailsPerDay` must be a whole number from 0 to 30",
            ),
            (("Plans", "x"), "`Plans`"),
            (("WebhookUrl", "https://x.test"), "`WebhookUrl` must be"),
            (
                ("JwtIssuer", "https://x.test"),
                "`JwtIssuer` requires `JwtAudience`",
            ),
        ] {
            let error = options(&[set]).err().unwrap().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn every_parameter_has_an_effect_or_is_listed() {
        let template = Template::read(&Options::shipped_template()).unwrap();
        let all = template.parameters.keys();
        let settings = Settings {
            values: all.map(|name| (name.clone(), String::new())).collect(),
            variables: template.variables,
        };
        let without: Vec<&str> = settings.without_effect().collect();
        let expected = [
            "AlarmEmail",
            "Architecture",
            "AuditEventBusName",
            "BackgroundConcurrency",
            "CertificateArn",
            "DeletionProtection",
            "DomainName",
            "EmailConfigurationSet",
            "EmailDomain",
            "EmailHostedZoneId",
            "EventBusName",
            "ExecuteApiEndpoint",
            "FunctionMemory",
            "HostedZoneId",
            "LogRetentionDays",
            "SignInEmailIdentityArn",
            "SignInMfa",
            "SignUp",
            "ThrottlingBurstLimit",
            "ThrottlingRateLimit",
            "UsageBurstLimit",
            "UsageRateLimit",
        ];
        assert_eq!(without, expected);
    }
}
