//! What can go wrong between here and the table.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::marker;

/// Why the table did not answer as it should. Conflicts are no errors: see
/// [`Commit`](crate::Commit).
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The table could not be reached, or is throttling, and the SDK's retries
    /// did not help. The same request may succeed later.
    #[error("the table did not answer ({code})")]
    Unavailable {
        /// DynamoDB's error code, or what kept the request from it.
        code: String,
        /// The SDK's error.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// DynamoDB kept leaving a part of a batch for later. The same request may
    /// succeed later.
    #[error("the table is throttling")]
    Throttled,
    /// DynamoDB refused the request: a mistake of ours, or missing permissions.
    #[error("the table refused the request ({code})")]
    Rejected {
        /// DynamoDB's error code.
        code: String,
        /// The SDK's error.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// An item is not what its key says.
    #[error("an item of the table cannot be read")]
    Corrupt(#[from] serde_dynamo::Error),
    /// A record cannot be written as an item.
    #[error("a record cannot be written as an item: {0}")]
    Unwritable(String),
    /// The table is of another format: an earlier or a later release works on it.
    #[error(
        "the table has format {format}, of release {release}; this is release {}, which works \
         with format {} only",
        marker::RELEASE,
        marker::TABLE_FORMAT
    )]
    OtherFormat {
        /// The table's format.
        format: u32,
        /// The release that marked the table with it.
        release: String,
    },
    /// An item's key cannot be read.
    #[error("a key of the table cannot be read")]
    CorruptKey,
}

impl StoreError {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Throttled)
    }
}

impl<E> From<SdkError<E>> for StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        let client_fault = match &error {
            SdkError::ServiceError(context) => {
                (400..500).contains(&context.raw().status().as_u16())
            }
            SdkError::ConstructionFailure(_) => true,
            _ => false,
        };
        let code = error.code().unwrap_or("NoAnswer").to_owned();
        let source = Box::new(error);
        if client_fault && !may_pass(&code) {
            Self::Rejected { code, source }
        } else {
            Self::Unavailable { code, source }
        }
    }
}

/// Codes that DynamoDB answers with status 400 although waiting helps.
fn may_pass(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "LimitExceededException"
            | "TransactionInProgressException"
            | "TransactionConflictException"
    )
}
