//! Files that S3 never gets, accepted by name: no replica can give them any more, or their rows name no
//! content. They are counted in every report, and block nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::journal::{AcceptedFile, Content, Entry, TriedReplica};
use crate::{BucketMap, Fid, LedgerRecord, Timestamp};

/// An acceptance, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acceptance {
    /// The file, with every replica that was tried.
    #[serde(flatten)]
    pub file: AcceptedFile,
    /// Why it is accepted, in the operator's words.
    pub reason: String,
    /// The number of the journal's entry.
    pub entry: u64,
    /// Who has accepted it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Whether the ledger is known to have proven its content since: the acceptance is over.
    pub is_proven_since: bool,
    /// What is known of its replicas since.
    #[serde(skip)]
    pub since: Since,
}

/// What is known of the replicas of an accepted file since it was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Since {
    /// They were not tried again, or none gives the content.
    #[default]
    StillLost,
    /// One of them gives the content again: the acceptance is over. The text names the replica.
    Reappeared(String),
    /// A replica that nobody had tried before could not be asked, or the trackers could not.
    Unknown(String),
}

/// The acceptances of one MogileFS domain, by fid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acceptances(BTreeMap<Fid, Acceptance>);

/// Whether a row as it is today is an accepted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowAccepted<'a> {
    /// No acceptance names its fid.
    No,
    /// It is the accepted row.
    Yes(&'a Acceptance),
    /// The acceptance is over: the row has another key or another class by now, or belongs in another S3
    /// bucket, or the ledger has proven its content since.
    Ended(&'a Acceptance),
}

impl Acceptances {
    /// Takes what an entry of the journal says of files of this domain. Entries come in their order.
    pub fn take(&mut self, domain: &str, entry: Entry) {
        match entry.content {
            Content::FilesAccepted { domain: of, reason, files } if of == domain => {
                let (by, at, number) = (entry.by, entry.at, entry.sequence);
                self.0.extend(files.into_iter().map(|file| {
                    let (reason, by, entry) = (reason.clone(), by.clone(), number);
                    let (is_proven_since, since) = (false, Since::StillLost);
                    (file.fid, Acceptance { file, reason, entry, by, at, is_proven_since, since })
                }));
            }
            Content::AcceptanceEnded { domain: of, fids, .. } if of == domain => {
                self.0.retain(|fid, _| !fids.contains(fid));
            }
            // Other domains, and entries about something else.
            Content::FilesAccepted { .. }
            | Content::AcceptanceEnded { .. }
            | Content::CutoverBegun(_)
            | Content::CutoverStatement(_)
            | Content::StepDone { .. }
            | Content::Evidence(_)
            | Content::JobsBegun { .. }
            | Content::GateOverridden(_)
            | Content::SmokeKey(_)
            | Content::Note { .. }
            | Content::Data(_)
            | Content::Restored { .. }
            | Content::IntermediariesCondemned { .. }
            | Content::IntermediariesDeleted { .. }
            | Content::TemporarySeen { .. }
            | Content::TemporaryCondemned { .. }
            | Content::TemporaryDeleted { .. }
            | Content::RekeyBegun { .. }
            | Content::RekeyEnded { .. }
            | Content::Frozen { .. }
            | Content::Other => {}
        }
    }

    /// Whether a row with this key and this class is an accepted one, with these `BUCKETS`. The class of a
    /// file is [`AcceptedFile::MISSING`], and that of a rejected row its reason.
    #[must_use]
    pub fn of_row(
        &self,
        fid: Fid,
        key: Option<&str>,
        class: &str,
        buckets: &BucketMap,
    ) -> RowAccepted<'_> {
        let Some(accepted) = self.0.get(&fid) else { return RowAccepted::No };
        let file = &accepted.file;
        let is_it = file.key.as_deref() == key && file.class == class && file.is_of(buckets);
        if is_it && !accepted.is_proven_since {
            RowAccepted::Yes(accepted)
        } else {
            RowAccepted::Ended(accepted)
        }
    }

    /// Ends the acceptances of files that one of these records of the ledger has proven since.
    pub fn end_proven(&mut self, records: &[LedgerRecord]) {
        for record in records {
            if let Some(accepted) = self.0.get_mut(&record.fid) {
                accepted.is_proven_since |= accepted.file.is_proven_since(record);
            }
        }
    }

    /// The acceptance of this fid.
    #[must_use]
    pub fn find(&self, fid: Fid) -> Option<&Acceptance> {
        self.0.get(&fid)
    }

    /// Keeps those of which `keep` says so.
    pub fn retain(&mut self, keep: impl Fn(&Acceptance) -> bool) {
        self.0.retain(|_, accepted| keep(accepted));
    }

    /// All of them, ascending by fid.
    pub fn iter(&self) -> impl Iterator<Item = &Acceptance> {
        self.0.values()
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Acceptance> {
        self.0.values_mut()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their number.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Acceptance {
    /// Whether a replica gives the content again, or the ledger has proven it since.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_proven_since || matches!(self.since, Since::Reappeared(_))
    }

    /// Whether a replica is one of those that were tried, by its name or by its device.
    #[must_use]
    pub fn has_tried(&self, name: &str, device: Option<u64>) -> bool {
        let is_it = |tried: &TriedReplica| {
            tried.replica == name || device.is_some() && tried.device == device
        };
        self.file.replicas.iter().any(is_it)
    }
}

impl RowAccepted<'_> {
    /// Whether the row is an accepted one.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        matches!(self, Self::Yes(_))
    }
}

#[cfg(test)]
mod tests;
