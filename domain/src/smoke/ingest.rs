//! The write by contentrepo's API: an object is created, read back, looked for in S3, and purged.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::step::{self, SmokePorts};
use super::summary::{IngestEnd, Looked, SmokeFault, SmokeSummary};
use crate::journal::{Content, SmokeKey, SmokeWrite};
use crate::ports::{
    AnonymousReads, Clock, ObjectStore, RepoCreated, RepoService, RepoServiceError, RepoVersion,
};
use crate::retried::retried;
use crate::retry::mix;
use crate::runbook::{JournalTrouble, JournalWriter};
use crate::{BucketMap, ByteCount, MogileBucket, ObjectAddress, ObjectKey, S3Bucket, Sha1, limits};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestPlan {
    /// A random number: keys and contents are made of it, so that no other run has them.
    pub random: u64,
}

/// Writes objects by contentrepo's API and takes them away again.
#[derive(Clone, Copy)]
pub(super) struct Ingester<'a> {
    pub(super) objects: &'a dyn ObjectStore,
    pub(super) anonymous: &'a dyn AnonymousReads,
    pub(super) clock: &'a dyn Clock,
    /// Whether contentrepo sends readers to S3.
    pub(super) reproxies: bool,
}

/// An object to be written.
struct Object<'a> {
    node: &'a dyn RepoService,
    bucket: &'a S3Bucket,
    old: &'a MogileBucket,
    key: String,
    content: Bytes,
}

impl Ingester<'_> {
    /// Writes by every node and into every bucket, once each where there are as many of both.
    pub(super) async fn through(
        &self,
        nodes: &[Arc<dyn RepoService>],
        buckets: &BucketMap,
        plan: IngestPlan,
        writer: &mut JournalWriter,
        summary: &mut SmokeSummary,
    ) -> Result<(), JournalTrouble> {
        let pairs: Vec<_> = buckets.pairs().collect();
        if nodes.is_empty() || pairs.is_empty() {
            return Ok(());
        }
        for number in 0..nodes.len().max(pairs.len()) {
            let (old, bucket) = pairs[number % pairs.len()];
            let node = &*nodes[number % nodes.len()];
            let random = mix(plan.random ^ number as u64);
            let key = format!("mogile2s3-smoke-{:016x}{:016x}", plan.random, random);
            let object = Object { node, bucket, old, key, content: content(random) };
            let is_whole = self.write(&object, writer, summary).await?;
            let (bucket, node) = (bucket.to_string(), node.url().to_owned());
            summary.ingested.push(IngestEnd { node, bucket, key: object.key, is_whole });
        }
        Ok(())
    }

    /// Whether all went as it must.
    async fn write(
        &self,
        object: &Object<'_>,
        writer: &mut JournalWriter,
        summary: &mut SmokeSummary,
    ) -> Result<bool, JournalTrouble> {
        let before = summary.findings.len() + summary.unlooked.len();
        let Object { node, bucket, key, content, .. } = object;
        writer.append(object.entry(SmokeWrite::Create)).await?;
        let created = node.create(bucket.as_str(), key, content.clone()).await;
        let mut version = RepoVersion { bucket: bucket.to_string(), key: key.clone(), uuid: None };
        match created {
            Ok(created) => {
                object.check(&created, summary);
                version.uuid = Some(created.uuid);
                self.read_back(object, &version, summary).await;
            }
            Err(error @ RepoServiceError::Refused { status: 400..=499, .. }) => {
                summary.find(SmokeFault::Refused, object.name("the creation"), error);
                return Ok(false);
            }
            // It may be there: what is, goes. So it is where contentrepo failed behind its own write.
            Err(error @ RepoServiceError::Refused { .. }) => {
                summary.find(SmokeFault::Refused, object.name("the creation"), error);
            }
            Err(error) => summary.miss(object.name("the creation"), error),
        }
        writer.append(object.entry(SmokeWrite::Purge)).await?;
        self.purge(object, &version, summary).await;
        Ok(summary.findings.len() + summary.unlooked.len() == before)
    }

    async fn read_back(
        &self,
        object: &Object<'_>,
        version: &RepoVersion,
        summary: &mut SmokeSummary,
    ) {
        let (sha1, size) = object.expected();
        let read = retried(self.clock, 0, || object.node.read(version)).await;
        match step::judged(read, sha1, Some(size)) {
            Looked::Whole(bytes) => summary.bytes += bytes.0,
            Looked::Fault(fault, why) => summary.find(fault, object.name("the reading"), why),
            Looked::Unlooked(why) => summary.miss(object.name("the reading"), why),
        }
        let at = object.address();
        match retried(self.clock, 0, || self.objects.head(&at)).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                let why = format!("contentrepo has created it, and `{at}` is not there");
                summary.find(SmokeFault::StoredElsewhere, object.name("the object"), why);
                return;
            }
            Err(error) => return summary.miss(&at, error),
        }
        if !self.reproxies {
            return;
        }
        match retried(self.clock, 0, || self.anonymous.gives(&at.bucket, &at.key)).await {
            Ok(true) => summary.anonymous += 1,
            Ok(false) => {
                let why = "contentrepo sends readers to S3, and S3 refuses them without keys";
                summary.find(SmokeFault::NotPublic, &at, why);
            }
            Err(error) => summary.miss(&at, error),
        }
    }

    async fn purge(&self, object: &Object<'_>, version: &RepoVersion, summary: &mut SmokeSummary) {
        let name = object.name("the purge");
        match object.node.purge(version).await {
            Ok(()) => {}
            Err(RepoServiceError::Refused { status: 404, .. }) if version.uuid.is_none() => return,
            Err(error @ RepoServiceError::Refused { .. }) => {
                return summary.find(SmokeFault::Refused, name, error);
            }
            Err(error) => return summary.miss(name, error),
        }
        match retried(self.clock, 0, || object.node.read(version)).await {
            Err(RepoServiceError::Refused { status: 404, .. }) => {}
            Err(error @ RepoServiceError::Refused { .. }) => {
                summary.find(SmokeFault::NotPurged, &name, error);
            }
            Err(error) => summary.miss(&name, error),
            Ok(_) => summary.find(SmokeFault::NotPurged, &name, "contentrepo still gives it"),
        }
        let at = object.address();
        match retried(self.clock, 0, || self.objects.head(&at)).await {
            Ok(None) => {}
            Ok(Some(_)) => {
                summary.find(SmokeFault::NotPurged, &name, format!("`{at}` is still there"));
            }
            Err(error) => summary.miss(&at, error),
        }
    }
}

impl Object<'_> {
    fn expected(&self) -> (Sha1, ByteCount) {
        (Sha1::of(&self.content), ByteCount(self.content.len() as u64))
    }

    fn address(&self) -> ObjectAddress {
        let key = ObjectKey::of_content(&self.expected().0);
        ObjectAddress { bucket: self.bucket.clone(), key }
    }

    fn name(&self, what: &str) -> String {
        format!("{what} of `{}` in `{}` by {}", self.key, self.bucket, self.node.url())
    }

    fn entry(&self, does: SmokeWrite) -> Content {
        Content::SmokeKey(SmokeKey {
            node: self.node.url().to_owned(),
            bucket: self.bucket.to_string(),
            bucket_before: self.old.to_string(),
            key: self.key.clone(),
            does,
        })
    }

    /// contentrepo computes SHA-1 and size by itself.
    fn check(&self, created: &RepoCreated, summary: &mut SmokeSummary) {
        let (sha1, size) = self.expected();
        if created.sha1 != Some(sha1) || created.size != Some(size) {
            let why = format!(
                "{} bytes of SHA-1 {sha1} were sent, and contentrepo answers {:?} and {:?}",
                size.0, created.size, created.sha1
            );
            summary.find(SmokeFault::OtherContent, self.name("the creation"), why);
        }
    }
}

/// Content that nobody else has.
fn content(random: u64) -> Bytes {
    let words = (0..limits::SMOKE_BYTES / 8).map(|at| mix(random ^ mix(at as u64)).to_be_bytes());
    words.flatten().collect::<Vec<u8>>().into()
}

/// Tries a second contentrepo, whose database is a scratch database with the new names of the buckets: what it
/// runs on, and a write into each bucket. Nothing is written where its database may be the real one.
///
/// Errors only where the journal does not take the entry before a write.
pub async fn trial(
    ports: SmokePorts<'_>,
    buckets: &BucketMap,
    plan: IngestPlan,
    writer: &mut JournalWriter,
) -> Result<SmokeSummary, JournalTrouble> {
    let mut summary = SmokeSummary::default();
    step::look_at_nodes(ports, &mut summary).await;
    for node in ports.nodes {
        let names = match retried(ports.clock, 0, || node.buckets()).await {
            Ok(names) => names.into_iter().collect::<BTreeSet<_>>(),
            Err(error) => {
                summary.miss(node.url(), error);
                continue;
            }
        };
        for (old, new) in buckets.pairs() {
            if old.as_str() != new.as_str() && names.contains(old.as_str()) {
                let why = format!("it has the bucket `{old}`, as the contentrepo of today has");
                summary.find(SmokeFault::NotScratch, node.url(), why);
            }
            if !names.contains(new.as_str()) {
                let why = format!("{} has no such bucket", node.url());
                summary.find(SmokeFault::NoBucket, format!("bucket `{new}`"), why);
            }
        }
    }
    if summary.differs() || !summary.unlooked.is_empty() {
        summary.miss("the write by contentrepo's API", "what stands above is to be mended first");
        return Ok(summary);
    }
    step::smoke_write(ports, buckets, plan, writer, &mut summary).await?;
    Ok(summary)
}
