use super::survey::{Export, Survey, SurveyTrouble, survey};
use super::{JournalTrouble, TakenOver};
use crate::digest::Sha256;
use crate::journal::{ChainFault, Content, Difference, Head, Replaced, SealedEntry, StoredEntry};
use crate::limits;
use crate::ports::{Appended, Clock, Journal, Repair};
use crate::retried::retried;

/// What was repaired of a journal, or in a dry run would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// The number of entries that were put back.
    pub entries: u64,
    /// The first of their differences to the export, in words.
    pub first: Vec<String>,
    /// What was wrong with the head that was put right.
    pub head_fault: Option<String>,
    /// What stood behind the end of the journal and was no entry of it, and was replaced.
    pub strays: u64,
    /// The entries behind the last one of the export. They stay.
    pub added: u64,
    /// What is left to repair. Nothing, once the repair has come to its end.
    pub left: u64,
    /// The entries that say so.
    pub written: Vec<Head>,
    /// Whether entries behind the last one may be lost, too: the head that would name them was not right.
    pub may_lack_entries: bool,
    /// The names under which the table keeps what was replaced.
    pub kept_as: Vec<String>,
}

/// A repair did not come to its end. What it has written stays.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Unrestored {
    /// Why.
    pub why: RestoreTrouble,
    /// What was repaired before.
    pub done: Restored,
}

/// A journal was not repaired from an export, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum RestoreTrouble {
    /// The two could not be compared.
    #[error(transparent)]
    Survey(#[from] SurveyTrouble),
    /// The repair could not be written.
    #[error(transparent)]
    Write(#[from] JournalTrouble),
    /// There is damage that the export cannot mend.
    #[error("the export ends with entry {last} and cannot mend this: {fault}")]
    Beyond {
        /// The first damage of this kind.
        fault: ChainFault,
        /// The last entry of the export.
        last: u64,
    },
    /// The journal is whole at an entry that differs from the export's.
    #[error(
        "entry {sequence} of the journal differs from the export, and what follows it in the journal \
         bears it out: the export may be the one that was changed"
    )]
    OtherHistory {
        /// The number of the entry.
        sequence: u64,
    },
    /// Something that is no entry of the journal stands behind its end, where no next entry can take
    /// its place.
    #[error(
        "something stands under number {sequence}, far behind entry {last}, the last one, and nobody has \
         written it there as an entry"
    )]
    Astray {
        /// Its number.
        sequence: u64,
        /// The last entry.
        last: u64,
    },
    /// Somebody else changes the journal at the same time.
    #[error("the journal is being changed by somebody else while it is repaired")]
    Disturbed,
}

/// Repairs a journal from an earlier export of it: puts entries back that were changed or removed, and
/// the head, and replaces what somebody has put behind the end. It changes nothing where the journal has
/// damage that the export cannot mend, or is whole and another one than the export. It never removes an
/// entry behind the export's last one.
///
/// Each repair and the entry that says so are written in one step. Ended in between, it goes on when
/// it is called again. With `dry_run` nothing is written.
pub async fn restore(
    journal: &dyn Journal,
    clock: &dyn Clock,
    by: (&str, u64),
    export: &Export<'_>,
    dry_run: bool,
) -> Result<Restored, Box<Unrestored>> {
    let mut done = Restored::default();
    match repair_all(journal, clock, by, export, dry_run, &mut done).await {
        Ok(()) => Ok(done),
        Err(why) => Err(Box::new(Unrestored { why, done })),
    }
}

async fn repair_all(
    journal: &dyn Journal,
    clock: &dyn Clock,
    by: (&str, u64),
    export: &Export<'_>,
    dry_run: bool,
    done: &mut Restored,
) -> Result<(), RestoreTrouble> {
    let number = by.1;
    let mut left = u64::MAX;
    loop {
        let survey = survey(journal, clock, number, export).await?;
        if survey.left() > left {
            return Err(RestoreTrouble::Disturbed);
        }
        done.left = survey.left();
        if done.written.is_empty() {
            done.added = survey.added;
        }
        if let Some(sequence) = survey.other_history {
            return Err(RestoreTrouble::OtherHistory { sequence });
        }
        if let Some(fault) = survey.beyond {
            return Err(RestoreTrouble::Beyond { fault, last: export.head.sequence });
        }
        let last = survey.last.as_ref().map_or(0, |last| last.sequence);
        if let Some(stray) = &survey.stray
            && stray.sequence != last + 1
        {
            return Err(RestoreTrouble::Astray { sequence: stray.sequence, last });
        }
        if survey.left() == 0 {
            return Ok(());
        }
        if dry_run {
            done.would_do(&survey);
            return Ok(());
        }
        let repair = repair(journal.migration(), clock, by, export, &survey)?;
        let salt = number ^ repair.entry.sequence;
        let written = retried(clock, salt, || journal.restore(&repair)).await;
        match written.map_err(JournalTrouble::Table)? {
            Appended::Written => done.take(&survey, &repair),
            Appended::Taken { by: None } => return Err(RestoreTrouble::Disturbed),
            Appended::Taken { by } => {
                let taken_over = TakenOver::by(repair.entry.sequence, by.as_ref());
                return Err(JournalTrouble::TakenOver(taken_over).into());
            }
            Appended::Damaged(fault) => return Err(JournalTrouble::Changed(fault).into()),
        }
        left = done.left;
    }
}

impl Restored {
    /// Counts all that was found, which nobody repairs.
    fn would_do(&mut self, survey: &Survey) {
        self.first = survey.first.iter().map(ToString::to_string).collect();
        (self.entries, self.strays, self.left) = (survey.differences, survey.strays, 0);
        self.mend_head(survey);
    }

    /// Counts a repair that was written.
    fn take(&mut self, survey: &Survey, repair: &Repair) {
        self.entries += repair.entries.len() as u64;
        let room = limits::REPAIR_ENTRIES.saturating_sub(self.first.len());
        self.first.extend(repair.entries.iter().take(room).map(ToString::to_string));
        self.strays += u64::from(repair.instead_of.is_some());
        self.mend_head(survey);
        self.left = survey.left()
            - repair.entries.len() as u64
            - u64::from(repair.instead_of.is_some())
            - u64::from(survey.head_fault.is_some());
        self.written.push(repair.entry.head());
        self.kept_as.extend(keeps(repair).then(|| repair.kept_as.clone()));
    }

    fn mend_head(&mut self, survey: &Survey) {
        let Some(fault) = &survey.head_fault else { return };
        self.head_fault = Some(fault.to_string());
        // Entry and head are written in one step. Whoever changed the head may have taken entries away
        // behind the last one that is left.
        self.may_lack_entries = true;
    }
}

/// Whether something is kept of what was there.
fn keeps(repair: &Repair) -> bool {
    let replaces = |difference: &Difference| difference.found.is_some();
    repair.keeps_head() || repair.instead_of.is_some() || repair.entries.iter().any(replaces)
}

fn repair(
    migration: &str,
    clock: &dyn Clock,
    by: (&str, u64),
    export: &Export<'_>,
    survey: &Survey,
) -> Result<Repair, JournalTrouble> {
    let hash = |found: &StoredEntry| Sha256::of(found.line.as_bytes());
    let sequence = survey.last.as_ref().map_or(1, |last| last.sequence.saturating_add(1));
    // The number of the writer: another repair may have had this number, and be lost since.
    let kept_as = format!("{migration}#replaced-{sequence}-{}", by.1);
    let replaced = |difference: &Difference| Replaced {
        sequence: difference.exported.sequence,
        found: difference.found.as_ref().map(hash),
    };
    let content = |kept_as| Content::Restored {
        export: export.head.clone(),
        entries: survey.first.iter().map(replaced).collect(),
        head_fault: survey.head_fault.as_ref().map(ToString::to_string),
        instead_of: survey.stray.as_ref().map(hash),
        kept_as,
    };
    let seal = |kept_as| {
        SealedEntry::new(migration, survey.last.clone(), clock.now(), by, content(kept_as))
    };
    let (entries, head) = (survey.first.clone(), survey.head.clone());
    let (entry, instead_of) = (seal(None)?, survey.stray.clone());
    let repair = Repair { entries, head, entry, instead_of, kept_as };
    if !keeps(&repair) {
        return Ok(repair);
    }
    Ok(Repair { entry: seal(Some(repair.kept_as.clone()))?, ..repair })
}
