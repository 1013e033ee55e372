//! `mogile2s3 audit report`: what S3 has computed, against what is true today.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use adapters::clock::SystemClock;
use adapters::witness::{ManifestFile, ReportFolder};
use clap::Args;
use domain::audit::witness::{
    FilesPlan, Witness, WitnessJob, WitnessPlan, WitnessPorts, WitnessProgress, WitnessedRow,
};
use domain::{BucketMap, S3Bucket, limits};
use indicatif::HumanCount;

use super::manifest::unusable;
use crate::config::{AwsSettings, SourceSettings, TargetSettings, TimeSettings};
use crate::exit::{Exit, UsageError};
use crate::fid_list::FidList;
use crate::report::Teller;
use crate::report::audit::job::JobStatus;
use crate::report::audit::witness::{WitnessReport, failure};
use crate::report::list_file::ListFile;
use crate::session::Session;

/// What can be given to `audit report`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// The manifest that the job has read, as `audit manifest` wrote it. For several jobs give all three
    /// options once for each, in the same order
    #[arg(long, value_name = "FILE", required = true)]
    manifest: Vec<PathBuf>,

    /// The folder `job-ID` with the job's report, as it was downloaded
    #[arg(long, value_name = "FOLDER", required = true)]
    report: Vec<PathBuf>,

    /// What `aws s3control describe-job` printed about the job
    #[arg(long, value_name = "FILE", required = true)]
    job: Vec<PathBuf>,

    /// Judge only the files of this S3 bucket; may be given again for others. Without it every file of the
    /// index must be in a report
    #[arg(long, value_name = "NAME")]
    bucket: Vec<String>,

    /// Leave out the fids in this file, which has the form of a `--fids` file. They are counted
    #[arg(long, value_name = "FILE")]
    exclude_file: Option<PathBuf>,

    /// Write each file that is not proven to this new file: fid, reason, bucket/key and detail, separated
    /// by tabs, as `--fids @FILE` reads it
    #[arg(long, value_name = "FILE")]
    failures: Option<PathBuf>,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,

    /// S3 bucket for each MogileFS bucket, as `old:new` separated by commas
    #[arg(long, env = "BUCKETS", default_value = "", hide_default_value = true)]
    buckets: String,

    /// MogileFS buckets that are not migrated, separated by commas
    #[arg(long, env = "IGNORE_BUCKETS", default_value = "", hide_default_value = true)]
    ignore_buckets: String,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    time: TimeSettings,

    /// Region of the buckets [default: the standard AWS environment's]
    #[arg(long, env = "AWS_S3_REGION_NAME", value_name = "REGION", help_heading = "AWS")]
    region: Option<String>,
}

const AFTER_HELP: &str = "\
A file is whole where S3 computed the SHA-1 that its key names, of the object that is at its key
today: the ETag in the report is the one in today's listing, and the object is older than the job. A
report counts where the job is
complete, each of its files has the MD5 that the report lists, and it has one row for each line of
the manifest. Later reports add to earlier ones: a job for the files that were not proven, and both
reports together, are enough.

It reads the index twice and lists each bucket once. It writes nothing into either.

Exit codes: 0 every file of the index is whole; 1 S3 computed another SHA-1 of an object, an object
is missing, or rows are rejected; 2 wrong usage or configuration, or a file that is damaged, missing
or of another job; 3 the reports do not prove every file, a job is not complete, or something could
not be read.";

/// One job with its files.
struct Given {
    job: WitnessJob,
    manifest: ManifestFile,
    report: ReportFolder,
}

/// Joins, and prints what S3's witness says.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    let target = arguments.target();
    let buckets = target.bucket_map()?;
    let plan = arguments.plan(&buckets)?;
    let index = session.wiring(&arguments.source, &arguments.time).index()?;
    let aws = AwsSettings { region: arguments.region.clone(), ledger_table: None };
    let services = session.services(&aws, &arguments.time);
    let (objects, region) = (services.s3(&target).await?, services.site().await?.1);
    let (given, said) = arguments.given(&plan)?;
    let Some(given) = given else {
        return session.print(&WitnessReport::of_jobs(said, session.cost()).of([], region));
    };
    let list = arguments.failures.as_deref();
    let mut list = list.map(|path| ListFile::create("--failures", path)).transpose()?;

    let ports = WitnessPorts { index: &*index, objects: &objects, clock: &SystemClock };
    let teller = Teller::plain();
    let tell = |progress| teller.say(&describe(progress));
    let mut witness = Witness::read(ports, &plan, &tell).await;
    if witness.summary.stopped.is_none() {
        for given in &given {
            teller.say(&format!("reading the report of job {}", given.job.id));
            given.join(&mut witness)?;
        }
        let mut each = |row: &WitnessedRow| {
            if let (Some(list), Some((class, words))) = (&mut list, failure(row)) {
                let (fid, bucket, sha1) = (row.file.fid, &row.file.bucket, row.file.sha1);
                // The list keeps its first trouble.
                list.write(1, |out| writeln!(out, "{fid}\t{class}\t{bucket}/{sha1}\t{words}"));
            }
        };
        witness.name_files(ports, &plan, &mut each).await;
    }
    let list = list.map(ListFile::finish);
    let report = WitnessReport::new(said, witness.summary, list, session.cost());
    session.print(&report.of(&plan.only, region))
}

impl Given {
    /// Takes the lines of the manifest and the rows of the report.
    fn join(&self, witness: &mut Witness) -> Result<(), UsageError> {
        let (files, bucket) = (&mut witness.files, &self.manifest.bucket);
        let mut counts = files.begin_report(self.job.created);
        self.manifest.each(&mut |sha1| files.line(&mut counts, bucket, sha1)).map_err(unusable)?;
        self.report.rows(&mut |row| files.row(&mut counts, bucket, row)).map_err(unusable)?;
        files.end_report(&mut counts, self.job.tasks);
        witness.summary.reports.push(counts);
        Ok(())
    }
}

impl Arguments {
    /// S3 is only listed: what is said of writes does not matter.
    fn target(&self) -> TargetSettings {
        TargetSettings {
            buckets: self.buckets.clone(),
            ignore_buckets: self.ignore_buckets.clone(),
            s3_conditional_copy: None,
            single_request_bytes: limits::SINGLE_REQUEST_BYTES,
            part_bytes: limits::PART_BYTES,
        }
    }

    fn plan<'a>(&self, buckets: &'a BucketMap) -> Result<WitnessPlan<'a>, UsageError> {
        let excluded = self.exclude_file.as_deref();
        let excluded = excluded.map(|file| FidList::read("--exclude-file", file)).transpose()?;
        Ok(FilesPlan {
            buckets,
            excluded: excluded.map(|list| list.all()).unwrap_or_default(),
            only: only_buckets(&self.bucket, buckets)?,
            selected: None,
        })
    }

    /// Reads all files, and returns the jobs in the order in which they were created. Returns no jobs where
    /// one of them is not complete: its report is not whole then, or not there.
    fn given(
        &self,
        plan: &WitnessPlan<'_>,
    ) -> Result<(Option<Vec<Given>>, Vec<JobStatus>), UsageError> {
        let Self { manifest, report, job, .. } = self;
        if manifest.len() != report.len() || manifest.len() != job.len() {
            return Err(UsageError(format!(
                "{} of --manifest, {} of --report and {} of --job: give all three once for each job",
                manifest.len(),
                report.len(),
                job.len()
            )));
        }
        let (mut all, mut said, mut is_complete) = (Vec::new(), Vec::new(), true);
        for ((manifest, report), path) in manifest.iter().zip(report).zip(job) {
            let job = read_job(path)?;
            if all.iter().any(|other: &Given| other.job.id == job.id) {
                return Err(UsageError(format!("job {} is given twice", job.id)));
            }
            let manifest_file = ManifestFile::open(manifest).map_err(unusable)?;
            let bucket = &manifest_file.bucket;
            require_mapped("--manifest", bucket, plan.buckets)?;
            require_judged(manifest, bucket, &plan.only)?;
            if job.is_of_manifest(&manifest_file.md5.to_string()) == Some(false) {
                return Err(UsageError(format!(
                    "job {} of `{}` has read another manifest than `{}`: its ETag is {}, and the file's MD5 is \
                     {}. Give the manifest that was uploaded for this job",
                    job.id,
                    path.display(),
                    manifest.display(),
                    job.manifest_etag,
                    manifest_file.md5
                )));
            }
            said.push((job.created, JobStatus::new(&job, bucket, manifest)));
            if !job.is_complete() {
                is_complete = false;
                continue;
            }
            let report = ReportFolder::open(report, &job).map_err(|error| {
                UsageError(format!(
                    "--report: {error}\n  → download the report of job {} again, into an empty folder",
                    job.id
                ))
            })?;
            all.push(Given { job, manifest: manifest_file, report });
        }
        all.sort_by_key(|given| given.job.created);
        said.sort_by_key(|(created, _)| *created);
        let said = said.into_iter().map(|(_, said)| said).collect();
        Ok((is_complete.then_some(all), said))
    }
}

fn read_job(path: &Path) -> Result<WitnessJob, UsageError> {
    let wrong = |why: String| UsageError(format!("--job: `{}`: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    WitnessJob::parse(&text).map_err(|error| wrong(error.to_string()))
}

fn require_mapped(flag: &str, bucket: &S3Bucket, buckets: &BucketMap) -> Result<(), UsageError> {
    if buckets.pairs().any(|(_, mapped)| mapped == bucket) {
        return Ok(());
    }
    Err(UsageError(format!(
        "{flag}: bucket `{bucket}` is none to which BUCKETS (`{buckets}`) takes files"
    )))
}

/// A report of a bucket that is not judged would count for nothing, and `--bucket` may be misspelt.
fn require_judged(
    manifest: &Path,
    bucket: &S3Bucket,
    only: &BTreeSet<S3Bucket>,
) -> Result<(), UsageError> {
    if only.is_empty() || only.contains(bucket) {
        return Ok(());
    }
    Err(UsageError(format!(
        "--manifest: `{}` is of bucket `{bucket}`, which no --bucket names: give --bucket {bucket} too, or leave \
         out this job's --manifest, --job and --report",
        manifest.display()
    )))
}

/// The buckets of `--bucket`, each of which must be mapped.
pub(super) fn only_buckets(
    names: &[String],
    buckets: &BucketMap,
) -> Result<BTreeSet<S3Bucket>, UsageError> {
    let mut only = BTreeSet::new();
    for name in names {
        let bucket = S3Bucket::new(name);
        let bucket = bucket.ok_or_else(|| {
            UsageError(format!("--bucket: `{name}`: {}", S3Bucket::how_to_write(name)))
        })?;
        require_mapped("--bucket", &bucket, buckets)?;
        only.insert(bucket);
    }
    Ok(only)
}

fn describe(progress: WitnessProgress) -> String {
    match progress {
        WitnessProgress::Rows(rows) => format!("{} rows of the index read", HumanCount(rows)),
        WitnessProgress::Objects(objects) => format!("{} objects listed", HumanCount(objects)),
    }
}
