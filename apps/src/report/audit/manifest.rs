//! What `audit manifest` prints: the commands by which S3 becomes a witness.

use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use adapters::witness::WrittenManifest;
use domain::audit::witness::IndexCounts;
use domain::{Coverage, Dollars, Prices, Stopped, Timestamp};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;
use serde_json::json;

use crate::exit::Verdict;
use crate::report::Report;
use crate::report::sample::{write_rejected, write_stopped};
use crate::report::shell::quoted;

/// Where the jobs run, and where their files are.
#[derive(Debug, Clone, Serialize)]
pub struct JobPlace {
    /// `aws`, or that of another part of AWS.
    pub partition: String,
    /// The AWS account.
    pub account: String,
    /// The region of the buckets; empty where it is not known.
    pub region: String,
    /// The bucket of manifests and reports.
    pub bucket: String,
    /// The prefix of manifests and reports.
    pub prefix: String,
    /// The role by which the jobs read and write.
    pub role: Option<String>,
}

/// The manifests that were written.
#[derive(Debug, Serialize)]
pub struct ManifestReport {
    folder: PathBuf,
    place: JobPlace,
    manifests: Vec<Entry>,
    /// What all jobs cost.
    cost: Dollars,
    /// Fids of `--fids` that have no row.
    absent: u64,
    /// Options by which `audit report` judges the same files.
    #[serde(skip)]
    selection: String,
    /// Whether `--fids` named the files.
    #[serde(skip)]
    is_of_fids: bool,
    #[serde(flatten)]
    index: IndexCounts,
    /// Why the index was not read to its end. Nothing is written then.
    stopped: Option<Stopped>,
    #[serde(flatten)]
    verdict: Verdict,
}

/// A manifest with its job.
#[derive(Debug, Serialize)]
struct Entry {
    bucket: String,
    /// The manifest's name in the folder.
    manifest: String,
    /// Its name below the prefix in S3. No other manifest has it: a job may still read that one.
    key: String,
    /// The job's name in the folder.
    job: String,
    objects: u64,
    /// Bytes of the objects, by the index.
    bytes: u64,
    /// Bytes of the manifest.
    manifest_bytes: u64,
    /// The manifest's `ETag` where it is uploaded by one request.
    etag: String,
    /// The same in base64, for `--content-md5`.
    content_md5: String,
    cost: Dollars,
}

/// The name that a job has until its role is known.
const PLACEHOLDER: &str = "ROLE-NAME";

impl ManifestReport {
    /// Of an index that was read.
    pub fn new(place: JobPlace, folder: &Path, index: IndexCounts, absent: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            place,
            manifests: Vec::new(),
            cost: Dollars::default(),
            absent,
            selection: String::new(),
            is_of_fids: false,
            index,
            stopped: None,
            verdict: Verdict::of_checks(false, false),
        }
    }

    /// Of files that were selected: by options that `audit report` has too, and by `--fids`.
    #[must_use]
    pub fn selected(mut self, options: &[(&str, &str)], is_of_fids: bool) -> Self {
        self.selection = options
            .iter()
            .flat_map(|(name, value)| {
                [" ".to_owned(), (*name).to_string(), " ".to_owned(), quoted(value)]
            })
            .collect();
        self.is_of_fids = is_of_fids;
        self
    }

    /// The index could not be read to its end.
    pub fn stop(&mut self, why: Stopped) {
        self.stopped = Some(why);
    }

    /// Adds a manifest whose objects have this number of bytes. Returns the name and the text of its job, which S3
    /// takes once: the same command again within some time starts no second job.
    pub fn add(
        &mut self,
        written: &WrittenManifest,
        bytes: u64,
        now: Timestamp,
    ) -> (String, String) {
        let WrittenManifest { bucket, lines, bytes: manifest_bytes, md5 } = written;
        let entry = Entry {
            bucket: bucket.to_string(),
            manifest: format!("{bucket}.csv"),
            key: format!("{bucket}-{}.csv", &md5.to_string()[..12]),
            job: format!("{bucket}.create-job.json"),
            objects: *lines,
            bytes,
            manifest_bytes: *manifest_bytes,
            etag: md5.to_string(),
            content_md5: md5.to_base64(),
            cost: Prices::us_east_1().of_checksum_job(*lines, bytes),
        };
        let job = (entry.job.clone(), self.place.job(&entry, now));
        self.manifests.push(entry);
        job
    }

    /// With its verdict.
    #[must_use]
    pub fn judged(mut self) -> Self {
        self.cost = self.manifests.iter().map(|entry| entry.cost).sum();
        let differs = !self.index.rejected.is_empty() || self.absent > 0;
        let lacks_rows = matches!(self.index.coverage(), Coverage::Missing(_));
        self.verdict = match &self.stopped {
            Some(stopped) => Verdict::of(Some(stopped), differs),
            None => Verdict::of_checks(lacks_rows, differs),
        };
        self
    }
}

impl JobPlace {
    /// What `aws s3control create-job --cli-input-json` takes (S3 API reference, `CreateJob`).
    fn job(&self, entry: &Entry, now: Timestamp) -> String {
        let Self { partition, account, bucket, prefix, role, .. } = self;
        let in_s3 = |name: &str| format!("arn:{partition}:s3:::{name}");
        let placeholder = || format!("arn:{partition}:iam::{account}:role/{PLACEHOLDER}");
        let job = json!({
            "AccountId": account,
            "ConfirmationRequired": false,
            "Description": format!("mogile2s3: SHA-1 of {} objects of {}", entry.objects, entry.bucket),
            "ClientRequestToken": format!("mogile2s3-{}-{}", entry.etag, now.0),
            "Priority": 10,
            "RoleArn": role.clone().unwrap_or_else(placeholder),
            "Operation": {"S3ComputeObjectChecksum": {
                "ChecksumAlgorithm": "SHA1",
                "ChecksumType": "FULL_OBJECT",
            }},
            "Manifest": {
                "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
                "Location": {
                    "ObjectArn": in_s3(&format!("{bucket}/{prefix}/{}", entry.key)),
                    "ETag": entry.etag,
                },
            },
            "Report": {
                "Bucket": in_s3(bucket),
                "Prefix": prefix,
                "Format": "Report_CSV_20180820",
                "Enabled": true,
                "ReportScope": "AllTasks",
                "ExpectedBucketOwner": account,
            },
        });
        format!("{job:#}\n")
    }

    fn region(&self) -> String {
        option(self.region.clone())
    }
}

/// The region as the AWS command line takes it; nothing where it is not known.
pub(super) fn option(region: String) -> String {
    if region.is_empty() { region } else { format!(" --region {region}") }
}

impl Report for ManifestReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        if let Some(stopped) = &self.stopped {
            writeln!(out, "NOTHING IS WRITTEN: the index was not read to its end.")?;
            return write_stopped(out, stopped);
        }
        write_rejected(out, &self.index.rejected)?;
        if let Coverage::Missing(rows) = self.index.coverage() {
            let rows = HumanCount(rows);
            writeln!(
                out,
                "NOT COMPLETE: {rows} rows that the index counts were not read, and no manifest has them. Move \
                 the files away and run this again when nothing is being stored."
            )?;
        }
        if self.absent > 0 {
            writeln!(out, "{} fids of --fids have no row.", HumanCount(self.absent))?;
        }
        for entry in &self.manifests {
            let Entry { bucket, objects, bytes, manifest_bytes, cost, .. } = entry;
            writeln!(
                out,
                "Bucket {bucket}: {} objects, {}; the manifest has {}; the job costs {cost}.",
                HumanCount(*objects),
                HumanBytes(*bytes),
                HumanBytes(*manifest_bytes)
            )?;
        }
        let Prices { region, as_of, .. } = Prices::us_east_1();
        writeln!(out, "All jobs together cost {} by the prices of {region} ({as_of}).", self.cost)?;
        self.write_commands(out)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl ManifestReport {
    fn in_folder(&self, name: &str) -> String {
        quoted(&self.folder.join(name).display().to_string())
    }

    /// A job's id is in a file, so that all lines can be pasted as they are, in any shell and on any day. Words are
    /// comments of the shell.
    fn write_commands(&self, out: &mut String) -> fmt::Result {
        let JobPlace { account, bucket: at, prefix, role, .. } = &self.place;
        let region = self.place.region();
        if role.is_none() {
            writeln!(
                out,
                "FIRST put the name of the role in place of {PLACEHOLDER} in each create-job.json. \
                 docs/OPERATING.md, \"S3's own witness\", has what it must be allowed to do."
            )?;
        }
        writeln!(out, "# Upload the manifests, and start the jobs:")?;
        for entry in &self.manifests {
            let Entry { manifest, key, job, content_md5, .. } = entry;
            let (file, job, id) =
                (self.in_folder(manifest), self.in_folder(job), self.of(entry, "job-id"));
            writeln!(
                out,
                "  aws s3api put-object --bucket {at} --key {prefix}/{key} --body {file} \
                 --content-md5 {content_md5} --server-side-encryption AES256{region}"
            )?;
            writeln!(out, "  {}", create_job(&job, None, &id, &region))?;
        }
        writeln!(out, "# They take hours. Repeat these lines until each Status is Complete:")?;
        for entry in &self.manifests {
            let (id, described) = (self.of(entry, "job-id"), self.of(entry, "job.json"));
            writeln!(
                out,
                "  aws s3control describe-job --account-id {account} --job-id $(cat {id}) --output json{region} | \
                 tee {described}"
            )?;
        }
        writeln!(
            out,
            "# Then download the reports. Where a folder is empty, wait five minutes and repeat its line:"
        )?;
        for entry in &self.manifests {
            let (id, report) = (self.of(entry, "job-id"), self.of(entry, "report"));
            writeln!(
                out,
                "  aws s3 cp --recursive s3://{at}/{prefix}/job-$(cat {id}) {report}{region}"
            )?;
        }
        self.write_audit(out)
    }

    fn write_audit(&self, out: &mut String) -> fmt::Result {
        if self.is_of_fids {
            writeln!(
                out,
                "# These are files of --fids alone. When all reports are here, give those of the earlier jobs too, \
                 with their --manifest, --report and --job:"
            )?;
        } else {
            writeln!(out, "# When all reports are here:")?;
        }
        write!(out, "  mogile2s3 audit report{}", self.selection)?;
        for entry in &self.manifests {
            let (manifest, report) = (self.in_folder(&entry.manifest), self.of(entry, "report"));
            let described = self.of(entry, "job.json");
            write!(out, " --manifest {manifest} --report {report} --job {described}")?;
        }
        writeln!(out)
    }

    /// The file of a bucket's job with this ending.
    fn of(&self, entry: &Entry, ending: &str) -> String {
        self.in_folder(&format!("{}.{ending}", entry.bucket))
    }
}

/// The line that starts a job and keeps its id in a file. S3 takes a job once: another one needs another
/// `token`.
pub(super) fn create_job(job: &str, token: Option<&str>, id: &str, region: &str) -> String {
    let token = token.map(|token| format!(" --client-request-token {token}")).unwrap_or_default();
    format!(
        "aws s3control create-job --cli-input-json file://{job}{token} --query JobId --output text{region} > {id}.new \
         && mv {id}.new {id}"
    )
}
