//! A file that `runbook export` has written.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use domain::journal::{ExportChain, ExportLine, Head, StoredEntry};
use domain::limits;

use crate::exit::UsageError;
use crate::report::runbook::CheckReport;

/// An export, and the option that names it.
pub struct ExportFile<'a> {
    pub path: &'a Path,
    pub option: &'static str,
}

impl ExportFile<'_> {
    /// Checks every line.
    pub fn check(&self) -> Result<CheckReport, UsageError> {
        let mut report = CheckReport::of_file(self.path);
        let mut chain = ExportChain::default();
        for line in self.lines()? {
            let line = line.map_err(|error| self.unread(&error))?;
            let before = chain.entries();
            report.take_faults(chain.follow(line));
            report.take_entries(chain.entries() - before);
        }
        report.take_faults(chain.end());
        report.end(chain.migration().map(str::to_owned), chain.head().cloned());
        Ok(report)
    }

    /// Checks every line, and that this is an export of this journal with entries. Returns the last
    /// entry.
    pub fn whole(&self, migration: &str) -> Result<Head, UsageError> {
        let (shown, mut chain) = (self.path.display(), ExportChain::default());
        let refused = |why: &dyn std::fmt::Display| {
            UsageError(format!(
                "{}: `{shown}` cannot be relied on: {why}\n  → `mogile2s3 runbook check --file` names \
                 all that is wrong with it. Give another export of this journal",
                self.option
            ))
        };
        for line in self.lines()? {
            let line = line.map_err(|error| self.unread(&error))?;
            if let Some(fault) = chain.follow(line).first() {
                return Err(refused(fault));
            }
        }
        if let Some(fault) = chain.end().first() {
            return Err(refused(fault));
        }
        if let Some(other) = chain.migration().filter(|other| *other != migration) {
            let text = format!(
                "{}: `{shown}` is of the journal of `{other}`, and DYNAMODB_TABLE names `{migration}`",
                self.option
            );
            return Err(UsageError(text));
        }
        chain.head().cloned().ok_or_else(|| refused(&"it has no entries"))
    }

    fn lines(&self) -> Result<Lines, UsageError> {
        Lines::open(self.path).map_err(|error| self.unread(&error))
    }

    fn unread(&self, error: &io::Error) -> UsageError {
        UsageError(format!("{}: `{}` cannot be read: {error}", self.option, self.path.display()))
    }
}

/// How the entries of an export that was checked are read again.
pub fn entries_of(
    path: PathBuf,
) -> impl Fn() -> Box<dyn Iterator<Item = StoredEntry> + Send> + Sync {
    // What cannot be read any more ends the entries too early, which is noticed by their last hash.
    let entry = |line| match line {
        Ok(ExportLine::Entry(entry)) => Some(entry),
        Ok(ExportLine::End(_) | ExportLine::Unreadable { .. }) | Err(_) => None,
    };
    move || match Lines::open(&path) {
        Ok(lines) => Box::new(lines.map_while(entry)),
        Err(_) => Box::new(std::iter::empty()),
    }
}

/// The lines of an export, read with constant memory.
struct Lines(BufReader<File>);

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(BufReader::new(File::open(path)?)))
    }

    fn line(&mut self) -> io::Result<Option<ExportLine>> {
        let most = limits::JOURNAL_LINE_BYTES;
        let mut line = Vec::new();
        // One byte more, for the end of the line.
        let mut limited = self.0.by_ref().take(most as u64 + 1);
        if limited.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > most {
            self.0.skip_until(b'\n')?;
            let why = format!("it has more than {most} bytes");
            return Ok(Some(ExportLine::Unreadable { why }));
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(match String::from_utf8(line) {
            Ok(line) => ExportLine::parse(line),
            Err(_) => ExportLine::Unreadable { why: "it is not text in UTF-8".to_owned() },
        }))
    }
}

impl Iterator for Lines {
    type Item = io::Result<ExportLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line().transpose()
    }
}
