use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use domain::audit::{AuditedFile, FileVerdict, ListedFile};
use domain::{Fid, ObjectAddress, ObjectKey, Stopped};
use indicatif::HumanCount;
use serde::Serialize;

use crate::exit::UsageError;
use crate::report::shell::printable;

/// A file with a line for each file of the index: a symbol, the object, the fid and the class, separated
/// by tabs.
pub struct AuditList {
    path: PathBuf,
    out: BufWriter<File>,
    lines: u64,
    /// The first thing that went wrong; nothing is written any more then.
    trouble: Option<io::Error>,
}

/// What became of the list.
#[derive(Debug, Serialize)]
pub struct ListEnd {
    /// Where it is.
    pub file: PathBuf,
    /// Its number of lines, but for the last one.
    pub lines: u64,
    /// Why it is not complete, if it is not.
    pub trouble: Option<String>,
}

impl AuditList {
    /// Makes the file. One that is there and not empty stays as it is, and is an error.
    pub fn create(path: &Path) -> Result<Self, UsageError> {
        let shown = path.display();
        let refused = |why: &dyn fmt::Display| UsageError(format!("--list: `{shown}` {why}"));
        let open = OpenOptions::new().create(true).append(true).open(path);
        let file = open.map_err(|error| refused(&format!("cannot be written: {error}")))?;
        if file.metadata().is_ok_and(|file| file.is_file() && file.len() > 0) {
            return Err(refused(&"has lines already: name another file, or move it away"));
        }
        Ok(Self { path: path.to_owned(), out: BufWriter::new(file), lines: 0, trouble: None })
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
        if self.trouble.is_none() {
            match writeln!(self.out, "{symbol}\t{at}\t{fid}\t{class}") {
                Ok(()) => self.lines += 1,
                Err(error) => self.trouble = Some(error),
            }
        }
        if self.trouble.is_some() { Err(()) } else { Ok(()) }
    }

    /// Ends a list for which the index could not be read again.
    pub fn broken_off(mut self, why: &Stopped) -> ListEnd {
        self.trouble.get_or_insert_with(|| io::Error::other(why.to_string()));
        self.finish()
    }

    /// Writes the last line, and says whether all of them are there.
    pub fn finish(mut self) -> ListEnd {
        let end = |out: &mut BufWriter<File>, lines| {
            writeln!(out, "# {lines} lines")?;
            out.flush()
        };
        if self.trouble.is_none() {
            self.trouble = end(&mut self.out, self.lines).err();
        }
        let trouble = self.trouble.map(|error| error.to_string());
        ListEnd { file: self.path, lines: self.lines, trouble }
    }
}

impl ListEnd {
    pub(super) fn write(&self, out: &mut String) -> fmt::Result {
        let Self { file, lines, trouble } = self;
        let (lines, file) = (HumanCount(*lines), file.display());
        match trouble {
            None => writeln!(out, "All {lines} lines are in {file}."),
            Some(why) => writeln!(
                out,
                "THE LIST {file} IS NOT COMPLETE: {why}\n  → mend that, move the file away, and audit again"
            ),
        }
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
