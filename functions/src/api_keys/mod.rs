//! An organization's API keys, and the authorizer that verifies them.

pub mod authorize_api_key;
pub mod create_api_key;
pub mod get_api_key;
pub mod list_api_keys;
pub mod revoke_api_key;
pub mod rotate_api_key;
pub mod update_api_key;

mod load;
