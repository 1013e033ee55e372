//! The files that a comparison writes while it goes on: one line for each file and object, checksums,
//! and what is not as it must be.

use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use domain::verify::{Line, Mark, VerifyObserver};

use crate::exit::UsageError;
use crate::report::list_file::{ListEnd, ListFile, column};

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

    /// The line, with its end; [`None`] where this form has none.
    fn line(self, line: &Line<'_>) -> Option<String> {
        let Line { mark, bucket, key, fid, trouble: (name, detail), is_correction } = line;
        let key = column(key.as_str());
        let is_failed = matches!(mark, Mark::Missing | Mark::Differs | Mark::Unseen);
        match (self, fid) {
            (Self::List, fid) => {
                let fid = fid.map_or_else(|| "-".to_owned(), |fid| fid.to_string());
                let detail = column(detail);
                let trouble = [*name, &detail].into_iter().filter(|text| !text.is_empty());
                let trouble: String = trouble.flat_map(|text| ["\t", text]).collect();
                Some(format!("{}\t{bucket}/{key}\t{fid}{trouble}\n", symbol(*mark)))
            }
            (Self::Sha1Sums, Some(_)) if !is_correction => {
                Some(format!("{key}  {bucket}/{key}\n"))
            }
            (Self::Failures, Some(fid)) if is_failed => {
                Some(format!("{fid}\t{name}\t{bucket}/{key}\t{}\n", column(detail)))
            }
            (Self::Sha1Sums | Self::Failures, _) => None,
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
    }
}

/// A file with a line for each thing that its form has one for, as it happens.
pub struct VerifyList {
    form: Form,
    file: Mutex<ListFile>,
}

impl VerifyList {
    /// Makes the file. One that has lines stays as it is, and is an error.
    pub fn create(form: Form, path: &Path) -> Result<Self, UsageError> {
        let file = ListFile::create(form.flag(), path)?;
        Ok(Self { form, file: Mutex::new(file) })
    }

    /// Ends the file: with its last line where the comparison has come to its end.
    #[must_use]
    pub fn finish(self, is_whole: bool) -> ListEnd {
        let file = self.file.into_inner().unwrap_or_else(PoisonError::into_inner);
        if is_whole { file.finish() } else { file.pause() }
    }
}

impl VerifyObserver for VerifyList {
    fn expect(&self, _ranges: u64) {}
    fn read(&self, _rows: u64) {}
    fn listed(&self, _objects: u64) {}
    fn range_done(&self) {}
    fn sampling(&self, _files: u64) {}

    fn line(&self, line: &Line<'_>) {
        if let Some(line) = self.form.line(line) {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write(1, |out| out.write_all(line.as_bytes()));
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
        let list = VerifyList::create(form, &path).expect("a new file");
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
        let end = list.finish(true);
        if form == Form::Failures {
            let fids = FidList::read("--fids", &path).expect("a list").all();
            assert_eq!(fids.iter().collect::<Vec<_>>(), [7, 8, 9]);
        }
        assert!(VerifyList::create(form, &path).is_err(), "it has lines");
        (std::fs::read_to_string(&path).expect("written"), end)
    }

    #[test]
    fn each_form_has_its_lines() {
        let at = format!("corpus/{SHA1}");
        let (list, end) = written(Form::List);
        let expected = format!(
            "=\t{at}\t7\n-\t{at}\t8\tmissing\tno object is there\n*\t{at}\t7\twrong-content\tother\n\
             +\tcorpus/odd key\t-\tother-key\n!\t{at}\t9\ts3-denied\tno\n# 5 lines\n"
        );
        assert_eq!((list, end.lines, end.trouble), (expected, 5, None));
        let (sums, end) = written(Form::Sha1Sums);
        assert_eq!((sums, end.lines), (format!("{SHA1}  {at}\n").repeat(3) + "# 3 lines\n", 3));
        let (failures, end) = written(Form::Failures);
        let expected = format!(
            "8\tmissing\t{at}\tno object is there\n7\twrong-content\t{at}\tother\n9\ts3-denied\t{at}\tno\n\
             # 3 lines\n"
        );
        assert_eq!((failures, end.lines), (expected, 3));
    }
}
