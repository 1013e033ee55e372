//! References whose content neither S3 nor MogileFS shows. Were they broken before the migration, or was their
//! object lost since? An index that is no old copy, the ledger and the journal decide together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::evidence::{Lacking, require_new};
use super::kinds::Broken;
use super::look::Looks;
use super::objects::Compared;
use super::records::Wanted;
use super::run::{Run, of_index, of_sort};
use super::sorting::{Gathering, InOrder};
use crate::ports::{Ledger, RecordSorts, RowId};
use crate::retried::retried;
use crate::{ByteCount, Fid, LedgerItem, Misconfigured, Reason, Stopped, limits, scan_ledger};

/// The rows, ascending by bucket and SHA-1, and the contents of them.
pub(super) struct Nowhere {
    contents: Gathering,
    rows: Gathering,
    last: Option<Wanted>,
}

/// A content, and what is known of it.
struct Content {
    /// Its bucket and its SHA-1.
    at: Wanted,
    /// The file in MogileFS that came to sight since.
    in_mogile: Option<Fid>,
    /// The file that S3 had with this content, as the ledger says.
    in_ledger: Option<Fid>,
}

/// What was read to decide.
#[derive(Default)]
struct Read {
    /// Why MogileFS's index decides nothing.
    index: Option<Lacking>,
    /// Why the ledger decides nothing.
    ledger: Option<Lacking>,
}

impl Nowhere {
    pub(super) async fn begin(sorts: &dyn RecordSorts) -> Result<Self, Stopped> {
        let begin = async || {
            let begun = Gathering::begin(sorts).await;
            begun.map_err(|error| of_sort(&error))
        };
        Ok(Self { contents: begin().await?, rows: begin().await?, last: None })
    }

    /// Keeps a row. The rows of one content come one after the other.
    pub(super) async fn add(&mut self, row: &Wanted) -> Result<(), Stopped> {
        if !self.last.is_some_and(|last| last.is_of(row)) {
            let content = Wanted { id: RowId(0), size: None, ..*row };
            self.contents.add(content.to_record()).await.map_err(|error| of_sort(&error))?;
            self.last = Some(*row);
        }
        self.rows.add(row.to_record()).await.map_err(|error| of_sort(&error))
    }

    /// Says of each row what it is. `control` are keys of contents that are whole.
    pub(super) async fn decide(
        self,
        run: &Run<'_>,
        looks: &Looks<'_>,
        control: &[String],
        into: &mut Compared,
    ) -> Result<(), Stopped> {
        if self.last.is_none() {
            return Ok(());
        }
        let mut contents = self.contents.finish().await.map_err(|error| of_sort(&error))?;
        let mut rows = self.rows.finish().await.map_err(|error| of_sort(&error))?;
        require_this_store(looks, control).await?;
        let mogile = run.ports.mogile.as_ref();
        let index = match mogile {
            Some(mogile) => require_new(mogile, looks.clock).await.err(),
            None => None,
        };
        let mut read = Read { index, ledger: None };
        loop {
            let mut part = next_part(&mut contents, run.plan.sought_at_once).await?;
            if part.is_empty() {
                return Ok(());
            }
            find_again(looks, &mut part).await?;
            read.ledger = find_in_ledger(run, looks, &mut part).await.err();
            for content in &part {
                let is_its = |record: &_| Wanted::of(record).is_of(&content.at);
                while let Some(record) =
                    rows.next_if(is_its).await.map_err(|error| of_sort(&error))?
                {
                    let row = Wanted::of(&record);
                    into.add(run, &row, read.judge(run, content, row.id)).await?;
                }
            }
        }
    }
}

impl Read {
    fn judge(
        &self,
        run: &Run<'_>,
        content: &Content,
        row: RowId,
    ) -> (Broken, Option<Fid>, Option<ByteCount>) {
        let undecided = |why: &Lacking| {
            run.state().lacks(why);
            (Broken::Undecided, None, None)
        };
        if let Some(fid) = content.in_mogile {
            return (Broken::ByMigration, Some(fid), None);
        }
        if let Some(why) = &self.index {
            return undecided(why);
        }
        if let Some(fid) = content.in_ledger {
            return (Broken::Lost, Some(fid), None);
        }
        match (run.plan.journalled.is_from_before(row), &self.ledger) {
            (Ok(false), _) => (Broken::Lost, None, None),
            (Err(why), _) => undecided(&why),
            (Ok(true), Some(why)) => undecided(why),
            (Ok(true), None) => (Broken::Before, None, None),
        }
    }
}

async fn next_part(contents: &mut InOrder, most: usize) -> Result<Vec<Content>, Stopped> {
    let mut part = Vec::new();
    while part.len() < most.max(1) {
        let record = contents.next_if(|_| true).await.map_err(|error| of_sort(&error))?;
        let Some(record) = record else { break };
        part.push(Content { at: Wanted::of(&record), in_mogile: None, in_ledger: None });
    }
    Ok(part)
}

/// Looks in MogileFS's index once more: the first time nothing had shown yet that it is new.
async fn find_again(looks: &Looks<'_>, part: &mut [Content]) -> Result<(), Stopped> {
    let contents: Vec<_> = part.iter().map(|content| content.at).collect();
    let found: Vec<_> = stream::iter(contents)
        .map(async |content: Wanted| {
            let (old, _) = looks.pairs[usize::from(content.bucket)];
            looks.find(&format!("{}-{old}", content.sha1)).await
        })
        .buffered(limits::REFERENCES_AT_ONCE)
        .try_collect()
        .await
        .map_err(|error| of_index(&error))?;
    for (content, fid) in part.iter_mut().zip(found) {
        content.in_mogile = fid;
    }
    Ok(())
}

/// Finds the records of these contents, of whichever fid: S3 had what a record names. Errors where the ledger
/// cannot be read.
async fn find_in_ledger(
    run: &Run<'_>,
    looks: &Looks<'_>,
    part: &mut [Content],
) -> Result<(), Lacking> {
    let ledger: &dyn Ledger = run.ports.ledger.ok_or(Lacking::NoLedger)?;
    let unreadable = AtomicU64::new(0);
    let found = Mutex::new(vec![None; part.len()]);
    let place = |item: LedgerItem| {
        let Ok(record) = item else {
            unreadable.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let bucket = looks.pairs.iter().position(|(_, new)| **new == record.bucket);
        let Some(bucket) = bucket.and_then(|bucket| u16::try_from(bucket).ok()) else { return };
        let its = (bucket, record.sha1);
        let at = part.binary_search_by_key(&its, |it| (it.at.bucket, it.at.sha1));
        if let Ok(at) = at {
            found.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(record.fid);
        }
    };
    let scan = || {
        unreadable.store(0, Ordering::Relaxed);
        scan_ledger(ledger, place)
    };
    let scanned = retried(looks.clock, 0, scan).await;
    scanned.map_err(|error| Lacking::LedgerUnread(Reason::from(&error).detail))?;
    run.state().unreadable_records = unreadable.into_inner();
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (content, fid) in part.iter_mut().zip(found) {
        content.in_ledger = fid;
    }
    Ok(())
}

/// Errors where MogileFS's index is most likely another store's: then nothing was broken before. Of the
/// contents that are whole it must know some; where none is whole, of those that are not.
async fn require_this_store(looks: &Looks<'_>, control: &[String]) -> Result<(), Stopped> {
    let (looked_for, found) = if control.is_empty() {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&looks.asked), of(&looks.known))
    } else {
        let known = looks.known_of(control).await;
        (control.len() as u64, known.map_err(|error| of_index(&error))?)
    };
    if found * limits::KNOWN_OF_A_STORE >= looked_for {
        return Ok(());
    }
    Err(Stopped::Misconfigured(Misconfigured::OtherContentRepo { looked_for, found }))
}
