//! Sending messages.

use std::time::Duration;

use super::limits::LONGEST_DELAY;
use super::message::{self, attributes_md5, body_md5};
use super::{Message, MessageAttributes, SqsError, SqsWorld, Standing};

/// A message to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Its body.
    pub body: String,
    /// Its attributes.
    pub attributes: MessageAttributes,
    /// How long it cannot be received, if not as the queue has it.
    pub delay: Option<Duration>,
}

impl Outgoing {
    /// What counts of it towards limits, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        message::size(&self.body, &self.attributes)
    }
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its name.
    pub id: String,
    /// The digest of its body, in hex.
    pub body_md5: String,
    /// The digest of its attributes, in hex, if it has any.
    pub attributes_md5: Option<String>,
}

impl SqsWorld {
    /// Sends a message. A refused one changes nothing.
    pub fn send(&self, queue: &str, outgoing: Outgoing) -> Result<Sent, SqsError> {
        let sent = self.at_present(|state, now| {
            let attributes = &state.queue(queue)?.attributes;
            let delay = outgoing.delay.unwrap_or_else(|| attributes.delay());
            let most = attributes.maximum_message_bytes;
            message::check(&outgoing.body, &outgoing.attributes)?;
            check_delay(delay)?;
            check_size(outgoing.size(), most as usize)?;
            let number = state.next_number();
            let id = state.lots.name();
            let sent = Sent {
                id: id.clone(),
                body_md5: body_md5(&outgoing.body),
                attributes_md5: attributes_md5(&outgoing.attributes),
            };
            let standing =
                if delay.is_zero() { Standing::Waiting } else { Standing::Delayed(now + delay) };
            let message = Message {
                id,
                body: outgoing.body,
                attributes: outgoing.attributes,
                sent: now,
                first_received: None,
                receive_count: 0,
                standing,
                dead_letter_of: None,
                received_before: 0,
                delivery: None,
                copies: u32::from(state.options.deliver_twice),
                returns_after: state.options.return_after_delete,
            };
            let queue = state.queue(queue)?;
            queue.tally.sent += 1;
            queue.add(number, message);
            Ok(sent)
        })?;
        self.arrivals.notify_waiters();
        Ok(sent)
    }
}

fn check_delay(delay: Duration) -> Result<(), SqsError> {
    if delay <= LONGEST_DELAY {
        return Ok(());
    }
    Err(SqsError::InvalidParameterValue {
        name: "DelaySeconds",
        value: delay.as_secs().to_string(),
        why: format!("a message is delayed for {} s at most", LONGEST_DELAY.as_secs()),
    })
}

fn check_size(bytes: usize, most: usize) -> Result<(), SqsError> {
    if bytes <= most {
        return Ok(());
    }
    Err(SqsError::InvalidParameterValue {
        name: "MessageBody",
        value: format!("of {bytes} bytes"),
        why: format!("a message must be shorter than {most} bytes"),
    })
}
