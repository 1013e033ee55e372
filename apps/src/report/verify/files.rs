//! The files that a comparison writes while it goes on: one line for each file and object, checksums,
//! and what is not as it must be.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use adapters::scratch::Scratch;
use domain::Reason;
use domain::verify::{Line, Mark, VerifyObserver};

use crate::exit::UsageError;
use crate::report::list_file::{ListEnd, ListFile, ListPlace, column};

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
    /// The flag that asks for it.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::List => "--list",
            Self::Sha1Sums => "--sha1sums",
            Self::Failures => "--failures",
        }
    }

    /// The line, with its end; [`None`] where this form has none.
    fn line(self, line: &Line<'_>) -> Option<String> {
        let Line { run: _, mark, bucket, key, fid, trouble: (name, detail), is_correction } = line;
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
            // There need be no object of an accepted file.
            (Self::Sha1Sums, Some(_)) if !is_correction && *mark != Mark::Accepted => {
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
        Mark::Accepted => '~',
    }
}

/// A file with a line for each thing that its form has one for. The lines of a range of keys come when
/// the range is done, so that the file has whole ranges alone.
pub struct VerifyList {
    form: Form,
    /// Where lines wait that memory does not hold.
    directory: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    file: ListFile,
    under_way: BTreeMap<usize, Waiting>,
}

/// The lines of a range that is being compared.
struct Waiting {
    lines: u64,
    text: Scratch,
}

impl VerifyList {
    /// Makes the file. One that has lines stays as it is, and is an error. Lines wait in this directory.
    pub fn create(form: Form, path: &Path, directory: &Path) -> Result<Self, UsageError> {
        Ok(Self::of(form, directory, ListFile::create(form.flag(), path)?))
    }

    /// Goes on with a file at a place that it had.
    pub fn resume(
        form: Form,
        path: &Path,
        directory: &Path,
        place: ListPlace,
    ) -> Result<Self, UsageError> {
        Ok(Self::of(form, directory, ListFile::resume(form.flag(), path, place)?))
    }

    fn of(form: Form, directory: &Path, file: ListFile) -> Self {
        let inner = Mutex::new(Inner { file, under_way: BTreeMap::new() });
        Self { form, directory: directory.to_owned(), inner }
    }

    /// The flag that names it.
    pub const fn flag(&self) -> &'static str {
        self.form.flag()
    }

    /// How far the file is, with the ranges that are done.
    pub fn place(&self) -> io::Result<ListPlace> {
        self.inner().file.place()
    }

    /// Ends the file: with its last line where the comparison has come to its end.
    #[must_use]
    pub fn finish(self, is_whole: bool) -> ListEnd {
        let Inner { mut file, under_way } =
            self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        for waiting in under_way.into_values() {
            waiting.write(&mut file);
        }
        if is_whole { file.finish() } else { file.pause() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn write(self, file: &mut ListFile) {
        file.write(self.lines, |out| self.text.copy_to(out));
    }
}

impl VerifyObserver for VerifyList {
    fn sorting(&self, _rows: u64) {}
    fn expect(&self, _ranges: u64, _done: u64) {}
    fn read(&self, _rows: u64) {}
    fn listed(&self, _objects: u64) {}
    fn sampling(&self, _files: u64) {}
    fn holding(&self, _why: &Reason) {}
    fn going_on(&self) {}

    fn range_done(&self, run: usize) {
        let mut inner = self.inner();
        if let Some(waiting) = inner.under_way.remove(&run) {
            waiting.write(&mut inner.file);
        }
    }

    fn line(&self, line: &Line<'_>) {
        let Some(text) = self.form.line(line) else { return };
        let inner = &mut *self.inner();
        let Some(run) = line.run else {
            inner.file.write(1, |out| out.write_all(text.as_bytes()));
            return;
        };
        let new = || Waiting { lines: 0, text: Scratch::new(&self.directory) };
        let waiting = inner.under_way.entry(run).or_insert_with(new);
        waiting.lines += 1;
        if let Err(error) = waiting.text.write_all(text.as_bytes()) {
            inner.file.write(0, |_| Err(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use domain::{Fid, ObjectKey, S3Bucket};

    use super::*;
    use crate::fid_list::FidList;

    const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";

    fn written(form: Form) -> (String, ListEnd) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        let list = VerifyList::create(form, &path, folder.path()).expect("a new file");
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
            let run = if is_correction { None } else { Some(2) };
            list.line(&Line { run, mark, bucket: &bucket, key, fid, trouble, is_correction });
            list.range_done(if mark == Mark::Unseen { 1 } else { 2 });
        }
        let end = list.finish(true);
        if form == Form::Failures {
            let fids = FidList::read("--fids", &path).expect("a list").all();
            assert_eq!(fids.iter().collect::<Vec<_>>(), [7, 8, 9]);
        }
        assert!(VerifyList::create(form, &path, folder.path()).is_err(), "it has lines");
        (fs::read_to_string(&path).expect("written"), end)
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

    #[test]
    fn a_place_has_the_lines_of_finished_ranges_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        let bucket = S3Bucket::new("corpus").expect("a bucket");
        let key = ObjectKey::new(SHA1.to_owned());
        let line = |list: &VerifyList, run, fid| {
            let (mark, fid, trouble) = (Mark::Whole, Some(Fid(fid)), ("", ""));
            let (bucket, key, is_correction) = (&bucket, &key, false);
            list.line(&Line { run, mark, bucket, key, fid, trouble, is_correction });
        };
        let list = VerifyList::create(Form::List, &path, folder.path()).expect("a new file");
        line(&list, Some(0), 1);
        line(&list, Some(1), 2);
        list.range_done(0);
        line(&list, Some(0), 3);
        let place = list.place().expect("a place");
        assert_eq!(place.lines, 1);
        assert_eq!(
            list.finish(false).lines,
            3,
            "what was found is listed where it is not continued"
        );
        let list =
            VerifyList::resume(Form::List, &path, folder.path(), place).expect("it is there");
        line(&list, Some(1), 4);
        list.range_done(1);
        assert_eq!(list.finish(true).lines, 2);
        let text = fs::read_to_string(&path).expect("written");
        let fids: Vec<_> = text.lines().filter_map(|line| line.split('\t').nth(2)).collect();
        assert_eq!((fids, text.ends_with("\n# 2 lines\n")), (vec!["1", "4"], true), "{text}");
    }
}
