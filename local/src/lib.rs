//! The whole system in one process: an embedded DynamoDB, a mail catcher, an
//! identity provider and a stand-in for API Gateway run the same operations as
//! Lambda.
//!
//! The table, the routes, the stream's filters, the schedules, the rules and the
//! timeouts come from `template.yaml`: there is no second list.

mod background;
mod controls;
mod cors;
mod database;
mod demo;
mod event_bus;
mod gateway;
mod guard;
mod invocation;
mod issuer;
mod mail_catcher;
mod mailbox_simulator;
mod movable_clock;
mod options;
mod pages;
mod parts;
mod pattern;
mod persist;
mod provider;
mod secrets;
mod services;
mod settings;
mod show;
mod shutdown;
mod stack;
mod stream;
mod template;
mod verifier;
mod webhook;

pub use database::DatabaseError;
pub use demo::{DemoError, PEOPLE as DEMO_PEOPLE, fill as fill_with_demo};
pub use event_bus::{Called, Published, PutEvent};
pub use gateway::{Gateway, GatewayResponse};
pub use invocation::current_operation;
pub use issuer::{Issuer, IssuerError, SignIn};
pub use mail_catcher::{CaughtEmail, MailCatcher, SesFailure};
pub use options::{Background, DatabaseLocation, Options, StartError};
pub use pattern::{Condition, InvalidPattern, Pattern};
pub use provider::Client;
pub use secrets::{Secret, SecretStore};
pub use settings::{SettingError, Settings};
pub use stack::Stack;
pub use stream::{Drained, StreamPump};
pub use template::{
    Cors, LambdaAuthorizer, Parameter, Rule, Schedule, StreamSource, Template, TemplateError,
};
pub use verifier::{ProviderError, TrustedProvider};
