//! Receiving messages, and what becomes of them then.

use std::time::{Duration, SystemTime};

use super::limits::{BATCH_ENTRIES, LONGEST_VISIBILITY, LONGEST_WAIT};
use super::receipt::Handle;
use super::state::{Number, State};
use super::{Message, SqsError, SqsWorld, Standing};

/// What a receiver asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiveRequest {
    /// Messages, one to ten.
    pub most: usize,
    /// How long a delivery is invisible to others, if not as the queue has it.
    pub visibility: Option<Duration>,
    /// How long to wait for the first message, if not as the queue has it.
    pub wait: Option<Duration>,
}

/// One delivery of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The message, as this delivery has left it.
    pub message: Message,
    /// What deletes it.
    pub receipt: String,
}

impl SqsWorld {
    /// What can be received now, without waiting.
    pub fn receive(
        &self,
        queue: &str,
        request: &ReceiveRequest,
    ) -> Result<Vec<Received>, SqsError> {
        check_receive(request)?;
        self.at_present(|state, now| {
            let attributes = &state.queue(queue)?.attributes;
            let visibility = request.visibility.unwrap_or_else(|| attributes.visibility_timeout());
            let waits = request.wait.map_or(attributes.wait_seconds > 0, |wait| !wait.is_zero());
            let most = state.options.most_in_flight;
            let left = most.saturating_sub(state.queue(queue)?.in_flight());
            if left == 0 && !waits {
                // Only to those who do not wait for messages (SQS's developer guide, "quotas").
                return Err(SqsError::OverLimit);
            }
            let mut most = request.most.min(left);
            if state.options.fewer_than_asked {
                let least = usize::from(waits);
                most = most.min(least + state.lots.below(most + 1 - least.min(most)));
            }
            Ok(state.deliver(queue, most, visibility, now))
        })
    }

    /// Acknowledges a delivery: its message is not delivered again. The handle of a delivery that
    /// another one followed acknowledges nothing, and nobody is told.
    pub fn delete(&self, queue: &str, receipt: &str) -> Result<(), SqsError> {
        self.at_present(|state, now| {
            state.queue(queue)?;
            let handle = Handle::parse(receipt, queue)?;
            let queue = state.queue(queue)?;
            let Some(message) = queue.message_mut(handle.message) else { return Ok(()) };
            if !message.is_last(handle.delivery) || matches!(message.standing, Standing::Deleted(_))
            {
                return Ok(());
            }
            let returns = message.returns_after.take();
            queue.tally.deleted += 1;
            match returns {
                Some(pause) => queue.place(handle.message, Standing::Deleted(now + pause)),
                None => drop(queue.remove(handle.message)),
            }
            Ok(())
        })
    }

    /// Makes a delivery invisible to others from now on for so long.
    pub fn change_visibility(
        &self,
        queue: &str,
        receipt: &str,
        visibility: Duration,
    ) -> Result<(), SqsError> {
        check_visibility(visibility)?;
        self.at_present(|state, now| {
            state.queue(queue)?;
            let handle = Handle::parse(receipt, queue)?;
            let queue = state.queue(queue)?;
            let Some(message) = queue.message(handle.message) else {
                return Err(SqsError::InvalidParameterValue {
                    name: "ReceiptHandle",
                    value: receipt.to_owned(),
                    why: "the message does not exist".to_owned(),
                });
            };
            let (Standing::InFlight(_), Some((delivery, received))) =
                (message.standing, message.delivery)
            else {
                return Err(SqsError::MessageNotInflight);
            };
            if delivery != handle.delivery {
                return Err(SqsError::MessageNotInflight);
            }
            if now + visibility > received + LONGEST_VISIBILITY {
                return Err(invalid_visibility(visibility, "with what it had already"));
            }
            queue.place(handle.message, hidden_for(visibility, now));
            Ok(())
        })?;
        self.arrivals.notify_waiters();
        Ok(())
    }

    /// The message that a delivery was of, if it is still there.
    #[must_use]
    pub fn message_of(&self, queue: &str, receipt: &str) -> Option<Message> {
        let handle = Handle::parse(receipt, queue).ok()?;
        self.locked(|state| state.queue(queue).ok()?.message(handle.message).cloned())
    }
}

impl Message {
    fn is_last(&self, delivery: u64) -> bool {
        self.delivery.is_some_and(|(last, _)| last == delivery)
    }
}

impl State {
    /// Delivers messages, and makes dead letters of those that were delivered often enough.
    fn deliver(
        &mut self,
        name: &str,
        most: usize,
        visibility: Duration,
        now: SystemTime,
    ) -> Vec<Received> {
        let mut deliveries = Vec::new();
        // Those that are visible again at once come in the next receive, not in this one.
        let mut visible_again = Vec::new();
        while deliveries.len() < most {
            let Some(queue) = self.queues.get_mut(name) else { break };
            let Some(number) = queue.draw(&mut self.lots) else { break };
            if self.bury(name, number) {
                continue;
            }
            let delivery = self.next_number();
            let Some(queue) = self.queues.get_mut(name) else { break };
            let Some(message) = queue.message_mut(number) else { break };
            message.receive_count += 1;
            message.first_received.get_or_insert(now);
            message.delivery = Some((delivery, now));
            if message.copies > 0 {
                message.copies -= 1;
            } else {
                let standing = Standing::InFlight(now + visibility);
                queue.place(number, standing);
                if visibility.is_zero() {
                    visible_again.push(number);
                }
            }
            queue.tally.received += 1;
            let receipt = Handle { message: number, delivery }.to_text(name);
            let message = queue.message(number).cloned();
            deliveries.extend(message.map(|message| Received { message, receipt }));
        }
        if let Some(queue) = self.queues.get_mut(name) {
            for number in visible_again {
                queue.place(number, Standing::Waiting);
            }
        }
        deliveries
    }

    /// Moves a message to the dead-letter queue, if it was delivered as often as it may be.
    fn bury(&mut self, name: &str, number: Number) -> bool {
        let Some(queue) = self.queues.get(name) else { return false };
        let (Some(policy), Some(message)) = (&queue.attributes.redrive, queue.message(number))
        else {
            return false;
        };
        let target = policy.dead_letter_queue.clone();
        let deliveries = message.receive_count - message.received_before;
        if deliveries < policy.max_receive_count || !self.queues.contains_key(&target) {
            return false;
        }
        let Some(queue) = self.queues.get_mut(name) else { return false };
        let Some(mut message) = queue.remove(number) else { return false };
        queue.tally.dead += 1;
        message.dead_letter_of = Some(name.to_owned());
        message.received_before = message.receive_count;
        message.delivery = None;
        message.standing = Standing::Waiting;
        if let Some(graveyard) = self.queues.get_mut(&target) {
            graveyard.add(number, message);
        }
        true
    }
}

fn hidden_for(visibility: Duration, now: SystemTime) -> Standing {
    if visibility.is_zero() { Standing::Waiting } else { Standing::InFlight(now + visibility) }
}

fn check_receive(request: &ReceiveRequest) -> Result<(), SqsError> {
    if !(1..=BATCH_ENTRIES).contains(&request.most) {
        return Err(SqsError::InvalidParameterValue {
            name: "MaxNumberOfMessages",
            value: request.most.to_string(),
            why: format!("it must be from 1 to {BATCH_ENTRIES}"),
        });
    }
    if let Some(wait) = request.wait.filter(|wait| *wait > LONGEST_WAIT) {
        return Err(SqsError::InvalidParameterValue {
            name: "WaitTimeSeconds",
            value: wait.as_secs().to_string(),
            why: format!("it must be from 0 to {}", LONGEST_WAIT.as_secs()),
        });
    }
    request.visibility.map_or(Ok(()), check_visibility)
}

fn check_visibility(visibility: Duration) -> Result<(), SqsError> {
    if visibility <= LONGEST_VISIBILITY {
        return Ok(());
    }
    Err(invalid_visibility(visibility, "alone"))
}

fn invalid_visibility(visibility: Duration, how: &str) -> SqsError {
    SqsError::InvalidParameterValue {
        name: "VisibilityTimeout",
        value: visibility.as_secs().to_string(),
        why: format!("{how} it is beyond the limit of {} s", LONGEST_VISIBILITY.as_secs()),
    }
}
