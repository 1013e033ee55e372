//! `mogile2s3 audit manifest`: what S3 is to compute the SHA-1s of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use adapters::clock::SystemClock;
use adapters::witness::{ManifestWriter, NewFiles, WitnessFileError};
use clap::Args;
use domain::audit::AuditedFile;
use domain::audit::witness::{FilesPlan, IndexCounts, walk_files};
use domain::ports::Clock;
use domain::{BucketMap, S3Bucket, Tally};
use indicatif::HumanCount;

use super::report::only_buckets;
use crate::config::{AwsSettings, SourceSettings, TimeSettings, parse_buckets};
use crate::exit::{Exit, UsageError};
use crate::fid_list::FidList;
use crate::journal::random;
use crate::report::Teller;
use crate::report::audit::manifest::{JobPlace, ManifestReport};
use crate::session::Session;

/// What can be given to `audit manifest`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// Write the manifests and the jobs into this folder
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,

    /// Where the manifests will be uploaded, and where S3 writes the reports: `s3://BUCKET/PREFIX`. No
    /// bucket of BUCKETS: these are read by anybody
    #[arg(long, value_name = "URL")]
    upload_to: String,

    /// The role by which the jobs read and write [default: a placeholder in the files, to be replaced]
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,

    /// The AWS account of the jobs, twelve digits [default: that of the AWS keys]
    #[arg(long, value_name = "ID")]
    account: Option<String>,

    /// Only these fids: `7,9-12`, or `@FILE` with one a line, as `audit report --failures FILE` writes it
    #[arg(long, value_name = "LIST")]
    fids: Option<String>,

    /// Leave out the fids in this file, which has the form of a `--fids` file
    #[arg(long, value_name = "FILE")]
    exclude_file: Option<PathBuf>,

    /// Only files of this S3 bucket; may be given again for others
    #[arg(long, value_name = "NAME")]
    bucket: Vec<String>,

    /// Print the result as JSON
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
It reads the index, and writes for each S3 bucket a manifest of S3 Batch Operations, `BUCKET.csv`, and
a job, `BUCKET.create-job.json`. It starts no job: the report has the commands that do, and what each
job costs. A job reads every object in S3 and computes its SHA-1, which takes hours. It moves and
changes nothing. `audit report` reads what it has found.

Files that are there already are not overwritten, and all files appear together, at the end.

Exit codes: 0 the manifests have every file; 1 they are written, and rows of the index are rejected or
fids of --fids have no row; 2 wrong usage or configuration; 3 the index or AWS could not be asked, or
the index counts rows that it did not give.";

/// Writes the manifests and the jobs, and prints what to do with them.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    let buckets = parse_buckets(&arguments.buckets, &arguments.ignore_buckets)?;
    let plan = arguments.plan(&buckets)?;
    let place = arguments.place(&session, &buckets).await?;
    let index = session.wiring(&arguments.source, &arguments.time).index()?;
    let mut files = NewFiles::new(arguments.out.clone());
    for (_, bucket) in buckets.pairs() {
        files.require_new(&format!("{bucket}.csv")).map_err(unusable)?;
        files.require_new(&format!("{bucket}.create-job.json")).map_err(unusable)?;
    }
    let mut writer = ManifestWriter::new(&arguments.out).map_err(unusable)?;
    let (mut counts, mut trouble) = (IndexCounts::default(), None);
    let mut content = BTreeMap::<S3Bucket, Tally>::new();
    let mut each = |file: &AuditedFile| {
        match content.get_mut(&file.bucket) {
            Some(tally) => tally.add(file.length),
            None => content.entry(file.bucket.clone()).or_default().add(file.length),
        }
        trouble = writer.add(&file.bucket, &file.sha1).err();
        trouble.is_none()
    };
    let teller = Teller::plain();
    let tell = |rows| teller.say(&format!("{} rows of the index read", HumanCount(rows)));
    let walked = walk_files((&*index, &SystemClock), &plan, &mut counts, &tell, &mut each).await;
    if let Some(error) = trouble {
        return Err(unusable(error).into());
    }
    let absent = plan.selected.map_or(0, |fids| fids.len().saturating_sub(counts.rows));
    let mut report = ManifestReport::new(place, &arguments.out, counts, absent);
    match walked {
        Err(stopped) => report.stop(stopped),
        Ok(()) => {
            let written = writer.write(&mut files).map_err(unusable)?;
            if written.is_empty() {
                let why = "no file of the index is selected, and nothing is written: look at --fids, \
                           --exclude-file and --bucket";
                return Err(UsageError(why.to_owned()).into());
            }
            for manifest in written {
                let tally = content.remove(&manifest.bucket).unwrap_or_default();
                let (name, job) = report.add(&manifest, tally.bytes, SystemClock.now());
                files.add(&name, &job).map_err(unusable)?;
            }
            files.publish().map_err(unusable)?;
        }
    }
    session.print(&report.judged())
}

/// A file of ours that cannot be written or read: another path, or room on the disk, mends that.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(super) fn unusable(error: WitnessFileError) -> UsageError {
    UsageError(error.to_string())
}

impl Arguments {
    fn plan<'a>(&self, buckets: &'a BucketMap) -> Result<FilesPlan<'a>, UsageError> {
        let excluded = self.exclude_file.as_deref();
        let excluded = excluded.map(|file| FidList::read("--exclude-file", file)).transpose()?;
        let selected =
            self.fids.as_deref().map(|list| FidList::parse("--fids", list)).transpose()?;
        if selected.as_ref().is_some_and(FidList::is_empty) {
            return Err(UsageError("--fids: the list has no fid".to_owned()));
        }
        Ok(FilesPlan {
            buckets,
            excluded: excluded.map(|list| list.all()).unwrap_or_default(),
            only: only_buckets(&self.bucket, buckets)?,
            selected: selected.map(|list| list.all()),
        })
    }

    /// Where the jobs run. Asks STS for the account where none is given.
    async fn place(&self, session: &Session, buckets: &BucketMap) -> anyhow::Result<JobPlace> {
        let (bucket, prefix) = split_url(&self.upload_to)?;
        let known: BTreeSet<_> = buckets.pairs().map(|(_, bucket)| bucket).collect();
        if known.contains(&bucket) {
            return Err(UsageError(format!(
                "--upload-to: `{bucket}` is a bucket of BUCKETS, whose objects may be read by anybody: give a \
                 private bucket"
            ))
            .into());
        }
        let aws = AwsSettings { region: self.region.clone(), ledger_table: None };
        let services = session.services(&aws, &self.time);
        let (partition, account) = match &self.account {
            Some(account) if is_account(account) => ("aws".to_owned(), account.clone()),
            Some(account) => {
                let why = format!("--account: `{account}` is no account: give its twelve digits");
                return Err(UsageError(why).into());
            }
            None => of_arn(&services.caller_or(random(), "--account ID").await?)?,
        };
        if let Some(arn) = self.role_arn.as_deref()
            && !(arn.starts_with("arn:") && arn.contains(":iam::") && arn.contains(":role/"))
        {
            let why =
                format!("--role-arn: `{arn}` is no role: give arn:aws:iam::ACCOUNT:role/NAME");
            return Err(UsageError(why).into());
        }
        let region = services.site().await?.1;
        let (bucket, role) = (bucket.to_string(), self.role_arn.clone());
        Ok(JobPlace { partition, account, region, bucket, prefix, role })
    }
}

/// The bucket and the prefix, which has no slash at its end.
fn split_url(url: &str) -> Result<(S3Bucket, String), UsageError> {
    let wrong = || {
        UsageError(format!(
            "--upload-to: `{url}` is no address in S3: give s3://BUCKET/PREFIX, with letters, digits and . _ / - \
             alone in the prefix"
        ))
    };
    let rest = url.strip_prefix("s3://").ok_or_else(wrong)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_end_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    // An empty prefix would put the report at the root; S3 takes 512 characters (S3 API, `JobReport`).
    let is_good = !prefix.is_empty() && prefix.len() <= 256 && prefix.chars().all(is_plain);
    match S3Bucket::new(bucket).filter(|_| is_good && !prefix.starts_with('/')) {
        Some(bucket) => Ok((bucket, prefix.to_owned())),
        None => Err(wrong()),
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The partition and the account of an ARN: `arn:aws:sts::123456789012:assumed-role/…`.
fn of_arn(arn: &str) -> Result<(String, String), UsageError> {
    let parts: Vec<_> = arn.split(':').collect();
    match parts[..] {
        ["arn", partition, _, _, account, ..] if is_account(account) => {
            Ok((partition.to_owned(), account.to_owned()))
        }
        _ => {
            Err(UsageError(format!("STS says `{arn}`, which names no account: give --account ID")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_bucket_and_a_prefix() {
        for (url, expected) in [
            ("s3://work-1/audit", Some(("work-1", "audit"))),
            ("s3://work-1/a/b_c.d/", Some(("work-1", "a/b_c.d"))),
            ("s3://work-1", None),
            ("s3://work-1/", None),
            ("s3://work-1//a", None),
            ("s3://work-1/a b", None),
            ("s3://Work/a", None),
            ("work-1/a", None),
            ("https://work-1/a", None),
            ("", None),
        ] {
            let split = split_url(url).ok();
            let split = split.as_ref().map(|(bucket, prefix)| (bucket.as_str(), prefix.as_str()));
            assert_eq!(split, expected, "{url}");
        }
    }

    #[test]
    fn an_arn_names_partition_and_account() {
        let of = |arn| of_arn(arn).ok();
        let pair = |one: &str, two: &str| Some((one.to_owned(), two.to_owned()));
        assert_eq!(of("arn:aws:iam::123456789012:user/ann"), pair("aws", "123456789012"));
        let assumed = "arn:aws-cn:sts::123456789012:assumed-role/ops/ann";
        assert_eq!(of(assumed), pair("aws-cn", "123456789012"));
        for none in ["", "arn:aws:iam::12:user/ann", "arn:aws:s3:::bucket"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
