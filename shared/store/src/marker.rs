//! The table's marker: the item that tells the format of all others.

use aws_sdk_dynamodb::types::ReturnValue;
use serde::{Deserialize, Serialize};

use crate::{
    Key, Store, StoreError,
    attribute::{self, number, text},
    keys::RawKey,
    records::Record,
};

/// The format that this release reads and writes. Forms of items only grow, and each
/// release reads the earlier ones: the number rises only with a change after which the
/// earlier releases would misread the table.
pub(crate) const TABLE_FORMAT: u32 = 1;

/// The version of this release, which all crates share.
pub(crate) const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The format of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableMarker {
    /// The number of the format.
    pub format: u32,
    /// The release that marked the table with it.
    pub release: String,
}

impl Record for TableMarker {
    fn key(&self) -> RawKey {
        Key::table_marker().raw
    }
}

impl Store {
    /// Marks the table with this release's format, or checks the marker that it has: one
    /// request for both.
    ///
    /// # Errors
    /// [`StoreError::OtherFormat`] of a table that this release would misread.
    pub async fn claim(&self) -> Result<(), StoreError> {
        let values = [
            ("format", number(u64::from(TABLE_FORMAT))),
            ("release", text(RELEASE)),
        ];
        let claimed = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::table_marker().raw.into_attributes()))
            .update_expression(
                "SET #format = if_not_exists(#format, :format), \
                 #release = if_not_exists(#release, :release)",
            )
            .set_expression_attribute_names(attribute::names(&["format", "release"]))
            .set_expression_attribute_values(attribute::values(values))
            .return_values(ReturnValue::AllNew)
            .send()
            .await?;
        check(serde_dynamo::from_item(
            claimed.attributes.unwrap_or_default(),
        )?)
    }
}

/// Refuses a table of another format.
fn check(marker: TableMarker) -> Result<(), StoreError> {
    let TableMarker { format, release } = marker;
    if format == TABLE_FORMAT {
        Ok(())
    } else {
        Err(StoreError::OtherFormat { format, release })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_another_format_is_refused() {
        let marked = |format| {
            check(TableMarker {
                format,
                release: "9.8.7".to_owned(),
            })
        };
        assert!(marked(TABLE_FORMAT).is_ok());
        for other in [TABLE_FORMAT - 1, TABLE_FORMAT + 1] {
            let error = marked(other).unwrap_err();
            assert!(!error.is_transient());
            let message = error.to_string();
            assert!(message.contains(&format!("format {other}, of release 9.8.7")));
            assert!(message.contains(RELEASE), "{message}");
        }
    }
}
