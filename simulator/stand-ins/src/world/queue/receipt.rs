//! Receipt handles: each names a message and one delivery of it.

use data_encoding::BASE64;

use super::SqsError;
use super::state::Number;

/// What a handle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle {
    pub(super) message: Number,
    pub(super) delivery: u64,
}

impl Handle {
    /// As the receiver gets it, who is not to understand it.
    pub(super) fn to_text(self, queue: &str) -> String {
        let text = format!("{queue} {} {}", self.message, self.delivery);
        BASE64.encode(text.as_bytes())
    }

    /// A handle of this queue's.
    pub(super) fn parse(text: &str, queue: &str) -> Result<Self, SqsError> {
        let parse = || {
            let text = String::from_utf8(BASE64.decode(text.as_bytes()).ok()?).ok()?;
            let mut parts = text.split(' ');
            let of = parts.next()?;
            let (message, delivery) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            (of == queue && parts.next().is_none()).then_some(Self { message, delivery })
        };
        parse().ok_or(SqsError::ReceiptHandleIsInvalid)
    }
}
