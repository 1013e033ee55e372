//! Refusals, as the JSON protocol tells them.

use http::Response;
use serde_json::json;

use super::refused;
use crate::wire::listener::Body;
use crate::world::queue::SqsError;

/// A refusal on its way to the client.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    /// Its name in the JSON protocol, with its namespace.
    shape: String,
    /// Its code in the older query protocol.
    code: String,
    message: String,
}

impl Refusal {
    pub(super) fn unknown_operation(name: &str) -> Self {
        let message = format!("the operation {name} is not known here");
        Self::common("UnknownOperationException", "InvalidAction", message)
    }

    /// A body that is no request of this operation.
    pub(super) fn unreadable(message: String) -> Self {
        Self::common("SerializationException", "MalformedInput", message)
    }

    pub(super) fn unsigned() -> Self {
        let message = "the request carries no signature".to_owned();
        let shape = ("MissingAuthenticationTokenException", "MissingAuthenticationToken");
        Self { status: 403, ..Self::common(shape.0, shape.1, message) }
    }

    pub(super) fn stranger() -> Self {
        let message = "the security token included in the request is invalid".to_owned();
        let shape = ("UnrecognizedClientException", "InvalidClientTokenId");
        Self { status: 403, ..Self::common(shape.0, shape.1, message) }
    }

    pub(super) fn by_script(status: u16, code: &str) -> Self {
        Self {
            status,
            shape: format!("com.amazonaws.sqs#{code}"),
            code: code.to_owned(),
            message: "refused by the fault script".to_owned(),
        }
    }

    /// Of those that all services of AWS have.
    fn common(shape: &str, code: &str, message: String) -> Self {
        Self {
            status: 400,
            shape: format!("com.amazon.coral.service#{shape}"),
            code: code.to_owned(),
            message,
        }
    }

    pub(super) fn into_answer(self) -> Response<Body> {
        let side = if self.status < 500 { "Sender" } else { "Receiver" };
        let body = json!({ "__type": self.shape, "message": self.message });
        refused(self.status, &format!("{};{side}", self.code), &body)
    }
}

impl From<SqsError> for Refusal {
    fn from(error: SqsError) -> Self {
        let (shape, code) = error.codes();
        let message = error.to_string();
        match error {
            SqsError::InvalidParameterValue { .. } | SqsError::MissingParameter(_) => {
                Self::common(shape, code, message)
            }
            SqsError::QueueDoesNotExist
            | SqsError::QueueNameExists(_)
            | SqsError::InvalidAttributeName(_)
            | SqsError::InvalidAttributeValue { .. }
            | SqsError::EmptyBatchRequest
            | SqsError::TooManyEntriesInBatchRequest(_)
            | SqsError::BatchEntryIdsNotDistinct(_)
            | SqsError::InvalidBatchEntryId
            | SqsError::BatchRequestTooLong(_)
            | SqsError::InvalidMessageContents
            | SqsError::ReceiptHandleIsInvalid
            | SqsError::MessageNotInflight
            | SqsError::OverLimit
            | SqsError::PurgeQueueInProgress
            | SqsError::ResourceNotFoundException(_)
            | SqsError::UnsupportedOperation(_) => Self {
                status: 400,
                shape: format!("com.amazonaws.sqs#{shape}"),
                code: code.to_owned(),
                message,
            },
        }
    }
}
