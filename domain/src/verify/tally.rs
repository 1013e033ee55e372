//! What a comparison has found so far. All of its counts are made here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use roaring::RoaringTreemap;

use super::join::ExpectedFile;
use super::local::VerifyPlan;
use super::look::Looked;
use super::observer::{Line, Mark, VerifyObserver};
use super::part::{Held, Parts};
use super::ranges::KeyRange;
use super::summary::{Difference, OtherObjects, UNREADABLE, VerifySummary};
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
    parts: Mutex<Parts>,
}

/// The run of ranges that finds something; [`None`] behind all ranges.
pub(super) type Run = Option<usize>;

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
        parts: Parts,
        observer: &'a dyn VerifyObserver,
    ) -> Self {
        let buckets = map.pairs().map(|(_, bucket)| bucket).collect();
        Self { map, excluded, accepted, buckets, observer, parts: Mutex::new(parts) }
    }

    pub(super) fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn into_summary(self) -> VerifySummary {
        let done = self.parts.into_inner().unwrap_or_else(PoisonError::into_inner).done;
        VerifySummary { digest: done.content, ..done.summary }
    }

    /// Files that are not as they must be, or could not be looked at, so far.
    pub(super) fn failures(&self) -> u64 {
        self.parts().sum(|part| part.summary.failures())
    }

    /// Takes a row that came in this range. Its file goes to those of its bucket, or aside.
    pub(super) fn take(
        &self,
        run: Run,
        row: &KeyedRow,
        range: &KeyRange,
        files: &mut [Vec<ExpectedFile>],
    ) {
        let mut parts = self.parts();
        let fid = row.fid();
        if parts.has_seen(fid) {
            // Most come again because a page or a range was read again.
            if parts.is_no_file(fid) && self.is_file(row) {
                let part = parts.of(run);
                part.changed.insert(fid.0);
                part.summary.changed.add(fid, "an upload ended, or a key was corrected");
            }
            return;
        }
        let aside = parts.sum(|part| part.aside.len() as u64);
        let part = parts.of(run);
        let summary = &mut part.summary;
        part.seen.insert(fid.0);
        summary.rows += 1;
        if self.excluded.contains(fid.0) {
            summary.excluded += 1;
            return;
        }
        if !self.is_file(row) {
            part.not_files.insert(fid.0);
        }
        let file = match row {
            KeyedRow::Unreadable { row: UnreadableRow { fid, why }, .. } => {
                summary.rejected.entry(UNREADABLE).or_default().add(*fid, why);
                return;
            }
            KeyedRow::Read(row) => match AuditedRow::of(row, self.map) {
                AuditedRow::Temporary => {
                    summary.temporary += 1;
                    return;
                }
                AuditedRow::Ignored => {
                    summary.ignored += 1;
                    return;
                }
                AuditedRow::Rejected(why) if self.is_accepted(row, why.name()) => {
                    summary.accepted_rows += 1;
                    return;
                }
                AuditedRow::Rejected(why) => {
                    let key = row.dkey.as_deref().unwrap_or("the row has no key");
                    summary.rejected.entry(why.name()).or_default().add(row.fid, key);
                    return;
                }
                AuditedRow::File(file) => {
                    part.content.iter_mut().for_each(|content| content.add(row));
                    file
                }
            },
        };
        let Some(bucket) = self.buckets.iter().position(|bucket| **bucket == file.bucket) else {
            return;
        };
        summary.files.add(file.length);
        let expected = ExpectedFile { sha1: file.sha1, fid: file.fid, length: file.length };
        if range.holds(expected.key().as_str()) {
            files[bucket].push(expected);
        } else {
            // Without a run it came later than its range: that says nothing of the order.
            summary.out_of_place += u64::from(run.is_some());
            // Where there are more, the comparison ends when this range is read.
            if aside < limits::KEPT_ASIDE as u64 {
                part.aside.push((bucket, expected));
            }
        }
    }

    fn is_accepted(&self, row: &IndexRow, class: &str) -> bool {
        self.accepted.of_row(row.fid, row.dkey.as_deref(), class, self.map).is_accepted()
    }

    /// Whether an operator accepts that the object of this file is missing. Its key in the index is the one
    /// that its SHA-1 and its bucket make.
    fn is_accepted_file(&self, bucket: usize, file: &ExpectedFile) -> bool {
        let old = self.map.pairs().nth(bucket).map(|(old, _)| old);
        old.is_some_and(|old| {
            let key = format!("{}-{old}", file.sha1);
            let (accepted, class) = (self.accepted, AcceptedFile::MISSING);
            accepted.of_row(file.fid, Some(&key), class, self.map).is_accepted()
        })
    }

    fn is_file(&self, row: &KeyedRow) -> bool {
        let KeyedRow::Read(row) = row else { return false };
        matches!(AuditedRow::of(row, self.map), AuditedRow::File(_))
    }

    /// Counts a file whose object is listed with the right length.
    pub(super) fn listed_whole(
        &self,
        run: Run,
        bucket: usize,
        file: &ExpectedFile,
        etag: Option<&ETag>,
    ) {
        let mut parts = self.parts();
        let part = parts.of(run);
        part.summary.whole.add(file.length);
        if let Some(etag) = etag {
            part.sampler.offer(bucket, file, etag);
        }
        drop(parts);
        self.tell(run, Mark::Whole, bucket, file, ("", ""), false);
    }

    /// Counts a file that was looked at; `is_read` where its bytes were.
    pub(super) fn looked(
        &self,
        run: Run,
        bucket: usize,
        file: &ExpectedFile,
        is_read: bool,
        looked: &Looked,
    ) {
        let is_accepted = self.accepts(bucket, file, looked);
        let mut parts = self.parts();
        let unseen = parts.sum(|part| part.unseen.len() as u64);
        let part = parts.of(run);
        part.summary.count(file, is_read, (looked, is_accepted));
        if matches!(looked, Looked::Unseen(_)) && unseen < limits::UNSEEN_KEPT {
            part.unseen.push((bucket, *file));
        }
        drop(parts);
        self.tell_looked(run, bucket, file, (looked, is_accepted), false);
    }

    pub(super) fn accepts(&self, bucket: usize, file: &ExpectedFile, looked: &Looked) -> bool {
        matches!(looked, Looked::Differs(Difference::Missing, _))
            && self.is_accepted_file(bucket, file)
    }

    /// Whether so many files were looked for by HEAD in vain that the listing is believed.
    pub(super) fn believes_listing(&self) -> bool {
        self.parts().not_found >= limits::MISSING_LOOKED_FOR
    }

    /// Counts a file that the listing does not have, and that is not looked for.
    pub(super) fn missing_by_listing(&self, run: Run, bucket: usize, file: &ExpectedFile) {
        self.parts().of(run).summary.missing_by_listing += 1;
        let text = format!("no object is listed at `{}/{}`", self.buckets[bucket], file.key());
        self.looked(run, bucket, file, false, &Looked::Differs(Difference::Missing, text));
    }

    /// Takes note of a look at an object that the listing does not have. An accepted file says nothing of
    /// the listing: that its object is missing was known before.
    pub(super) fn looked_for(&self, run: Run, bucket: usize, file: &ExpectedFile, looked: &Looked) {
        if self.accepts(bucket, file, looked) {
            return;
        }
        let mut parts = self.parts();
        match looked {
            Looked::Differs(Difference::Missing, _) => parts.not_found += 1,
            Looked::Whole(..) | Looked::Differs(..) => {
                parts.not_found = 0;
                parts.of(run).summary.found_by_head += 1;
            }
            Looked::Unseen(_) => {}
        }
    }

    /// Counts a file of the sample, which counts as whole so far.
    pub(super) fn sampled(&self, bucket: usize, file: &ExpectedFile, looked: &Looked) {
        let is_accepted = self.accepts(bucket, file, looked);
        let mut parts = self.parts();
        let summary = &mut parts.done.summary;
        let whole = &mut summary.whole;
        *whole = Tally {
            files: whole.files.saturating_sub(1),
            bytes: whole.bytes.saturating_sub(file.length.0),
        };
        summary.count(file, true, (looked, is_accepted));
        drop(parts);
        if !matches!(looked, Looked::Whole(..)) {
            self.tell_looked(None, bucket, file, (looked, is_accepted), true);
        }
    }

    /// Keeps an object that no row of its range names, or counts it where too many are kept.
    pub(super) fn hold(&self, run: Run, bucket: usize, object: &ListedObject, sha1: Sha1) {
        let mut parts = self.parts();
        if parts.sum(|part| part.held.len() as u64) < limits::KEPT_ASIDE as u64 {
            let (length, is_archived) = (object.length, object.is_archived);
            parts.of(run).held.insert((bucket, sha1), Held { length, is_archived });
            return;
        }
        drop(parts);
        self.other(run, Stray::Extra, bucket, &object.key, object.length);
    }

    /// Counts an object that is no file's.
    pub(super) fn other(
        &self,
        run: Run,
        other: Stray,
        bucket: usize,
        key: &ObjectKey,
        length: ByteCount,
    ) {
        let (name, trouble) = (self.buckets[bucket], (other.name(), ""));
        other.of(&mut self.parts().of(run).summary).add(length, format!("{name}/{key}"));
        let (mark, fid, is_correction) = (Mark::Extra, None, false);
        self.observer.line(&Line { run, mark, bucket: name, key, fid, trouble, is_correction });
    }

    pub(super) fn tell_looked(
        &self,
        run: Run,
        bucket: usize,
        file: &ExpectedFile,
        (looked, is_accepted): (&Looked, bool),
        again: bool,
    ) {
        let (mark, trouble) = match looked {
            Looked::Whole(..) => (Mark::Whole, ("", "")),
            Looked::Differs(difference, text) if is_accepted => {
                (Mark::Accepted, (difference.name(), text.as_str()))
            }
            Looked::Differs(difference, text) => {
                let missing = *difference == Difference::Missing;
                let mark = if missing { Mark::Missing } else { Mark::Differs };
                (mark, (difference.name(), text.as_str()))
            }
            Looked::Unseen(why) => (Mark::Unseen, (why.kind.name(), why.detail.as_str())),
        };
        self.tell(run, mark, bucket, file, trouble, again);
    }

    fn tell(
        &self,
        run: Run,
        mark: Mark,
        bucket: usize,
        file: &ExpectedFile,
        trouble: (&str, &str),
        is_correction: bool,
    ) {
        let (bucket, key, fid) = (self.buckets[bucket], &file.key(), Some(file.fid));
        self.observer.line(&Line { run, mark, bucket, key, fid, trouble, is_correction });
    }
}

impl VerifySummary {
    pub(super) fn count(
        &mut self,
        file: &ExpectedFile,
        is_read: bool,
        (looked, is_accepted): (&Looked, bool),
    ) {
        match looked {
            Looked::Whole(length, other_etag) => {
                self.whole.add(file.length);
                if let Some(text) = other_etag {
                    let kind = FindingKind::EtagNotMd5.name();
                    self.findings.entry(kind).or_default().add(file.fid, text);
                }
                if *length != file.length {
                    let text = format!(
                        "the index has {} bytes, the content with SHA-1 {} has {length}",
                        file.length, file.sha1
                    );
                    let kind = FindingKind::IndexLength.name();
                    self.findings.entry(kind).or_default().add(file.fid, text);
                }
            }
            Looked::Differs(_, text) if is_accepted => self.accepted.add(file.fid, text),
            Looked::Differs(difference, text) => {
                self.different.entry(difference.name()).or_default().add(file.fid, text);
            }
            Looked::Unseen(why) => {
                self.unseen.entry(why.kind.name()).or_default().add(file.fid, why);
            }
        }
        let has_content = match looked {
            Looked::Whole(..) => true,
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
