//! Whole-system scenarios over HTTP, each against a fresh stack in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod access;
mod api_keys;
mod batch;
mod billing;
mod billing_emails;
mod billing_reports;
mod browser;
mod codes;
mod completeness;
mod contention;
mod contract;
mod costs;
mod customers;
mod deployment;
mod email_reports;
mod emails;
mod evaluated;
mod event_bus;
mod events;
mod expiry;
mod faults;
mod filters;
mod generated;
mod harness;
mod histories;
mod identity;
mod imported_keys;
mod input;
mod invariants;
mod limits;
mod local_api;
mod metrics;
mod opt_outs;
mod pages;
mod paging;
mod payment_provider;
mod plans_by_server;
mod privacy;
mod races;
mod rights;
mod rules;
mod server;
mod sign_in;
mod standing;
mod story;
mod upgrade;
mod usage;
mod usage_model;
mod usage_rate;
mod versions;
mod webhook;
mod wire;
