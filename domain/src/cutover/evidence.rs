//! The evidence that the journal has, as the gates of a cut-over read it.

use std::collections::BTreeMap;

use super::current::UnreadableJournal;
use super::gate::QueueSeen;
use crate::Timestamp;
use crate::journal::{ChainFault, Content, Entry, Evidence, StoredEntry};
use crate::ports::{Clock, Journal};
use crate::runbook::read_journal;

/// The step of the evidence that `audit` writes.
pub const AUDIT: &str = "audit";

/// The step of the evidence that `verify` writes.
pub const VERIFY: &str = "verify";

/// The step of the entry by which an operator says that no queue was used.
pub const NO_QUEUE: &str = "no-queue";

/// Evidence with its place in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalledEvidence {
    /// The number of the entry.
    pub sequence: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: String,
    /// What it says.
    pub evidence: Evidence,
}

impl JournalledEvidence {
    /// Whether the journal had this entry when the command began.
    #[must_use]
    pub fn began_behind(&self, entry: u64) -> bool {
        self.evidence.began_behind(entry, self.sequence)
    }
}

/// All evidence that gates look at, in the order of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateEvidence {
    /// Of `audit`.
    pub audits: Vec<JournalledEvidence>,
    /// Of `verify`.
    pub verifies: Vec<JournalledEvidence>,
    /// The last entry that ended the acceptance of a file of the domain.
    pub acceptance_ended: Option<u64>,
    /// The queues to which jobs were sent, by their URLs, each with the last entry that says so.
    pub queues: BTreeMap<String, u64>,
}

impl GateEvidence {
    /// What was seen of the queues that are named now. Jobs that were sent to another queue may still be there.
    #[must_use]
    pub fn queue(&self, seen: QueueSeen, today: Option<&String>) -> QueueSeen {
        let others = self.queues.iter().filter(|(url, _)| today != Some(*url));
        let others: Vec<_> = others.map(|(url, entry)| (*entry, url.clone())).collect();
        if others.is_empty() { seen } else { QueueSeen::Other { others, today: Box::new(seen) } }
    }

    /// What becomes of an operator's word that no queue was used.
    #[must_use]
    pub fn no_queue(&self) -> QueueSeen {
        let used = self.queues.iter().max_by_key(|(_, entry)| **entry);
        QueueSeen::NotUsed { but: used.map(|(url, entry)| (*entry, url.clone())) }
    }

    /// The last entry by which jobs were sent.
    #[must_use]
    pub fn jobs_sent(&self) -> Option<u64> {
        self.queues.values().max().copied()
    }

    /// Takes an entry. Entries come in their order. Acceptances count that are of this domain.
    pub fn take(&mut self, domain: &str, Entry { sequence, at, by, content, .. }: Entry) {
        if let Content::AcceptanceEnded { domain: of, .. } = &content
            && of == domain
        {
            self.acceptance_ended = Some(sequence);
        }
        if let Content::JobsBegun { queue, .. } = &content {
            self.queues.insert(queue.clone(), sequence);
        }
        let Content::Evidence(evidence) = content else { return };
        let evidence = *evidence;
        if let Some(queue) = evidence.queue_used() {
            self.queues.insert(queue.clone(), sequence);
        }
        let of_step = match evidence.step.as_str() {
            AUDIT => &mut self.audits,
            VERIFY => &mut self.verifies,
            _ => return,
        };
        of_step.push(JournalledEvidence { sequence, at, by, evidence });
    }
}

/// Reads the whole journal.
pub async fn read_gate_evidence(
    journal: &dyn Journal,
    clock: &dyn Clock,
    salt: u64,
    domain: &str,
) -> Result<GateEvidence, UnreadableJournal> {
    let (mut evidence, mut faults) = (GateEvidence::default(), Vec::new());
    let mut each = |stored: &StoredEntry, found: Vec<ChainFault>| {
        faults.extend(found);
        // A line that is no entry has a fault.
        if let Ok(entry) = Entry::parse(&stored.line) {
            evidence.take(domain, entry);
        }
    };
    let end = read_journal(journal, clock, salt, &mut each).await?;
    faults.extend(end.fault);
    match faults.into_iter().next() {
        Some(fault) => Err(UnreadableJournal::Changed(fault)),
        None => Ok(evidence),
    }
}
