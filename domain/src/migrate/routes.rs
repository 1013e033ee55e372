//! Finds out which files can be copied: lists the folders of their intermediaries before the first
//! COPY.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::file::FilePlan;
use super::sync::SyncPlan;
use crate::ports::{Clock, ObjectStore, StoreError};
use crate::retried::retried;
use crate::{
    ByteCount, Fid, IntermediaryForm, ListPage, ObjectKey, ObjectMeta, S3Bucket, SourceFile, limits,
};

/// Where the content of the files may come from (`--route`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RoutePolicy {
    /// A COPY where the intermediary is in the bucket, otherwise MogileFS.
    #[default]
    Auto,
    /// Only a COPY of the intermediary.
    Copy,
    /// Only MogileFS. Intermediaries are not listed.
    Mogile,
}

/// Plans routes, a page of files at a time.
pub(crate) struct Routes<'a> {
    objects: &'a dyn ObjectStore,
    clock: &'a dyn Clock,
    policy: RoutePolicy,
    /// The most bytes that one COPY can take.
    single_request_bytes: u64,
    /// Whether a bucket has keys with a leading slash, for each bucket asked so far.
    leading_slash: Mutex<BTreeMap<S3Bucket, bool>>,
}

/// A folder of intermediaries: bucket and prefix.
type Folder = (S3Bucket, String);

/// An intermediary: its bucket, its file, and the form of its key.
type Intermediary = (S3Bucket, Fid, IntermediaryForm);

impl<'a> Routes<'a> {
    pub(crate) fn new(
        objects: &'a dyn ObjectStore,
        clock: &'a dyn Clock,
        policy: RoutePolicy,
        single_request_bytes: u64,
    ) -> Self {
        Self { objects, clock, policy, single_request_bytes, leading_slash: Mutex::default() }
    }

    /// Returns a plan for each of these files, in their order. It costs one LIST for each folder
    /// that they are in (a thousand fids share one), and one LIST for each bucket once in a run.
    pub(crate) async fn plan(&self, files: &[SourceFile]) -> Result<Vec<FilePlan>, StoreError> {
        let there = match self.policy {
            RoutePolicy::Mogile => BTreeMap::new(),
            RoutePolicy::Auto | RoutePolicy::Copy => self.intermediaries(files).await?,
        };
        let plan = |file: &SourceFile| {
            let found = IntermediaryForm::ALL.into_iter().find_map(|form| {
                let length = there.get(&(file.bucket.clone(), file.fid, form))?;
                // One COPY takes no more.
                let fits = length.0 <= self.single_request_bytes;
                fits.then(|| (ObjectKey::intermediary(file.fid, form), *length))
            });
            let (copy_from, copy_length) = found.unzip();
            let mogile = self.policy != RoutePolicy::Copy;
            // S3 refuses an upload in parts only at its end, after many paid requests; a HEAD
            // before it is cheaper.
            let look_first = file.length.0 > self.single_request_bytes;
            let meta = ObjectMeta::from(&file.type_and_name);
            FilePlan { copy_from, copy_length, mogile, meta, look_first }
        };
        Ok(files.iter().map(plan).collect())
    }

    /// Returns a plan for the intermediary of each of these files, in their order. It costs what
    /// [`plan`](Self::plan) costs.
    pub(crate) async fn plan_intermediaries(
        &self,
        files: &[SourceFile],
    ) -> Result<Vec<SyncPlan>, StoreError> {
        let there = self.intermediaries(files).await?;
        let plan = |file: &SourceFile| {
            let there = IntermediaryForm::ALL.into_iter().find_map(|form| {
                let length = there.get(&(file.bucket.clone(), file.fid, form))?;
                Some((form, *length))
            });
            let most = self.single_request_bytes;
            let is_above = |(_, length): (_, ByteCount)| length.0 > most;
            let too_large = file.length.0 > most || there.is_some_and(is_above);
            SyncPlan { there, too_large, look_first: false }
        };
        Ok(files.iter().map(plan).collect())
    }

    async fn intermediaries(
        &self,
        files: &[SourceFile],
    ) -> Result<BTreeMap<Intermediary, ByteCount>, StoreError> {
        let mut folders = BTreeSet::new();
        for file in files {
            folders.insert((file.bucket.clone(), IntermediaryForm::Plain.prefix(file.fid)));
            if self.has_leading_slashes(&file.bucket).await? {
                let prefix = IntermediaryForm::LeadingSlash.prefix(file.fid);
                folders.insert((file.bucket.clone(), prefix));
            }
        }
        stream::iter(folders)
            .map(|folder| self.list(folder))
            .buffer_unordered(limits::LISTINGS_AT_ONCE)
            .try_fold(BTreeMap::new(), |mut all, found| async move {
                all.extend(found);
                Ok(all)
            })
            .await
    }

    async fn has_leading_slashes(&self, bucket: &S3Bucket) -> Result<bool, StoreError> {
        let known = |map: &BTreeMap<S3Bucket, bool>| map.get(bucket).copied();
        let lock = || self.leading_slash.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = known(&lock()) {
            return Ok(known);
        }
        let any = !self.page(bucket, "/", None).await?.objects.is_empty();
        lock().insert(bucket.clone(), any);
        Ok(any)
    }

    /// The intermediaries in one folder.
    async fn list(
        &self,
        (bucket, prefix): Folder,
    ) -> Result<Vec<(Intermediary, ByteCount)>, StoreError> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self.page(&bucket, &prefix, after.as_ref()).await?;
            found.extend(page.objects.iter().filter_map(|object| {
                let (fid, form) = object.key.as_intermediary()?;
                Some(((bucket.clone(), fid, form), object.length))
            }));
            match page.objects.into_iter().next_back() {
                Some(last) if page.more => after = Some(last.key),
                _ => return Ok(found),
            }
        }
    }

    async fn page(
        &self,
        bucket: &S3Bucket,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<ListPage, StoreError> {
        retried(self.clock, 0, || self.objects.list(bucket, prefix, after)).await
    }
}
