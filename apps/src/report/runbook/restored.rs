//! What `runbook restore` prints.

use std::fmt::{self, Write};
use std::path::Path;

use domain::journal::Head;
use domain::runbook::Restored;
use indicatif::HumanCount;
use serde::Serialize;

use super::{FAULTS_NAMED, in_words};
use crate::exit::{Exit, Verdict};
use crate::report::Report;

/// What was repaired of a journal.
#[derive(Debug, Serialize)]
pub struct RestoreReport {
    migration: String,
    file: String,
    dry_run: bool,
    /// The entries that were put back, or would be.
    entries: u64,
    /// The first of them, in words.
    first_entries: Vec<String>,
    /// What was wrong with the head.
    head_fault: Option<String>,
    /// What stood behind the end and was no entry, and was replaced, or would be.
    strays: u64,
    /// The entries behind the last one of the export, which stay.
    added: u64,
    /// What is still to be repaired: the repair has not come to its end.
    left: u64,
    /// The entries that say so.
    written: Vec<Head>,
    /// Under which names the table keeps what was replaced.
    kept_as: Vec<String>,
    /// Whether entries behind the last one of the file may be lost, too.
    may_lack_entries: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

impl RestoreReport {
    /// Of this repair.
    pub fn new(migration: &str, file: &Path, dry_run: bool, restored: Restored) -> Self {
        let Restored { entries, mut first, head_fault, strays, added, .. } = restored;
        let Restored { left, written, kept_as, may_lack_entries, .. } = restored;
        first.truncate(FAULTS_NAMED);
        let (migration, file) = (migration.to_owned(), file.display().to_string());
        let (first_entries, verdict) = (first, Verdict::of_checks(false, may_lack_entries));
        Self {
            migration,
            file,
            dry_run,
            entries,
            first_entries,
            head_fault,
            strays,
            added,
            left,
            written,
            kept_as,
            may_lack_entries,
            verdict,
        }
    }

    /// The repair has not come to its end, for an error with this exit code.
    pub fn ended_by(self, exit: Exit) -> Self {
        let verdict = Verdict { exit, incomplete: true, ..self.verdict };
        Self { verdict, ..self }
    }
}

impl Report for RestoreReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let Self { migration, file, entries, added, .. } = self;
        if *entries == 0 && self.head_fault.is_none() && self.strays == 0 {
            return writeln!(
                out,
                "the journal of `{migration}` has every entry of `{file}` as it was, and {added} behind \
                 them: there is nothing to repair"
            );
        }
        let did = if self.dry_run { "would put back" } else { "put back" };
        writeln!(
            out,
            "{did} {} of the journal of `{migration}`, from `{file}`:",
            in_words(*entries)
        )?;
        for entry in &self.first_entries {
            writeln!(out, "  {entry}")?;
        }
        let unnamed = entries - self.first_entries.len() as u64;
        if unnamed > 0 {
            writeln!(out, "  and {} more", HumanCount(unnamed))?;
        }
        if let Some(fault) = &self.head_fault {
            writeln!(out, "{did} the head: {fault}")?;
        }
        if self.strays > 0 {
            let did = if self.dry_run { "would replace" } else { "replaced" };
            let strays = HumanCount(self.strays);
            writeln!(out, "{did} what stood behind the end and was no entry: {strays}")?;
        }
        writeln!(out, "behind the last one of the file: {}, left as they are", in_words(*added))?;
        if self.may_lack_entries {
            writeln!(
                out,
                "NOT CERTAIN: the head was not right, and it alone would show whether entries behind the \
                 last one are missing too. Is there a later export? Use that one first: behind this \
                 repair it fits no more."
            )?;
        }
        for Head { sequence, hash } in &self.written {
            writeln!(out, "entry {sequence} says so, {hash}")?;
        }
        for name in &self.kept_as {
            writeln!(out, "what stood there is kept in the table, with `{name}` as its migration")?;
        }
        if self.dry_run {
            writeln!(out, "Nothing was changed. To repair: the same command without --dry-run")?;
        }
        if self.left > 0 {
            let left = HumanCount(self.left);
            writeln!(
                out,
                "NOT DONE: {left} more to be put right. Run it again: it goes on from here"
            )?;
        }
        Ok(())
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_said() {
        let done = Restored { entries: 40, strays: 2, left: 10, ..Restored::default() };
        let report = RestoreReport::new("ledger", "file".as_ref(), false, done);
        let report = report.ended_by(Exit::Refused);
        let mut text = String::new();
        report.write(&mut text).expect("a text");
        for words in ["put back 40 entries", "was no entry: 2", "NOT DONE: 10 more"] {
            assert!(text.contains(words), "no `{words}` in: {text}");
        }
        let verdict = Verdict { exit: Exit::Refused, incomplete: true, differs: false };
        assert_eq!(report.verdict(), verdict);
    }
}
