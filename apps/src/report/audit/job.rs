//! A job in the report: its status, how its report fits its manifest, and how another one is started.

use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use domain::S3Bucket;
use domain::audit::witness::{ReportCounts, WitnessJob};
use indicatif::HumanCount;
use serde::Serialize;

use super::manifest::create_job;
use crate::report::shell::{printable, quoted};

/// What `describe-job` says of a job.
#[derive(Debug, Serialize)]
pub struct JobStatus {
    pub(super) id: String,
    /// The bucket of its manifest.
    pub(super) bucket: String,
    pub(super) status: String,
    failed_tasks: u64,
    /// Why it failed, in S3's words.
    pub(super) reasons: Vec<String>,
    #[serde(skip)]
    pub(super) is_complete: bool,
    /// Its manifest; the files beside it are named as `audit manifest` names them.
    #[serde(skip)]
    manifest: PathBuf,
}

impl JobStatus {
    /// Of this job, which read this manifest of this bucket.
    pub fn new(job: &WitnessJob, bucket: &S3Bucket, manifest: &Path) -> Self {
        Self {
            id: job.id.clone(),
            bucket: bucket.to_string(),
            status: job.status.clone(),
            failed_tasks: job.failed,
            reasons: job.failures.clone(),
            is_complete: job.is_complete(),
            manifest: manifest.to_owned(),
        }
    }

    /// How another job with the same manifest is started.
    pub(super) fn start_again(&self, region: &str) -> String {
        let beside = |ending: &str| {
            let path = self.manifest.with_file_name(format!("{}.{ending}", self.bucket));
            quoted(&path.display().to_string())
        };
        create_job(&beside("create-job.json"), Some("$(uuidgen)"), &beside("job-id"), region)
    }
}

/// How a report fits its manifest.
pub(super) fn write_job(
    out: &mut String,
    job: &JobStatus,
    counts: &ReportCounts,
    region: &str,
) -> fmt::Result {
    let JobStatus { id, bucket, .. } = job;
    let (rows, lines) = (HumanCount(counts.rows), HumanCount(counts.lines));
    writeln!(out, "Job {id}: {rows} rows for the {lines} objects of its manifest, in {bucket}")?;
    if let Some(words) = &counts.first_failure {
        let failed = HumanCount(counts.failed_rows);
        writeln!(out, "  {failed} rows prove nothing, such as: {}", printable(words))?;
    }
    if counts.is_whole() {
        return Ok(());
    }
    writeln!(out, "  THE REPORT DOES NOT FIT ITS MANIFEST:")?;
    for (count, words) in [
        (counts.lines_without_row, "lines have no row"),
        (counts.duplicate_rows, "rows come again"),
        (counts.rows_of_no_line, "rows are of no line"),
        (counts.duplicate_lines, "lines come again"),
        (
            counts.rows_of_no_file.abs_diff(counts.lines_of_no_file),
            "more rows than lines (or lines than rows) for objects that are not in the index",
        ),
    ] {
        if count > 0 {
            writeln!(out, "    {} {words}", HumanCount(count))?;
        }
    }
    if counts.tasks != Some(counts.lines) {
        let tasks =
            counts.tasks.map_or_else(|| "an unknown number of".to_owned(), |n| n.to_string());
        writeln!(out, "    the job had {tasks} tasks")?;
    }
    writeln!(
        out,
        "    → download the report and the description of the job again. If they stay as they are, start \
         another job with the same manifest:\n\
         \x20     {}\n\
         \x20   Then describe it and download its report, into an empty folder, as `audit manifest` printed.",
        job.start_again(region)
    )
}
