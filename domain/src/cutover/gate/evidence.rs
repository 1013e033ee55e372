//! The gates that rest on what `audit` and `verify` found.

use crate::cutover::evidence::{GateEvidence, JournalledEvidence};
use crate::journal::{ContentRead, EvidenceOutcome, MigrationPlace, Staleness};
use crate::store_state::RowsDigest;

/// The freeze with which evidence is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frozen {
    /// The number of its entry.
    pub entry: u64,
    /// The rows of mapped buckets that it read.
    pub content: RowsDigest,
}

/// The evidence of a step, compared with today's systems and with the freeze.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceSeen {
    /// The last one of the step that the journal has.
    pub last: Option<JournalledEvidence>,
    /// Whether there is a freeze with which it was compared.
    pub has_freeze: bool,
    /// What differs between it and today, or the freeze.
    pub stale: Vec<Staleness>,
    /// The freeze that was not there when it began.
    pub frozen_since: Option<u64>,
    /// Whether it read no content, and should have; of `verify` alone.
    pub unread: bool,
    /// The entry behind its begin that ended the acceptance of a file.
    pub acceptance_ended: Option<u64>,
    /// The entry behind its begin by which jobs were sent; of `audit` alone.
    pub jobs_behind: Option<u64>,
    /// The last entry of the step that says that something is missing or wrong, where no clean one of the
    /// same systems began behind it.
    pub wrong: Option<u64>,
}

/// Whether the worker's verification covers every file, by the last audit.
///
/// Without a queue no worker has verified anything. `verify --deep` takes its place: it reads and hashes the content
/// of each file of the index, as a worker does, and asks neither the ledger nor the migrator. A sample would not
/// cover every file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifiedSeen {
    /// Whether the last audit holds: without it its counts say nothing.
    pub audit_holds: bool,
    /// The entry of the last audit.
    pub entry: Option<u64>,
    /// The run that it compared.
    pub run: Option<String>,
    /// Files that must be in S3.
    pub files: u64,
    /// Files that the run found whole, and that the ledger proves.
    pub whole: u64,
    /// Files that are accepted by name.
    pub accepted: u64,
    /// Whether no queue was used, so that a local reading of all content takes the workers' place.
    pub without_queue: bool,
    /// The entry of that reading, where it holds.
    pub deep: Option<u64>,
}

impl EvidenceSeen {
    /// Compares evidence of one step, in the order of the journal.
    #[must_use]
    pub fn of(
        all: &[JournalledEvidence],
        acceptance_ended: Option<u64>,
        today: &MigrationPlace,
        frozen: Option<&Frozen>,
    ) -> Self {
        let last = all.last().cloned();
        let content = frozen.map(|frozen| &frozen.content);
        let stale = last.iter().flat_map(|last| last.evidence.stale(today, content)).collect();
        let since = |entry: &u64| last.as_ref().is_some_and(|it| !it.began_behind(*entry));
        Self {
            frozen_since: frozen.map(|frozen| frozen.entry).filter(since),
            acceptance_ended: acceptance_ended.filter(since),
            unread: false,
            jobs_behind: None,
            has_freeze: frozen.is_some(),
            stale,
            wrong: found_wrong(all, today),
            last,
        }
    }

    /// Whether the gate is open: the last evidence is clean, complete, of today's systems, began behind the freeze
    /// and is of the content that the freeze has. A listing alone has lengths and no content: `verify` reads some.
    #[must_use]
    pub fn holds(&self) -> bool {
        let is_clean = |last: &JournalledEvidence| {
            last.evidence.outcome == EvidenceOutcome::Clean && !last.evidence.says_wrong()
        };
        self.has_freeze
            && self.last.as_ref().is_some_and(is_clean)
            && self.stale.is_empty()
            && self.frozen_since.is_none()
            && !self.unread
            && self.acceptance_ended.is_none()
            && self.wrong.is_none()
    }
}

impl VerifiedSeen {
    /// The same where no queue was used: `verify` is the last local verification.
    #[must_use]
    pub fn without_queue(audit: &EvidenceSeen, verify: &EvidenceSeen) -> Self {
        let last = verify.last.as_ref().filter(|_| verify.holds());
        let deep = last.filter(|it| it.evidence.read == Some(ContentRead::Everything));
        Self { without_queue: true, deep: deep.map(|it| it.sequence), ..Self::of(audit) }
    }

    /// What the last audit says of its verification.
    #[must_use]
    pub fn of(audit: &EvidenceSeen) -> Self {
        let Some(JournalledEvidence { sequence, evidence, .. }) = &audit.last else {
            return Self::default();
        };
        let count = |name: &str| evidence.counted.get(name).copied().unwrap_or_default();
        Self {
            audit_holds: audit.holds(),
            entry: Some(*sequence),
            run: evidence.run.clone(),
            files: count("files"),
            whole: count("whole"),
            accepted: count("accepted"),
            ..Self::default()
        }
    }

    /// Whether each file is whole by the run or by the reading that takes its place, or accepted.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.audit_holds
            && (self.run.is_some() || self.deep.is_some())
            && self.files > 0
            && self.whole + self.accepted == self.files
    }
}

impl GateEvidence {
    pub(super) fn audit(&self, today: &MigrationPlace, frozen: Option<&Frozen>) -> EvidenceSeen {
        let seen = EvidenceSeen::of(&self.audits, self.acceptance_ended, today, frozen);
        let last = seen.last.as_ref();
        let since = |entry: &u64| last.is_none_or(|last| !last.began_behind(*entry));
        EvidenceSeen { jobs_behind: self.jobs_sent().filter(since), ..seen }
    }

    pub(super) fn verify(&self, today: &MigrationPlace, frozen: Option<&Frozen>) -> EvidenceSeen {
        let seen = EvidenceSeen::of(&self.verifies, self.acceptance_ended, today, frozen);
        let unread = seen.last.as_ref().is_some_and(|last| !last.evidence.reads_content());
        EvidenceSeen { unread, ..seen }
    }
}

/// The last finding that nothing refutes. Evidence of other systems refutes nothing, and neither does a look
/// that came to no end, or that began before the finding was written.
fn found_wrong(all: &[JournalledEvidence], today: &MigrationPlace) -> Option<u64> {
    let mut found = None;
    for journalled in all {
        let JournalledEvidence { sequence, evidence, .. } = journalled;
        match evidence.outcome {
            _ if evidence.says_wrong() => found = Some(*sequence),
            EvidenceOutcome::Differs | EvidenceOutcome::Other => found = Some(*sequence),
            EvidenceOutcome::Clean
                if evidence.stale(today, None).is_empty()
                    && found.is_some_and(|found| journalled.began_behind(found)) =>
            {
                found = None;
            }
            EvidenceOutcome::Clean | EvidenceOutcome::Incomplete => {}
        }
    }
    found
}
