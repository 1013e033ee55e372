//! What `audit report` prints: what S3's own witness says of each file.

use std::fmt::{self, Write};

use domain::audit::witness::{WitnessSummary, WitnessVerdict, WitnessedRow};
use domain::summary::Sample;
use domain::{Coverage, Fid, S3Bucket};
use indicatif::HumanCount;
use serde::Serialize;

use super::job::{JobStatus, write_job};
use super::manifest::option;
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
    jobs: Vec<JobStatus>,
    /// The buckets of `--bucket`; empty where all are judged.
    judged: Vec<String>,
    /// The option of the AWS command line; empty where the region is not known.
    #[serde(skip)]
    region: String,
    #[serde(flatten)]
    summary: WitnessSummary,
    /// What became of `--failures`.
    failures: Option<ListEnd>,
    #[serde(flatten)]
    cost: Cost,
    #[serde(flatten)]
    verdict: Verdict,
}

impl WitnessReport {
    /// The report with its verdict. A job that is not complete, a report that does not fit its manifest,
    /// and each file that no row proves leave it incomplete.
    pub fn new(
        jobs: Vec<JobStatus>,
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
        Self { jobs, judged: Vec::new(), region: String::new(), summary, failures, cost, verdict }
    }

    /// Of files of these buckets alone, where there are any, in this region.
    #[must_use]
    pub fn of<'a>(mut self, only: impl IntoIterator<Item = &'a S3Bucket>, region: String) -> Self {
        self.judged = only.into_iter().map(ToString::to_string).collect();
        self.region = option(region);
        self
    }

    /// Where nothing was compared, because a job is not complete.
    pub fn of_jobs(jobs: Vec<JobStatus>, cost: Cost) -> Self {
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
            ("changed", "the object was written since the job was created")
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
            write_job(out, job, counts, &self.region)?;
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

impl WitnessReport {
    fn write_unfinished(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "NOTHING IS COMPARED: not every job is complete.")?;
        for job in &self.jobs {
            let JobStatus { id, bucket, status, reasons, is_complete, .. } = job;
            writeln!(out, "  job {id}, of {bucket}: {}", printable(status))?;
            for reason in reasons {
                writeln!(out, "    {}", printable(reason))?;
            }
            if !is_complete {
                let advice = match &**status {
                    "Failed" | "Failing" | "Cancelled" | "Cancelling" => format!(
                        "mend what S3 names, and start another job with the same manifest:\n      {}",
                        job.start_again(&self.region)
                    ),
                    "Suspended" => "confirm the job in the S3 console".to_owned(),
                    _ => {
                        "wait. When `aws s3control describe-job` says Complete, download the report"
                            .to_owned()
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
        if self.summary.fewer_files > 0 {
            writeln!(
                out,
                "NOT COMPARED: {} files that the index gave first, and not when it was read again. Run this again when \
                 nothing is being deleted.",
                HumanCount(self.summary.fewer_files)
            )?;
        }
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
            let region = &self.region;
            writeln!(
                out,
                "    → a stored SHA-1 may say otherwise, and then `mogile2s3 migrate` keeps such an object: keep a \
                 copy of each, and delete it only when the copy is here. {}:\n\
                 \x20     AWS_RESPONSE_CHECKSUM_VALIDATION=when_required aws s3 cp s3://{bucket}/{key} {key}.wrong{region} && \
                 aws s3api delete-object --bucket {bucket} --key {key}{region}\n\
                 \x20   Then bring the content from MogileFS:\n\
                 \x20     mogile2s3 migrate --again --fids {}",
                if wrong.files > 1 {
                    "This is the line of the first one; repeat it for each `wrong-content` of --failures"
                } else {
                    "The line"
                },
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
            ("written since their job was created", changed),
            ("S3 could not read", failed),
            ("in no report", not_witnessed),
            ("whose rows changed while this ran", changed_meanwhile),
        ];
        let some = || all.iter().filter(|(_, sample)| sample.files > 0);
        if some().next().is_none() {
            return Ok(());
        }
        writeln!(out, "FILES OF WHICH S3'S WITNESS SAYS NOTHING:")?;
        some().try_for_each(|(words, sample)| write_sample(out, words, sample))?;
        if failed.files > 0 {
            writeln!(
                out,
                "    → S3's words are beside the job above. AccessDenied or KMS: the job's role lacks s3:GetObject \
                 for the bucket, or kms:Decrypt for the key (docs/OPERATING.md, \"S3's own witness\")."
            )?;
        }
        Ok(())
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

    fn write_clean(&self, out: &mut String) -> fmt::Result {
        let files = HumanCount(self.summary.whole);
        let of = match &*self.judged {
            [] => String::new(),
            only => format!(" of {}", only.join(", ")),
        };
        writeln!(
            out,
            "Clean: of each of the {files} files{of} S3 itself has computed the right SHA-1, and its object is still \
             the same."
        )?;
        match self.summary.index.of_other_buckets {
            0 => Ok(()),
            others => {
                let others = HumanCount(others);
                writeln!(out, "NOT JUDGED, because of --bucket: {others} files of other buckets.")
            }
        }
    }

    fn write_end(&self, out: &mut String) -> fmt::Result {
        let Verdict { incomplete, differs, .. } = self.verdict;
        let summary = &self.summary;
        if !incomplete && !differs {
            return self.write_clean(out);
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
