//! The write by contentrepo's API: an object is created, read back, looked for in S3, and purged.

use std::sync::Arc;

use bytes::Bytes;

use super::step;
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
            self.write(&object, writer, summary).await?;
        }
        Ok(())
    }

    /// Writes an object and takes it away again.
    async fn write(
        &self,
        object: &Object<'_>,
        writer: &mut JournalWriter,
        summary: &mut SmokeSummary,
    ) -> Result<(), JournalTrouble> {
        if let Err(trouble) = writer.append(object.entry(SmokeWrite::Create)).await {
            let why = "the journal did not take the entry before it, so nothing was written";
            summary.miss(object.name("the creation"), why);
            return Err(trouble);
        }
        let before = summary.findings.len() + summary.unlooked.len();
        let written = self.write_journalled(object, writer, summary).await;
        let is_whole = summary.findings.len() + summary.unlooked.len() == before;
        summary.ingested.push(object.end(is_whole));
        written
    }

    /// The same, once the journal has its key.
    async fn write_journalled(
        &self,
        object: &Object<'_>,
        writer: &mut JournalWriter,
        summary: &mut SmokeSummary,
    ) -> Result<(), JournalTrouble> {
        let Object { node, bucket, key, content, .. } = object;
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
                self.look_for_rest(object, SmokeFault::Leftover, summary).await;
                return Ok(());
            }
            // It may be there: what is, goes. So it is where contentrepo failed behind its own write.
            Err(error @ RepoServiceError::Refused { .. }) => {
                summary.find(SmokeFault::Refused, object.name("the creation"), error);
            }
            Err(error) => summary.miss(object.name("the creation"), error),
        }
        if let Err(trouble) = writer.append(object.entry(SmokeWrite::Purge)).await {
            let why = format!(
                "the journal did not take the entry before it, so the object stays. Read the journal first, then \
                 take it away with DELETE {}/objects/{bucket}?key={key}&version=0&purge=true",
                node.url()
            );
            summary.miss(object.name("the purge"), why);
            return Err(trouble);
        }
        let rest = self.purge(object, &version, summary).await;
        self.look_for_rest(object, rest, summary).await;
        Ok(())
    }

    async fn read_back(
        &self,
        object: &Object<'_>,
        version: &RepoVersion,
        summary: &mut SmokeSummary,
    ) {
        let (sha1, size) = object.expected();
        let read = retried(self.clock, 0, || object.node.read(version, size)).await;
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

    /// Purges an object. Returns what it means where its content is in S3 afterwards.
    async fn purge(
        &self,
        object: &Object<'_>,
        version: &RepoVersion,
        summary: &mut SmokeSummary,
    ) -> SmokeFault {
        let (name, size) = (object.name("the purge"), object.expected().1);
        match object.node.purge(version).await {
            Ok(()) => {}
            Err(RepoServiceError::Refused { status: 404, .. }) if version.uuid.is_none() => {
                return SmokeFault::Leftover;
            }
            Err(error @ RepoServiceError::Refused { .. }) => {
                summary.find(SmokeFault::Refused, name, error);
                return SmokeFault::NotPurged;
            }
            Err(error) => {
                summary.miss(name, error);
                return SmokeFault::NotPurged;
            }
        }
        match retried(self.clock, 0, || object.node.read(version, size)).await {
            Err(RepoServiceError::Refused { status: 404, .. }) => {}
            Err(error @ RepoServiceError::Refused { .. }) => {
                summary.find(SmokeFault::NotPurged, &name, error);
            }
            Err(error) => summary.miss(&name, error),
            Ok(_) => summary.find(SmokeFault::NotPurged, &name, "contentrepo still gives it"),
        }
        SmokeFault::NotPurged
    }

    /// Looks whether S3 has the content behind all of that. What is there is named: nothing else says so.
    async fn look_for_rest(
        &self,
        object: &Object<'_>,
        rest: SmokeFault,
        summary: &mut SmokeSummary,
    ) {
        let at = object.address();
        match retried(self.clock, 0, || self.objects.head(&at)).await {
            Ok(None) => {}
            Ok(Some(_)) => {
                let why = format!(
                    "`{at}` is still there, of {} bytes. No other object has this content: `aws s3 rm \
                     s3://{}/{}` takes it away",
                    object.content.len(),
                    at.bucket,
                    at.key
                );
                summary.find(rest, object.name("the object"), why);
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

    fn end(&self, is_whole: bool) -> IngestEnd {
        let (node, bucket) = (self.node.url().to_owned(), self.bucket.to_string());
        IngestEnd { node, bucket, key: self.key.clone(), is_whole }
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
