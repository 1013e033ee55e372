//! What `runbook` prints.

mod check_list;
mod done;
mod next;
mod restored;

use std::fmt::{self, Display, Write};
use std::path::Path;

use domain::journal::Head;
use domain::runbook::Survey;
use indicatif::HumanCount;
use serde::Serialize;

pub use self::check_list::StatusReport;
pub use self::done::DoneReport;
pub use self::next::{NextReport, command_text};
pub use self::restored::RestoreReport;
use super::Report;
use super::shell::{printable, quoted};
use crate::exit::{Exit, Verdict};

/// Faults that are named.
const FAULTS_NAMED: usize = 20;

fn in_words(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{} entries", HumanCount(entries)) }
}

/// What was found in a journal.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    /// What was checked.
    checked: String,
    #[serde(skip)]
    is_file: bool,
    /// The migration whose journal it is, where that is known.
    migration: Option<String>,
    /// The entries that were looked at.
    entries: u64,
    /// The places at which it is not as it was written.
    faults: u64,
    /// The first of them.
    first_faults: Vec<String>,
    /// Which entry is the last one.
    head: Option<Head>,
    /// How it compares with an earlier export.
    against: Option<Against>,
    #[serde(flatten)]
    verdict: Verdict,
}

/// How a journal compares with an earlier export.
#[derive(Debug, Serialize)]
pub struct Against {
    file: String,
    /// The entries of the export.
    entries: u64,
    /// The entries that are as they were exported.
    same: u64,
    /// The entries behind the last one of the export.
    added: u64,
    /// The entries of the export that are not there as they were.
    differences: u64,
    /// The first of them, in words.
    first_difference: Option<String>,
    /// An entry that differs, and that the journal itself bears out.
    other_history: Option<u64>,
}

impl Against {
    /// The result of a comparison with this file, whose last entry is `head`.
    pub fn new(file: &Path, head: &Head, survey: &Survey) -> Self {
        Self {
            file: file.display().to_string(),
            entries: head.sequence,
            same: survey.same,
            added: survey.added,
            differences: survey.differences,
            first_difference: survey.first.first().map(ToString::to_string),
            other_history: survey.other_history,
        }
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let Self { file, entries, added, differences, .. } = self;
        write!(out, "compared with `{file}`, which has {}: ", in_words(*entries))?;
        let Some(first) = &self.first_difference else {
            return writeln!(out, "all are there as they were exported; {added} more came since");
        };
        writeln!(out, "{} NOT THERE AS EXPORTED", in_words(*differences))?;
        writeln!(out, "  the first: {first}")?;
        match self.other_history {
            Some(sequence) => writeln!(
                out,
                "  what follows entry {sequence} in the journal bears it out: the file may be the one \
                 that was changed"
            ),
            None => writeln!(
                out,
                "  → `mogile2s3 runbook restore --from {} --dry-run` says what it would put back",
                quoted(file)
            ),
        }
    }
}

impl CheckReport {
    /// Of a journal's table. Nothing of it was looked at yet.
    pub fn of_journal(migration: &str) -> Self {
        Self::new(format!("the journal of `{migration}`"), false)
    }

    /// Of an export. Nothing of it was looked at yet.
    pub fn of_file(path: &Path) -> Self {
        Self::new(format!("`{}`", path.display()), true)
    }

    fn new(checked: String, is_file: bool) -> Self {
        Self {
            checked,
            is_file,
            migration: None,
            entries: 0,
            faults: 0,
            first_faults: Vec::new(),
            head: None,
            against: None,
            verdict: Verdict::of_checks(false, false),
        }
    }

    /// Entries were looked at.
    pub const fn take_entries(&mut self, entries: u64) {
        self.entries += entries;
    }

    /// Something is not as it was written.
    pub fn take_faults(&mut self, faults: impl IntoIterator<Item = impl Display>) {
        for fault in faults {
            self.faults += 1;
            if self.first_faults.len() < FAULTS_NAMED {
                self.first_faults.push(fault.to_string());
            }
        }
    }

    /// All was looked at. A journal without entries proves nothing.
    pub fn end(&mut self, migration: Option<String>, head: Option<Head>) {
        (self.migration, self.head) = (migration, head);
        self.verdict = Verdict::of_checks(false, self.faults > 0 || self.entries == 0);
    }

    /// It was compared with an earlier export.
    pub fn compare(&mut self, against: Against) {
        let differs = self.verdict.differs || against.differences > 0;
        self.verdict = Verdict::of_checks(false, differs);
        self.against = Some(against);
    }

    fn write_faults(&self, out: &mut String) -> fmt::Result {
        for fault in &self.first_faults {
            writeln!(out, "  {fault}")?;
        }
        let unnamed = self.faults - self.first_faults.len() as u64;
        if unnamed > 0 {
            writeln!(out, "  and {} more", HumanCount(unnamed))?;
        }
        out.write_str(if self.is_file {
            "  → do not rely on this file; take another export of the same journal\n"
        } else {
            "  → an earlier export shows what was there, and repairs the table: `mogile2s3 runbook \
             restore --from FILE --dry-run` (docs/OPERATING.md, \"A damaged journal\")\n"
        })
    }
}

impl Report for CheckReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let entries = in_words(self.entries);
        let checked = match &self.migration {
            Some(migration) if self.is_file => {
                format!("{}, the journal of `{migration}`", self.checked)
            }
            Some(_) | None => self.checked.clone(),
        };
        match &self.head {
            _ if self.faults > 0 => {
                writeln!(out, "{checked} IS NOT AS IT WAS WRITTEN; {entries} read:")?;
                self.write_faults(out)?;
            }
            Some(head) => {
                writeln!(out, "{checked}: {entries}, as written")?;
                writeln!(out, "  the last one is {}, {}", head.sequence, head.hash)?;
            }
            None => writeln!(out, "{checked} has no entries: nothing was checked")?,
        }
        self.against.as_ref().map_or(Ok(()), |against| against.write(out))
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// An entry was written.
#[derive(Debug, Serialize)]
pub struct Written<'a> {
    migration: &'a str,
    table: &'a str,
    #[serde(flatten)]
    head: Head,
    #[serde(flatten)]
    verdict: Verdict,
}

impl<'a> Written<'a> {
    /// As this one, into a migration's journal in a table.
    pub const fn new(migration: &'a str, table: &'a str, head: Head) -> Self {
        Self { migration, table, head, verdict: Verdict::of_checks(false, false) }
    }
}

impl Report for Written<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        let Self { migration, table, head: Head { sequence, hash }, .. } = self;
        writeln!(
            out,
            "entry {sequence} is written into the journal of `{migration}`, in the table `{table}`: {hash}"
        )
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// The end of an export.
#[derive(Default)]
pub struct ExportEnd {
    faults: u64,
    first: Option<String>,
}

/// The line that ends an export. [`domain::journal::ExportEnd`] reads it.
#[derive(Debug, Serialize)]
pub struct HeadLine {
    migration: String,
    /// Which entry is the last one.
    head: Option<Head>,
    #[serde(flatten)]
    verdict: Verdict,
}

impl ExportEnd {
    /// Counts what is wrong.
    pub fn take(&mut self, faults: impl IntoIterator<Item = impl Display>) {
        for fault in faults {
            self.faults += 1;
            self.first.get_or_insert_with(|| fault.to_string());
        }
    }

    /// The last line.
    pub fn line(&self, migration: &str, head: Option<Head>) -> HeadLine {
        let verdict = Verdict::of_checks(false, self.faults > 0);
        HeadLine { migration: migration.to_owned(), head, verdict }
    }

    /// Says on stderr what was wrong. Returns the exit code.
    pub fn tell(&self) -> Exit {
        let Some(first) = &self.first else { return Exit::Clean };
        let (places, first) = (self.faults, printable(first));
        eprintln!("the journal is not as it was written, at {places} places; the first: {first}");
        eprintln!("`mogile2s3 runbook check` names the first {FAULTS_NAMED} places.");
        Exit::Findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_say_how_many_faults_are_named() {
        let words = format!("names the first {FAULTS_NAMED} places");
        let page = include_str!("../../../docs/OPERATING.md").replace('\n', " ");
        assert!(page.replace("  ", " ").contains(&words), "no `{words}`");
        let mut report = CheckReport::of_journal("ledger");
        report.take_faults((0..FAULTS_NAMED + 2).map(|number| format!("fault {number}.")));
        let mut text = String::new();
        report.write(&mut text).expect("a text");
        assert_eq!(text.matches("fault ").count(), FAULTS_NAMED, "{text}");
        assert!(text.contains("and 2 more"), "{text}");
    }
}
