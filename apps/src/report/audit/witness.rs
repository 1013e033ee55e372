//! What `audit report` prints: what S3's own witness says of each file.

use std::fmt::{self, Write};

use domain::audit::witness::{
    ReportCounts, WitnessJob, WitnessSummary, WitnessVerdict, WitnessedRow,
};
use domain::summary::Sample;
use domain::{Coverage, Fid, S3Bucket};
use indicatif::HumanCount;
use serde::Serialize;

use crate::exit::Verdict;
use crate::report::list_file::ListEnd;
use crate::report::requests::write_requests;
use crate::report::sample::{is_whole, write_rejected, write_sample, write_stopped};
use crate::report::shell::{self, printable, quoted};
use crate::report::table::Table;
use crate::report::{Cost, Report};

/// What S3's witness says.
#[derive(Debug, Serialize)]
pub struct WitnessReport {
    /// The jobs, in the order in which they were given.
    jobs: Vec<JobSaid>,
    #[serde(flatten)]
    summary: WitnessSummary,
    /// What became of `--failures`.
    failures: Option<ListEnd>,
    #[serde(flatten)]
    cost: Cost,
    #[serde(flatten)]
    verdict: Verdict,
}

/// What `describe-job` says of a job.
#[derive(Debug, Serialize)]
pub struct JobSaid {
    id: String,
    /// The bucket of its manifest.
    bucket: String,
    status: String,
    failed_tasks: u64,
    /// Why it failed, in S3's words.
    reasons: Vec<String>,
    #[serde(skip)]
    is_complete: bool,
}

impl JobSaid {
    /// Of this job, whose manifest is of this bucket.
    pub fn new(job: &WitnessJob, bucket: &S3Bucket) -> Self {
        Self {
            id: job.id.clone(),
            bucket: bucket.to_string(),
            status: job.status.clone(),
            failed_tasks: job.failed,
            reasons: job.failures.clone(),
            is_complete: job.is_complete(),
        }
    }
}

impl WitnessReport {
    /// The report with its verdict. A job that is not complete, a report that does not fit its manifest,
    /// and each file that no row proves leave it incomplete.
    pub fn new(
        jobs: Vec<JobSaid>,
        summary: WitnessSummary,
        failures: Option<ListEnd>,
        cost: Cost,
    ) -> Self {
        let lacks_lines = failures.as_ref().is_some_and(|list| list.trouble.is_some());
        let differs = summary.differs() || lacks_lines;
        let is_incomplete = summary.is_incomplete() || jobs.iter().any(|job| !job.is_complete);
        let verdict = match &summary.stopped {
            Some(stopped) => Verdict::of(Some(stopped), differs),
            None => Verdict::of_checks(is_incomplete, differs),
        };
        Self { jobs, summary, failures, cost, verdict }
    }

    /// Where nothing was compared, because a job is not complete.
    pub fn of_jobs(jobs: Vec<JobSaid>, cost: Cost) -> Self {
        Self::new(jobs, WitnessSummary::default(), None, cost)
    }
}

/// What is wrong with a file, for its line of `--failures`: the name of its class, and words. [`None`] for a
/// file that is whole.
pub const fn failure(row: &WitnessedRow) -> Option<(&'static str, &'static str)> {
    Some(match row.verdict {
        Some(WitnessVerdict::Whole) => return None,
        Some(WitnessVerdict::Wrong) => ("wrong-content", "S3 computed another SHA-1 of the object"),
        Some(WitnessVerdict::Missing) => ("missing", "no object is at the key"),
        Some(WitnessVerdict::Changed) => {
            ("changed", "the object was written again since S3 read it")
        }
        Some(WitnessVerdict::Failed) => ("failed", "S3 did not compute the SHA-1 of the object"),
        Some(WitnessVerdict::NotWitnessed) => {
            ("not-witnessed", "no report has a row of the object")
        }
        None => ("changed-meanwhile", "the row changed while it was compared"),
    })
}

impl Report for WitnessReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        if self.jobs.iter().any(|job| !job.is_complete) {
            return self.write_unfinished(out);
        }
        let summary = &self.summary;
        if let Some(stopped) = &summary.stopped {
            let rows = HumanCount(summary.index.rows);
            writeln!(out, "NOTHING IS PROVEN: it ended when {rows} rows of the index were read.")?;
            return write_stopped(out, stopped);
        }
        for (job, counts) in self.jobs.iter().zip(&summary.reports) {
            write_job(out, job, counts)?;
        }
        self.write_classes(out)?;
        self.write_coverage(out)?;
        write_rejected(out, &summary.index.rejected)?;
        self.write_wrong(out)?;
        self.write_missing(out)?;
        self.write_unproven(out)?;
        write_requests(out, &self.cost)?;
        if let Some(ListEnd { file, trouble: Some(trouble), .. }) = &self.failures {
            writeln!(out, "{} IS NOT COMPLETE: {trouble}", file.display())?;
        }
        self.write_end(out)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// How a report fits its manifest.
fn write_job(out: &mut String, job: &JobSaid, counts: &ReportCounts) -> fmt::Result {
    let JobSaid { id, bucket, .. } = job;
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
            "rows or lines too many, of no file",
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
         another job with the same manifest, under another ClientRequestToken"
    )
}

impl WitnessReport {
    fn write_unfinished(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "NOTHING IS COMPARED: not every job is complete.")?;
        for JobSaid { id, bucket, status, reasons, is_complete, .. } in &self.jobs {
            writeln!(out, "  job {id}, of {bucket}: {}", printable(status))?;
            for reason in reasons {
                writeln!(out, "    {}", printable(reason))?;
            }
            if !is_complete {
                let advice = match &**status {
                    "Failed" | "Failing" | "Cancelled" | "Cancelling" => {
                        "mend what S3 names, and start another job with the same manifest, under another \
                         ClientRequestToken"
                    }
                    "Suspended" => "confirm the job in the S3 console",
                    _ => {
                        "wait. When `aws s3control describe-job` says Complete, download the report"
                    }
                };
                writeln!(out, "    → {advice}")?;
            }
        }
        Ok(())
    }

    fn write_classes(&self, out: &mut String) -> fmt::Result {
        let WitnessSummary { index, objects, whole, .. } = &self.summary;
        let (rows, objects) = (HumanCount(index.rows), HumanCount(*objects));
        writeln!(out, "{rows} rows of the index compared with {objects} objects and the reports")?;
        let rejected = index.rejected.values().map(|sample| sample.files).sum();
        let WitnessSummary { wrong, missing, changed, failed, not_witnessed, .. } = &self.summary;
        let mut table = Table::new(out);
        for (name, count, always) in [
            ("whole", *whole, true),
            ("wrong", wrong.files, true),
            ("missing", missing.files, true),
            ("changed since", changed.files, true),
            ("failed", failed.files, true),
            ("not witnessed", not_witnessed.files, true),
            ("changed meanwhile", self.summary.changed_meanwhile.files, false),
            ("of other buckets", index.of_other_buckets, false),
            ("temporary (.tmp)", index.temporary, true),
            ("in ignored buckets", index.ignored, true),
            ("excluded", index.excluded, false),
            ("rejected", rejected, true),
        ] {
            if always || count > 0 {
                table.count(name, count)?;
            }
        }
        Ok(())
    }

    fn write_coverage(&self, out: &mut String) -> fmt::Result {
        if let Some(why) = &self.summary.index.uncounted {
            writeln!(out, "The index could not be counted: {}", printable(why))?;
        }
        match self.summary.index.coverage() {
            Coverage::Missing(rows) => writeln!(
                out,
                "NOT COMPARED: {} rows that the index counts were not read. Run this again when nothing is \
                 being stored.",
                HumanCount(rows)
            ),
            Coverage::NotTold | Coverage::Equal | Coverage::More(_) | Coverage::Deleted(_) => {
                Ok(())
            }
        }
    }

    /// The gravest finding: readers get these bytes.
    fn write_wrong(&self, out: &mut String) -> fmt::Result {
        let wrong = &self.summary.wrong;
        if wrong.files == 0 {
            return Ok(());
        }
        writeln!(
            out,
            "WRONG CONTENT IS IN S3: S3 read these objects and computed another SHA-1 than their keys."
        )?;
        write_sample(out, "wrong", wrong)?;
        let object = wrong.example.split('`').nth(1).and_then(|object| object.split_once('/'));
        if let Some((bucket, key)) = object {
            writeln!(
                out,
                "    → a stored SHA-1 may say otherwise, and then `mogile2s3 migrate` keeps such an object: keep a \
                 copy of each, and delete it. For the first one:\n\
                 \x20     aws s3 cp s3://{bucket}/{key} {key}.wrong\n\
                 \x20     aws s3api delete-object --bucket {bucket} --key {key}\n\
                 \x20   Then bring the content from MogileFS:\n\
                 \x20     mogile2s3 migrate --again --fids {}",
                self.fids(wrong)
            )?;
        }
        Ok(())
    }

    fn write_missing(&self, out: &mut String) -> fmt::Result {
        let missing = &self.summary.missing;
        if missing.files == 0 {
            return Ok(());
        }
        writeln!(out, "FILES THAT ARE NOT IN S3:")?;
        write_sample(out, "missing", missing)?;
        writeln!(
            out,
            "    → bring each from MogileFS:\n\
             \x20     mogile2s3 migrate --again --fids {}",
            self.fids(missing)
        )
    }

    fn write_unproven(&self, out: &mut String) -> fmt::Result {
        let WitnessSummary { changed, failed, not_witnessed, changed_meanwhile, .. } =
            &self.summary;
        let all = [
            ("written again since S3 read them", changed),
            ("S3 could not read, or its row proves nothing", failed),
            ("in no report", not_witnessed),
            ("whose rows changed while this ran", changed_meanwhile),
        ];
        let some = || all.iter().filter(|(_, sample)| sample.files > 0);
        if some().next().is_none() {
            return Ok(());
        }
        writeln!(out, "FILES OF WHICH S3'S WITNESS SAYS NOTHING:")?;
        some().try_for_each(|(words, sample)| write_sample(out, words, sample))
    }

    /// These fids, as `--fids` takes them: the file that has them all, or each.
    fn fids(&self, sample: &Sample) -> String {
        match &self.failures {
            Some(ListEnd { file, lines: 1.., trouble: None }) => {
                quoted(&format!("@{}", file.display()))
            }
            _ if is_whole(sample) => shell::fids(&sample.first_fids),
            _ => "@FILE    (the FILE of --failures: run this again with it)".to_owned(),
        }
    }

    fn write_end(&self, out: &mut String) -> fmt::Result {
        let Verdict { incomplete, differs, .. } = self.verdict;
        let summary = &self.summary;
        if !incomplete && !differs {
            let files = HumanCount(summary.whole);
            return writeln!(
                out,
                "Clean: of each of the {files} files S3 itself has computed the right SHA-1, and its object is \
                 still the same."
            );
        }
        let samples = [
            &summary.wrong,
            &summary.missing,
            &summary.changed,
            &summary.failed,
            &summary.not_witnessed,
            &summary.changed_meanwhile,
        ];
        if samples.iter().all(|sample| sample.files == 0) {
            return writeln!(out, "Not clean: mend what is named above, then run this again.");
        }
        let mut all = Sample::default();
        for sample in samples {
            all.merge(sample.clone());
        }
        let mut fids: Vec<Fid> = samples.iter().flat_map(|one| one.first_fids.clone()).collect();
        fids.sort_unstable();
        if samples.iter().all(|sample| is_whole(sample)) {
            all = Sample { files: fids.len() as u64, first_fids: fids, ..all };
        }
        writeln!(
            out,
            "Not clean. When all is mended, let S3 look at these files, and give both reports:\n\
             \x20 mogile2s3 audit manifest --out FOLDER --upload-to s3://BUCKET/PREFIX --fids {}",
            self.fids(&all)
        )
    }
}
