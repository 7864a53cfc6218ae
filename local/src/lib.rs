//! The whole system in one process: the embedded database, an email catcher and
//! an API Gateway stand-in around the very operations that Lambda runs.
//!
//! What there is comes from `template.yaml`: the table, the routes, the
//! stream's filters, the schedule and the rules have no second list.

mod background;
mod database;
mod demo;
mod event_bus;
mod gateway;
mod invocation;
mod issuer;
mod mail_catcher;
mod mailbox_simulator;
mod options;
mod pages;
mod parts;
mod pattern;
mod persist;
mod provider;
mod secrets;
mod services;
mod show;
mod shutdown;
mod stack;
mod stream;
mod template;

pub use database::DatabaseError;
pub use demo::{DemoError, PEOPLE as DEMO_PEOPLE, fill as fill_with_demo};
pub use event_bus::{Called, Published, PutEvent};
pub use gateway::{Gateway, GatewayResponse};
pub use issuer::{Issuer, IssuerError, SignIn};
pub use mail_catcher::{CaughtEmail, MailCatcher, SesFailure};
pub use options::{Background, DatabaseLocation, Options, StartError};
pub use pattern::{Condition, InvalidPattern, Pattern};
pub use secrets::LinkKeyStore;
pub use stack::Stack;
pub use stream::{Drained, StreamPump};
pub use template::{LambdaAuthorizer, Rule, Schedule, StreamSource, Template, TemplateError};
