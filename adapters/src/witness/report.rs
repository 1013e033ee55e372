//! A downloaded report: the folder `job-ID` with its `manifest.json` and its `results`.

use std::path::{Path, PathBuf};

use domain::audit::witness::{CsvError, CsvReader, ReportManifest, TaskRow, WitnessJob};

use super::{WitnessFileError, read_hashed};

/// The report of a job.
#[derive(Debug)]
pub struct ReportFolder {
    results: PathBuf,
    manifest: ReportManifest,
}

impl ReportFolder {
    /// Reads the folder's `manifest.json`, and every result file once: each must be there, whole by the
    /// MD5 that is listed, and have nothing but rows.
    pub fn open(folder: &Path, job: &WitnessJob) -> Result<Self, WitnessFileError> {
        let path = folder.join("manifest.json");
        let text = std::fs::read_to_string(&path).map_err(WitnessFileError::io(&path))?;
        let manifest = ReportManifest::parse(&text, job);
        let manifest = manifest.map_err(|why| WitnessFileError::content(&path, &why))?;
        let report = Self { results: folder.join("results"), manifest };
        report.rows(&mut |_| ())?;
        Ok(report)
    }

    /// Passes on every row of every file. An error may come behind rows: they count for nothing then.
    pub fn rows(&self, each: &mut dyn FnMut(&TaskRow)) -> Result<(), WitnessFileError> {
        for file in &self.manifest.results {
            let path = self.results.join(&file.name);
            let mut rows = Rows { reader: CsvReader::default(), number: 0, each, trouble: None };
            let found = read_hashed(&path, &mut |chunk| rows.take(chunk))?.to_string();
            // Before what is wrong with a row: a file that was cut short has half of one.
            if found != file.md5 {
                return Err(WitnessFileError::Damaged { path, found, listed: file.md5.clone() });
            }
            rows.finish().map_err(|why| WitnessFileError::content(&path, &why))?;
        }
        Ok(())
    }
}

/// The rows of one file.
struct Rows<'a> {
    reader: CsvReader,
    number: u64,
    each: &'a mut dyn FnMut(&TaskRow),
    /// The first thing that is wrong. Nothing is passed on any more then.
    trouble: Option<String>,
}

impl Rows<'_> {
    fn take(&mut self, chunk: &[u8]) {
        for byte in chunk {
            if self.trouble.is_some() {
                return;
            }
            let record = self.reader.push(*byte);
            self.record(record);
        }
    }

    fn finish(mut self) -> Result<(), String> {
        if self.trouble.is_none() {
            let last = std::mem::take(&mut self.reader).finish();
            self.record(last);
        }
        self.trouble.map_or(Ok(()), Err)
    }

    fn record(&mut self, record: Result<Option<Vec<String>>, CsvError>) {
        let row = match record {
            Ok(None) => return,
            Ok(Some(fields)) => TaskRow::parse(&fields).map_err(|why| why.to_string()),
            Err(why) => Err(why.to_string()),
        };
        self.number += 1;
        match row {
            Ok(row) => (self.each)(&row),
            Err(why) => self.trouble = Some(format!("row {}: {why}", self.number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use md5::{Digest, Md5};

    use super::*;
    use crate::witness::Md5Sum;

    const JOB: &str = r#"{"Job": {"JobId": "7", "Status": "Complete",
        "Manifest": {"Location": {"ETag": "ab"}},
        "Operation": {"S3ComputeObjectChecksum": {"ChecksumAlgorithm": "SHA1", "ChecksumType": "FULL_OBJECT"}},
        "Report": {"Enabled": true, "Format": "Report_CSV_20180820", "ReportScope": "AllTasks"}}}"#;

    const ROWS: &str = "b,k1,,failed,403,AccessDenied,\"no, \"\"thanks\"\"\"\r\nb,k2,,failed,,,";

    /// Opens a report with these two files, of which the second has `found` where `listed` is listed.
    fn opened(listed: &str, found: Option<&str>) -> Result<Vec<String>, WitnessFileError> {
        let folder = tempfile::tempdir().expect("a folder");
        let results = folder.path().join("results");
        fs::create_dir(&results).expect("made");
        let mut lines = Vec::new();
        for (name, listed, found) in [("1.csv", ROWS, Some(ROWS)), ("2.csv", listed, found)] {
            let md5 = Md5Sum::from_bytes(Md5::digest(listed).into()).to_string().to_uppercase();
            lines.push(format!(r#"{{"MD5Checksum": "{md5}", "Key": "p/job-7/results/{name}"}}"#));
            found.map(|found| fs::write(results.join(name), found).expect("written"));
        }
        let schema = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage";
        let manifest = format!(
            r#"{{"Format": "Report_CSV_20180820", "Results": [{}], "ReportSchema": "{schema}"}}"#,
            lines.join(",")
        );
        fs::write(folder.path().join("manifest.json"), manifest).expect("written");
        let job = WitnessJob::parse(JOB).expect("a job");
        let report = ReportFolder::open(folder.path(), &job)?;
        let mut rows = Vec::new();
        report.rows(&mut |row| rows.push(format!("{} {:?}", row.key, row.result)))?;
        Ok(rows)
    }

    #[test]
    fn all_rows_of_all_files_are_read_whether_or_not_a_line_ends_the_file() {
        let second = "b,k3,,failed,x,403,\n";
        let rows = opened(second, Some(second)).expect("a report");
        let expected = [
            r#"k1 Err("failed 403 AccessDenied no, \"thanks\"")"#,
            r#"k2 Err("failed")"#,
            r#"k3 Err("failed 403 x")"#,
        ];
        assert_eq!(rows, expected);
        assert_eq!(opened("", Some("")).expect("a report"), expected[..2]);
    }

    #[test]
    fn a_file_that_is_not_as_listed_is_named() {
        let cut = &ROWS[..ROWS.len() - 9];
        for (listed, found, words) in [
            (ROWS, Some(cut), "is not whole"),
            (ROWS, Some(""), "is not whole"),
            (ROWS, None, "No such file"),
            ("b,k\n", Some("b,k\n"), "row 1: it has 2 columns"),
            ("\"b", Some("\"b"), "row 1: the file ends inside quotes"),
            ("\"b\"x,\n", Some("\"b\"x,\n"), "row 1: something stands behind a closing quote"),
        ] {
            let error = opened(listed, found).expect_err(words).to_string();
            assert!(error.contains("results/2.csv") && error.contains(words), "{error}");
        }
    }
}
