//! The test behind the cut-over.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::contents::{self, Wanted};
use super::draw::SamplePlan;
use super::ingest::{IngestPlan, Ingester};
use super::names::{self, Names};
use super::summary::{Looked, SmokeFault, SmokeSummary};
use crate::ports::{
    AnonymousReads, Clock, ContentRepoDatabase, ObjectStore, RepoService, RepoServiceError,
    RepoVersion, RhinoDatabase,
};
use crate::retried::retried;
use crate::runbook::{JournalTrouble, JournalWriter};
use crate::{Acceptances, BucketMap, ByteCount, Sha1, limits};

/// What a smoke test reads and writes.
#[derive(Clone, Copy)]
pub struct SmokePorts<'a> {
    /// contentrepo's database. A trial takes a few rows of it, which the second contentrepo must not have.
    pub content_repo: Option<&'a dyn ContentRepoDatabase>,
    /// rhino's, where it is to be read.
    pub rhino: Option<&'a dyn RhinoDatabase>,
    /// The buckets.
    pub objects: &'a dyn ObjectStore,
    /// The same, without keys.
    pub anonymous: &'a dyn AnonymousReads,
    /// contentrepo's nodes, where they are known.
    pub nodes: &'a [Arc<dyn RepoService>],
    /// Time, for pauses between tries.
    pub clock: &'a dyn Clock,
}

/// What is tested.
#[derive(Debug, Clone)]
pub struct SmokePlan {
    /// The S3 bucket of each MogileFS bucket.
    pub buckets: BucketMap,
    /// How many rows are read.
    pub sample: SamplePlan,
    /// The files that are accepted by name as lost.
    pub accepted: Acceptances,
    /// rhino's database is left out on purpose.
    pub without_rhino: bool,
    /// contentrepo's API is left out on purpose.
    pub without_api: bool,
}

/// What is said where rhino's database is not named.
pub(super) const NO_RHINO: &str =
    "RHINO_DATABASE_URL is not set: set it, or leave rhino's rows out with --no-rhino";

const NO_API: &str = "CONTENTREPO_URL is not set: give the URL of the API of every node, or leave the API out with \
                      --no-api";

/// Reads the sample from S3 and from contentrepo's nodes. It writes nothing.
pub async fn smoke(ports: SmokePorts<'_>, plan: &SmokePlan) -> SmokeSummary {
    let mut summary = SmokeSummary::default();
    if ports.rhino.is_none() && !plan.without_rhino {
        summary.miss("rhino's rows", NO_RHINO);
    }
    if ports.nodes.is_empty() && !plan.without_api {
        summary.miss("contentrepo's API", NO_API);
    }
    look_at_nodes(ports, &mut summary).await;
    let SmokePorts { rhino, clock, .. } = ports;
    let Some(content_repo) = ports.content_repo else {
        summary.miss("contentrepo's rows", "CONTENTREPO_DATABASE_URL is not set");
        return summary;
    };
    let names = (&plan.buckets, Names::OfS3);
    match names::read(content_repo, rhino, clock, names, plan.sample, &mut summary).await {
        Ok(rows) => {
            let wanted = contents::wanted(&rows, &plan.buckets, &mut summary);
            let accepted = contents::accepted(&plan.accepted, &plan.buckets);
            let whole = look_in_s3(ports, wanted, &accepted, &mut summary).await;
            look_by_api(ports, &whole, &mut summary).await;
            if !ports.nodes.is_empty() && summary.api_whole == 0 && !summary.differs() {
                summary.miss("contentrepo's API", "no node gave the content of any row");
            }
            if summary.reproxies {
                look_without_keys(ports, &whole, &mut summary).await;
            }
        }
        Err(error) => summary.miss("the rows of the clients", error),
    }
    summary
}

/// Writes an object by each node and into each bucket, behind what [`smoke`] has read. Nothing is written where
/// a node does not say that it runs on S3.
///
/// Errors only where the journal does not take the entry before a write.
pub async fn smoke_write(
    ports: SmokePorts<'_>,
    buckets: &BucketMap,
    plan: IngestPlan,
    writer: &mut JournalWriter,
    summary: &mut SmokeSummary,
) -> Result<(), JournalTrouble> {
    let is_elsewhere = summary.findings.iter().any(|it| it.kind == SmokeFault::NotOnS3);
    if is_elsewhere || summary.nodes.len() != ports.nodes.len() {
        summary.not_written("not every node says that it runs on S3");
        return Ok(());
    }
    let SmokePorts { objects, anonymous, clock, nodes, .. } = ports;
    let ingester = Ingester { objects, anonymous, clock, reproxies: summary.reproxies };
    ingester.through(nodes, buckets, plan, writer, summary).await
}

/// Asks each node what it runs on.
pub(super) async fn look_at_nodes(ports: SmokePorts<'_>, summary: &mut SmokeSummary) {
    for node in ports.nodes {
        match retried(ports.clock, 0, || node.config()).await {
            Ok(config) => {
                if !config.is_on_s3() {
                    let why = format!("its store is `{}`", config.store);
                    summary.find(SmokeFault::NotOnS3, node.url(), why);
                }
                summary.reproxies |= config.reproxies;
                summary.nodes.insert(node.url().to_owned(), config.store);
            }
            Err(error) => summary.miss(node.url(), error),
        }
    }
}

/// Reads each content from S3. Returns those that are as they must be, each with its length.
async fn look_in_s3(
    ports: SmokePorts<'_>,
    wanted: Vec<Wanted>,
    accepted: &BTreeSet<(String, Sha1)>,
    summary: &mut SmokeSummary,
) -> Vec<(Wanted, ByteCount)> {
    let look = |wanted: Wanted| async move {
        let (at, expected) = (wanted.address(), (wanted.sha1, wanted.size));
        let looked = contents::from_s3(ports.objects, ports.clock, &at, expected).await;
        (wanted, looked)
    };
    let mut looks = stream::iter(wanted).map(look).buffered(limits::SMOKE_READS_AT_ONCE);
    let mut whole = Vec::new();
    while let Some((wanted, looked)) = looks.next().await {
        match looked {
            Looked::Whole(bytes) => {
                summary.s3_whole += 1;
                summary.bytes += bytes.0;
                whole.push((wanted, bytes));
            }
            Looked::Fault(SmokeFault::Missing, _)
                if accepted.contains(&(wanted.bucket.to_string(), wanted.sha1)) =>
            {
                summary.accepted += 1;
            }
            Looked::Fault(fault, why) => summary.find(fault, wanted.address(), why),
            Looked::Unlooked(why) => summary.miss(wanted.address(), why),
        }
    }
    whole
}

/// Reads each content by contentrepo's nodes in turn, so that each node gives some of them.
async fn look_by_api(
    ports: SmokePorts<'_>,
    whole: &[(Wanted, ByteCount)],
    summary: &mut SmokeSummary,
) {
    if ports.nodes.is_empty() {
        return;
    }
    let rows = whole.iter().flat_map(|(wanted, length)| {
        wanted.in_use.iter().map(move |row| (wanted.sha1, *length, row))
    });
    let turns = rows.zip(ports.nodes.iter().cycle());
    let look = |((sha1, length, (bucket, object)), node): ((_, _, &(String, _)), &Arc<_>)| {
        let object: &crate::ports::RepoObject = object;
        let at = contents::row(bucket, object);
        let uuid = Some(object.uuid.clone());
        let version = RepoVersion { bucket: bucket.clone(), key: object.key.clone(), uuid };
        let node: Arc<dyn RepoService> = Arc::clone(node);
        async move {
            let read = retried(ports.clock, 0, || node.read(&version, length)).await;
            (at, judged(read, sha1, Some(length)))
        }
    };
    let mut looks = stream::iter(turns.map(look)).buffered(limits::SMOKE_READS_AT_ONCE);
    while let Some((at, looked)) = looks.next().await {
        match looked {
            Looked::Whole(bytes) => {
                summary.api_whole += 1;
                summary.bytes += bytes.0;
            }
            Looked::Fault(fault, why) => summary.find(fault, at, why),
            Looked::Unlooked(why) => summary.miss(at, why),
        }
    }
}

/// What contentrepo's answer to a reader says.
pub(super) fn judged(
    read: Result<crate::ContentDigests, RepoServiceError>,
    sha1: Sha1,
    size: Option<ByteCount>,
) -> Looked {
    match read {
        Ok(read) => Looked::of(&read, sha1, size),
        Err(error @ RepoServiceError::Refused { .. }) => {
            Looked::Fault(SmokeFault::Refused, error.to_string())
        }
        Err(error @ RepoServiceError::BrokeOff { .. }) => {
            Looked::Fault(SmokeFault::BrokeOff, error.to_string())
        }
        Err(error @ RepoServiceError::TooLong { .. }) => {
            Looked::Fault(SmokeFault::OtherContent, error.to_string())
        }
        Err(
            error @ (RepoServiceError::Unavailable { .. } | RepoServiceError::BadAnswer { .. }),
        ) => Looked::Unlooked(error.to_string()),
    }
}

/// Reads one object of each bucket without keys, as those do who follow the URLs that contentrepo gives.
async fn look_without_keys(
    ports: SmokePorts<'_>,
    whole: &[(Wanted, ByteCount)],
    summary: &mut SmokeSummary,
) {
    let mut asked = BTreeSet::new();
    for (wanted, _) in whole.iter().filter(|(_, length)| length.0 > 0) {
        if !asked.insert(wanted.bucket.clone()) {
            continue;
        }
        let at = wanted.address();
        match retried(ports.clock, 0, || ports.anonymous.gives(&at.bucket, &at.key)).await {
            Ok(true) => summary.anonymous += 1,
            Ok(false) => {
                let why = "contentrepo sends readers to S3, and S3 refuses them without keys";
                summary.find(SmokeFault::NotPublic, at, why);
            }
            Err(error) => summary.miss(at, error),
        }
    }
}
