//! contentrepo's rows against the listings of the buckets, both in the order of their SHA-1s.

use std::sync::atomic::Ordering;

use futures_util::{StreamExt, stream};

use super::accepted::AcceptedContents;
use super::group::Group;
use super::kinds::Broken;
use super::look::{Doubt, Looks, Seen, patience};
use super::nowhere::Nowhere;
use super::records::{RowIds, Trouble, Wanted};
use super::run::{Run, of_index, of_sort, of_store};
use super::sorting::{Gathering, InOrder};
use crate::verify::listing::Listing;
use crate::{ByteCount, Fid, ListedObject, Stopped, limits};

/// Contents that are kept before they are looked at.
const KEPT: usize = 256;

/// Their rows, at most: those of the contents that are looked at together.
const ROWS_KEPT: usize = 65_536;

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
    accepted: AcceptedContents<'a>,
    into: Compared,
    /// Some contents that are whole, which MogileFS should know.
    control: Vec<String>,
    doubts: Vec<(Doubt, Group)>,
    nowhere: Nowhere,
}

impl<'a> ObjectsJoin<'a> {
    pub(super) async fn new(
        run: &'a Run<'a>,
        looks: Looks<'a>,
        into: Compared,
    ) -> Result<Self, Stopped> {
        let accepted = AcceptedContents::of(&run.plan.accepted, &run.plan.buckets, looks.pairs);
        let nowhere = Nowhere::begin(run.ports.sorts).await?;
        let (control, doubts) = (Vec::new(), Vec::new());
        Ok(Self { run, looks, accepted, into, control, doubts, nowhere })
    }

    /// Compares. A bucket of which there is no row is not listed.
    pub(super) async fn compare(mut self, mut rows: InOrder) -> Result<Compared, Stopped> {
        let pairs = self.looks.pairs;
        let patience = patience(self.run.ports.clock, self.run.plan.wait);
        for (number, (_, name)) in pairs.iter().enumerate() {
            let sorts = self.run.ports.sorts;
            let mut group = Group::next(&mut rows, number, sorts).await?;
            if group.is_none() {
                self.run.state().without_rows.push(name.to_string());
            }
            let ports = self.run.ports;
            let mut listing = Listing::new(ports.objects, &patience, name, None);
            let mut object = None;
            while let Some(this) = group {
                object = self.seek(&mut listing, object, &this).await?;
                let sha1 = this.sha1;
                let listed = object.clone().filter(|object| object.key.as_content() == Some(sha1));
                self.judge(number, this, listed).await?;
                group = Group::next(&mut rows, number, sorts).await?;
            }
        }
        self.look_at_doubts().await?;
        self.run.state().looked_at = self.looks.heads.load(Ordering::Relaxed);
        let Self { run, looks, control, nowhere, mut into, .. } = self;
        nowhere.decide(run, &looks, &control, &mut into).await?;
        Ok(into)
    }

    /// Goes on in the listing to the first content that is not before the group's.
    async fn seek(
        &self,
        listing: &mut Listing<'_>,
        mut object: Option<ListedObject>,
        group: &Group,
    ) -> Result<Option<ListedObject>, Stopped> {
        let sha1 = group.sha1;
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
        let is_whole = listed
            .as_ref()
            .is_some_and(|object| !object.is_archived && group.all_have(object.length));
        let sha1 = group.sha1;
        if is_whole {
            if (self.control.len() as u64) < limits::FILES_OF_A_STORE * (number as u64 + 1) {
                self.control.push(format!("{sha1}-{}", self.looks.pairs[number].0));
            }
            self.count_sound(group.rows, group.without_size);
            return Ok(());
        }
        let is_large = group.is_large();
        self.doubts.push((Doubt { bucket: number, sha1, listed }, group));
        let held: usize = self.doubts.iter().map(|(_, group)| group.held()).sum();
        let is_full = self.doubts.len() >= KEPT || held >= ROWS_KEPT || is_large;
        if is_full { self.look_at_doubts().await } else { Ok(()) }
    }

    async fn look_at_doubts(&mut self) -> Result<(), Stopped> {
        let doubts = std::mem::take(&mut self.doubts);
        let looks = &self.looks;
        let mut seen: Vec<_> = stream::iter(doubts)
            .map(async |(doubt, group)| (looks.look(&doubt).await, doubt, group))
            .buffer_unordered(limits::REFERENCES_AT_ONCE)
            .collect()
            .await;
        for (seen, doubt, group) in seen.drain(..) {
            let seen = self.with_accepted(&doubt, seen.map_err(|error| of_index(&error))?);
            if let Seen::Unseen(why) = &seen {
                self.run.state().unseen_because.get_or_insert_with(|| why.to_string());
            }
            let mut rows = group.into_rows().await?;
            while let Some(row) = rows.next().await? {
                self.settle(&row, &seen).await?;
            }
        }
        Ok(())
    }

    /// The same, where the content has no object and its file is accepted by name.
    fn with_accepted(&self, doubt: &Doubt, seen: Seen) -> Seen {
        let fid = match &seen {
            Seen::Not { kind: Broken::ByMigration | Broken::Missing, fid, .. } => *fid,
            Seen::Nowhere => None,
            Seen::There(_) | Seen::Not { .. } | Seen::Unseen(_) => return seen,
        };
        match self.accepted.find(doubt.bucket, doubt.sha1, fid) {
            Some(fid) => Seen::Not { kind: Broken::Accepted, fid: Some(fid), length: None },
            None => seen,
        }
    }

    async fn settle(&mut self, row: &Wanted, seen: &Seen) -> Result<(), Stopped> {
        let (kind, fid, length) = match seen {
            Seen::There(length) if fits(row, *length) => {
                self.count_sound(1, u64::from(row.size.is_none()));
                return Ok(());
            }
            Seen::Nowhere => return self.nowhere.add(row).await,
            Seen::There(length) => (Broken::WrongSize, None, Some(*length)),
            Seen::Not { kind, fid, length } => (*kind, *fid, *length),
            Seen::Unseen(_) => (Broken::Unseen, None, None),
        };
        self.into.add(self.run, row, (kind, fid, length)).await
    }

    fn count_sound(&self, rows: u64, without_size: u64) {
        let objects = &mut self.run.state().objects;
        objects.sound += rows;
        objects.unknown_size += without_size;
    }
}

impl Compared {
    /// Counts a broken row, and keeps it to be named.
    pub(super) async fn add(
        &mut self,
        run: &Run<'_>,
        row: &Wanted,
        (kind, fid, length): (Broken, Option<Fid>, Option<ByteCount>),
    ) -> Result<(), Stopped> {
        // A row whose size alone is wrong has its object.
        if kind != Broken::WrongSize {
            self.broken.insert(row.id);
        }
        run.state().objects.add_broken(kind, row.id);
        run.observer.broken(1);
        let trouble = Trouble { id: row.id, kind, fid, length, print: row.print() };
        self.troubles.add(trouble.to_record()).await.map_err(|error| of_sort(&error))
    }
}

/// Whether the row's object may have this length.
fn fits(row: &Wanted, length: ByteCount) -> bool {
    row.size.is_none_or(|size| size == length)
}
