//! Finds the files whose content is another than their keys say.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use roaring::RoaringTreemap;
use serde::Serialize;

use super::evidence::{content_of, unreadable};
use super::outcome::{ReadReplica, RekeyOutcome, Verdict};
use crate::cleanup::look::{Look, Looker};
use crate::cleanup::replicas::ReplicaReader;
use crate::cleanup::stop::{StopRequest, is_asked};
use crate::cleanup::witness::Witness;
use crate::migrate::require_domain;
use crate::ports::{Clock, FailureLog, SourceFiles, SourceIndex, WatchPorts};
use crate::queue::{KILLED, UNREADABLE_FAILURE, files_of_dead_letters};
use crate::retried::retried;
use crate::summary::{Sample, Stopped};
use crate::{BucketMap, ByteCount, Fid, Reason, ReasonKind, RowClass, Sha1};

/// What the search reaches.
pub struct ScanPorts {
    /// The index of MogileFS.
    pub index: Arc<dyn SourceIndex>,
    /// The files of MogileFS.
    pub files: Arc<dyn SourceFiles>,
    /// Why files failed.
    pub failures: Arc<dyn FailureLog>,
    /// The dead letters, where the settings name their queue.
    pub dead_letters: Option<WatchPorts>,
    /// This machine's clock.
    pub clock: Arc<dyn Clock>,
}

/// What was found. Each file that was looked for is in one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KeyScan {
    /// Files that failed for their content, or that were named.
    pub candidates: u64,
    /// Those whose content is another than their keys say, by all replicas.
    pub wrong_keys: Vec<WrongKey>,
    /// Those whose content is what their keys say: the next migration takes them.
    pub right: u64,
    /// Those that have no row any more, or none that migrates.
    pub gone: u64,
    /// Those whose replicas have different content.
    pub differing: Sample,
    /// Those with a replica that cannot be read, or of another length than the index has.
    pub unproven: Sample,
    /// Those that were not looked at: it ended early.
    pub not_looked_at: u64,
    /// Whether the dead-letter queue may have more letters than were looked at; [`None`] where no queue
    /// is named.
    pub more_dead_letters: Option<bool>,
    /// Why it ended early.
    pub stopped: Option<Stopped>,
}

/// A file whose content is another than its key says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrongKey {
    /// The file's number.
    pub fid: Fid,
    /// Its key.
    pub key: String,
    /// The SHA-1 of its content.
    pub sha1: Sha1,
    /// The number of its bytes.
    pub length: ByteCount,
}

/// Dead letters with these reasons: a worker that was killed has left no other, and one that cannot be
/// read may be of content.
const REASONS: &[&str] = &[ReasonKind::WrongContent.name(), KILLED, UNREADABLE_FAILURE];

/// What was found of one file.
enum Found {
    Wrong(WrongKey),
    Right,
    Gone,
    Unproven(RekeyOutcome, String),
}

/// Reads every replica of the files that failed for their content: by the failures table, by the dead
/// letters, and those of `named`.
pub async fn scan_keys(
    ports: &ScanPorts,
    buckets: &BucketMap,
    named: RoaringTreemap,
    stop: &StopRequest,
) -> KeyScan {
    let mut scan = KeyScan::default();
    let mut fids = named;
    if let Err(stopped) = candidates(ports, &mut scan, &mut fids).await {
        (scan.candidates, scan.not_looked_at) = (fids.len(), fids.len());
        scan.stopped = Some(stopped);
        return scan;
    }
    (scan.candidates, scan.not_looked_at) = (fids.len(), fids.len());
    let reader = ReplicaReader::new(&*ports.files, &*ports.clock);
    let looker = Looker { index: &*ports.index, files: &*ports.files, clock: &*ports.clock };
    let witness = &Witness { looker, reader: &reader };
    let mut all = stream::iter(fids)
        .map(|fid| async move { (Fid(fid), look_at(witness, buckets, Fid(fid)).await) })
        .buffered(crate::limits::LOOKUPS_AT_ONCE)
        .take_until(stop.clone());
    while let Some((fid, found)) = all.next().await {
        match found {
            Ok(found) => scan.add(fid, found),
            Err(stopped) => {
                scan.stopped = Some(stopped);
                return scan;
            }
        }
    }
    scan.stopped = is_asked(stop).then_some(Stopped::Interrupted);
    scan
}

/// Adds the files that failed for their content.
async fn candidates(
    ports: &ScanPorts,
    scan: &mut KeyScan,
    fids: &mut RoaringTreemap,
) -> Result<(), Stopped> {
    require_domain(&*ports.index, &*ports.clock).await?;
    let of_content = ReasonKind::WrongContent.name();
    let mut failed = RoaringTreemap::new();
    let mut each = |item: crate::FailureItem| {
        let fid = match item {
            Ok(record) => (record.reason == of_content).then_some(record.fid),
            // Its reason is not known: the replicas of its file are read, too.
            Err(unreadable) => unreadable.fid,
        };
        failed.extend(fid.map(|fid| fid.0));
    };
    let scanned = ports.failures.scan(&mut each).await;
    *fids |= failed;
    scanned.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
    let Some(watch) = &ports.dead_letters else { return Ok(()) };
    let dead = files_of_dead_letters(watch, REASONS).await;
    *fids |= dead.fids;
    scan.more_dead_letters = Some(dead.more);
    dead.stopped.map_or(Ok(()), Err)
}

async fn look_at(witness: &Witness<'_>, buckets: &BucketMap, fid: Fid) -> Result<Found, Stopped> {
    let Looker { index, clock, .. } = witness.looker;
    let row = retried(clock, fid.0, || index.row(fid)).await;
    let row = row.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
    let Some(RowClass::Source(file)) = row.map(|row| row.classify(buckets)) else {
        return Ok(Found::Gone);
    };
    let key = file.dkey.to_string();
    match witness.looker.look(fid, &key).await? {
        Look::AsSeen => {}
        Look::Changed => return Ok(Found::Gone),
        Look::Disagreement => {
            let why = crate::cleanup::elsewhere::DISAGREEMENT.to_owned();
            return Ok(Found::Unproven(RekeyOutcome::Unreadable, why));
        }
        Look::Unknown(why) => return Ok(Found::Unproven(RekeyOutcome::Unreadable, why)),
    }
    let read = witness.read(&file).await.map_err(|error| unreadable(&error));
    let read = read.map(|read| read.into_iter().map(ReadReplica::from).collect::<Vec<_>>());
    match read.and_then(|replicas| content_of(&replicas, file.length)) {
        Ok(sha1) if sha1 == file.dkey.sha1 => Ok(Found::Right),
        Ok(sha1) => Ok(Found::Wrong(WrongKey { fid, key, sha1, length: file.length })),
        Err(Verdict::Ended(outcome, why)) => Ok(Found::Unproven(outcome, why)),
        Err(Verdict::Stopped(stopped)) => Err(stopped),
        Err(Verdict::Referred { .. }) => Ok(Found::Gone),
    }
}

impl KeyScan {
    fn add(&mut self, fid: Fid, found: Found) {
        self.not_looked_at -= 1;
        match found {
            Found::Wrong(wrong) => self.wrong_keys.push(wrong),
            Found::Right => self.right += 1,
            Found::Gone => self.gone += 1,
            Found::Unproven(RekeyOutcome::Differ, why) => self.differing.add(fid, why),
            Found::Unproven(_, why) => self.unproven.add(fid, why),
        }
    }
}
