use std::fmt;
use std::io::Write as _;
use std::path::Path;

use domain::audit::{AuditedFile, FileVerdict, ListedFile};
use domain::{Fid, ObjectAddress, ObjectKey, Stopped};
use indicatif::HumanCount;

use crate::exit::UsageError;
use crate::report::list_file::{ListEnd, ListFile};
use crate::report::shell::printable;

/// A file with a line for each file of the index: a symbol, the object, the fid and the class, separated
/// by tabs.
pub struct AuditList(ListFile);

impl AuditList {
    /// Makes the file. One that has lines stays as it is, and is an error.
    pub fn create(path: &Path) -> Result<Self, UsageError> {
        ListFile::create("--list", path).map(Self)
    }

    /// Adds a file of the index. Errors when the file took no line: no other needs to come.
    pub fn add(&mut self, file: &ListedFile) -> Result<(), ()> {
        match file {
            ListedFile::Judged(file, verdict) => {
                let (symbol, class) = shown(*verdict);
                self.line(symbol, &object(file), file.fid, class)
            }
            ListedFile::Changed(file) => {
                self.line('!', &object(file), file.fid, "changed while the audit ran")
            }
            ListedFile::Rejected(fid, why, key) => {
                let key = printable(key.as_deref().unwrap_or("-"));
                self.line('!', &key, *fid, why.name())
            }
            ListedFile::AcceptedRow(fid, why, key) => {
                let key = printable(key.as_deref().unwrap_or("-"));
                self.line(ACCEPTED, &key, *fid, &format!("accepted, {}", why.name()))
            }
            ListedFile::Unreadable(fid) => self.line('!', &"-", *fid, "unreadable-row"),
        }
    }

    /// Adds a record of the ledger that has no row.
    pub fn add_without_row(&mut self, fid: Fid, at: &ObjectAddress) {
        // What went wrong is kept.
        let _ = self.line('+', at, fid, "without a row");
    }

    fn line(
        &mut self,
        symbol: char,
        at: &dyn fmt::Display,
        fid: Fid,
        class: &str,
    ) -> Result<(), ()> {
        let is_written = self.0.write(1, |out| writeln!(out, "{symbol}\t{at}\t{fid}\t{class}"));
        if is_written { Ok(()) } else { Err(()) }
    }

    /// Ends a list for which the index could not be read again.
    pub fn broken_off(self, why: &Stopped) -> ListEnd {
        self.0.broken_off(why)
    }

    /// Writes the last line, and says whether all of them are there.
    pub fn finish(self) -> ListEnd {
        self.0.finish()
    }
}

pub(super) fn write_end(out: &mut String, end: &ListEnd) -> fmt::Result {
    use std::fmt::Write as _;

    let ListEnd { file, lines, trouble } = end;
    let (lines, file) = (HumanCount(*lines), file.display());
    match trouble {
        None => writeln!(out, "All {lines} lines are in {file}."),
        Some(why) => writeln!(
            out,
            "THE LIST {file} IS NOT COMPLETE: {why}\n  → mend that, move the file away, and audit again"
        ),
    }
}

fn object(file: &AuditedFile) -> ObjectAddress {
    ObjectAddress { bucket: file.bucket.clone(), key: ObjectKey::of_content(&file.sha1) }
}

/// The symbol of what an operator accepts.
const ACCEPTED: char = '~';

const fn shown(verdict: FileVerdict) -> (char, &'static str) {
    match verdict {
        FileVerdict::Whole => ('=', "whole"),
        FileVerdict::WithoutRecord => ('-', "no record"),
        FileVerdict::Claimed => ('*', "claimed, not proven"),
        FileVerdict::OfAnother => ('*', "record of another bucket or SHA-1"),
        FileVerdict::Doubted => ('*', "found missing or wrong"),
        FileVerdict::WithoutPass => ('?', "not verified"),
        FileVerdict::Accepted => (ACCEPTED, "accepted, not in the ledger"),
    }
}
