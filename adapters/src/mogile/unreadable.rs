//! Rows that a tracker cannot list.
//!
//! A tracker answers `list_fids` over a row of an unregistered class or domain with `ERR failure`,
//! every time, and so it answers for every page that holds this row. An outage of the tracker's
//! database looks the same. This module distinguishes the two, on one tracker: a row is unreadable
//! when the tracker answers other pages and fails at this one, twice, with a pause between.
//!
//! `file_debug` looks at one row by its fid and dies at the same rows. It answers without a
//! `fid_fid` where there is no row (MogileFS-Server, `lib/MogileFS/Worker/Query.pm`).

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use domain::Fid;
use domain::ports::UnreadableRow;

use super::commands::ListedFile;
use super::error::TrackerError;
use super::tracker::Tracker;
use super::trackers::Trackers;

/// Behind every fid that a store has. A page from here on is empty, and needs the database.
const BEHIND_ALL: Fid = Fid(i64::MAX as u64);

/// Fids that are looked at one by one within a stretch that cannot be listed. Where it is longer,
/// its last row alone is known: MogileFS leaves large gaps when a client chooses fids.
const LOOKED_AT: u64 = 16_384;

/// Requests for one page, before what was found is given out.
const REQUESTS: u64 = 4_096;

/// Unreadable rows that are remembered, so that no second pause is needed for them.
const REMEMBERED: usize = 100_000;

const WHY: &str = "the trackers answer `ERR failure` to every page with this row, as for a class \
                   or domain that is not registered";

/// A page with the rows that could not be listed.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The files, ascending by fid.
    pub(super) files: Vec<ListedFile>,
    /// The rows between them that cannot be read, ascending.
    pub(super) unreadable: Vec<UnreadableRow>,
    /// Where the next page begins.
    pub(super) next: Option<Fid>,
}

/// The fids that proved to be unreadable.
#[derive(Debug, Default)]
pub(super) struct Unreadable(Mutex<BTreeSet<Fid>>);

/// What `file_debug` says of one fid.
enum Row {
    Readable,
    Absent,
    Unreadable,
    /// This tracker does not know the command.
    NotSaid,
}

impl Unreadable {
    /// The page behind `after` around the rows that `tracker` cannot list; [`None`] when an outage
    /// could be the cause.
    pub(super) async fn page(
        &self,
        trackers: &Trackers,
        tracker: &Tracker,
        after: Fid,
        limit: usize,
    ) -> Result<Option<Found>, TrackerError> {
        let search = Search { trackers, tracker };
        search.list(BEHIND_ALL, 1).await?;
        let mut found = search.page(after, limit).await?;
        if found.next == Some(after) {
            return Ok(None);
        }
        let fids: Vec<_> = found.unreadable.iter().map(|row| row.fid).collect();
        match self.first_readable(&search, &fids).await? {
            None => Ok(Some(found)),
            // An outage, or the class has just been registered.
            Some(fid) => {
                found.files.retain(|file| file.fid < fid);
                found.unreadable.retain(|row| row.fid < fid);
                let last = found.files.last().map(|file| file.fid);
                found.next = last.max(found.unreadable.last().map(|row| row.fid));
                Ok(found.next.is_some().then_some(found))
            }
        }
    }

    /// Why `tracker` cannot give the row of a fid; [`None`] when the tracker can give it, when there
    /// is no row, or when an outage could be the cause.
    pub(super) async fn row(
        &self,
        trackers: &Trackers,
        tracker: &Tracker,
        fid: Fid,
    ) -> Result<Option<UnreadableRow>, TrackerError> {
        let search = Search { trackers, tracker };
        search.list(BEHIND_ALL, 1).await?;
        let proven = matches!(search.look(fid).await?, Row::Unreadable)
            && self.first_readable(&search, &[fid]).await?.is_none();
        Ok(proven.then(|| UnreadableRow { fid, why: WHY.to_owned() }))
    }

    /// The first of these rows that can be listed after all. The tracker has just answered another
    /// page; that it answers one again after the pause, while it fails at each of these, is the
    /// proof.
    async fn first_readable(
        &self,
        search: &Search<'_>,
        fids: &[Fid],
    ) -> Result<Option<Fid>, TrackerError> {
        if fids.is_empty() || self.knows_all(fids) {
            return Ok(None);
        }
        tokio::time::sleep(search.tracker.timeouts.unreadable_proof).await;
        search.list(BEHIND_ALL, 1).await?;
        for fid in fids {
            if search.can_list(before(*fid), 1).await? {
                return Ok(Some(*fid));
            }
        }
        search.list(BEHIND_ALL, 1).await?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + fids.len() <= REMEMBERED {
            known.extend(fids);
        }
        Ok(None)
    }

    fn knows_all(&self, fids: &[Fid]) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fids.iter().all(|fid| known.contains(fid))
    }
}

/// Requests to one tracker.
struct Search<'a> {
    trackers: &'a Trackers,
    tracker: &'a Tracker,
}

impl Search<'_> {
    async fn page(&self, after: Fid, limit: usize) -> Result<Found, TrackerError> {
        let mut found = Found::default();
        // It may have been in trouble for a moment.
        if let Some(files) = self.try_list(after, limit).await? {
            found.next = files.last().map(|file| file.fid);
            found.files = files;
            return Ok(found);
        }
        let (mut place, mut requests) = (after, 0);
        while found.files.len() + found.unreadable.len() < limit && requests < REQUESTS {
            let wanted = limit - found.files.len();
            let (files, cut, asked) = self.list_up_to_trouble(place, wanted).await?;
            let end = files.last().map(|file| file.fid);
            found.files.extend(files);
            found.next = end.or(found.next);
            place = end.unwrap_or(place);
            requests += asked;
            if !cut {
                break;
            }
            let (rows, asked) = self.stretch(place).await?;
            place = rows.last().map_or(place, |row| row.fid);
            found.next = Some(place);
            found.unreadable.extend(rows);
            requests += asked;
        }
        Ok(found)
    }

    /// The files behind `after` up to the first row that cannot be listed, whether there is one
    /// among the first `limit`, and the requests that this took.
    async fn list_up_to_trouble(
        &self,
        after: Fid,
        limit: usize,
    ) -> Result<(Vec<ListedFile>, bool, u64), TrackerError> {
        let (mut files, mut requests) = (Vec::new(), 0);
        // The least count that is known to fail: twice as many are asked for until one does, then
        // the half of what is open.
        let mut fails = None;
        let mut count = 1;
        loop {
            requests += 1;
            match self.try_list(after, count).await? {
                Some(listed) => {
                    let is_end = listed.len() < count || listed.len() >= limit;
                    files = listed;
                    if is_end {
                        return Ok((files, false, requests));
                    }
                }
                None => fails = Some(count),
            }
            count = match fails {
                None => (count * 2).min(limit),
                Some(fails) if fails == files.len() + 1 => return Ok((files, true, requests)),
                Some(fails) => files.len().midpoint(fails).max(files.len() + 1),
            };
        }
    }

    /// The rows behind `after` that cannot be listed, the first of which is the next row of all, up
    /// to the next one that can; and the requests that this took.
    async fn stretch(&self, after: Fid) -> Result<(Vec<UnreadableRow>, u64), TrackerError> {
        let (last, mut requests) = self.last_of_stretch(after).await?;
        let mut rows = Vec::new();
        let mut why = WHY.to_owned();
        if last.0 - after.0 > LOOKED_AT {
            why = not_looked_at(after, last);
        } else {
            for fid in (after.0 + 1..last.0).map(Fid) {
                requests += 1;
                match self.look(fid).await? {
                    Row::Unreadable => rows.push(UnreadableRow { fid, why: WHY.to_owned() }),
                    Row::Absent => {}
                    // The search for the last one passed over rows that can be read.
                    Row::Readable => return Ok((rows, requests)),
                    Row::NotSaid => {
                        why = not_looked_at(after, last);
                        break;
                    }
                }
            }
        }
        rows.push(UnreadableRow { fid: last, why });
        Ok((rows, requests))
    }

    /// A row behind which the tracker can list, and before which it cannot: the largest `from` that
    /// fails, and one. Nearer ones are tried first, so that few rows are passed over.
    async fn last_of_stretch(&self, after: Fid) -> Result<(Fid, u64), TrackerError> {
        let (mut fails, mut works, mut step, mut requests) = (after.0, BEHIND_ALL.0, 1_u64, 0);
        while let Some(from) = after.0.checked_add(step).filter(|from| *from < BEHIND_ALL.0) {
            requests += 1;
            if self.can_list(Fid(from), 1).await? {
                works = from;
                break;
            }
            fails = from;
            step = step.saturating_mul(2);
        }
        while works - fails > 1 {
            requests += 1;
            let middle = fails.midpoint(works);
            if self.can_list(Fid(middle), 1).await? { works = middle } else { fails = middle }
        }
        Ok((Fid(works), requests))
    }

    async fn can_list(&self, from: Fid, count: usize) -> Result<bool, TrackerError> {
        Ok(self.try_list(from, count).await?.is_some())
    }

    /// A page, or [`None`] where the tracker fails at it.
    async fn try_list(
        &self,
        after: Fid,
        count: usize,
    ) -> Result<Option<Vec<ListedFile>>, TrackerError> {
        match self.list(after, count).await {
            Err(error) if error.is_failure() => Ok(None),
            page => page.map(Some),
        }
    }

    async fn list(&self, after: Fid, count: usize) -> Result<Vec<ListedFile>, TrackerError> {
        self.trackers.list_fids_at(self.tracker, after, count).await
    }

    async fn look(&self, fid: Fid) -> Result<Row, TrackerError> {
        match self.trackers.has_row_at(self.tracker, fid).await {
            Ok(true) => Ok(Row::Readable),
            Ok(false) => Ok(Row::Absent),
            Err(error) if error.is_failure() => Ok(Row::Unreadable),
            Err(TrackerError::Refused { .. }) => Ok(Row::NotSaid),
            Err(error) => Err(error),
        }
    }
}

fn before(fid: Fid) -> Fid {
    Fid(fid.0.saturating_sub(1))
}

fn not_looked_at(after: Fid, last: Fid) -> String {
    format!(
        "{WHY}; rows between fid {after} and fid {last} cannot be listed either, if there are any: \
         MOGILE_DATABASE_URL reads them"
    )
}
