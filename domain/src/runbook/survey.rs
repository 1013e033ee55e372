use super::reading::read_all;
use crate::digest::Sha256;
use crate::journal::{
    Chain, ChainFault, Comparison, Difference, Entry, Head, Place, StoredEntry, StoredHead,
};
use crate::limits;
use crate::ports::{Clock, Journal, LedgerError};

/// An export of a journal that was checked and is whole. It can be read as often as needed.
pub struct Export<'a> {
    /// Its last entry.
    pub head: Head,
    /// Begins to read its entries, in their order.
    pub entries: &'a (dyn Fn() -> Box<dyn Iterator<Item = StoredEntry> + Send> + Sync),
}

/// A journal beside an earlier export of it.
#[derive(Debug, Default)]
pub struct Survey {
    /// Entries that are as they were exported.
    pub same: u64,
    /// Entries of the export that are not there as they were.
    pub differences: u64,
    /// The first of them, as many as one repair takes.
    pub first: Vec<Difference>,
    /// Entries behind the last one of the export.
    pub added: u64,
    /// What stands behind the last entry that the head names, and does not continue it. Nobody has
    /// written it there as an entry: that names the entry as the last one, in one step.
    pub strays: u64,
    /// The first of them.
    pub stray: Option<StoredEntry>,
    /// The last entry, once the journal is as the export has it.
    pub last: Option<Head>,
    /// What is wrong with the journal's head then.
    pub head_fault: Option<ChainFault>,
    /// The first fault that the export cannot mend.
    pub beyond: Option<ChainFault>,
    /// The first entry that differs from the export's, though the journal itself bears it out: from
    /// there on each entry continues the one before it, and the head names the last. It is part of
    /// another history. Where the journal does not hold to its end, the export is believed.
    pub other_history: Option<u64>,
    /// The journal's head as it is.
    pub head: StoredHead,
}

impl Survey {
    /// The number of things to repair.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.differences + self.strays + u64::from(self.head_fault.is_some())
    }
}

/// A journal and an export could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum SurveyTrouble {
    /// The journal could not be read.
    #[error(transparent)]
    Table(#[from] LedgerError),
    /// The export is not any more what it was when it was checked.
    #[error("the file was changed or could not be read while it was compared")]
    ExportChanged,
}

/// Compares a journal with an export of it.
pub async fn survey(
    journal: &dyn Journal,
    clock: &dyn Clock,
    salt: u64,
    export: &Export<'_>,
) -> Result<Survey, SurveyTrouble> {
    let mut surveyor = Surveyor::new(journal.migration(), export.head.sequence);
    let mut comparison = Comparison::with((export.entries)());
    let mut follow = |found: StoredEntry| {
        match comparison.follow(found.clone(), |exported| surveyor.missing(exported)) {
            Place::Same(exported) => surveyor.same(&exported),
            Place::Other(difference) => surveyor.different(difference),
            Place::Behind => surveyor.behind(&found),
        }
        surveyor.witness(&found);
    };
    let head = read_all(journal, clock, salt, &mut follow).await?;
    comparison.end(|exported| surveyor.missing(exported));
    surveyor.end(head, &export.head)
}

/// Puts together the journal as it should be: the export's entries, and the journal's own behind them.
struct Surveyor {
    survey: Survey,
    chain: Chain,
    /// The number of the export's last entry, and its head as far as it was followed.
    exported: (u64, Option<Head>),
    /// The bytes of the differences that are kept.
    bytes: usize,
    /// Entries of the journal of which each continues the one before it, and the first is not the
    /// export's.
    run: Option<Run>,
    /// Whether the last entry is not the export's.
    differs: bool,
    /// What is wrong with the first entry that does not continue the ones before it.
    astray: Option<ChainFault>,
}

/// The number of the first of some entries, and the last of them.
struct Run {
    first: u64,
    last: Head,
}

impl Surveyor {
    fn new(migration: &str, exported: u64) -> Self {
        let (survey, chain) = (Survey::default(), Chain::of(migration));
        Self {
            survey,
            chain,
            exported: (exported, None),
            bytes: 0,
            run: None,
            differs: false,
            astray: None,
        }
    }

    /// Looks whether an entry of the journal bears out those before it, or begins to differ. What counts
    /// is the lines: a hash beside one is damage, and no part of the chain.
    fn witness(&mut self, found: &StoredEntry) {
        let differs = std::mem::take(&mut self.differs);
        let entry = Entry::parse(&found.line).ok().filter(|entry| entry.sequence == found.sequence);
        let Some(entry) = entry else {
            self.run = None;
            return;
        };
        let last = Head { sequence: entry.sequence, hash: Sha256::of(found.line.as_bytes()) };
        let goes_on = self.run.as_ref().filter(|run| entry.previous == Some(run.last.hash));
        self.run = match goes_on {
            Some(run) => Some(Run { first: run.first, last }),
            None => differs.then_some(Run { first: last.sequence, last }),
        };
    }

    fn same(&mut self, exported: &StoredEntry) {
        self.survey.same += 1;
        self.follow_export(exported);
    }

    fn missing(&mut self, exported: StoredEntry) {
        self.different(Difference { exported, found: None });
    }

    fn different(&mut self, difference: Difference) {
        self.follow_export(&difference.exported);
        let found = difference.found.as_ref();
        self.differs = found.is_some_and(|found| found.line != difference.exported.line);
        self.survey.differences += 1;
        self.bytes += difference.exported.line.len() + found.map_or(0, |found| found.line.len());
        let first = &mut self.survey.first;
        let fits = self.bytes <= limits::REPAIR_BYTES && first.len() < limits::REPAIR_ENTRIES;
        if first.is_empty() || (fits && first.len() as u64 + 1 == self.survey.differences) {
            first.push(difference);
        }
    }

    fn behind(&mut self, found: &StoredEntry) {
        let mut chain = self.chain.clone();
        if self.astray.is_none() {
            self.astray = chain.follow(found).1.into_iter().next();
        }
        if self.astray.is_some() {
            self.survey.strays += 1;
            self.survey.stray.get_or_insert_with(|| found.clone());
        } else {
            self.survey.added += 1;
            self.chain = chain;
        }
    }

    fn follow_export(&mut self, entry: &StoredEntry) {
        let faults = self.chain.follow(entry).1;
        if self.survey.beyond.is_none() {
            self.survey.beyond = faults.into_iter().next();
        }
        if entry.sequence == self.exported.0 {
            self.exported.1 = self.chain.last().cloned();
        }
    }

    fn end(self, head: StoredHead, export: &Head) -> Result<Survey, SurveyTrouble> {
        let Self { mut survey, chain, exported: (_, exported), run, astray, .. } = self;
        // The hash of the last one stands for all of them.
        if exported.as_ref() != Some(export) {
            return Err(SurveyTrouble::ExportChanged);
        }
        survey.other_history =
            run.filter(|run| head.named() == Some(&run.last)).map(|run| run.first);
        // Where the head names another entry than the last good one, entries were changed.
        if head.named() != chain.last() {
            survey.beyond = survey.beyond.or(astray);
            (survey.strays, survey.stray) = (0, None);
        }
        let fault = chain.end(&head);
        let is_beyond = match &fault {
            Some(ChainFault::Missing { .. }) => true,
            // Which of the two was changed, only an export that has the entry could say.
            Some(ChainFault::HeadChanged { sequence }) => *sequence > export.sequence,
            _ => false,
        };
        if is_beyond {
            survey.beyond = survey.beyond.or(fault);
        } else {
            survey.head_fault = fault;
        }
        survey.last = chain.last().cloned();
        survey.head = head;
        Ok(survey)
    }
}
