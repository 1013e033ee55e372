//! The journal of a migration: numbered entries that say what was done, each with the hash of the one
//! before it.
//!
//! An entry is one line of JSON. It is stored, hashed and exported as it was written, byte for byte:
//! so two programs need not agree on how JSON is written to agree on what was changed.

mod accepted;
mod chain;
mod comparison;
mod cutover;
mod data;
mod evidence;
mod export;
mod overridden;
mod smoke;
mod temporary;

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Serialize};

pub use self::accepted::{AcceptedFile, Found, LedgerThen, TriedReplica};
pub use self::chain::{Chain, ChainFault};
pub use self::comparison::Difference;
pub(crate) use self::comparison::{Comparison, Place};
pub use self::cutover::{
    BackupSeal, ClientDatabase, CutoverBegun, CutoverStatement, Direction, IngestedSeal, KeptRows,
    NameRename, NamesBefore, Statement,
};
pub use self::data::{Data, DataError, DataReader, Wanted};
pub use self::evidence::{ContentRead, Evidence, EvidenceOutcome, MigrationPlace, Staleness};
pub use self::export::{ExportChain, ExportEnd, ExportFault, ExportLine};
pub use self::overridden::GateOverridden;
pub use self::smoke::{SmokeKey, SmokeWrite};
pub use self::temporary::{CondemnedFile, SeenRow, SparedFile};
use crate::digest::Sha256;
use crate::store_state::Freeze;
use crate::{ByteCount, Fid, Timestamp, limits};

/// The number and the hash of the last entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of the entry.
    pub sequence: u64,
    /// The hash of its line.
    pub hash: Sha256,
}

/// What a journal itself says of its last entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StoredHead {
    /// Nothing, as in a journal without entries. Where there are entries, its head was removed.
    #[default]
    Absent,
    /// This is the last entry.
    Names(Head),
    /// The head is there and cannot be read.
    Damaged {
        /// What is wrong with it.
        why: String,
    },
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The migration, by the name of its ledger.
    pub migration: String,
    /// The number of the entry. The first one is 1, and no number is left out.
    pub sequence: u64,
    /// The hash of the entry before it; [`None`] for the first one.
    pub previous: Option<Sha256>,
    /// When it was written, by the clock of its writer. Only the age of unfinished uploads is decided by
    /// it: the clock of whoever writes [`Content::TemporarySeen`] was compared with another one.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: String,
    /// A random number of the process that wrote it: two processes of one person, with the same words
    /// at the same time, write different entries.
    pub writer: u64,
    /// What it says.
    #[serde(flatten)]
    pub content: Content,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Content {
    /// An operator's own words.
    Note {
        /// The words.
        text: String,
    },
    /// A part of something that is too large for one entry.
    Data(Data),
    /// Damage to the journal was repaired from an earlier export. This entry and the repair were
    /// written in one step.
    Restored {
        /// The last entry of the export.
        export: Head,
        /// The entries that were put back.
        entries: Vec<Replaced>,
        /// What was wrong with the journal's head, where something was.
        head_fault: Option<String>,
        /// The SHA-256 of the line that stood under the number of this entry, behind the end of the
        /// journal, where somebody had put something.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead_of: Option<Sha256>,
        /// The name under which the table keeps what was replaced, as `migration` and `sequence`: what
        /// stood in the place of entries, and under the number 0 the head; [`None`] where nothing was.
        kept_as: Option<String>,
    },
    /// Unfinished uploads that `tmp list` saw: all of these rows were there before this was written.
    TemporarySeen {
        /// The MogileFS domain.
        domain: String,
        /// The rows, ascending by fid.
        rows: Vec<SeenRow>,
    },
    /// `tmp delete` is about to delete these files. The entry is written before the first of them.
    TemporaryCondemned {
        /// The MogileFS domain.
        domain: String,
        /// The files, ascending by fid.
        files: Vec<CondemnedFile>,
    },
    /// What became of the files of the last [`Content::TemporaryCondemned`]. Where this entry is
    /// missing the process ended before it could say so.
    TemporaryDeleted {
        /// How many of them were deleted: all but those of `spared`.
        deleted: u64,
        /// Those that were not, or that may not have been.
        spared: Vec<SparedFile>,
    },
    /// `intermediaries delete` is about to delete these raw copies of one bucket. Each is looked at once more
    /// before its own deletion.
    IntermediariesCondemned {
        /// The MogileFS domain.
        domain: String,
        /// The S3 bucket.
        bucket: String,
        /// How many there are.
        files: u64,
        /// Their bytes.
        bytes: u64,
        /// The fids of those without a leading slash in their keys: `1-5,7`.
        fids: String,
        /// The fids of those with one.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        leading_slash: String,
        /// The SHA-256 of their keys, a line each, in S3's order.
        sha256: Sha256,
    },
    /// What became of the last [`Content::IntermediariesCondemned`]. Where this entry is missing the process
    /// ended before it could say so.
    IntermediariesDeleted {
        /// How many of them were deleted.
        deleted: u64,
        /// How many were not, by reason.
        spared: BTreeMap<String, u64>,
    },
    /// `rekey` is about to change the key of a file, after every replica was read. The entry is written
    /// before the change.
    RekeyBegun {
        /// The MogileFS domain.
        domain: String,
        /// The file's number.
        fid: Fid,
        /// The key that it has.
        from: String,
        /// The key that it gets.
        to: String,
        /// The number of its bytes.
        length: ByteCount,
        /// What changes it: `database` or `tracker`.
        way: String,
    },
    /// What became of the last [`Content::RekeyBegun`]. Where this entry is missing the process ended
    /// before it could say so.
    RekeyEnded {
        /// The file's number.
        fid: Fid,
        /// The outcome's name.
        outcome: String,
        /// The same in words.
        why: String,
    },
    /// `freeze` saw that nothing moves.
    Frozen {
        /// What it saw.
        freeze: Box<Freeze>,
    },
    /// An operator accepts that S3 never gets these files, each with every replica that was tried.
    FilesAccepted {
        /// The MogileFS domain.
        domain: String,
        /// The operator's reason, in words.
        reason: String,
        /// The files, ascending by fid.
        files: Vec<AcceptedFile>,
    },
    /// An operator takes acceptances back: these files must be in S3 again.
    AcceptanceEnded {
        /// The MogileFS domain.
        domain: String,
        /// The operator's reason, in words.
        reason: String,
        /// The files' numbers, ascending.
        fids: Vec<Fid>,
    },
    /// The bucket names of a client's database are about to be changed.
    CutoverBegun(Box<CutoverBegun>),
    /// A statement of the last [`Content::CutoverBegun`] of its database is about to be sent.
    CutoverStatement(CutoverStatement),
    /// What a command found when it came to its end, or what people say that they did.
    Evidence(Box<Evidence>),
    /// Jobs are about to be sent to a queue. The entry is written before the first of them: whatever becomes of
    /// the sender, they may be there.
    JobsBegun {
        /// The queue's URL.
        queue: String,
        /// What they ask for: `migrate` or `verify`.
        action: String,
    },
    /// An operator is about to cut a database over although a gate refuses.
    GateOverridden(Box<GateOverridden>),
    /// `smoke` is about to write an object by contentrepo's API, or to purge it.
    SmokeKey(SmokeKey),
    /// A step of the runbook came to its end.
    StepDone {
        /// The step's name.
        step: String,
    },
    /// Something that a later version of this program has written.
    #[serde(other)]
    Other,
}

/// An entry that was put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Its number.
    pub sequence: u64,
    /// The SHA-256 of the line that stood in its place; [`None`] where the entry was missing.
    pub found: Option<Sha256>,
}

/// An entry as it is stored: the line, and what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The number under which it is stored.
    pub sequence: u64,
    /// The entry, as it was written; empty where somebody has taken it away.
    pub line: String,
    /// The hash that is stored beside it, where there is one.
    pub hash: Option<Sha256>,
}

/// An entry that can be written, behind the entry that it continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEntry {
    /// The entry that must be the last one; [`None`] where there must be none.
    pub behind: Option<Head>,
    /// The number of this one.
    pub sequence: u64,
    /// The entry.
    pub line: String,
    /// Its hash.
    pub hash: Sha256,
}

/// What was to be said cannot be an entry.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Its line is longer than an entry may be.
    #[error(
        "an entry of the journal would have {0} bytes, and may have {most} at most",
        most = limits::JOURNAL_ENTRY_BYTES
    )]
    TooLarge(usize),
    /// It cannot be written as JSON.
    #[error("an entry of the journal cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// How the names of the steps begin by which the applications read from S3.
pub const CUTOVER: &str = "cutover";

impl Content {
    /// Whether it says that a step of the cut-over came to its end. Applications may have written to S3
    /// since then.
    #[must_use]
    pub fn completes_cutover(&self) -> bool {
        matches!(self, Self::StepDone { step } if step.starts_with(CUTOVER))
    }
}

impl StoredHead {
    /// The entry that it names.
    #[must_use]
    pub const fn named(&self) -> Option<&Head> {
        match self {
            Self::Names(head) => Some(head),
            Self::Absent | Self::Damaged { .. } => None,
        }
    }
}

impl From<Option<Head>> for StoredHead {
    fn from(head: Option<Head>) -> Self {
        head.map_or(Self::Absent, Self::Names)
    }
}

impl Entry {
    /// Reads a line. An entry that has several could stand in no export, which has one an entry.
    pub fn parse(line: &str) -> Result<Self, serde_json::Error> {
        if line.contains(['\n', '\r']) {
            return Err(serde_json::Error::custom("it has a line break inside"));
        }
        serde_json::from_str(line)
    }
}

impl StoredEntry {
    /// The entry of an exported line. Nothing stands beside it there.
    pub fn of_line(line: String) -> Result<Self, serde_json::Error> {
        let Entry { sequence, .. } = Entry::parse(&line)?;
        Ok(Self { sequence, hash: Some(Sha256::of(line.as_bytes())), line })
    }
}

impl SealedEntry {
    /// Seals what is to be said as the entry behind `behind`.
    pub fn new(
        migration: &str,
        behind: Option<Head>,
        at: Timestamp,
        (by, writer): (&str, u64),
        content: Content,
    ) -> Result<Self, SealError> {
        let entry = Entry {
            migration: migration.to_owned(),
            sequence: behind.as_ref().map_or(1, |head| head.sequence.saturating_add(1)),
            previous: behind.as_ref().map(|head| head.hash),
            at,
            by: by.to_owned(),
            writer,
            content,
        };
        let line = serde_json::to_string(&entry)?;
        if line.len() > limits::JOURNAL_ENTRY_BYTES {
            return Err(SealError::TooLarge(line.len()));
        }
        let hash = Sha256::of(line.as_bytes());
        Ok(Self { behind, sequence: entry.sequence, line, hash })
    }

    /// The head of the journal once this is written.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head { sequence: self.sequence, hash: self.hash }
    }

    /// The entry as it is stored.
    #[must_use]
    pub fn stored(&self) -> StoredEntry {
        StoredEntry { sequence: self.sequence, line: self.line.clone(), hash: Some(self.hash) }
    }
}

#[cfg(test)]
mod tests;
