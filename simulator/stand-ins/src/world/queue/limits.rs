//! SQS's limits, and the rules for batches (its developer guide, "message quotas").

use std::collections::BTreeSet;
use std::time::Duration;

use super::SqsError;

/// Entries of one batch.
pub const BATCH_ENTRIES: usize = 10;

/// Bytes of one message, and of all messages of one batch.
pub const MESSAGE_BYTES: usize = 1024 * 1024;

/// A delivery is invisible to others for at most so long, all changes together.
pub const LONGEST_VISIBILITY: Duration = Duration::from_hours(12);

/// Attributes of one message.
pub(super) const MESSAGE_ATTRIBUTES: usize = 10;

/// A receive waits for at most so long.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A message is delayed for at most so long.
pub(super) const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// Between two purges of a queue.
pub(super) const PURGE_PAUSE: Duration = Duration::from_mins(1);

/// Characters of a queue's name or of an entry's identifier.
const LONGEST_NAME: usize = 80;

/// Checks the entries' identifiers of a batch: one to ten, distinct, and such as SQS takes.
pub fn check_batch<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<(), SqsError> {
    let ids: Vec<&str> = ids.into_iter().collect();
    if ids.is_empty() {
        return Err(SqsError::EmptyBatchRequest);
    }
    if ids.len() > BATCH_ENTRIES {
        return Err(SqsError::TooManyEntriesInBatchRequest(ids.len()));
    }
    if !ids.iter().all(|id| is_name(id)) {
        return Err(SqsError::InvalidBatchEntryId);
    }
    let mut seen = BTreeSet::new();
    match ids.iter().find(|id| !seen.insert(**id)) {
        Some(twice) => Err(SqsError::BatchEntryIdsNotDistinct((*twice).to_owned())),
        None => Ok(()),
    }
}

/// Checks the size of all messages of a batch together.
pub fn check_batch_bytes(sizes: impl IntoIterator<Item = usize>) -> Result<(), SqsError> {
    match sizes.into_iter().sum() {
        bytes if bytes > MESSAGE_BYTES => Err(SqsError::BatchRequestTooLong(bytes)),
        _ => Ok(()),
    }
}

/// One to eighty letters, digits, hyphens and underscores.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(plain)
}
