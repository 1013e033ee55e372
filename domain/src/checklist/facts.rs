//! What a journal says that the check-list rests on.

use std::collections::{BTreeMap, BTreeSet};

use super::StepProof;
use crate::Timestamp;
use crate::cutover::{
    CurrentFreeze, Cutovers, FreezeEnded, JournalledChanges, Phase, UnreadableJournal,
};
use crate::journal::{
    ChainFault, ClientDatabase, Content, Direction, Entry, Evidence, StoredEntry,
};
use crate::ports::{Clock, Journal};
use crate::runbook::read_journal;

/// Evidence, and the entry that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The number of the entry.
    pub entry: u64,
    /// When it was written, by the clock of its writer.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: String,
    /// What it says.
    pub evidence: Evidence,
}

/// What a journal says of the steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The number of entries.
    pub entries: u64,
    /// Entries of kinds that this version does not know.
    pub unknown_entries: u64,
    /// The last freeze, and the changes of the store.
    pub(super) changes: JournalledChanges,
    /// The changes of names in the clients' databases.
    pub(super) cutovers: Cutovers,
    /// The freeze on which the last whole cut-over rests. Another one behind it proves nothing of it.
    rested_on: Option<CurrentFreeze>,
    /// The entry that ended the last way back of the whole cut-over. The freeze is over from then on.
    pub(super) taken_back: Option<u64>,
    /// The entry that says that unfinished uploads are to be deleted, where none behind it says which were.
    pub(super) open_deletion: Option<u64>,
    /// The last entry that took acceptances back: these files must be in S3 again.
    pub(super) acceptance_ended: Option<u64>,
    /// The last entry that corrected bad data or accepted it.
    pub(super) mended: Option<StepProof>,
    /// The evidence of passes of the migration, in order.
    pub(super) passes: Vec<Recorded>,
    /// The URLs of all queues to which jobs were sent.
    pub(super) queues: BTreeSet<String>,
    /// The ignored buckets whose content the last cut-over of contentrepo left behind.
    pub(super) left_behind: Vec<String>,
    /// The last evidence of each name.
    last: BTreeMap<String, Recorded>,
    /// All evidence of the commands that look for files that are missing or wrong, in order.
    looks: BTreeMap<String, Vec<Recorded>>,
}

/// The commands that look for files that are missing or wrong. What one of them finds stands until a later run
/// refutes it.
pub(super) const LOOKS: [&str; 4] = ["audit", "verify", "verify references", "smoke"];

/// The commands that migrate.
pub(super) const PASSES: [&str; 2] = ["migrate", "enqueue migrate"];

impl Facts {
    /// Takes an entry. Entries come in their order.
    pub fn take(&mut self, entry: Entry) {
        self.entries += 1;
        if matches!(entry.content, Content::Data(_)) {
            return;
        }
        self.changes.take(entry.clone());
        if let (Content::RekeyBegun { fid, .. }, Some(freeze)) =
            (&entry.content, &mut self.rested_on)
        {
            let (sequence, writer, fid) = (entry.sequence, entry.writer, *fid);
            freeze.ended.get_or_insert(FreezeEnded { sequence, writer, fid });
        }
        self.cutovers.take(entry.clone());
        let mended = |entry: &Entry, what: String, files: u64| {
            let counted = BTreeMap::from([("files".to_owned(), files)]);
            let Entry { sequence, at, by, .. } = entry;
            let (entry, by) = (*sequence, by.clone());
            Some(StepProof { entry, at: *at, by, what, counted, note: None })
        };
        match &entry.content {
            Content::Evidence(evidence) => {
                let evidence = (**evidence).clone();
                let Entry { sequence, at, by, .. } = entry;
                let name = evidence.step.clone();
                let recorded = Recorded { entry: sequence, at, by, evidence };
                self.queues.extend(recorded.evidence.queue_used().cloned());
                if PASSES.contains(&name.as_str()) {
                    self.passes.push(recorded.clone());
                }
                if LOOKS.contains(&name.as_str()) {
                    self.looks.entry(name.clone()).or_default().push(recorded.clone());
                }
                self.last.insert(name, recorded);
            }
            Content::JobsBegun { queue, .. } => {
                self.queues.insert(queue.clone());
            }
            Content::CutoverBegun(begun) => {
                if begun.direction == Direction::ToS3
                    && begun.database == ClientDatabase::Contentrepo
                {
                    self.left_behind.clone_from(&begun.left_behind);
                }
            }
            Content::TemporaryCondemned { .. } => self.open_deletion = Some(entry.sequence),
            Content::TemporaryDeleted { deleted, .. } => {
                self.open_deletion = None;
                self.mended = mended(&entry, "tmp delete".to_owned(), *deleted);
            }
            Content::RekeyEnded { outcome, .. } => {
                self.mended = mended(&entry, format!("rekey: {outcome}"), 1);
            }
            Content::FilesAccepted { files, .. } => {
                self.mended = mended(&entry, "audit accept".to_owned(), files.len() as u64);
            }
            Content::AcceptanceEnded { .. } => self.acceptance_ended = Some(entry.sequence),
            Content::StepDone { step } => {
                let is_end_of =
                    |database: ClientDatabase| database.step(Direction::ToMogile) == step;
                // While contentrepo has the S3 names the clients stand still, and the freeze lasts.
                let is_back = self.cutovers.contentrepo.phase() == Phase::Before;
                let mut ends = [ClientDatabase::Contentrepo, ClientDatabase::Rhino].into_iter();
                if is_back && ends.any(is_end_of) {
                    self.taken_back = Some(entry.sequence);
                }
                if self.cut_over() == Some(entry.sequence) {
                    self.rested_on = self.last_freeze().cloned();
                }
            }
            Content::Other => self.unknown_entries += 1,
            Content::Note { .. }
            | Content::Data(_)
            | Content::Restored { .. }
            | Content::TemporarySeen { .. }
            | Content::RekeyBegun { .. }
            | Content::Frozen { .. }
            | Content::GateOverridden(_)
            | Content::SmokeKey(_)
            | Content::IntermediariesCondemned { .. }
            | Content::IntermediariesDeleted { .. }
            | Content::CutoverStatement(_) => {}
        }
    }

    /// The last evidence of this name.
    #[must_use]
    pub fn last(&self, step: &str) -> Option<&Recorded> {
        self.last.get(step)
    }

    /// The evidence of a command that looks for files that are missing or wrong, in order; empty of others.
    pub(super) fn looks(&self, step: &str) -> &[Recorded] {
        self.looks.get(step).map_or(&[], Vec::as_slice)
    }

    /// The freeze that counts: of a whole cut-over the one on which it rests, and otherwise the last one that no way
    /// back has ended.
    #[must_use]
    pub fn freeze(&self) -> Option<&CurrentFreeze> {
        let last = self.last_freeze();
        let rested_on = self.rested_on.as_ref().filter(|_| self.cut_over().is_some());
        match rested_on {
            // The last one also says what ended it.
            Some(freeze) if last.is_none_or(|last| last.sequence != freeze.sequence) => {
                Some(freeze)
            }
            Some(_) | None => last,
        }
    }

    /// A freeze behind the cut-over, which proves nothing of it.
    pub(super) fn later_freeze(&self) -> Option<u64> {
        let cut_over = self.cut_over()?;
        self.last_freeze().map(|freeze| freeze.sequence).filter(|freeze| *freeze > cut_over)
    }

    fn last_freeze(&self) -> Option<&CurrentFreeze> {
        let freeze = self.changes.freeze.as_ref();
        freeze.filter(|freeze| self.taken_back.is_none_or(|back| freeze.sequence > back))
    }

    /// The number of the entry behind which both databases have the S3 names; [`None`] where one does not.
    pub(super) fn cut_over(&self) -> Option<u64> {
        let Cutovers { contentrepo, rhino, .. } = &self.cutovers;
        let done = |standing: &crate::cutover::Standing| match standing.phase() {
            Phase::CutOver => standing.forth.as_ref().and_then(|run| run.done),
            Phase::Before | Phase::UnderWay | Phase::UnderWayBack => None,
        };
        Some(done(contentrepo)?.max(done(rhino)?))
    }

    /// Whether the databases are between the two stores: clients must stand still.
    pub(super) fn is_between(&self) -> bool {
        let Cutovers { contentrepo, rhino, .. } = &self.cutovers;
        let phases = (contentrepo.phase(), rhino.phase());
        !matches!(phases, (Phase::Before, Phase::Before) | (Phase::CutOver, Phase::CutOver))
    }
}

impl Recorded {
    /// The same as the proof of a step.
    #[must_use]
    pub fn proof(&self) -> StepProof {
        let Self { entry, at, by, evidence } = self;
        StepProof {
            entry: *entry,
            at: *at,
            by: by.clone(),
            what: evidence.step.clone(),
            counted: evidence.counted.clone(),
            note: evidence.note.clone(),
        }
    }

    /// Whether the journal had this entry when the command began.
    pub(super) fn began_behind(&self, entry: u64) -> bool {
        self.evidence.began_behind(entry, self.entry)
    }

    /// What the command counted under this name.
    pub(super) fn counted(&self, name: &str) -> Option<u64> {
        self.evidence.counted.get(name).copied()
    }
}

/// Reads the whole journal. One that is not as it was written errors: it proves nothing.
pub async fn read_facts(
    journal: &dyn Journal,
    clock: &dyn Clock,
    salt: u64,
) -> Result<Facts, UnreadableJournal> {
    let (mut facts, mut fault): (_, Option<ChainFault>) = (Facts::default(), None);
    let mut each = |stored: &StoredEntry, found: Vec<ChainFault>| {
        fault = fault.take().or_else(|| found.into_iter().next());
        // A line that is no entry has a fault.
        if let Ok(entry) = Entry::parse(&stored.line) {
            facts.take(entry);
        }
    };
    let end = read_journal(journal, clock, salt, &mut each).await?;
    match fault.or(end.fault) {
        Some(fault) => Err(UnreadableJournal::Changed(fault)),
        None => Ok(facts),
    }
}
