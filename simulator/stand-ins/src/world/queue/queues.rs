//! The operations on queues as a whole.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::limits::{PURGE_PAUSE, is_name};
use super::message::millis;
use super::state::{Queue, State};
use super::{QueueAttributes, SqsError, SqsWorld};

/// The region of this world.
pub const REGION: &str = "us-east-1";

/// The account that everything belongs to.
pub const ACCOUNT: &str = "000000000000";

/// A queue's ARN.
#[must_use]
pub fn arn_of(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

/// The queue of an ARN, if it could be one of this world.
#[must_use]
pub fn name_of_arn(arn: &str) -> Option<&str> {
    let name = arn.rsplit(':').next()?;
    (arn_of(name) == arn).then_some(name)
}

impl SqsWorld {
    /// Makes an empty queue. One that is there already, with the same values for these attributes,
    /// stays as it is.
    pub fn create_queue(
        &self,
        name: &str,
        attributes: &BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
    ) -> Result<(), SqsError> {
        if !is_name(name) {
            return Err(SqsError::InvalidParameterValue {
                name: "QueueName",
                value: name.to_owned(),
                why: "it can only have letters, digits, hyphens and underscores, 1 to 80"
                    .to_owned(),
            });
        }
        self.at_present(|state, now| {
            if let Some(queue) = state.queues.get(name) {
                return is_as_asked(queue, attributes);
            }
            let attributes = QueueAttributes::default().with(attributes)?;
            check_redrive(state, name, &attributes)?;
            let mut queue = Queue::new(attributes, now);
            queue.tags = tags;
            state.queues.insert(name.to_owned(), queue);
            Ok(())
        })
    }

    /// Takes a queue away with everything in it.
    pub fn delete_queue(&self, name: &str) -> Result<(), SqsError> {
        self.at_present(|state, _| {
            state.queues.remove(name).map(drop).ok_or(SqsError::QueueDoesNotExist)
        })
    }

    /// The queues' names.
    #[must_use]
    pub fn queues(&self) -> Vec<String> {
        self.locked(|state| state.queues.keys().cloned().collect())
    }

    /// A queue's attributes as its owner set them.
    pub fn settings(&self, name: &str) -> Result<QueueAttributes, SqsError> {
        self.locked(|state| Ok(state.queue(name)?.attributes.clone()))
    }

    /// All attributes of a queue by name, with the counts of its messages.
    pub fn attributes(&self, name: &str) -> Result<BTreeMap<&'static str, String>, SqsError> {
        let counts = self.counts(name)?;
        self.locked(|state| {
            let queue = state.queue(name)?;
            let seconds = |moment: SystemTime| (millis(moment) / 1000).to_string();
            let mut texts = queue.attributes.texts();
            texts.extend([
                ("ApproximateNumberOfMessages", counts.waiting.to_string()),
                ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
                ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
                ("CreatedTimestamp", seconds(queue.created)),
                ("LastModifiedTimestamp", seconds(queue.modified)),
                ("QueueArn", arn_of(name)),
            ]);
            Ok(texts)
        })
    }

    /// Changes these attributes, at once.
    pub fn set_attributes(
        &self,
        name: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<(), SqsError> {
        self.at_present(|state, now| {
            let attributes = state.queue(name)?.attributes.clone().with(changes)?;
            check_redrive(state, name, &attributes)?;
            let queue = state.queue(name)?;
            queue.attributes = attributes;
            queue.modified = now;
            Ok(())
        })
    }

    /// Reads or changes a queue's tags.
    pub fn tags<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut BTreeMap<String, String>) -> T,
    ) -> Result<T, SqsError> {
        self.locked(|state| Ok(act(&mut state.queue(name)?.tags)))
    }

    /// The queues whose dead letters go to this one.
    pub fn dead_letter_sources(&self, name: &str) -> Result<Vec<String>, SqsError> {
        self.locked(|state| {
            state.queue(name)?;
            let feeds = |(source, queue): (&String, &Queue)| {
                let policy = queue.attributes.redrive.as_ref()?;
                (policy.dead_letter_queue == name).then(|| source.clone())
            };
            Ok(state.queues.iter().filter_map(feeds).collect())
        })
    }

    /// Takes all messages away, those in flight too; not again within a minute.
    pub fn purge(&self, name: &str) -> Result<(), SqsError> {
        self.at_present(|state, now| {
            let queue = state.queue(name)?;
            if queue.purged.is_some_and(|purged| now < purged + PURGE_PAUSE) {
                return Err(SqsError::PurgeQueueInProgress);
            }
            queue.purged = Some(now);
            queue.clear();
            Ok(())
        })
    }
}

/// Makes a job queue and its dead-letter queue, which keeps messages for 14 days.
pub fn create_job_queues(
    sqs: &SqsWorld,
    queue: &str,
    dead_letters: &str,
    visibility_seconds: u32,
    deliveries: u32,
) -> Result<(), SqsError> {
    let attribute = |name: &str, value: String| (name.to_owned(), value);
    let retention = attribute("MessageRetentionPeriod", (14 * 24 * 3600).to_string());
    sqs.create_queue(dead_letters, &BTreeMap::from([retention.clone()]), BTreeMap::new())?;
    let policy = serde_json::json!({
        "deadLetterTargetArn": arn_of(dead_letters),
        "maxReceiveCount": deliveries,
    });
    let attributes = BTreeMap::from([
        retention,
        attribute("VisibilityTimeout", visibility_seconds.to_string()),
        attribute("RedrivePolicy", policy.to_string()),
    ]);
    sqs.create_queue(queue, &attributes, BTreeMap::new())
}

/// A queue of the same name is the same queue if nothing that is asked for is otherwise.
fn is_as_asked(queue: &Queue, attributes: &BTreeMap<String, String>) -> Result<(), SqsError> {
    let asked = queue.attributes.clone().with(attributes)?;
    if asked == queue.attributes {
        return Ok(());
    }
    let (is, asked) = (queue.attributes.texts(), asked.texts());
    let differs = |name: &&String| is.get(name.as_str()) != asked.get(name.as_str());
    let name = attributes.keys().find(differs).cloned().unwrap_or_default();
    Err(SqsError::QueueNameExists(name))
}

/// A queue's dead letters must have somewhere to go, and be allowed there.
fn check_redrive(state: &State, name: &str, attributes: &QueueAttributes) -> Result<(), SqsError> {
    let Some(policy) = &attributes.redrive else { return Ok(()) };
    let invalid = |why: &str| SqsError::InvalidParameterValue {
        name: "RedrivePolicy",
        value: policy.to_text(),
        why: why.to_owned(),
    };
    let Some(target) = state.queues.get(&policy.dead_letter_queue) else {
        return Err(invalid("the dead-letter target does not exist"));
    };
    let allow = target.attributes.redrive_allow.clone().unwrap_or_default();
    if policy.dead_letter_queue == name || !allow.allows(name) {
        return Err(invalid("the dead-letter target does not take this queue's dead letters"));
    }
    Ok(())
}
