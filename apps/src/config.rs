//! Settings: each a flag and an environment variable, checked before anything is reached.

mod access;
#[cfg(feature = "command-line")]
mod client_changes;
mod clients;
#[cfg(feature = "command-line")]
mod key_changes;
mod pace;
#[cfg(feature = "command-line")]
mod place;
mod queue;
mod worker_function;

use std::num::NonZeroU16;
use std::time::Duration;

use adapters::mogile::AllowedHosts;
#[cfg(feature = "command-line")]
use adapters::mysql::DatabaseUrl;
use adapters::s3::{Conditionals, Parts};
use adapters::{aws, mogile};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use domain::{BucketMap, BucketMapError, limits};

pub use self::access::{AccessSettings, Profile};
#[cfg(feature = "command-line")]
pub use self::client_changes::{ClientChangeSettings, RHINO_WRITE, ReplicaSettings};
pub use self::clients::{
    CONTENT_REPO, ClientSettings, ContentRepoSettings, NodeSettings, RHINO, TypesSettings,
};
#[cfg(feature = "command-line")]
pub use self::clients::{RhinoSettings, RhinoUrlSettings};
#[cfg(feature = "command-line")]
pub use self::key_changes::{KeyChangeSettings, WRITE_URL};
pub use self::pace::PaceSettings;
#[cfg(feature = "command-line")]
pub use self::place::MigrationSettings;
pub use self::queue::{DEAD_LETTERS, JournalSettings, QUEUE, QueueSettings, TableSettings};
pub use self::worker_function::{FUNCTION, WorkerFunctionSettings};
use crate::exit::UsageError;
use crate::route::Route;

/// All settings of a command that moves files.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Where files come from.
    #[command(flatten)]
    pub source: SourceSettings,

    /// Where they go.
    #[command(flatten)]
    pub target: TargetSettings,

    /// The time limits.
    #[command(flatten)]
    pub time: TimeSettings,

    /// AWS, beside the standard environment.
    #[command(flatten)]
    pub aws: AwsSettings,
}

/// A setting that is never shown.
#[derive(Clone)]
pub struct Secret(
    #[cfg_attr(not(feature = "command-line"), expect(dead_code, reason = "for the database"))]
    String,
);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Where files come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Source")]
pub struct SourceSettings {
    /// Trackers as `HOST:PORT`, separated by commas
    #[arg(long, env = "MOGILE_TRACKERS", value_delimiter = ',', value_name = "HOST:PORT")]
    pub trackers: Vec<String>,

    /// MogileFS's database as `mysql://user:password@host:port/db`. Without it the trackers list
    /// the index, which is slower
    #[arg(long, env = "MOGILE_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<Secret>,

    /// The MogileFS domain
    #[arg(long, env = "MOGILE_DOMAIN", default_value = "plos_repo", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub domain: String,

    /// Addresses, with or without a port, and ranges, separated by commas: of the storage nodes that
    /// MogileFS registers only these are asked [default: all but those on loopback]
    #[arg(long, env = "MOGILE_STORAGE_HOSTS", value_name = "RANGES")]
    pub storage_hosts: Option<String>,

    /// Connections to each tracker, at most
    #[arg(long, env = "MOGILE_TRACKER_CONNECTIONS", default_value = "8", value_name = "N", value_parser = at_once)]
    pub tracker_connections: NonZeroU16,

    /// Connections to each storage node, at most
    #[arg(long, env = "MOGILE_NODE_CONNECTIONS", default_value = "16", value_name = "N", value_parser = at_once)]
    pub node_connections: NonZeroU16,
}

impl SourceSettings {
    /// The trackers' addresses, at least one.
    pub fn trackers(&self) -> Result<Vec<String>, UsageError> {
        let trackers = self.trackers.iter().map(|tracker| tracker.trim().to_owned());
        let trackers: Vec<_> = trackers.filter(|tracker| !tracker.is_empty()).collect();
        if trackers.is_empty() {
            return Err(missing("MOGILE_TRACKERS", "HOST:PORT of each tracker"));
        }
        match trackers.iter().find(|tracker| !is_host_and_port(tracker)) {
            None => Ok(trackers),
            // What stands before an `@` may be a password.
            Some(tracker) if tracker.contains('@') => Err(UsageError(
                "MOGILE_TRACKERS has an entry with an `@`, which is not HOST:PORT (commonly port \
                 7001): trackers ask for no user and no password"
                    .to_owned(),
            )),
            Some(tracker) => Err(UsageError(format!(
                "MOGILE_TRACKERS has `{tracker}`, which is not HOST:PORT (commonly port 7001)"
            ))),
        }
    }

    /// MogileFS's database, when the index is to be read there.
    #[cfg(feature = "command-line")]
    pub fn database(&self) -> Result<Option<DatabaseUrl>, UsageError> {
        database_url("MOGILE_DATABASE_URL", self.database_url.as_ref())
    }

    /// Which of the registered storage nodes may be asked.
    pub fn storage_hosts(&self) -> Result<AllowedHosts, UsageError> {
        let ranges = self.storage_hosts.as_ref().filter(|ranges| !ranges.trim().is_empty());
        let Some(ranges) = ranges else { return Ok(AllowedHosts::default()) };
        ranges.parse().map_err(|error| UsageError(format!("MOGILE_STORAGE_HOSTS: {error}")))
    }
}

/// The database that a setting names. An error repeats nothing of it.
#[cfg(feature = "command-line")]
fn database_url(setting: &str, url: Option<&Secret>) -> Result<Option<DatabaseUrl>, UsageError> {
    let url = url.map(|url| url.0.as_str()).filter(|url| !url.trim().is_empty());
    url.map(str::parse).transpose().map_err(|error| UsageError(format!("{setting}: {error}")))
}

/// Whether this is a host's name or address and a port: `tracker1:7001`, `[fc00::7]:7001`.
fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_name = !host.is_empty() && host.bytes().all(is_of_name);
    let is_host = v6.map_or(is_name, |v6| v6.parse::<std::net::Ipv6Addr>().is_ok());
    is_port && is_host
}

/// Where files go.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Target")]
pub struct TargetSettings {
    /// S3 bucket for each MogileFS bucket, as `old:new` separated by commas
    #[arg(long, env = "BUCKETS", default_value = "", hide_default_value = true)]
    pub buckets: String,

    /// MogileFS buckets that are not migrated, separated by commas
    #[arg(long, env = "IGNORE_BUCKETS", default_value = "", hide_default_value = true)]
    pub ignore_buckets: String,

    /// Whether the S3 endpoint keeps S3's promises about conditional COPY and DELETE
    /// [default: sound; unsound where `AWS_ENDPOINT_URL` is set to an endpoint that is not Amazon's]
    #[arg(long, env = "S3_CONDITIONAL_COPY", value_name = "HOW")]
    pub s3_conditional_copy: Option<ConditionalCopy>,

    /// The largest object that one PUT or COPY may write, in bytes. Larger objects are written in
    /// parts
    #[arg(long, env = "S3_SINGLE_REQUEST_BYTES", default_value_t = limits::SINGLE_REQUEST_BYTES)]
    #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..=limits::SINGLE_REQUEST_BYTES))]
    pub single_request_bytes: u64,

    /// Bytes of each part of a multipart upload (Amazon takes no less than 5 MiB)
    #[arg(long, env = "S3_PART_BYTES", default_value_t = limits::PART_BYTES)]
    #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..=limits::PART_POOL_BYTES))]
    pub part_bytes: u64,
}

impl TargetSettings {
    /// The bucket map, with at least one entry.
    pub fn bucket_map(&self) -> Result<BucketMap, UsageError> {
        parse_buckets(&self.buckets, &self.ignore_buckets)
    }

    /// What is written in parts.
    #[must_use]
    pub fn parts(&self) -> Parts {
        Parts::new(self.single_request_bytes, self.part_bytes, limits::PART_POOL_BYTES)
    }

    /// By which route objects are written, when in parts, how large these are, and which file is no job.
    #[must_use]
    pub fn sizes(&self, most_job_bytes: u64, route: Route) -> domain::doctor::WriteSizes {
        let (single_request_bytes, part_bytes) = (self.single_request_bytes, self.part_bytes);
        let route = route.into();
        domain::doctor::WriteSizes { single_request_bytes, part_bytes, most_job_bytes, route }
    }

    /// What may be believed of the endpoint.
    #[must_use]
    pub fn conditionals(&self, own_endpoint: bool) -> Conditionals {
        match (self.s3_conditional_copy, own_endpoint) {
            (Some(ConditionalCopy::Sound), _) | (None, false) => Conditionals::Sound,
            (Some(ConditionalCopy::Unsound), _) | (None, true) => Conditionals::Unsound,
        }
    }
}

/// `S3_CONDITIONAL_COPY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConditionalCopy {
    /// For Amazon S3: a refused COPY changes nothing, and DELETE obeys If-Match
    Sound,
    /// For LocalStack: send a HEAD before every COPY and DELETE
    Unsound,
}

/// AWS, beside the standard environment.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "AWS")]
pub struct AwsSettings {
    /// Region of buckets, queue and table [default: the standard AWS environment's]
    #[arg(long, env = "AWS_S3_REGION_NAME", value_name = "REGION")]
    pub region: Option<String>,

    /// The ledger's DynamoDB table
    #[arg(long, env = "DYNAMODB_TABLE", value_name = "NAME")]
    pub ledger_table: Option<String>,
}

/// The time limits.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Time")]
pub struct TimeSettings {
    /// Time limit of a request that moves no content, in seconds
    #[arg(long, env = "REQUEST_TIMEOUT_SECONDS", value_name = "N")]
    #[arg(default_value_t = limits::REQUEST_TIME.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub request_timeout_seconds: u64,
}

impl AwsSettings {
    /// Whether the ledger's table is named.
    #[must_use]
    pub fn has_ledger_table(&self) -> bool {
        self.ledger_table.as_ref().is_some_and(|table| !table.is_empty())
    }

    /// The ledger's table.
    pub fn ledger_table(&self) -> Result<String, UsageError> {
        let table = self.ledger_table.clone().filter(|table| !table.is_empty());
        table.ok_or_else(|| missing("DYNAMODB_TABLE", "the name of the ledger's table"))
    }
}

impl TimeSettings {
    /// For AWS.
    #[must_use]
    pub const fn aws(&self) -> aws::Timeouts {
        aws::Timeouts { request: self.request() }
    }

    /// For MogileFS, whose trackers are given up sooner: there are others.
    #[must_use]
    pub fn mogile(&self) -> mogile::Timeouts {
        let usual = mogile::Timeouts::default();
        let at_most = |time: Duration| time.min(self.request());
        mogile::Timeouts {
            tracker_connect: at_most(usual.tracker_connect),
            tracker_answer: at_most(usual.tracker_answer),
            node_connect: at_most(usual.node_connect),
            node_answer: self.request(),
            ..usual
        }
    }

    /// For a request that moves no content, to MogileFS's database say.
    #[must_use]
    pub const fn request(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds)
    }
}

/// Parses both settings of buckets. An error names the one that is wrong.
pub fn parse_buckets(buckets: &str, ignored: &str) -> Result<BucketMap, UsageError> {
    BucketMap::parse(buckets, ignored).map_err(|error| {
        let setting = match error {
            BucketMapError::Ignored(_) => "IGNORE_BUCKETS",
            BucketMapError::Empty
            | BucketMapError::NotAPair(_)
            | BucketMapError::NotABucketName { .. }
            | BucketMapError::OldTwice(_)
            | BucketMapError::NewTwice { .. }
            | BucketMapError::Chain { .. } => "BUCKETS",
        };
        UsageError(format!("{setting}: {error}"))
    })
}

/// A wait that is longer is none: SQS keeps jobs for fourteen days.
const LONGEST_WAIT: Duration = Duration::from_hours(365 * 24);

/// A time with its unit.
pub fn duration(text: &str) -> Result<Duration, String> {
    let range = "give a time from 0s to 365d with its unit, such as 30s, 10m or 2h";
    match humantime::parse_duration(text) {
        Ok(time) if time <= LONGEST_WAIT => Ok(time),
        Ok(_) => Err(format!("it is too long: {range}")),
        Err(error) => Err(format!("{error}: {range}")),
    }
}

/// A time with its unit that is not nothing.
#[cfg(feature = "command-line")]
pub fn not_nothing(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time.is_zero() { Err("give a time above 0s, such as 2m".to_owned()) } else { Ok(time) }
}

/// Files in progress at the same time, unless --concurrency says otherwise.
pub const CONCURRENCY: NonZeroU16 = NonZeroU16::new(64).expect("it is not zero");

/// A number of things at the same time.
pub fn at_once(text: &str) -> Result<NonZeroU16, String> {
    let most = u16::MAX;
    text.trim().parse().map_err(|_| format!("give a number from 1 to {most}, such as 16"))
}

fn missing(variable: &str, what: &str) -> UsageError {
    UsageError(format!("{variable} is not set: give {what}, by flag, environment or .env"))
}

#[cfg(test)]
mod tests;
