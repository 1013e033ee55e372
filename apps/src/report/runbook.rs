//! What `runbook` prints.

use std::fmt::{self, Display, Write};

use domain::journal::Head;
use indicatif::HumanCount;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Report;
use super::shell::printable;
use crate::exit::{Exit, Verdict};

/// Faults that are named.
const FAULTS_NAMED: usize = 20;

/// What was found in a journal.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    /// What was checked.
    checked: String,
    /// The entries that were looked at.
    entries: u64,
    /// The places at which it is not as it was written.
    faults: u64,
    /// The first of them.
    first_faults: Vec<String>,
    /// Which entry is the last one.
    head: Option<Head>,
    #[serde(flatten)]
    verdict: Verdict,
}

impl CheckReport {
    /// Nothing of this was looked at yet.
    pub const fn new(checked: String) -> Self {
        let verdict = Verdict::of_checks(false, false);
        Self { checked, entries: 0, faults: 0, first_faults: Vec::new(), head: None, verdict }
    }

    /// An entry was looked at.
    pub fn take_entry(&mut self, faults: impl IntoIterator<Item = impl Display>) {
        self.entries += 1;
        faults.into_iter().for_each(|fault| self.fault(&fault));
    }

    /// A line of a file is no entry.
    pub fn take_line(&mut self, error: &dyn Display) {
        self.entries += 1;
        let line = self.entries;
        self.fault(&format_args!("line {line} cannot be read as an entry: {error}"));
    }

    /// There are lines behind the one that ends an export.
    pub fn take_more(&mut self) {
        self.fault(&"there is more behind the line that names the last entry");
    }

    /// All was looked at. A journal without entries proves nothing.
    pub fn end(&mut self, fault: Option<impl Display>, head: Option<Head>) {
        if let Some(fault) = fault {
            self.fault(&fault);
        }
        self.head = head;
        self.verdict = Verdict::of_checks(false, self.faults > 0 || self.entries == 0);
    }

    fn fault(&mut self, fault: &dyn Display) {
        self.faults += 1;
        if self.first_faults.len() < FAULTS_NAMED {
            self.first_faults.push(fault.to_string());
        }
    }
}

impl Report for CheckReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let (checked, entries) = (&self.checked, HumanCount(self.entries));
        if self.faults == 0 {
            return match &self.head {
                Some(head) => {
                    writeln!(out, "{checked}: {entries} entries, all as they were written")?;
                    writeln!(out, "  the last one is {}, {}", head.sequence, head.hash)
                }
                None => writeln!(out, "{checked} has no entries: nothing was checked"),
            };
        }
        writeln!(out, "{checked} IS NOT AS IT WAS WRITTEN; {entries} entries were read:")?;
        for fault in &self.first_faults {
            writeln!(out, "  {fault}")?;
        }
        let unnamed = self.faults - self.first_faults.len() as u64;
        if unnamed > 0 {
            writeln!(out, "  and {} more", HumanCount(unnamed))?;
        }
        writeln!(
            out,
            "  → compare it with an earlier `mogile2s3 runbook export`; point-in-time recovery has \
             the table as it was"
        )
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// An entry was written.
#[derive(Debug, Serialize)]
pub struct Written {
    #[serde(flatten)]
    head: Head,
    #[serde(flatten)]
    verdict: Verdict,
}

impl Written {
    /// As this one.
    pub const fn new(head: Head) -> Self {
        Self { head, verdict: Verdict::of_checks(false, false) }
    }
}

impl Report for Written {
    fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "entry {} is written, {}", self.head.sequence, self.head.hash)
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

/// The line that ends an export.
#[derive(Debug, Serialize)]
pub struct HeadLine {
    /// Which entry is the last one.
    pub head: Option<Head>,
    #[serde(flatten)]
    verdict: Verdict,
}

impl HeadLine {
    /// Reads a line, if it is the one that ends an export.
    pub fn parse(line: &str) -> Option<Self> {
        let mut line: Map<String, Value> = serde_json::from_str(line).ok()?;
        let head = serde_json::from_value(line.remove("head")?).ok()?;
        Some(ExportEnd::default().line(head))
    }
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
    pub const fn line(&self, head: Option<Head>) -> HeadLine {
        HeadLine { head, verdict: Verdict::of_checks(false, self.faults > 0) }
    }

    /// Says on stderr what was wrong. Returns the exit code.
    pub fn tell(&self) -> Exit {
        let Some(first) = &self.first else { return Exit::Clean };
        let (places, first) = (self.faults, printable(first));
        eprintln!("the journal is not as it was written, at {places} places: {first}");
        eprintln!("`mogile2s3 runbook check` names them.");
        Exit::Findings
    }
}
