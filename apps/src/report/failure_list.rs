//! The complete list of what failed, in a file that can be fed back as `--fids @FILE`.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::engine::{OutageObserver, RunObserver};
use domain::migrate::Page;
use domain::{Failure, Fid, Finding, Reason, SourceFile};
use serde::Serialize;

use crate::exit::UsageError;

/// A line waits at most so long for others before it is written, while others come.
const FLUSH_AFTER: Duration = Duration::from_secs(1);

/// A file with a line for each failed file, each rejected row and each fid without a row, as it
/// happens: fid, reason, key and detail, separated by tabs. Findings have lines of their own, which
/// begin with `#finding` and a tab, so that what is fed back is only what did not end well.
pub struct FailureList {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    out: BufWriter<File>,
    flushed: Instant,
    lines: u64,
    findings: u64,
    /// The first thing that went wrong; nothing is written any more then.
    trouble: Option<io::Error>,
}

/// What became of the list.
#[derive(Debug, Serialize)]
pub struct FailureListEnd {
    /// Where it is.
    pub file: PathBuf,
    /// How many lines it has of failed files, rejected rows and fids without a row.
    pub lines: u64,
    /// How many lines it has of findings.
    pub findings: u64,
    /// Why it is not complete, if it is not.
    pub trouble: Option<String>,
}

impl FailureList {
    /// Makes the file. One that is there and not empty stays as it is, and is an error: it may be
    /// the only list of what failed before, perhaps the very one that is being fed back.
    pub fn create(path: &Path) -> Result<Self, UsageError> {
        let shown = path.display();
        let refused =
            |why: &dyn std::fmt::Display| UsageError(format!("--failures: `{shown}` {why}"));
        let open = OpenOptions::new().create(true).append(true).open(path);
        let file = open.map_err(|error| refused(&format!("cannot be written: {error}")))?;
        if file.metadata().is_ok_and(|file| file.is_file() && file.len() > 0) {
            return Err(refused(&"has lines already: name another file, or move it away"));
        }
        let out = BufWriter::new(file);
        let inner = Inner { out, flushed: Instant::now(), lines: 0, findings: 0, trouble: None };
        Ok(Self { path: path.to_owned(), inner: Mutex::new(inner) })
    }

    /// Writes what is left, and says whether all of it is there.
    #[must_use]
    pub fn finish(&self) -> FailureListEnd {
        let mut inner = self.inner();
        if let Err(error) = inner.out.flush() {
            inner.trouble.get_or_insert(error);
        }
        let trouble = inner.trouble.as_ref().map(ToString::to_string);
        let Inner { lines, findings, .. } = *inner;
        FailureListEnd { file: self.path.clone(), lines, findings, trouble }
    }

    fn add(&self, fid: Fid, reason: &str, dkey: &str, detail: &str) {
        self.write(|inner| {
            inner.lines += 1;
            inner.write("", fid, reason, dkey, detail)
        });
    }

    fn write(&self, line: impl FnOnce(&mut Inner) -> io::Result<()>) {
        let mut inner = self.inner();
        if inner.trouble.is_some() {
            return;
        }
        if let Err(error) = line(&mut inner) {
            inner.trouble = Some(error);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(
        &mut self,
        mark: &str,
        fid: Fid,
        reason: &str,
        dkey: &str,
        detail: &str,
    ) -> io::Result<()> {
        if self.lines + self.findings == 1 {
            writeln!(self.out, "# fid\treason\tdkey\tdetail")?;
        }
        writeln!(self.out, "{mark}{fid}\t{reason}\t{}\t{}", column(dkey), column(detail))?;
        if self.flushed.elapsed() >= FLUSH_AFTER {
            self.out.flush()?;
            self.flushed = Instant::now();
        }
        Ok(())
    }
}

/// In one line, and one column of it.
fn column(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

impl OutageObserver for FailureList {
    fn holding(&self, _why: &Reason) {}
    fn going_on(&self) {}
}

impl RunObserver for FailureList {
    fn expect(&self, _rows: Option<u64>) {}

    fn read(&self, page: &Page) {
        for row in &page.rejected {
            let dkey = row.dkey.as_deref().unwrap_or_default();
            self.add(row.fid, row.why.name(), dkey, &row.why.to_string());
        }
        for fid in &page.absent {
            self.add(Fid(fid), "absent", "", "the index has no row of this fid");
        }
    }

    fn settled(&self, file: &SourceFile, failure: Option<&Failure>) {
        if let Some(failure) = failure {
            let (kind, dkey) = (failure.reason.kind, file.dkey.to_string());
            // The reason has a column of its own.
            let words = failure.to_string();
            let detail = words.strip_prefix(&format!("{kind}: ")).unwrap_or(&words);
            self.add(file.fid, kind.name(), &dkey, detail);
        }
    }

    fn noticed(&self, file: &SourceFile, Finding { kind, detail }: &Finding) {
        self.write(|inner| {
            inner.findings += 1;
            inner.write("#finding\t", file.fid, kind.name(), &file.dkey.to_string(), detail)
        });
    }
}

#[cfg(test)]
mod tests {
    use domain::migrate::RejectedRow;
    use domain::{ByteCount, Dkey, FindingKind, Rejection, S3Bucket};

    use super::*;
    use crate::fid_list::FidList;

    fn page() -> Page {
        let why = Rejection::NotContentAddressed("odd\tkey\n".to_owned());
        let row = RejectedRow { fid: Fid(7), dkey: Some("odd\tkey\n".to_owned()), why };
        Page { rejected: vec![row], absent: [9, 11].into_iter().collect(), ..Page::default() }
    }

    #[test]
    fn a_line_a_file_that_can_be_fed_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("failures.tsv");
        let list = FailureList::create(&path).expect("a new file");
        list.read(&page());
        let end = list.finish();
        assert_eq!((end.lines, end.trouble), (3, None));
        let text = std::fs::read_to_string(&path).expect("written");
        let lines: Vec<_> = text.lines().collect();
        let first = "7\tnot-content-addressed\todd key \tkey `odd key ` is not";
        assert!(lines.len() == 4 && lines[1].starts_with(first), "{text}");
        assert!(lines.iter().all(|line| line.split('\t').count() == 4), "{text}");
        let fed_back = FidList::read("--fids", &path).expect("a list").all();
        assert_eq!(fed_back.iter().collect::<Vec<_>>(), [7, 9, 11]);
    }

    #[test]
    fn findings_are_listed_and_not_fed_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("failures.tsv");
        let list = FailureList::create(&path).expect("a new file");
        let sha1 = "0123456789abcdef0123456789abcdef01234567";
        let file = SourceFile::new(
            Fid(7),
            Dkey::parse(&format!("{sha1}-b")).expect("a dkey"),
            ByteCount(3),
            S3Bucket::new("corpus").expect("a bucket"),
        );
        let detail = "http://10.0.0.7:7500/dev1\tis cut short".to_owned();
        list.noticed(&file, &Finding { kind: FindingKind::BadReplica, detail });
        list.read(&page());
        let end = list.finish();
        assert_eq!((end.lines, end.findings, end.trouble), (3, 1, None));
        let text = std::fs::read_to_string(&path).expect("written");
        let found = format!(
            "# fid\treason\tdkey\tdetail\n\
             #finding\t7\tbad-replica\t{sha1}-b\thttp://10.0.0.7:7500/dev1 is cut short\n"
        );
        assert!(text.starts_with(&found), "{text}");
        let fed_back = FidList::read("--fids", &path).expect("a list").all();
        assert_eq!(fed_back.iter().collect::<Vec<_>>(), [7, 9, 11]);
        let again = FailureList::create(&path);
        assert!(again.is_err(), "findings are not written over either");
    }

    #[test]
    fn what_was_listed_before_is_not_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("failures.tsv");
        std::fs::write(&path, "").expect("written");
        FailureList::create(&path).expect("there is nothing in it to lose");
        std::fs::write(&path, "7\n").expect("written");
        let error = FailureList::create(&path).err().expect("it is not empty").0;
        assert!(error.contains("has lines already"), "{error}");
        assert_eq!(std::fs::read(&path).expect("it is there"), b"7\n");
        let error = FailureList::create(folder.path()).err().expect("a folder").0;
        assert!(error.contains("cannot be written"), "{error}");
    }

    #[test]
    fn a_full_disk_is_told_and_stops_nothing() {
        if !Path::new("/dev/full").exists() {
            return;
        }
        let list = FailureList::create(Path::new("/dev/full")).expect("it opens");
        list.read(&page());
        let end = list.finish();
        assert!(end.trouble.is_some(), "{end:?}");
    }
}
