//! The comparison of MogileFS with S3, before the cut-over.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use super::contents::{self, Wanted};
use super::draw::SamplePlan;
use super::names::{self, Names};
use super::step::NO_RHINO;
use super::summary::{Looked, SmokeFault, SmokeSummary};
use crate::cleanup::replicas::ReplicaReader;
use crate::ports::{Clock, ContentRepoDatabase, ObjectStore, RhinoDatabase, SourceFiles};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass};
use crate::{Acceptances, BucketMap, Destination, Dkey, SourceError, limits};

/// What is read.
#[derive(Clone, Copy)]
pub struct ShadowPorts<'a> {
    /// contentrepo's database, where rows are sampled.
    pub content_repo: Option<&'a dyn ContentRepoDatabase>,
    /// rhino's, where it is to be read.
    pub rhino: Option<&'a dyn RhinoDatabase>,
    /// MogileFS.
    pub files: &'a dyn SourceFiles,
    /// The buckets.
    pub objects: &'a dyn ObjectStore,
    /// Time, for pauses between tries.
    pub clock: &'a dyn Clock,
}

/// What is compared.
#[derive(Debug, Clone)]
pub struct ShadowPlan {
    /// The S3 bucket of each MogileFS bucket.
    pub buckets: BucketMap,
    /// How many rows are read.
    pub sample: SamplePlan,
    /// The files that are accepted by name as lost.
    pub accepted: Acceptances,
    /// Keys of MogileFS, such as a log of reads names them.
    pub keys: Vec<String>,
    /// rhino's database is left out on purpose.
    pub without_rhino: bool,
}

/// Reads each content of the sample, and of the keys, from MogileFS and from S3.
pub async fn shadow(ports: ShadowPorts<'_>, plan: &ShadowPlan) -> SmokeSummary {
    let mut summary = SmokeSummary::default();
    let mut wanted = of_keys(plan, &mut summary);
    if let Some(content_repo) = ports.content_repo {
        if ports.rhino.is_none() && !plan.without_rhino {
            summary.miss("rhino's rows", NO_RHINO);
        }
        let names = (&plan.buckets, Names::Any);
        let ShadowPorts { rhino, clock, .. } = ports;
        let read = names::read(content_repo, rhino, clock, names, plan.sample, &mut summary).await;
        match read {
            Ok(rows) => wanted.extend(contents::wanted(&rows, &plan.buckets, &mut summary)),
            Err(error) => summary.miss("the rows of the clients", error),
        }
    }
    let accepted = contents::accepted(&plan.accepted, &plan.buckets);
    let reader = ReplicaReader::new(ports.files, ports.clock);
    let reader = &reader;
    let look = |wanted: Wanted| async move {
        let (at, expected) = (wanted.address(), (wanted.sha1, wanted.size));
        let in_s3 = contents::from_s3(ports.objects, ports.clock, &at, expected).await;
        let in_mogile = from_mogile(ports, reader, &wanted).await;
        (wanted, in_s3, in_mogile)
    };
    let mut looks = stream::iter(wanted).map(look).buffered(limits::SMOKE_READS_AT_ONCE);
    while let Some((wanted, in_s3, in_mogile)) = looks.next().await {
        let is_accepted = accepted.contains(&(wanted.bucket.to_string(), wanted.sha1));
        if is_accepted && matches!(in_s3, Looked::Fault(SmokeFault::Missing, _)) {
            summary.accepted += 1;
            continue;
        }
        let dkey = format!("`{}` of MogileFS", dkey(&wanted));
        for (at, looked, is_s3) in
            [(wanted.address().to_string(), in_s3, true), (dkey, in_mogile, false)]
        {
            match looked {
                Looked::Whole(bytes) => {
                    *(if is_s3 { &mut summary.s3_whole } else { &mut summary.mogile_whole }) += 1;
                    summary.bytes += bytes.0;
                }
                Looked::Fault(fault, why) => summary.find(fault, at, why),
                Looked::Unlooked(why) => summary.miss(at, why),
            }
        }
    }
    summary
}

/// The contents that keys name. Ignored buckets have none in S3.
fn of_keys(plan: &ShadowPlan, summary: &mut SmokeSummary) -> Vec<Wanted> {
    let (mut wanted, mut seen) = (Vec::new(), BTreeSet::new());
    for key in &plan.keys {
        let Some(dkey) = Dkey::parse(key) else {
            summary.miss(format!("`{key}`"), "it is not the key of a file: SHA-1, `-`, bucket");
            continue;
        };
        match plan.buckets.destination(&dkey.bucket) {
            Destination::Bucket(bucket) => {
                if seen.insert((dkey.sha1, bucket.clone())) {
                    let (old, sha1) = (dkey.bucket.clone(), dkey.sha1);
                    let (bucket, size, in_use) = (bucket.clone(), None, Vec::new());
                    wanted.push(Wanted { old, bucket, sha1, size, in_use });
                }
            }
            Destination::Ignored => summary.contentrepo.ignored += 1,
            Destination::Unmapped => {
                let why = "its bucket is neither in BUCKETS nor in IGNORE_BUCKETS";
                summary.find(SmokeFault::Unmapped, format!("`{key}`"), why);
            }
        }
    }
    wanted
}

fn dkey(wanted: &Wanted) -> String {
    format!("{}-{}", wanted.sha1, wanted.old)
}

/// Reads replica after replica until one is as it must be.
async fn from_mogile(
    ports: ShadowPorts<'_>,
    reader: &ReplicaReader<'_>,
    wanted: &Wanted,
) -> Looked {
    let key = dkey(wanted);
    let missing = |why: &str| Looked::Fault(SmokeFault::Missing, why.to_owned());
    let fid = match retried(ports.clock, 0, || ports.files.fid_of(&key)).await {
        Ok(Some(fid)) => fid,
        Ok(None) => return missing("the trackers do not know it"),
        Err(error) => return Looked::Unlooked(error.to_string()),
    };
    let replicas = match retried(ports.clock, fid.0, || ports.files.replicas_anew(fid, &key)).await
    {
        Ok(replicas) => replicas,
        Err(SourceError::UnknownKey { .. }) => return missing("the trackers do not know it"),
        Err(error) => return Looked::Unlooked(error.to_string()),
    };
    let mut last = missing("the trackers name no replica of it");
    for replica in replicas {
        let read = match replica {
            Ok(replica) => reader.digests_of(&replica).await,
            Err(error) => Err(error),
        };
        let looked = match read {
            Ok(read) => Looked::of(&read, wanted.sha1, wanted.size),
            Err(error) if error.class() == ErrorClass::Retry => Looked::Unlooked(error.to_string()),
            Err(error) => Looked::Fault(SmokeFault::Missing, error.to_string()),
        };
        match looked {
            Looked::Whole(_) => return looked,
            // One that could not be asked may be the one that has it.
            Looked::Fault(..) if matches!(last, Looked::Unlooked(_)) => {}
            Looked::Unlooked(_) | Looked::Fault(..) => last = looked,
        }
    }
    last
}
