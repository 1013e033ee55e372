//! What a letter died of.

use std::collections::BTreeMap;

use super::{DONE_SINCE, KILLED, UNREADABLE, UNREADABLE_FAILURE};
use crate::{Delivery, Dkey, FailureItem, FailureRecord, Fid, JobAction, LedgerRecord};

/// What a letter died of.
pub(super) struct Why {
    pub(super) name: String,
    pub(super) words: String,
}

/// The fid, where it could be read.
pub(super) fn fid_of(letter: &Delivery) -> Option<Fid> {
    letter.job.as_ref().map_or_else(|bad| bad.fid, |job| Some(job.fid))
}

/// The fid of an item of the failures table, where it could be read.
pub(super) fn fid_of_failure(item: &FailureItem) -> Option<Fid> {
    item.as_ref().map_or_else(|unreadable| unreadable.fid, |record| Some(record.fid))
}

/// By the failures and the proofs of the letters' files. A failure record that cannot be read may doubt
/// the proof.
pub(super) fn why(
    letter: &Delivery,
    failures: &BTreeMap<Fid, FailureItem>,
    proven: &BTreeMap<Fid, LedgerRecord>,
) -> Why {
    let named = |name: &str, words: String| Why { name: name.to_owned(), words };
    let job = match &letter.job {
        Ok(job) => job,
        Err(bad) => return named(UNREADABLE, bad.why.clone()),
    };
    let failure = failures.get(&job.fid);
    let is_doubted =
        failure.is_some_and(|item| item.as_ref().map_or(true, FailureRecord::doubts_the_proof));
    // What a proof was of is told by its SHA-1: a fid may have been used again.
    let sha1 = Dkey::parse(&job.dkey).map(|dkey| dkey.sha1);
    let proof = proven.get(&job.fid).filter(|record| Some(record.sha1) == sha1 && !is_doubted);
    let since_sent = |record: &LedgerRecord| {
        letter.sent_at.is_some_and(|sent| record.migrated_at.is_some_and(|at| at >= sent))
    };
    match (job.action, proof, failure) {
        (JobAction::Migrate, Some(record), _) => {
            let bucket = &record.bucket;
            named(DONE_SINCE, format!("it is proven in the S3 bucket `{bucket}` by now"))
        }
        (_, _, Some(Ok(record))) => named(&record.reason, record.detail.clone()),
        (_, _, Some(Err(unreadable))) => named(UNREADABLE_FAILURE, unreadable.why.clone()),
        // A migration clears what a verification has found.
        (JobAction::Verify, Some(record), None) if since_sent(record) => {
            let bucket = &record.bucket;
            let words = format!(
                "the file was migrated after this verification was asked for: it is proven in the S3 \
                 bucket `{bucket}` by now"
            );
            named(DONE_SINCE, words)
        }
        (_, _, None) => {
            let words = "no failure record is left: the worker was killed, by memory or time-out, \
                         before it could write one";
            named(KILLED, words.to_owned())
        }
    }
}
