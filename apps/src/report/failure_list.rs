//! The complete list of what failed, in a file that can be fed back as `--fids @FILE`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use domain::engine::{OutageObserver, RunObserver};
use domain::migrate::Page;
use domain::{Failure, Fid, Finding, Reason, SourceFile};
use serde::Serialize;

use super::list_file::{ListEnd, ListFile, column};
use crate::exit::UsageError;

/// A file with a line for each failed file, each rejected row and each fid without a row, as it
/// happens: fid, reason, key and detail, separated by tabs. Findings have lines of their own, which
/// begin with `#finding` and a tab, so that what is fed back is only what did not end well.
pub struct FailureList(Mutex<Inner>);

struct Inner {
    file: ListFile,
    findings: u64,
    is_begun: bool,
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
    /// Makes the file. One that has lines stays as it is, and is an error.
    pub fn create(path: &Path) -> Result<Self, UsageError> {
        let file = ListFile::create("--failures", path)?;
        Ok(Self(Mutex::new(Inner { file, findings: 0, is_begun: false })))
    }

    /// Writes what is left and the last line, and says whether all of it is there.
    #[must_use]
    pub fn finish(self) -> FailureListEnd {
        let inner = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let ListEnd { file, lines, trouble } = inner.file.finish();
        FailureListEnd { file, lines: lines - inner.findings, findings: inner.findings, trouble }
    }

    fn add(&self, fid: Fid, reason: &str, dkey: &str, detail: &str) {
        self.line("", fid, reason, dkey, detail);
    }

    fn line(&self, mark: &str, fid: Fid, reason: &str, dkey: &str, detail: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_begun = std::mem::replace(&mut inner.is_begun, true);
        let is_written = inner.file.write(1, |out| {
            if !is_begun {
                writeln!(out, "# fid\treason\tdkey\tdetail")?;
            }
            writeln!(out, "{mark}{fid}\t{reason}\t{}\t{}", column(dkey), column(detail))
        });
        inner.findings += u64::from(is_written && !mark.is_empty());
    }
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
        self.line("#finding\t", file.fid, kind.name(), &file.dkey.to_string(), detail);
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
        assert!(lines.len() == 5 && lines[1].starts_with(first), "{text}");
        assert_eq!(lines[4], "# 3 lines");
        assert!(lines[..4].iter().all(|line| line.split('\t').count() == 4), "{text}");
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
        assert!(text.starts_with(&found) && text.ends_with("\n# 4 lines\n"), "{text}");
        let fed_back = FidList::read("--fids", &path).expect("a list").all();
        assert_eq!(fed_back.iter().collect::<Vec<_>>(), [7, 9, 11]);
        let again = FailureList::create(&path);
        assert!(again.is_err(), "findings are not written over either");
    }
}
