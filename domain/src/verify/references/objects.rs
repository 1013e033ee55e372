//! contentrepo's rows against the listings of the buckets, both in the order of their SHA-1s.

use std::sync::atomic::Ordering;

use futures_util::{StreamExt, stream};

use super::kinds::Broken;
use super::look::{Doubt, Looks, Seen, patience};
use super::records::{RowIds, Trouble, Wanted};
use super::run::{Run, of_index, of_sort, of_store};
use super::sorting::{Gathering, InOrder};
use crate::ports::SortRecord;
use crate::verify::listing::Listing;
use crate::{ByteCount, ListedObject, Misconfigured, Stopped, limits};

/// Contents that are kept before they are looked at.
const KEPT: usize = 256;

/// The rows that refer to one content.
struct Group {
    rows: Vec<Wanted>,
}

/// What the comparison leaves behind.
pub(super) struct Compared {
    /// The troubles of rows, to be sorted by their ids.
    pub(super) troubles: Gathering,
    /// The rows that are broken.
    pub(super) broken: RowIds,
}

/// The comparison of all rows with all buckets.
pub(super) struct ObjectsJoin<'a> {
    run: &'a Run<'a>,
    looks: Looks<'a>,
    into: Compared,
    /// Some contents that are whole, which MogileFS should know.
    control: Vec<String>,
    doubts: Vec<(Doubt, Group)>,
}

impl<'a> ObjectsJoin<'a> {
    pub(super) const fn new(run: &'a Run<'a>, looks: Looks<'a>, into: Compared) -> Self {
        Self { run, looks, into, control: Vec::new(), doubts: Vec::new() }
    }

    /// Compares. A bucket of which there is no row is not listed.
    pub(super) async fn compare(mut self, mut rows: InOrder) -> Result<Compared, Stopped> {
        let pairs = self.looks.pairs;
        let patience = patience(self.run.ports.clock, self.run.plan.wait);
        for (number, (_, name)) in pairs.iter().enumerate() {
            let mut group = next_group(&mut rows, number).await?;
            if group.is_none() {
                self.run.state().without_rows.push(name.to_string());
            }
            let ports = self.run.ports;
            let mut listing = Listing::new(ports.objects, &patience, name, None);
            let mut object = None;
            while let Some(this) = group {
                object = self.seek(&mut listing, object, &this).await?;
                let sha1 = this.rows[0].sha1;
                let listed = object.clone().filter(|object| object.key.as_content() == Some(sha1));
                self.judge(number, this, listed).await?;
                group = next_group(&mut rows, number).await?;
            }
        }
        self.look_at_doubts().await?;
        self.require_this_store().await?;
        self.run.state().looked_at = self.looks.heads.load(Ordering::Relaxed);
        Ok(self.into)
    }

    /// Goes on in the listing to the first content that is not before the group's.
    async fn seek(
        &self,
        listing: &mut Listing<'_>,
        mut object: Option<ListedObject>,
        group: &Group,
    ) -> Result<Option<ListedObject>, Stopped> {
        let sha1 = group.rows[0].sha1;
        let is_before =
            |object: &ListedObject| object.key.as_content().is_none_or(|content| content < sha1);
        let mut listed = 0;
        while object.as_ref().is_none_or(is_before) {
            object = listing.next_until(None).await.map_err(|error| of_store(&error))?;
            if object.is_none() {
                break;
            }
            listed += 1;
        }
        self.run.state().listed += listed;
        self.run.observer.listed(listed);
        Ok(object)
    }

    async fn judge(
        &mut self,
        number: usize,
        group: Group,
        listed: Option<ListedObject>,
    ) -> Result<(), Stopped> {
        // Where no row has a size that can be believed, the listing shows only that some object is there.
        let has_size = group.rows.iter().any(|row| row.size.is_some());
        let is_whole = listed.as_ref().is_some_and(|object| {
            !object.is_archived && has_size && group.rows.iter().all(|row| fits(row, object.length))
        });
        let sha1 = group.rows[0].sha1;
        if is_whole {
            if (self.control.len() as u64) < limits::FILES_OF_A_STORE * (number as u64 + 1) {
                self.control.push(format!("{sha1}-{}", self.looks.pairs[number].0));
            }
            group.rows.iter().for_each(|row| self.count_sound(row));
            return Ok(());
        }
        self.doubts.push((Doubt { bucket: number, sha1, listed }, group));
        if self.doubts.len() < KEPT { Ok(()) } else { self.look_at_doubts().await }
    }

    async fn look_at_doubts(&mut self) -> Result<(), Stopped> {
        let doubts = std::mem::take(&mut self.doubts);
        let looks = &self.looks;
        let mut seen: Vec<_> = stream::iter(doubts)
            .map(async |(doubt, group)| (looks.look(&doubt).await, group))
            .buffer_unordered(limits::REFERENCES_AT_ONCE)
            .collect()
            .await;
        for (seen, group) in seen.drain(..) {
            let seen = seen.map_err(|error| of_index(&error))?;
            if let Seen::Unseen(why) = &seen {
                self.run.state().unseen_because.get_or_insert_with(|| why.to_string());
            }
            for row in group.rows {
                self.settle(&row, &seen).await?;
            }
        }
        Ok(())
    }

    async fn settle(&mut self, row: &Wanted, seen: &Seen) -> Result<(), Stopped> {
        let (kind, fid, length) = match seen {
            Seen::There(length) if fits(row, *length) => {
                self.count_sound(row);
                return Ok(());
            }
            Seen::There(length) => (Broken::WrongSize, None, Some(*length)),
            Seen::Not { kind, fid, length } => (*kind, *fid, *length),
            Seen::Unseen(_) => (Broken::Unseen, None, None),
        };
        // A row whose size alone is wrong has its object.
        if kind != Broken::WrongSize {
            self.into.broken.insert(row.id);
        }
        self.run.state().objects.add_broken(kind, row.id);
        self.run.observer.broken(1);
        let trouble = Trouble { id: row.id, kind, fid, length, print: row.print() };
        self.into.troubles.add(trouble.to_record()).await.map_err(|error| of_sort(&error))
    }

    fn count_sound(&self, row: &Wanted) {
        let objects = &mut self.run.state().objects;
        objects.sound += 1;
        objects.unknown_size += u64::from(row.size.is_none());
    }

    /// Errors where MogileFS's index is most likely another store's: then nothing was broken before. Of
    /// the contents that are whole it must know some; where none is whole, of those that are not.
    async fn require_this_store(&self) -> Result<(), Stopped> {
        if self.run.state().objects.of(Broken::Before) == 0 {
            return Ok(());
        }
        let (looked_for, found) = if self.control.is_empty() {
            let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
            (of(&self.looks.asked), of(&self.looks.known))
        } else {
            let known = self.looks.known_of(&self.control).await;
            (self.control.len() as u64, known.map_err(|error| of_index(&error))?)
        };
        if found * limits::KNOWN_OF_A_STORE >= looked_for {
            return Ok(());
        }
        Err(Stopped::Misconfigured(Misconfigured::OtherContentRepo { looked_for, found }))
    }
}

/// Whether the row's object may have this length.
fn fits(row: &Wanted, length: ByteCount) -> bool {
    row.size.is_none_or(|size| size == length)
}

/// The rows of the next content of a bucket.
async fn next_group(rows: &mut InOrder, bucket: usize) -> Result<Option<Group>, Stopped> {
    let of_bucket = |record: &SortRecord| usize::from(Wanted::of(record).bucket) == bucket;
    let first = rows.next_if(of_bucket).await.map_err(|error| of_sort(&error))?;
    let Some(first) = first.map(|record| Wanted::of(&record)) else { return Ok(None) };
    let mut group = Group { rows: vec![first] };
    let is_same = |record: &SortRecord| {
        let row = Wanted::of(record);
        (row.bucket, row.sha1) == (first.bucket, first.sha1)
    };
    while let Some(record) = rows.next_if(is_same).await.map_err(|error| of_sort(&error))? {
        group.rows.push(Wanted::of(&record));
    }
    Ok(Some(group))
}
