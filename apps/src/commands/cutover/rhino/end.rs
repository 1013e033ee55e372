//! How a change of rhino's rows goes on and ends, for an operator.

use anyhow::anyhow;
use domain::cutover::rhino::{RhinoEnd, RhinoProgress, RhinoTrouble, RowDifference};
use domain::cutover::{Phase, Standing};
use domain::journal::{BackupSeal, Direction, Statement};
use domain::ports::{BackupRow, FinishedBackup};
use indicatif::{HumanCount, HumanDuration};

use crate::commands::cutover::{backing, changing, reading, taking_from};
use crate::commands::freeze::unreadable;
use crate::exit::RefusedError;
use crate::journal::refused;
use crate::report::Teller;
use crate::report::cutover::{CutoverOutcome, CutoverReport};

/// Says how far it is.
pub(super) fn said(teller: &Teller, progress: &RhinoProgress) {
    let count = HumanCount;
    teller.say(&match progress {
        RhinoProgress::Counting => "counting rhino's rows by bucket".to_owned(),
        RhinoProgress::Read(rows) => format!("{} rows read", count(*rows)),
        RhinoProgress::BackedUp(rows) => format!("{} rows in the backup", count(*rows)),
        RhinoProgress::Backup(FinishedBackup { path, rows, .. }) => {
            format!("the backup `{path}` has {} rows", count(*rows))
        }
        RhinoProgress::Statement(Statement::DropIndex) => "dropping the index".to_owned(),
        RhinoProgress::Statement(Statement::AddIndex) => {
            "making the index again, which may take minutes".to_owned()
        }
        RhinoProgress::Statement(_) => return,
        RhinoProgress::Renamed { renamed, of, seconds_left, .. } => {
            let left = seconds_left.map(std::time::Duration::from_secs);
            let left = left.map(|left| format!(", {} left", HumanDuration(left)));
            let left = left.unwrap_or_default();
            format!("{} of {} rows renamed{left}", count(*renamed), count(*of))
        }
        RhinoProgress::Waiting { why } => format!("waiting: {why}"),
        RhinoProgress::Paused { why } => format!("paused: {why}"),
        RhinoProgress::Compared(rows) => format!("{} rows compared with the backup", count(*rows)),
    });
}

/// The report of a change that ended.
pub(super) fn ended(mut report: CutoverReport, end: RhinoEnd, now: &Standing) -> CutoverReport {
    let done = match report.direction {
        Direction::ToS3 => now.forth.as_ref().and_then(|run| run.done),
        Direction::ToMogile => now.taken_back,
    };
    report.entry = done;
    match end {
        RhinoEnd::Done { renamed, backup, verified } => {
            report.backup = backup.map(|backup| {
                let file = backup.path.rsplit('/').next().unwrap_or(&backup.path).to_owned();
                BackupSeal { file, sha256: backup.sha256, rows: backup.rows }
            });
            report.notes = vec![format!("{} rows were renamed", HumanCount(renamed))];
            if verified.rows > 0 {
                let rows = HumanCount(verified.rows);
                report.notes.push(format!("{rows} rows were compared with the backup"));
            }
            let mut differences: Vec<_> = verified.counts.iter().map(ToString::to_string).collect();
            differences.extend(verified.named.iter().map(different));
            if verified.other_rows > verified.named.len() as u64 {
                differences.push(format!("{} rows in all", HumanCount(verified.other_rows)));
            }
            report.ended(CutoverOutcome::Changed, differences)
        }
        RhinoEnd::AlreadyDone => report.ended(CutoverOutcome::AlreadySo, Vec::new()),
        RhinoEnd::Stopped(reached) => {
            let is_begun = matches!(now.phase(), Phase::UnderWay | Phase::UnderWayBack);
            let outcome =
                if is_begun { CutoverOutcome::UnderWay } else { CutoverOutcome::NotBegun };
            if is_begun {
                report.notes = vec![reached.to_string()];
            }
            report.ended(outcome, Vec::new())
        }
    }
}

fn different(row: &RowDifference) -> String {
    let name = |row: &BackupRow| {
        row.name.as_ref().map_or_else(|| "NULL".to_owned(), |name| format!("`{name}`"))
    };
    match row {
        RowDifference::Gone(row) => format!("fileId {}, {}, is gone", row.id, name(row)),
        RowDifference::New(row) => format!("fileId {}, {}, is new", row.id, name(row)),
        RowDifference::OtherName { before, now } => {
            format!("fileId {} bore {}, and bears {}", now.id, name(before), name(now))
        }
    }
}

/// What an operator reads of a way back that came to no end: a backup comes from `--from`.
pub(super) fn trouble_back(why: RhinoTrouble) -> anyhow::Error {
    if let RhinoTrouble::Backup(error) = why { taking_from(&error) } else { trouble(why) }
}

/// What an operator reads of a change that came to no end.
pub(super) fn trouble(why: RhinoTrouble) -> anyhow::Error {
    match why {
        RhinoTrouble::Refused(_) | RhinoTrouble::ChangedMeanwhile(_) | RhinoTrouble::Kept(_) => {
            RefusedError(why.to_string()).into()
        }
        RhinoTrouble::Journal(why) => refused(why),
        RhinoTrouble::UnreadableJournal(why) => unreadable(why),
        RhinoTrouble::Database(error) => reading(&error),
        RhinoTrouble::Change(error) => changing(&error),
        RhinoTrouble::Backup(error) => backing(&error),
        RhinoTrouble::HalfWay { .. } if why.is_taken_over() => RefusedError(why.to_string()).into(),
        RhinoTrouble::Miscounted { .. } | RhinoTrouble::HalfWay { .. } => anyhow!("{why}"),
    }
}
