//! The comparison of the clients' databases with the buckets: each row of contentrepo has its object, and
//! each row of rhino its row of contentrepo.
//!
//! Tables come by row id, listings by key, and rhino names rows by bucket, key and uuid. So each table is
//! read page by page into records of a few bytes, these are sorted on disk, and two sorted sequences are
//! joined. What is broken is sorted by row id, and these rows are read once more to be named.

mod article_files;
mod kinds;
mod look;
mod naming;
mod objects;
mod observer;
mod records;
mod run;
mod sorting;
mod summary;
mod tables;

#[cfg(test)]
mod tests;

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{self, Either};

pub use self::kinds::Broken;
pub use self::observer::{AllReferences, NamedReference, ReferencesObserver};
use self::run::Run;
pub use self::summary::{ReferencesSummary, RowSample, TableCounts};
use crate::ports::{
    Clock, ContentRepoDatabase, KeyRanges, ObjectStore, RecordSorts, RhinoDatabase, SourceIndex,
};
use crate::{BucketMap, Stopped};

/// What a comparison of references reads.
#[derive(Clone, Copy)]
pub struct ReferencesPorts<'a> {
    /// contentrepo's database.
    pub content_repo: &'a dyn ContentRepoDatabase,
    /// rhino's, where it is to be compared.
    pub rhino: Option<&'a dyn RhinoDatabase>,
    /// MogileFS's index: its domain, and its rows by their keys. It says what was broken before.
    pub index: Option<(&'a dyn SourceIndex, &'a dyn KeyRanges)>,
    /// The buckets.
    pub objects: &'a dyn ObjectStore,
    /// This machine's disk.
    pub sorts: &'a dyn RecordSorts,
    /// Time, for pauses between tries.
    pub clock: &'a dyn Clock,
}

/// What is compared.
#[derive(Debug, Clone)]
pub struct ReferencesPlan {
    /// The S3 bucket of each MogileFS bucket.
    pub buckets: BucketMap,
    /// Whether sound rows are named, too: then both tables are read twice as a whole.
    pub lists_all: bool,
    /// How long S3 is waited for, where it was reached before.
    pub wait: Duration,
}

/// Compares all references. It ends early where `stop` does; what ended it is in
/// [`ReferencesSummary::stopped`].
///
/// Rows that are written while it runs are counted and not judged. A page that cannot be read, of rows or
/// of objects, ends the comparison.
pub async fn verify_references(
    ports: ReferencesPorts<'_>,
    plan: &ReferencesPlan,
    stop: impl Future<Output = ()> + Send,
    observer: &dyn ReferencesObserver,
) -> ReferencesSummary {
    let run = Run::new(ports, plan, observer);
    let stopped = {
        let whole = pin!(run.whole());
        match future::select(whole, pin!(stop)).await {
            Either::Left((ended, _)) => ended.err(),
            Either::Right(((), _)) => Some(Stopped::Interrupted),
        }
    };
    let mut summary = run.into_summary();
    summary.stopped = stopped;
    summary
}
