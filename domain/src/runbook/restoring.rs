use super::survey::{Export, Survey, SurveyTrouble, survey};
use super::{JournalTrouble, TakenOver};
use crate::digest::Sha256;
use crate::journal::{ChainFault, Content, Difference, Head, Replaced, SealedEntry};
use crate::ports::{Appended, Clock, Journal, Repair};
use crate::retried::retried;

/// What was repaired of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// The number of entries that were put back.
    pub entries: u64,
    /// The first differences to the export, in words.
    pub first: Vec<String>,
    /// What was wrong with the head.
    pub head_fault: Option<String>,
    /// The entries behind the last one of the export. They stay.
    pub added: u64,
    /// The entries that say so.
    pub written: Vec<Head>,
    /// Whether entries behind the export's last one may be lost, too: nothing is left that names them.
    pub may_lack_entries: bool,
    /// The names under which the table keeps what stood in the place of these entries.
    pub kept_as: Vec<String>,
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
    /// Somebody else changes the journal at the same time.
    #[error(
        "the journal is being changed by somebody else while it is repaired. Repairs that were written \
         before that stay, each with an entry that says so"
    )]
    Disturbed,
}

/// Repairs a journal from an earlier export of it: puts entries back that were changed or removed, and
/// the head. It changes nothing where the journal has damage that the export cannot mend, or is whole
/// and another one than the export. It never removes an entry behind the export's last one.
///
/// Each repair and the entry that says so are written in one step. Ended in between, it goes on when
/// it is called again. With `dry_run` nothing is written.
pub async fn restore(
    journal: &dyn Journal,
    clock: &dyn Clock,
    (by, number): (&str, u64),
    export: &Export<'_>,
    dry_run: bool,
) -> Result<Restored, RestoreTrouble> {
    let (mut restored, mut left) = (Restored::default(), u64::MAX);
    loop {
        let survey = survey(journal, clock, number, export).await?;
        if survey.differences > left {
            return Err(RestoreTrouble::Disturbed);
        }
        if restored.written.is_empty() {
            restored.entries = survey.differences;
            restored.first = survey.first.iter().map(ToString::to_string).collect();
            restored.head_fault = survey.head_fault.as_ref().map(ToString::to_string);
            let is_lost = matches!(
                survey.head_fault,
                Some(ChainFault::NoHead { .. } | ChainFault::HeadDamaged { .. })
            );
            restored.may_lack_entries = is_lost && survey.added == 0;
            restored.added = survey.added;
        }
        if let Some(sequence) = survey.other_history {
            return Err(RestoreTrouble::OtherHistory { sequence });
        }
        if let Some(fault) = survey.beyond {
            return Err(RestoreTrouble::Beyond { fault, last: export.head.sequence });
        }
        if dry_run || (survey.differences == 0 && survey.head_fault.is_none()) {
            return Ok(restored);
        }
        left = survey.differences - survey.first.len() as u64;
        let repair = repair(journal.migration(), clock, (by, number), export, survey)?;
        let keeps = repair.entries.iter().any(|difference| difference.found.is_some());
        let kept_as = keeps.then(|| repair.kept_as.clone());
        let salt = number ^ repair.entry.sequence;
        let written = retried(clock, salt, || journal.restore(&repair)).await;
        match written.map_err(JournalTrouble::Table)? {
            Appended::Written => {
                restored.written.push(repair.entry.head());
                restored.kept_as.extend(kept_as);
            }
            Appended::Taken { by: None } => return Err(RestoreTrouble::Disturbed),
            Appended::Taken { by } => {
                let taken_over = TakenOver::by(repair.entry.sequence, by.as_ref());
                return Err(JournalTrouble::TakenOver(taken_over).into());
            }
            Appended::Damaged(fault) => return Err(JournalTrouble::Changed(fault).into()),
        }
    }
}

fn repair(
    migration: &str,
    clock: &dyn Clock,
    by: (&str, u64),
    export: &Export<'_>,
    survey: Survey,
) -> Result<Repair, JournalTrouble> {
    let sequence = survey.last.as_ref().map_or(1, |last| last.sequence.saturating_add(1));
    // The number of the writer: another repair may have had this number, and be lost since.
    let kept_as = format!("{migration}#replaced-{sequence}-{}", by.1);
    let replaced = |difference: &Difference| Replaced {
        sequence: difference.exported.sequence,
        found: difference.found.as_ref().map(|found| Sha256::of(found.line.as_bytes())),
    };
    let entries: Vec<_> = survey.first.iter().map(replaced).collect();
    let keeps = entries.iter().any(|replaced| replaced.found.is_some());
    let content = Content::Restored {
        export: export.head.clone(),
        entries,
        head_fault: survey.head_fault.as_ref().map(ToString::to_string),
        kept_as: keeps.then(|| kept_as.clone()),
    };
    let entry = SealedEntry::new(migration, survey.last, clock.now(), by, content)?;
    Ok(Repair { entries: survey.first, head: survey.head, entry, kept_as })
}
