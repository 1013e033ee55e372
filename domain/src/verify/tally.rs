//! What a comparison has found so far. All of its counts are made here.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use roaring::RoaringTreemap;

use super::join::ExpectedFile;
use super::local::VerifyPlan;
use super::look::Looked;
use super::observer::{Line, Mark, VerifyObserver};
use super::ranges::KeyRange;
use super::sample::Sampler;
use super::summary::{Difference, OtherObjects, VerifySummary};
use crate::audit::AuditedRow;
use crate::journal::AcceptedFile;
use crate::ports::{KeyedRow, UnreadableRow};
use crate::{
    Acceptances, BucketMap, ByteCount, ETag, FindingKind, IndexRow, ListedObject, ObjectKey,
    S3Bucket, Sha1, Tally, limits,
};

/// The counts, and who is told of each file.
pub(super) struct Counting<'a> {
    map: &'a BucketMap,
    excluded: &'a RoaringTreemap,
    accepted: &'a Acceptances,
    /// The S3 buckets, each once; a bucket's number is its place here.
    pub(super) buckets: Vec<&'a S3Bucket>,
    observer: &'a dyn VerifyObserver,
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) summary: VerifySummary,
    /// The fids of all rows that were read: a row may come twice.
    seen: RoaringTreemap,
    /// Of them those whose rows were no files.
    not_files: RoaringTreemap,
    /// Files whose rows are as an operator has accepted them.
    accepted: RoaringTreemap,
    /// Files whose rows came in another range than their key belongs to.
    pub(super) aside: Vec<(usize, ExpectedFile)>,
    /// Objects of content that no row of their range names. One of the rows aside may.
    pub(super) held: BTreeMap<(usize, Sha1), Held>,
    /// More of them were there than are kept: those count as extra already.
    pub(super) held_are_all: bool,
    pub(super) sampler: Sampler,
}

/// An object that waits for a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) length: ByteCount,
    pub(super) is_archived: bool,
}

/// Which objects are no file's.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stray {
    Extra,
    Intermediary,
    OtherKey,
}

impl<'a> Counting<'a> {
    pub(super) fn new(
        VerifyPlan { buckets: map, excluded, accepted, .. }: &'a VerifyPlan,
        sampler: Sampler,
        observer: &'a dyn VerifyObserver,
    ) -> Self {
        let state = State {
            summary: VerifySummary::default(),
            seen: RoaringTreemap::new(),
            not_files: RoaringTreemap::new(),
            accepted: RoaringTreemap::new(),
            aside: Vec::new(),
            held: BTreeMap::new(),
            held_are_all: true,
            sampler,
        };
        let buckets = map.pairs().map(|(_, bucket)| bucket).collect();
        Self { map, excluded, accepted, buckets, observer, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn into_summary(self) -> VerifySummary {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).summary
    }

    /// Takes a row that came in this range. Its file goes to those of its bucket, or aside.
    pub(super) fn take(&self, row: &KeyedRow, range: &KeyRange, files: &mut [Vec<ExpectedFile>]) {
        let mut state = self.state();
        let fid = row.fid();
        if !state.seen.insert(fid.0) {
            // Most come again because a page or a range was read again.
            if state.not_files.contains(fid.0) && self.is_file(row) {
                state.not_files.remove(fid.0);
                state.summary.changed.add(fid, "an upload ended, or a key was corrected");
            }
            return;
        }
        state.summary.rows += 1;
        if self.excluded.contains(fid.0) {
            state.summary.excluded += 1;
            return;
        }
        if !self.is_file(row) {
            state.not_files.insert(fid.0);
        }
        let file = match row {
            KeyedRow::Unreadable { row: UnreadableRow { fid, why }, .. } => {
                state.summary.rejected.entry(UNREADABLE).or_default().add(*fid, why);
                return;
            }
            KeyedRow::Read(row) => match AuditedRow::of(row, self.map) {
                AuditedRow::Temporary => {
                    state.summary.temporary += 1;
                    return;
                }
                AuditedRow::Ignored => {
                    state.summary.ignored += 1;
                    return;
                }
                AuditedRow::Rejected(why) if self.is_accepted(row, why.name()) => {
                    state.summary.accepted_rows += 1;
                    return;
                }
                AuditedRow::Rejected(why) => {
                    let key = row.dkey.as_deref().unwrap_or("the row has no key");
                    state.summary.rejected.entry(why.name()).or_default().add(row.fid, key);
                    return;
                }
                AuditedRow::File(file) => {
                    if self.is_accepted(row, AcceptedFile::MISSING) {
                        state.accepted.insert(fid.0);
                    }
                    file
                }
            },
        };
        let Some(bucket) = self.buckets.iter().position(|bucket| **bucket == file.bucket) else {
            return;
        };
        state.summary.files.add(file.length);
        let expected = ExpectedFile { sha1: file.sha1, fid: file.fid, length: file.length };
        if range.holds(expected.key().as_str()) {
            files[bucket].push(expected);
        } else {
            state.summary.out_of_place += 1;
            // Where there are more, the comparison ends when this range is read.
            if state.aside.len() < limits::KEPT_ASIDE {
                state.aside.push((bucket, expected));
            }
        }
    }

    fn is_accepted(&self, row: &IndexRow, class: &str) -> bool {
        self.accepted.of_row(row.fid, row.dkey.as_deref(), class).is_accepted()
    }

    fn is_file(&self, row: &KeyedRow) -> bool {
        let KeyedRow::Read(row) = row else { return false };
        matches!(AuditedRow::of(row, self.map), AuditedRow::File(_))
    }

    /// Counts a file whose object is listed with the right length.
    pub(super) fn listed_whole(&self, bucket: usize, file: &ExpectedFile, etag: Option<&ETag>) {
        let mut state = self.state();
        state.summary.whole.add(file.length);
        if let Some(etag) = etag {
            state.sampler.offer(bucket, file, etag);
        }
        drop(state);
        self.tell(Mark::Whole, bucket, file, ("", ""), false);
    }

    /// Counts a file that was looked at; `is_read` where its bytes were.
    pub(super) fn looked(
        &self,
        bucket: usize,
        file: &ExpectedFile,
        is_read: bool,
        looked: &Looked,
    ) {
        let mut state = self.state();
        let is_accepted = state.count(file, is_read, looked);
        drop(state);
        self.tell_looked(bucket, file, (looked, is_accepted), false);
    }

    /// Counts a file of the sample, which counts as whole so far.
    pub(super) fn sampled(&self, bucket: usize, file: &ExpectedFile, looked: &Looked) {
        let mut state = self.state();
        let whole = &mut state.summary.whole;
        *whole = Tally {
            files: whole.files.saturating_sub(1),
            bytes: whole.bytes.saturating_sub(file.length.0),
        };
        let is_accepted = state.count(file, true, looked);
        drop(state);
        if !matches!(looked, Looked::Whole(_)) {
            self.tell_looked(bucket, file, (looked, is_accepted), true);
        }
    }

    /// Keeps an object that no row of its range names, or counts it where too many are kept.
    pub(super) fn hold(&self, bucket: usize, object: &ListedObject, sha1: Sha1) {
        let mut state = self.state();
        if state.held.len() < limits::KEPT_ASIDE {
            let (length, is_archived) = (object.length, object.is_archived);
            state.held.insert((bucket, sha1), Held { length, is_archived });
            return;
        }
        state.held_are_all = false;
        drop(state);
        self.other(Stray::Extra, bucket, &object.key, object.length);
    }

    /// Counts an object that is no file's.
    pub(super) fn other(&self, other: Stray, bucket: usize, key: &ObjectKey, length: ByteCount) {
        let name = self.buckets[bucket];
        let mut state = self.state();
        other.of(&mut state.summary).add(length, format!("{name}/{key}"));
        drop(state);
        let trouble = (other.name(), "");
        let line =
            Line { mark: Mark::Extra, bucket: name, key, fid: None, trouble, is_correction: false };
        self.observer.line(&line);
    }

    fn tell_looked(
        &self,
        bucket: usize,
        file: &ExpectedFile,
        (looked, is_accepted): (&Looked, bool),
        again: bool,
    ) {
        match looked {
            Looked::Differs(difference, text) if is_accepted => {
                let trouble = (difference.name(), &**text);
                self.tell(Mark::Accepted, bucket, file, trouble, again);
            }
            Looked::Whole(_) => self.tell(Mark::Whole, bucket, file, ("", ""), again),
            Looked::Differs(difference, text) => {
                let missing = *difference == Difference::Missing;
                let mark = if missing { Mark::Missing } else { Mark::Differs };
                self.tell(mark, bucket, file, (difference.name(), text), again);
            }
            Looked::Unseen(why) => {
                self.tell(Mark::Unseen, bucket, file, (why.kind.name(), &why.detail), again);
            }
        }
    }

    fn tell(
        &self,
        mark: Mark,
        bucket: usize,
        file: &ExpectedFile,
        trouble: (&str, &str),
        is_correction: bool,
    ) {
        let (bucket, key, fid) = (self.buckets[bucket], &file.key(), Some(file.fid));
        self.observer.line(&Line { mark, bucket, key, fid, trouble, is_correction });
    }
}

/// The name of a row that the index cannot give, as `migrate` has it.
const UNREADABLE: &str = "unreadable-row";

impl State {
    /// Counts what a look at a file says. Returns whether its object is missing and that is accepted.
    fn count(&mut self, file: &ExpectedFile, is_read: bool, looked: &Looked) -> bool {
        if let Looked::Differs(Difference::Missing, text) = looked
            && self.accepted.contains(file.fid.0)
        {
            self.summary.accepted.add(file.fid, text);
            return true;
        }
        self.summary.count(file, is_read, looked);
        false
    }
}

impl VerifySummary {
    fn count(&mut self, file: &ExpectedFile, is_read: bool, looked: &Looked) {
        match looked {
            Looked::Whole(length) => {
                self.whole.add(file.length);
                if *length != file.length {
                    let text = format!(
                        "the index has {} bytes, the content with SHA-1 {} has {length}",
                        file.length, file.sha1
                    );
                    let kind = FindingKind::IndexLength.name();
                    self.findings.entry(kind).or_default().add(file.fid, text);
                }
            }
            Looked::Differs(difference, text) => {
                self.different.entry(difference.name()).or_default().add(file.fid, text);
            }
            Looked::Unseen(why) => {
                self.unseen.entry(why.kind.name()).or_default().add(file.fid, why);
            }
        }
        let has_content = match looked {
            Looked::Whole(_) => true,
            Looked::Differs(difference, _) => {
                matches!(difference, Difference::WrongContent | Difference::WrongLength)
            }
            Looked::Unseen(_) => false,
        };
        if is_read && has_content {
            self.content.read.add(file.length);
        }
    }
}

impl Stray {
    fn of(self, summary: &mut VerifySummary) -> &mut OtherObjects {
        match self {
            Self::Extra => &mut summary.extra,
            Self::Intermediary => &mut summary.intermediaries,
            Self::OtherKey => &mut summary.other_keys,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Extra => "extra",
            Self::Intermediary => "intermediary",
            Self::OtherKey => "other-key",
        }
    }
}
