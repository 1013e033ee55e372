//! The files that a comparison writes while it goes on: one line for each file and object, checksums,
//! and what is not as it must be.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::verify::{Line, Mark, VerifyObserver};
use serde::Serialize;

use crate::exit::UsageError;

/// What a file has of each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `--list`: a symbol, `bucket/key`, the fid, and what is wrong, separated by tabs.
    List,
    /// `--sha1sums`: `{sha1}  {bucket}/{sha1}` for each file, as `sha1sum -c` reads it.
    Sha1Sums,
    /// `--failures`: fid, reason, address and detail, as `--fids @FILE` reads it.
    Failures,
}

impl Form {
    const fn flag(self) -> &'static str {
        match self {
            Self::List => "--list",
            Self::Sha1Sums => "--sha1sums",
            Self::Failures => "--failures",
        }
    }

    fn write(self, out: &mut impl Write, line: &Line<'_>) -> io::Result<bool> {
        let Line { mark, bucket, key, fid, trouble: (name, detail), is_correction } = line;
        let key = column(key.as_str());
        let is_failed = matches!(mark, Mark::Missing | Mark::Differs | Mark::Unseen);
        match (self, fid) {
            (Self::List, fid) => {
                let fid = fid.map_or_else(|| "-".to_owned(), |fid| fid.to_string());
                write!(out, "{}\t{bucket}/{key}\t{fid}", symbol(*mark))?;
                if !name.is_empty() {
                    write!(out, "\t{name}")?;
                }
                if !detail.is_empty() {
                    write!(out, "\t{}", column(detail))?;
                }
                writeln!(out)?;
                Ok(true)
            }
            // There need be no object of an accepted file.
            (Self::Sha1Sums, Some(_)) if !is_correction && *mark != Mark::Accepted => {
                writeln!(out, "{key}  {bucket}/{key}")?;
                Ok(true)
            }
            (Self::Failures, Some(fid)) if is_failed => {
                writeln!(out, "{fid}\t{name}\t{bucket}/{key}\t{}", column(detail))?;
                Ok(true)
            }
            (Self::Sha1Sums | Self::Failures, _) => Ok(false),
        }
    }
}

/// The symbol of a line in `--list`.
const fn symbol(mark: Mark) -> char {
    match mark {
        Mark::Whole => '=',
        Mark::Missing => '-',
        Mark::Differs => '*',
        Mark::Extra => '+',
        Mark::Unseen => '!',
        Mark::Accepted => '~',
    }
}

/// In one line, and one column of it.
fn column(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// A file with a line for each thing that its form has one for, as it happens.
pub struct ListFile {
    form: Form,
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    out: BufWriter<File>,
    lines: u64,
    /// The first thing that went wrong; nothing is written any more then.
    trouble: Option<io::Error>,
}

/// What became of a file.
#[derive(Debug, Serialize)]
pub struct ListEnd {
    /// Where it is.
    pub file: PathBuf,
    /// How many lines it has.
    pub lines: u64,
    /// Why it is not complete, if it is not.
    pub trouble: Option<String>,
}

impl ListFile {
    /// Makes the file. One that is there and not empty stays as it is, and is an error.
    pub fn create(form: Form, path: &Path) -> Result<Self, UsageError> {
        let (shown, flag) = (path.display(), form.flag());
        let refused = |why: &dyn std::fmt::Display| UsageError(format!("{flag}: `{shown}` {why}"));
        let open = OpenOptions::new().create(true).append(true).open(path);
        let file = open.map_err(|error| refused(&format!("cannot be written: {error}")))?;
        if file.metadata().is_ok_and(|file| file.is_file() && file.len() > 0) {
            return Err(refused(&"has lines already: name another file, or move it away"));
        }
        let inner = Inner { out: BufWriter::new(file), lines: 0, trouble: None };
        Ok(Self { form, path: path.to_owned(), inner: Mutex::new(inner) })
    }

    /// Writes what is left, and says whether all of it is there.
    #[must_use]
    pub fn finish(&self) -> ListEnd {
        let mut inner = self.inner();
        if let Err(error) = inner.out.flush() {
            inner.trouble.get_or_insert(error);
        }
        let trouble = inner.trouble.as_ref().map(ToString::to_string);
        ListEnd { file: self.path.clone(), lines: inner.lines, trouble }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VerifyObserver for ListFile {
    fn expect(&self, _ranges: u64) {}
    fn read(&self, _rows: u64) {}
    fn listed(&self, _objects: u64) {}
    fn range_done(&self) {}
    fn sampling(&self, _files: u64) {}

    fn line(&self, line: &Line<'_>) {
        let mut inner = self.inner();
        if inner.trouble.is_some() {
            return;
        }
        match self.form.write(&mut inner.out, line) {
            Ok(is_written) => inner.lines += u64::from(is_written),
            Err(error) => inner.trouble = Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Fid, ObjectKey, S3Bucket};

    use super::*;
    use crate::fid_list::FidList;

    const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";

    fn written(form: Form) -> (String, ListEnd) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        let list = ListFile::create(form, &path).expect("a new file");
        let bucket = S3Bucket::new("corpus").expect("a bucket");
        let key = |key: &str| ObjectKey::new(key.to_owned());
        let (content, odd) = (key(SHA1), key("odd\nkey"));
        for (mark, key, fid, trouble, is_correction) in [
            (Mark::Whole, &content, Some(Fid(7)), ("", ""), false),
            (Mark::Missing, &content, Some(Fid(8)), ("missing", "no object\tis there"), false),
            (Mark::Differs, &content, Some(Fid(7)), ("wrong-content", "other"), true),
            (Mark::Extra, &odd, None, ("other-key", ""), false),
            (Mark::Unseen, &content, Some(Fid(9)), ("s3-denied", "no"), false),
        ] {
            list.line(&Line { mark, bucket: &bucket, key, fid, trouble, is_correction });
        }
        let end = list.finish();
        if form == Form::Failures {
            let fids = FidList::read("--fids", &path).expect("a list").all();
            assert_eq!(fids.iter().collect::<Vec<_>>(), [7, 8, 9]);
        }
        assert!(ListFile::create(form, &path).is_err(), "it has lines");
        (std::fs::read_to_string(&path).expect("written"), end)
    }

    #[test]
    fn each_form_has_its_lines() {
        let at = format!("corpus/{SHA1}");
        let (list, end) = written(Form::List);
        let expected = format!(
            "=\t{at}\t7\n-\t{at}\t8\tmissing\tno object is there\n*\t{at}\t7\twrong-content\tother\n\
             +\tcorpus/odd key\t-\tother-key\n!\t{at}\t9\ts3-denied\tno\n"
        );
        assert_eq!((list, end.lines, end.trouble), (expected, 5, None));
        let (sums, end) = written(Form::Sha1Sums);
        assert_eq!((sums, end.lines), (format!("{SHA1}  {at}\n").repeat(3), 3));
        let (failures, end) = written(Form::Failures);
        let expected = format!(
            "8\tmissing\t{at}\tno object is there\n7\twrong-content\t{at}\tother\n9\ts3-denied\t{at}\tno\n"
        );
        assert_eq!((failures, end.lines), (expected, 3));
    }

    #[test]
    fn a_full_disk_is_told() {
        if !Path::new("/dev/full").exists() {
            return;
        }
        let list = ListFile::create(Form::List, Path::new("/dev/full")).expect("it opens");
        let bucket = S3Bucket::new("corpus").expect("a bucket");
        let key = ObjectKey::new(SHA1.to_owned());
        let trouble = ("", "");
        list.line(&Line {
            mark: Mark::Whole,
            bucket: &bucket,
            key: &key,
            fid: Some(Fid(7)),
            trouble,
            is_correction: false,
        });
        assert!(list.finish().trouble.is_some());
    }
}
