//! A job as `describe-job` shows it, and the list of its report's files.

use std::collections::BTreeSet;

use serde::Deserialize;

/// A job that computes the SHA-1 of each object of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessJob {
    /// Its id.
    pub id: String,
    /// Its status in S3's words; [`is_complete`](Self::is_complete) says whether it is done.
    pub status: String,
    /// Why it failed, in S3's words; empty where it did not.
    pub failures: Vec<String>,
    /// The `ETag` of the manifest that it read, without quotes.
    pub manifest_etag: String,
    /// Tasks in all; [`None`] where the description does not say.
    pub tasks: Option<u64>,
    /// Tasks that failed.
    pub failed: u64,
}

/// A file that does not describe such a job, or such a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// It is not JSON of this form.
    #[error("it is not what `{from}` gives: {why}")]
    Form {
        /// Where it comes from.
        from: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The job does something else.
    #[error("the job does not compute full-object checksums by SHA-1: its operation is {0}")]
    OtherOperation(String),
    /// The job's report does not have every task, or has another format.
    #[error("the job's report cannot be used: {0}")]
    OtherReport(String),
    /// The report is of another job.
    #[error("it lists `{key}`, which is no file of job `{job}`")]
    OtherJob {
        /// The key of a result file.
        key: String,
        /// The job.
        job: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    job: Described,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    job_id: String,
    status: String,
    manifest: Manifest,
    operation: serde_json::Map<String, serde_json::Value>,
    report: Report,
    progress_summary: Option<Progress>,
    failure_reasons: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    location: Location,
}

#[derive(Deserialize)]
struct Location {
    #[serde(rename = "ETag")]
    etag: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    enabled: bool,
    format: Option<String>,
    report_scope: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Progress {
    total_number_of_tasks: Option<u64>,
    number_of_tasks_failed: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    failure_code: Option<String>,
    failure_reason: Option<String>,
}

const DESCRIBE: &str = "aws s3control describe-job";
const FORMAT: &str = "Report_CSV_20180820";

impl WitnessJob {
    /// Reads what `aws s3control describe-job` gives (S3 API reference, `DescribeJob`).
    pub fn parse(text: &str) -> Result<Self, JobError> {
        let job = serde_json::from_str::<Description>(text).map(|description| description.job);
        let job = job.map_err(|e| JobError::Form { from: DESCRIBE, why: e.to_string() })?;
        let operation = serde_json::Value::Object(job.operation);
        let of = |name: &str| {
            let value = operation.get("S3ComputeObjectChecksum").and_then(|inner| inner.get(name));
            value.and_then(|value| value.as_str())
        };
        if (of("ChecksumAlgorithm"), of("ChecksumType")) != (Some("SHA1"), Some("FULL_OBJECT")) {
            return Err(JobError::OtherOperation(operation.to_string()));
        }
        let Report { enabled, format, report_scope } = job.report;
        let (format, scope) = (format.unwrap_or_default(), report_scope.unwrap_or_default());
        if !enabled || format != FORMAT || scope != "AllTasks" {
            let why = format!("Enabled {enabled}, Format `{format}`, ReportScope `{scope}`");
            return Err(JobError::OtherReport(why));
        }
        let words = |failure: Failure| {
            let words = [failure.failure_code, failure.failure_reason];
            words.into_iter().flatten().collect::<Vec<_>>().join(": ")
        };
        let progress = job.progress_summary;
        let progress = progress.map(|p| (p.total_number_of_tasks, p.number_of_tasks_failed));
        let (tasks, failed) = progress.unwrap_or_default();
        Ok(Self {
            id: job.job_id,
            status: job.status,
            failures: job.failure_reasons.unwrap_or_default().into_iter().map(words).collect(),
            manifest_etag: job.manifest.location.etag.trim_matches('"').to_owned(),
            tasks,
            failed: failed.unwrap_or_default(),
        })
    }

    /// Whether all of its tasks were done: only then its report is whole.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.status == "Complete"
    }

    /// Whether it read a manifest with this MD5 in lower-case hex; [`None`] where its manifest was
    /// uploaded in parts, whose `ETag` is no MD5.
    #[must_use]
    pub fn is_of_manifest(&self, md5: &str) -> Option<bool> {
        let is_of_parts = self.manifest_etag.contains('-');
        (!is_of_parts).then(|| self.manifest_etag.eq_ignore_ascii_case(md5))
    }
}

/// The files of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportManifest {
    /// Each of them once.
    pub results: Vec<ResultFile>,
}

/// A file with rows of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultFile {
    /// Its name in the folder `results`.
    pub name: String,
    /// Its MD5 in lower-case hex.
    pub md5: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    format: String,
    results: Vec<ListedFile>,
    report_schema: String,
}

#[derive(Deserialize)]
struct ListedFile {
    #[serde(rename = "MD5Checksum")]
    md5: String,
    #[serde(rename = "Key")]
    key: String,
}

impl ReportManifest {
    /// Reads a report's `manifest.json` (S3 user guide, "Examples: S3 Batch Operations completion
    /// reports"): the files of this job, of the one format that is known.
    pub fn parse(text: &str, job: &WitnessJob) -> Result<Self, JobError> {
        let form = |why: String| JobError::Form { from: "a report's manifest.json", why };
        let listed: Listed = serde_json::from_str(text).map_err(|error| form(error.to_string()))?;
        if listed.format != FORMAT {
            return Err(JobError::OtherReport(format!("its format is `{}`", listed.format)));
        }
        let columns: Vec<_> = listed.report_schema.split(',').map(str::trim).collect();
        // The examples and the schema disagree on the order of the two codes.
        let is_known = |codes: [&str; 2]| {
            let known =
                ["Bucket", "Key", "VersionId", "TaskStatus", codes[0], codes[1], "ResultMessage"];
            columns == known
        };
        if !is_known(["ErrorCode", "HTTPStatusCode"]) && !is_known(["HTTPStatusCode", "ErrorCode"])
        {
            let why = format!("its columns are `{}`", listed.report_schema);
            return Err(JobError::OtherReport(why));
        }
        let (mut results, mut names) = (Vec::new(), BTreeSet::new());
        for ListedFile { md5, key } in listed.results {
            let other = || JobError::OtherJob { key: key.clone(), job: job.id.clone() };
            let (folder, name) = key.rsplit_once('/').ok_or_else(other)?;
            let own = format!("job-{}/results", job.id);
            let is_own = folder
                .strip_suffix(&own)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
            if !is_own || [".", "..", ""].contains(&name) {
                return Err(other());
            }
            if !names.insert(name.to_owned()) {
                return Err(form(format!("it lists `{key}` twice")));
            }
            results.push(ResultFile { name: name.to_owned(), md5: md5.to_ascii_lowercase() });
        }
        Ok(Self { results })
    }
}
