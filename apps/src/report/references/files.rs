//! The files that a comparison of references writes: a line for each row.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::verify::references::{Broken, NamedReference, ReferencesObserver, column};

use crate::exit::UsageError;
use crate::report::list_file::ListEnd;

/// What a file has of each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceForm {
    /// `--list`: a symbol and the columns of the row, of each row.
    List,
    /// `--failures`: fid and the same columns, of each broken row, as `--fids @FILE` reads it. Where
    /// `migrate` mends nothing a `#` is in place of the fid. Accepted files are left out.
    Failures,
}

impl ReferenceForm {
    const fn flag(self) -> &'static str {
        match self {
            Self::List => "--list",
            Self::Failures => "--failures",
        }
    }

    fn write(self, out: &mut impl Write, row: &NamedReference<'_>) -> io::Result<bool> {
        match (self, row.broken) {
            (Self::List, broken) => write!(out, "{}", symbol(broken))?,
            (Self::Failures, None | Some(Broken::Accepted)) => return Ok(false),
            (Self::Failures, Some(_)) => match row.fid {
                Some(fid) => write!(out, "{fid}")?,
                None => write!(out, "#")?,
            },
        }
        let (table, id) = (row.table, row.id);
        let [bucket, key, uuid] = [row.bucket, row.key, row.uuid].map(column);
        write!(out, "\t{}\t{table}\t{id}", row.broken.map_or("", Broken::name))?;
        write!(out, "\t{bucket}\t{key}\t{uuid}\t{}", column(row.checksum.or(Some(""))))?;
        writeln!(out, "\t{}", column(Some(row.detail)))?;
        Ok(true)
    }
}

/// The symbol of a line in `--list`, as other lists have it.
const fn symbol(broken: Option<Broken>) -> char {
    match broken {
        None => '=',
        Some(
            Broken::ByMigration
            | Broken::Before
            | Broken::Lost
            | Broken::Missing
            | Broken::NoRow
            | Broken::OtherKey
            | Broken::Purged
            | Broken::NoObject,
        ) => '-',
        Some(Broken::Accepted) => '~',
        Some(Broken::WrongObject | Broken::WrongSize | Broken::Archived) => '*',
        Some(
            Broken::Unseen
            | Broken::Undecided
            | Broken::NoChecksum
            | Broken::NoBucket
            | Broken::UnmappedBucket
            | Broken::UnknownStatus
            | Broken::NullColumn,
        ) => '!',
    }
}

/// A file with a line for each row that its form has one for. A last line says that it is whole.
pub struct ReferenceList {
    form: ReferenceForm,
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    out: BufWriter<File>,
    lines: u64,
    /// The first thing that went wrong; nothing is written any more then.
    trouble: Option<io::Error>,
}

impl ReferenceList {
    /// Makes the file. One that is there and not empty stays as it is, and is an error.
    pub fn create(form: ReferenceForm, path: &Path) -> Result<Self, UsageError> {
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

    /// Writes what is left, and the last line where the comparison came to its end. Says whether all of it
    /// is there.
    #[must_use]
    pub fn finish(&self, is_whole: bool) -> ListEnd {
        let mut inner = self.inner();
        let Inner { out, lines, trouble } = &mut *inner;
        if trouble.is_none() {
            let last = if is_whole { writeln!(out, "# {lines} lines") } else { Ok(()) };
            *trouble = last.and_then(|()| out.flush()).err();
        }
        let ended = (!is_whole).then(|| "the comparison ended early".to_owned());
        let trouble = trouble.as_ref().map(ToString::to_string).or(ended);
        ListEnd { file: self.path.clone(), lines: *lines, trouble }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReferencesObserver for ReferenceList {
    fn expect(&self, _rows: u64) {}
    fn read(&self, _rows: u64) {}
    fn listed(&self, _objects: u64) {}
    fn broken(&self, _rows: u64) {}

    fn named(&self, row: &NamedReference<'_>) {
        let mut inner = self.inner();
        if inner.trouble.is_some() {
            return;
        }
        match self.form.write(&mut inner.out, row) {
            Ok(is_written) => inner.lines += u64::from(is_written),
            Err(error) => inner.trouble = Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Fid;
    use domain::ports::RowId;

    use super::*;
    use crate::fid_list::FidList;

    const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";

    fn row(id: i128, broken: Option<Broken>, fid: Option<u64>) -> NamedReference<'static> {
        NamedReference {
            table: "objects",
            id: RowId(id),
            bucket: Some("repo"),
            key: Some("a\tkey"),
            uuid: None,
            checksum: Some(SHA1),
            broken,
            detail: if broken.is_some() { "in\nwords" } else { "" },
            fid: fid.map(Fid),
        }
    }

    fn written(form: ReferenceForm) -> (String, Vec<u64>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        let list = ReferenceList::create(form, &path).expect("a new file");
        list.named(&row(1, None, None));
        list.named(&row(2, Some(Broken::ByMigration), Some(7)));
        list.named(&row(3, Some(Broken::Before), None));
        list.named(&row(4, Some(Broken::Accepted), None));
        let end = list.finish(true);
        assert_eq!(end.trouble, None);
        assert!(ReferenceList::create(form, &path).is_err(), "it has lines");
        let fids = FidList::read("--fids", &path).map(|list| list.all().iter().collect());
        (std::fs::read_to_string(&path).expect("written"), fids.unwrap_or_default())
    }

    #[test]
    fn each_form_has_its_lines_and_migrate_reads_the_failures() {
        let rest =
            |id: u64, words: &str| format!("\tobjects\t{id}\trepo\ta key\t\\N\t{SHA1}\t{words}\n");
        let two = format!("\tbroken-by-migration{}", rest(2, "in words"));
        let three = format!("\tbroken-before{}", rest(3, "in words"));
        let four = format!("\taccepted{}", rest(4, "in words"));
        let list = format!("=\t{}-{two}-{three}~{four}# 4 lines\n", rest(1, ""));
        assert_eq!(written(ReferenceForm::List).0, list);
        let failures = format!("7{two}#{three}# 2 lines\n");
        assert_eq!(written(ReferenceForm::Failures), (failures, vec![7]));
    }

    #[test]
    fn a_list_that_is_not_whole_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        let list = ReferenceList::create(ReferenceForm::Failures, &path).expect("a new file");
        list.named(&row(2, Some(Broken::ByMigration), Some(7)));
        let end = list.finish(false);
        assert_eq!((end.lines, end.trouble.is_some()), (1, true));
        assert!(!std::fs::read_to_string(&path).expect("written").contains("lines"));
        if Path::new("/dev/full").exists() {
            let list = ReferenceList::create(ReferenceForm::Failures, Path::new("/dev/full"));
            assert!(list.expect("it opens").finish(true).trouble.is_some(), "a full disk");
        }
    }
}
