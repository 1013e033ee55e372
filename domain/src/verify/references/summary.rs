//! What the comparison of references has counted.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::allowed::AllowedCounts;
use super::evidence::Lacking;
use super::kinds::Broken;
use super::names::BothNames;
use crate::misconfigured::is_likely_another_store;
use crate::ports::RowId;
use crate::{Stopped, limits};

/// Rows that share what is wrong with them: their number, the lowest ids, and the text for the lowest one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RowSample {
    /// The number of rows.
    pub rows: u64,
    /// The lowest row ids, at most [`limits::FIDS_NAMED`].
    pub first_ids: Vec<i128>,
    /// The text for the lowest id.
    pub example: String,
    /// The fids of files that `migrate` may bring for the lowest ids, where that may mend them.
    pub first_fids: Vec<u64>,
    /// Whether there are more such fids.
    #[serde(skip)]
    pub has_more_fids: bool,
}

impl RowSample {
    /// Adds a row.
    pub(super) fn add(&mut self, id: RowId) {
        self.rows += 1;
        let place = self.first_ids.partition_point(|other| *other < id.0);
        if place < limits::FIDS_NAMED {
            self.first_ids.insert(place, id.0);
            self.first_ids.truncate(limits::FIDS_NAMED);
        }
    }

    /// Takes a row away that was added.
    pub(super) fn take_away(&mut self, id: RowId) {
        self.rows = self.rows.saturating_sub(1);
        self.first_ids.retain(|other| *other != id.0);
    }

    /// Describes the next row, ascending by id.
    pub(super) fn describe(&mut self, fid: Option<u64>, words: impl fmt::Display) {
        if self.example.is_empty() {
            self.example = words.to_string();
        }
        let Some(fid) = fid.filter(|fid| !self.first_fids.contains(fid)) else { return };
        if self.first_fids.len() < limits::FIDS_NAMED {
            self.first_fids.push(fid);
        } else {
            self.has_more_fids = true;
        }
    }
}

/// The rows of one table. Each is in exactly one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableCounts {
    /// Rows that were there at the start and were read.
    pub rows: u64,
    /// Rows that came meanwhile and were not judged; not part of `rows`.
    pub since: u64,
    /// The number of rows that the database counted: contentrepo's at the start, and rhino's up to the last
    /// row of the start, before they were read. Where fewer were read, they were counted once more.
    pub counted: Option<u64>,
    /// Rows that were counted and not read.
    pub missed: u64,
    /// Rows whose reference is whole.
    pub sound: u64,
    /// Sound rows of contentrepo without a size that can be believed.
    pub unknown_size: u64,
    /// Purged rows of contentrepo: they refer to nothing.
    pub purged: u64,
    /// Rows of buckets that are to be ignored.
    pub ignored: u64,
    /// Rows whose reference is broken, by what is wrong; those of accepted files among them.
    pub broken: BTreeMap<&'static str, RowSample>,
    /// Rows that were broken, and were changed or deleted before they could be named.
    pub changed: u64,
    /// The number of rows by the name of their bucket, of each mapped bucket and of up to a thousand
    /// others.
    pub by_name: BTreeMap<String, u64>,
    /// Rows under other names.
    pub by_other_names: u64,
}

impl TableCounts {
    pub(super) fn count_name(&mut self, name: Option<&str>, is_mapped: bool) {
        let Some(name) = name else { return };
        if let Some(rows) = self.by_name.get_mut(name) {
            *rows += 1;
        } else if self.by_name.len() < limits::NAMES_COUNTED || is_mapped {
            self.by_name.insert(name.to_owned(), 1);
        } else {
            self.by_other_names += 1;
        }
    }

    pub(super) fn add_broken(&mut self, kind: Broken, id: RowId) {
        self.broken.entry(kind.name()).or_default().add(id);
    }

    pub(super) fn count_changed(&mut self, kind: Broken, id: RowId) {
        self.changed += 1;
        if let Some(sample) = self.broken.get_mut(kind.name()) {
            sample.take_away(id);
            if sample.rows == 0 {
                self.broken.remove(kind.name());
            }
        }
    }

    /// The number of rows of this kind.
    #[must_use]
    pub fn of(&self, kind: Broken) -> u64 {
        self.broken.get(kind.name()).map_or(0, |sample| sample.rows)
    }

    fn sum(&self, is: impl Fn(Broken) -> bool) -> u64 {
        Broken::ALL.iter().filter(|kind| is(**kind)).map(|kind| self.of(*kind)).sum()
    }

    /// Rows of files that are accepted by name.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.of(Broken::Accepted)
    }

    /// Rows whose reference is broken, those of accepted files among them.
    #[must_use]
    pub fn all_broken(&self) -> u64 {
        self.sum(|_| true)
    }

    /// Whether the database counted rows that were not read.
    #[must_use]
    pub fn lacks_rows(&self) -> bool {
        self.missed > 0
    }

    fn adds_up(&self, is_whole: bool) -> bool {
        let classes = self.sound + self.purged + self.ignored + self.all_broken() + self.changed;
        if is_whole { classes == self.rows } else { classes <= self.rows }
    }
}

/// What the comparison has found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReferencesSummary {
    /// contentrepo's table `objects`, compared with the buckets' listings.
    pub objects: TableCounts,
    /// rhino's table `articleFile`, compared with contentrepo's; [`None`] where it was not compared.
    pub article_files: Option<TableCounts>,
    /// rhino's rows whose bucket has its old name, where contentrepo has the new one alone, or the other way
    /// round: one database is behind its cut-over, and the other is not.
    pub half_cut_over: u64,
    /// Tables that have rows under both names of a bucket.
    pub both_names: Vec<BothNames>,
    /// References that an operator allows to be broken.
    pub allowed: AllowedCounts,
    /// What lacks to decide about references whose content neither S3 nor MogileFS shows.
    pub lacking: Vec<Lacking>,
    /// Records of the ledger that cannot be read, where it was read: they show nothing of what S3 had.
    pub unreadable_records: u64,
    /// Objects that were listed.
    pub listed: u64,
    /// Objects that were looked at by HEAD: the listing did not have them as they should be, or no row says
    /// their size.
    pub looked_at: u64,
    /// Why S3 did not give the first object that could not be looked at.
    pub unseen_because: Option<String>,
    /// Whether MogileFS could be asked which files it has.
    pub mogile_asked: bool,
    /// Mapped buckets in which contentrepo has no row.
    pub without_rows: Vec<String>,
    /// What ended the comparison early.
    pub stopped: Option<Stopped>,
}

impl ReferencesSummary {
    fn tables(&self) -> impl Iterator<Item = &TableCounts> {
        std::iter::once(&self.objects).chain(&self.article_files)
    }

    /// Keeps what lacks to decide about a reference.
    pub(super) fn lacks(&mut self, why: &Lacking) {
        if !self.lacking.contains(why) {
            self.lacking.push(why.clone());
        }
    }

    /// References that were broken before the migration and are not allowed.
    #[must_use]
    pub fn not_allowed(&self) -> u64 {
        self.broken_before().saturating_sub(self.allowed.rows)
    }

    /// References that were broken before the migration.
    #[must_use]
    pub fn broken_before(&self) -> u64 {
        self.tables().map(|table| table.sum(Broken::is_of_before)).sum()
    }

    /// References that are broken and were not so before, or of which that is not known. Accepted files do not
    /// count, and rhino's rows that name a broken row of contentrepo are not counted once more.
    #[must_use]
    pub fn broken_since(&self) -> u64 {
        let is = |kind: Broken| !kind.is_of_before() && !kind.is_a_note();
        self.tables().map(|table| table.sum(is)).sum()
    }

    /// Whether rhino's database names more than 100 rows, and more than 1 % of all, that contentrepo does
    /// not have: most likely one of the two is another store's.
    #[must_use]
    pub fn is_of_another(&self) -> bool {
        self.article_files.as_ref().is_some_and(|files| {
            is_likely_another_store(
                files.of(Broken::NoRow),
                files.rows - files.ignored.min(files.rows),
            )
        })
    }

    /// Whether every row is in one class.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.tables().all(|table| table.adds_up(self.stopped.is_none()))
    }

    /// Whether something is not as it must be, beside what was broken before and is allowed. rhino's database
    /// of another store is never allowed as that.
    #[must_use]
    pub fn differs(&self) -> bool {
        let is_half = self.half_cut_over > 0 || !self.both_names.is_empty();
        let is_broken = self.broken_since() > 0 || self.not_allowed() > 0;
        is_broken || is_half || self.is_of_another() || !self.adds_up()
    }

    /// Whether something was not looked at.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        let is_of = |table: &TableCounts| {
            table.sum(Broken::is_not_judged) > 0 || table.changed > 0 || table.lacks_rows()
        };
        self.stopped.is_some() || self.tables().any(is_of)
    }
}
