//! The table: keys, items, reads and transactions.
//!
//! One DynamoDB table holds everything; `docs/data-model.md` lists every access
//! pattern and its cost. Only this crate spells keys and expressions.

mod attribute;
mod batch;
mod condition;
mod connect;
mod debit;
mod error;
mod keys;
mod marker;
mod pages;
#[cfg(test)]
mod parsers;
mod purge;
mod reads;
mod records;
mod single_writes;
#[cfg(test)]
mod stored_forms;
mod transaction;
mod values;

pub use batch::{Batch, BatchKeys, Counters, Each, InvitePlaces, Items};
pub use error::StoreError;
pub use keys::{EXPIRY_INDEX, EXPIRY_SHARDS, Key, expiry_shard};
pub use marker::TableMarker;
pub use pages::{Page, PageRequest};
pub use reads::{EventChoice, ExpiryPosition};
pub use records::from_image;
pub use transaction::{Commit, Transaction};
pub use values::{
    Account, ApiKeyPointer, BillingDelivery, CreationRequest, DirectoryEntry, EndedInvitePointer,
    Existence, ExternalIdPointer, InvitePointer, KeyMaker, Membership, PaymentEvent, UsageRequest,
};

/// The table and its client.
#[derive(Debug, Clone)]
pub struct Store {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl Store {
    /// Creates a store from a client and the table's name.
    pub fn new(client: aws_sdk_dynamodb::Client, table: String) -> Self {
        Self { client, table }
    }
}
