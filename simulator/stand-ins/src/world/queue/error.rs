//! Why SQS says no.

/// A refusal, by SQS's own codes. Each is the caller's fault, and lasting but for
/// [`Self::OverLimit`] and [`Self::PurgeQueueInProgress`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the codes are SQS's, and the texts say what each means")]
pub enum SqsError {
    #[error("the specified queue does not exist")]
    QueueDoesNotExist,
    #[error("a queue already exists with the same name and a different value for attribute {0}")]
    QueueNameExists(String),
    #[error("unknown attribute {0}")]
    InvalidAttributeName(String),
    #[error("invalid value for the parameter {name}: {why}")]
    InvalidAttributeValue { name: String, why: String },
    #[error("value {value} for parameter {name} is invalid: {why}")]
    InvalidParameterValue { name: &'static str, value: String, why: String },
    #[error("the request must contain the parameter {0}")]
    MissingParameter(&'static str),
    #[error("there should be at least one entry in the request")]
    EmptyBatchRequest,
    #[error("maximum number of entries per request are 10; you have sent {0}")]
    TooManyEntriesInBatchRequest(usize),
    #[error("id {0} repeated")]
    BatchEntryIdsNotDistinct(String),
    #[error(
        "a batch entry id can only contain alphanumeric characters, hyphens and underscores; it \
         can be at most 80 letters long"
    )]
    InvalidBatchEntryId,
    #[error("batch requests cannot be longer than 1048576 bytes; you have sent {0} bytes")]
    BatchRequestTooLong(usize),
    #[error("the message contains characters outside the allowed set")]
    InvalidMessageContents,
    #[error("the input receipt handle is not a valid receipt handle")]
    ReceiptHandleIsInvalid,
    #[error("the message referred to is not in flight")]
    MessageNotInflight,
    #[error("too many messages are in flight")]
    OverLimit,
    #[error("only one purge of a queue is allowed every 60 seconds")]
    PurgeQueueInProgress,
    #[error("{0}")]
    ResourceNotFoundException(String),
    #[error("{0}")]
    UnsupportedOperation(String),
}

impl SqsError {
    /// Its name in the JSON protocol, and where that one has another for it, in the older query
    /// protocol.
    #[must_use]
    pub const fn codes(&self) -> (&'static str, &'static str) {
        match self {
            Self::QueueDoesNotExist => {
                ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
            }
            Self::QueueNameExists(_) => ("QueueNameExists", "QueueAlreadyExists"),
            Self::InvalidAttributeName(_) => ("InvalidAttributeName", "InvalidAttributeName"),
            Self::InvalidAttributeValue { .. } => {
                ("InvalidAttributeValue", "InvalidAttributeValue")
            }
            Self::InvalidParameterValue { .. } => {
                ("InvalidParameterValueException", "InvalidParameterValue")
            }
            Self::MissingParameter(_) => ("MissingRequiredParameterException", "MissingParameter"),
            Self::EmptyBatchRequest => {
                ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest")
            }
            Self::TooManyEntriesInBatchRequest(_) => (
                "TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            ),
            Self::BatchEntryIdsNotDistinct(_) => {
                ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
            }
            Self::InvalidBatchEntryId => {
                ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId")
            }
            Self::BatchRequestTooLong(_) => {
                ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong")
            }
            Self::InvalidMessageContents => ("InvalidMessageContents", "InvalidMessageContents"),
            Self::ReceiptHandleIsInvalid => ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"),
            Self::MessageNotInflight => {
                ("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight")
            }
            Self::OverLimit => ("OverLimit", "OverLimit"),
            Self::PurgeQueueInProgress => {
                ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress")
            }
            Self::ResourceNotFoundException(_) => {
                ("ResourceNotFoundException", "ResourceNotFoundException")
            }
            Self::UnsupportedOperation(_) => {
                ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation")
            }
        }
    }
}
