//! The API keys of an organization, and what lets their holders in.

pub mod authorize_api_key;
pub mod create_api_key;
