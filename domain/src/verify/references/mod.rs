//! The comparison of the clients' databases with the buckets: each row of contentrepo has its object, and
//! each row of rhino its row of contentrepo.
//!
//! Tables come by row id, listings by key, and rhino names rows by bucket, key and uuid. So each table is
//! read page by page into records of a few bytes, these are sorted on disk, and two sorted sequences are
//! joined. What is broken is sorted by row id, and these rows are read once more to be named.

mod accepted;
mod allowed;
mod article_files;
mod evidence;
mod group;
mod kinds;
mod look;
mod names;
mod naming;
mod nowhere;
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

pub use self::allowed::{AllowedBuilder, AllowedCounts, AllowedReferences, column};
pub use self::evidence::{Journalled, Lacking};
pub use self::kinds::Broken;
pub use self::names::BothNames;
pub use self::observer::{AllReferences, NamedReference, ReferencesObserver};
use self::run::Run;
pub use self::summary::{ReferencesSummary, RowSample, TableCounts};
use crate::ports::{
    Clock, ContentRepoDatabase, KeyRanges, Ledger, MogileDatabase, ObjectStore, RecordSorts,
    RhinoDatabase, SourceIndex,
};
use crate::{Acceptances, BucketMap, Stopped};

/// What a comparison of references reads.
#[derive(Clone, Copy)]
pub struct ReferencesPorts<'a> {
    /// contentrepo's database.
    pub content_repo: &'a dyn ContentRepoDatabase,
    /// rhino's, where it is to be compared.
    pub rhino: Option<&'a dyn RhinoDatabase>,
    /// MogileFS, which says what was broken before.
    pub mogile: Option<MogileSide<'a>>,
    /// The ledger, where the settings name it. It says what S3 had once.
    pub ledger: Option<&'a dyn Ledger>,
    /// The buckets.
    pub objects: &'a dyn ObjectStore,
    /// This machine's disk.
    pub sorts: &'a dyn RecordSorts,
    /// Time, for pauses between tries.
    pub clock: &'a dyn Clock,
}

/// What is read of MogileFS.
#[derive(Clone, Copy)]
pub struct MogileSide<'a> {
    /// Its index in the database: the configured domain.
    pub index: &'a dyn SourceIndex,
    /// The same rows by their keys.
    pub rows: &'a dyn KeyRanges,
    /// The same database.
    pub database: &'a dyn MogileDatabase,
    /// The index as the trackers list it, which shows whether the database is an old copy.
    pub trackers: Option<&'a dyn SourceIndex>,
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
    /// The files that are accepted by name: a reference to one of them is no finding.
    pub accepted: Acceptances,
    /// References that may be broken, because they were so before the migration.
    pub allowed: AllowedReferences,
    /// What the journal says of the cut-over.
    pub journalled: Journalled,
    /// Contents that are sought in one reading of the ledger. Memory holds about 120 bytes for each.
    pub sought_at_once: usize,
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
