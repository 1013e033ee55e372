//! The comparison of the buckets' listings with MogileFS's index. It asks neither ledger nor queue, and
//! it repairs nothing.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{self, Either};
use roaring::RoaringTreemap;

use super::comparison::Comparison;
use super::look::Looks;
use super::observer::VerifyObserver;
use super::part::{Part, Parts};
use super::patience::Patience;
use super::sample::Sampler;
use super::state::{Place, StateKeeper, VerifyState};
use super::summary::VerifySummary;
use super::tally::Counting;
use crate::ports::{Clock, KeyRanges, ObjectStore, SourceIndex};
use crate::{Acceptances, BucketMap, Stopped};

/// What a comparison reads.
#[derive(Clone, Copy)]
pub struct VerifyPorts<'a> {
    /// The index: its domain and its count.
    pub index: &'a dyn SourceIndex,
    /// The rows of the same index.
    pub rows: &'a dyn KeyRanges,
    /// The buckets.
    pub objects: &'a dyn ObjectStore,
    /// Time, for pauses between tries.
    pub clock: &'a dyn Clock,
    /// What keeps the state of the comparison, where another one may go on.
    pub keeper: Option<&'a dyn StateKeeper>,
}

/// What is compared, and how closely.
#[derive(Debug, Clone)]
pub struct VerifyPlan {
    /// The S3 bucket of each MogileFS bucket.
    pub buckets: BucketMap,
    /// Fids whose rows are counted and not compared.
    pub excluded: RoaringTreemap,
    /// The files that an operator accepts by name: of these a missing object is none of the differences.
    pub accepted: Acceptances,
    /// How much of the content is read.
    pub depth: Depth,
    /// The comparison ends when this many files are not as they must be, or cannot be looked at.
    pub max_failures: Option<u64>,
    /// Rows that are asked for at a time.
    pub page_rows: usize,
    /// How long a system is waited for that was reached before.
    pub wait: Duration,
    /// The number of rows, where the rows themselves were counted as they were sorted.
    pub counted: Option<u64>,
    /// The state of the comparison that this one continues.
    pub resume: Option<VerifyState>,
}

/// How much of the content is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// That of so many files, which the seed draws.
    Sample {
        /// The number of files.
        files: usize,
        /// The seed.
        seed: u64,
    },
    /// That of every file.
    All,
}

/// Compares every row of the index with the listings of the buckets, and reads content as the plan
/// says. It ends early where `stop` does; what ended it is in [`VerifySummary::stopped`].
///
/// Neither rows nor objects are passed over in silence: a page that cannot be read, of rows or of
/// objects, ends the comparison.
pub async fn verify_store(
    ports: VerifyPorts<'_>,
    plan: &VerifyPlan,
    stop: impl Future<Output = ()> + Send,
    observer: &dyn VerifyObserver,
) -> VerifySummary {
    let (files, seed) = match plan.depth {
        Depth::Sample { files, seed } => (files, seed),
        Depth::All => (0, 0),
    };
    let fresh = Sampler::new(files, seed);
    let (done, place) = match &plan.resume {
        Some(state) => state.restore(fresh.clone()),
        None => (Part::new(fresh.clone()), Place::default()),
    };
    let found = Parts::new(done, place, fresh);
    let counting = Counting::new(plan, found, observer);
    {
        let content = &mut counting.parts().done.summary.content;
        (content.deep, content.seed) = (plan.depth == Depth::All, seed);
    }
    let patience = Patience::new(ports.clock, observer, plan.wait);
    let looks = Looks { objects: ports.objects, clock: ports.clock, patience: &patience };
    let comparison = Comparison { ports, plan, looks, counting: &counting, observer };
    let stopped = {
        let whole = pin!(comparison.whole());
        match future::select(whole, pin!(stop)).await {
            Either::Left((ended, _)) => ended.err(),
            Either::Right(((), _)) => Some(Stopped::Interrupted),
        }
    };
    if stopped.is_some() {
        comparison.keep_state();
        // Where the comparison ended early, no row is known for what is held.
        counting.parts().abandon();
        comparison.release_held();
    }
    let mut summary = counting.into_summary();
    // Half the rows are no digest of the content.
    summary.digest = summary.digest.filter(|_| stopped.is_none());
    summary.stopped = stopped;
    summary
}
