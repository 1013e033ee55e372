//! One file's way to the key of its intermediary, from which `migrate` copies it.

use super::file::{FileEnd, FileMigration, FilePlan, Writing};
use crate::ports::Ports;
use crate::{
    ByteCount, Failure, Finding, IntermediaryForm, ObjectAddress, ObjectKey, ObjectMeta, SourceFile,
};

/// The plan for one file's intermediary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncPlan {
    /// The intermediary that a listing shows: the form of its key, and its length.
    pub there: Option<(IntermediaryForm, ByteCount)>,
    /// Whether no COPY could take it: the file is longer than one request may write.
    pub too_large: bool,
    /// Whether an intermediary is looked at even where its length is right.
    pub look_first: bool,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncEnd {
    /// Its content was written to the intermediary's key, or seen there, and proven by its SHA-1.
    Proven {
        /// The length of the content.
        length: ByteCount,
        /// Whether this run wrote it.
        written: bool,
    },
    /// A listing shows an intermediary of the right length. Its content will be proven by the COPY.
    Listed,
    /// It was left out: no COPY could take it.
    TooLarge,
    /// MogileFS no longer has the file.
    Gone,
    /// It was given up, for this reason.
    Failed(Failure),
}

/// The result for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncOutcome {
    /// How it ended.
    pub end: SyncEnd,
    /// What an operator should know, whatever the end was.
    pub findings: Vec<Finding>,
}

impl SyncPlan {
    /// What can be said of the file without a request; [`None`] where its content must be brought,
    /// or looked at.
    #[must_use]
    pub fn known_end(&self, file: &SourceFile) -> Option<SyncEnd> {
        if self.too_large {
            return Some(SyncEnd::TooLarge);
        }
        let is_whole = self.there.is_some_and(|(_, length)| length == file.length);
        (is_whole && !self.look_first).then_some(SyncEnd::Listed)
    }
}

/// Brings one file's content to its intermediary's key, under the rules of
/// [`migrate_file`](super::migrate_file): what is there is judged before it is replaced, and proven
/// content stays.
pub async fn sync_file(
    ports: &Ports,
    file: &SourceFile,
    plan: &SyncPlan,
    writing: &Writing,
) -> SyncOutcome {
    if let Some(end) = plan.known_end(file) {
        return SyncOutcome { end, findings: Vec::new() };
    }
    let by_mogile = FilePlan {
        copy_from: None,
        copy_length: None,
        mogile: true,
        meta: ObjectMeta::default(),
        look_first: plan.there.is_some(),
    };
    let form = plan.there.map_or(IntermediaryForm::Plain, |(form, _)| form);
    let key = ObjectKey::intermediary(file.fid, form);
    let address = ObjectAddress { bucket: file.bucket.clone(), key };
    let outcome = FileMigration::to(address, ports, file, &by_mogile, writing).run().await;
    let end = match outcome.end {
        FileEnd::Proven(record) => SyncEnd::Proven {
            length: record.length.unwrap_or(file.length),
            written: record.route.is_some(),
        },
        FileEnd::Gone => SyncEnd::Gone,
        FileEnd::Failed(failure) => SyncEnd::Failed(failure),
    };
    SyncOutcome { end, findings: outcome.findings }
}
