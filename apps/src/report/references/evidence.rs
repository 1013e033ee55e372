//! What was decided by which evidence, and what lacks of it.

use std::fmt::{self, Write};

use domain::verify::references::{Broken, Lacking};
use indicatif::HumanCount;

use super::{AllowedList, ReferencesReport};
use crate::report::shell;

impl ReferencesReport {
    pub(super) fn write_evidence(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        let undecided = summary.objects.of(Broken::Undecided);
        if undecided > 0 {
            let undecided = HumanCount(undecided);
            writeln!(
                out,
                "NOT DECIDED: whether {undecided} references of contentrepo were broken before the migration. What lacks:"
            )?;
        }
        for lacking in &summary.lacking {
            let words = lacking.to_string();
            writeln!(out, "  {}\n    → {}", shell::printable(&words), mend(lacking))?;
        }
        if summary.unreadable_records > 0 {
            writeln!(
                out,
                "Note: {} records of the ledger cannot be read, and show nothing of what S3 had. `mogile2s3 audit` \
                 counts them.",
                HumanCount(summary.unreadable_records)
            )?;
        }
        self.write_allowed(out)
    }

    fn write_allowed(&self, out: &mut String) -> fmt::Result {
        let Some(AllowedList { file, others }) = &self.allowed_by else { return Ok(()) };
        let (allowed, file) = (&self.summary.allowed, file.display());
        writeln!(
            out,
            "Allowed by {file}: {} broken references, of {} names.",
            HumanCount(allowed.rows),
            HumanCount(allowed.names)
        )?;
        if allowed.stale > 0 && self.summary.stopped.is_none() {
            writeln!(
                out,
                "Note: {} names in {file} are stale: no reference of that name is broken so any more.",
                HumanCount(allowed.stale)
            )?;
        }
        if *others > 0 {
            writeln!(
                out,
                "Note: {} lines of {file} allow nothing: they are of references that were not broken before the \
                 migration, or are sound.",
                HumanCount(*others)
            )?;
        }
        Ok(())
    }
}

/// What an operator does about what lacks.
const fn mend(lacking: &Lacking) -> &'static str {
    match lacking {
        Lacking::TrackersAhead { .. } => {
            "set MOGILE_DATABASE_URL to the database that the trackers use, or wait until the replica has what they \
             have; then run this again"
        }
        Lacking::NoTrackers => "set MOGILE_TRACKERS, then run this again",
        Lacking::TrackersUnread(_) => {
            "`mogile2s3 doctor` tries the trackers and the database. Then run this again"
        }
        Lacking::NoLedger => "set DYNAMODB_TABLE, then run this again",
        Lacking::LedgerUnread(_) | Lacking::JournalUnread(_) => {
            "`mogile2s3 doctor` looks at the tables. Then run this again"
        }
        Lacking::NoJournal => {
            "correct DYNAMODB_TABLE or DYNAMODB_JOURNAL_TABLE; where there never was one, `mogile2s3 provision` makes \
             it. Then run this again"
        }
        Lacking::NoFreeze { .. } => {
            "look at each of these rows: bring its content back, or purge the row in contentrepo. Then run this \
             again"
        }
    }
}
