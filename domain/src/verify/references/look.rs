//! Why a row of contentrepo has no object of its size: is it in S3 after all, does MogileFS have it, did
//! it ever?

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::kinds::Broken;
use crate::ports::{Clock, IndexError, KeyRanges, KeyedRow, ObjectStore};
use crate::retried::retried;
use crate::verify::All;
use crate::verify::join::ExpectedFile;
use crate::verify::look::{How, Looked, Looks as LooksAtObjects};
use crate::verify::patience::Patience;
use crate::verify::summary::Difference;
use crate::{ByteCount, Fid, ListedObject, MogileBucket, Reason, S3Bucket, Sha1, limits};

/// A content that rows refer to, and the object at its key.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    pub(super) bucket: usize,
    pub(super) sha1: Sha1,
    pub(super) listed: Option<ListedObject>,
}

/// What was seen of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is there, and has this length. A row of another size is wrong itself.
    There(ByteCount),
    /// All its rows are broken.
    Not { kind: Broken, fid: Option<Fid>, length: Option<ByteCount> },
    /// Neither S3 nor MogileFS shows it.
    Nowhere,
    /// S3 did not give it.
    Unseen(Reason),
}

/// What looks at contents one by one.
pub(super) struct Looks<'a> {
    pub(super) objects: &'a dyn ObjectStore,
    pub(super) index: Option<&'a dyn KeyRanges>,
    pub(super) clock: &'a dyn Clock,
    /// How long S3 is waited for.
    pub(super) patience: Patience<'a>,
    pub(super) pairs: &'a [(&'a MogileBucket, &'a S3Bucket)],
    /// Objects that were looked at.
    pub(super) heads: AtomicU64,
    /// Contents without a listed object, up to the bound those that were looked at.
    pub(super) unlisted: AtomicU64,
    /// Keys that were asked for in the index, and those that it has.
    pub(super) asked: AtomicU64,
    pub(super) known: AtomicU64,
}

/// While S3 is waited for, the names of systems that do not answer come from the command itself.
static NO_OBSERVER: All<'static> = All(Vec::new());

/// Waits for S3 for this long.
pub(super) fn patience(clock: &dyn Clock, wait: Duration) -> Patience<'_> {
    Patience::new(clock, &NO_OBSERVER, wait)
}

impl Looks<'_> {
    /// Looks at a content of which the listing has no object, or one of another size than a row says. An
    /// object that is listed is always looked at: its size alone does not say which of the two is wrong.
    /// Where none is listed the listing decides beyond [`limits::REFERENCES_LOOKED_AT`]. Only an index that
    /// cannot be read is an error.
    pub(super) async fn look(&self, doubt: &Doubt) -> Result<Seen, IndexError> {
        if doubt.listed.as_ref().is_some_and(|object| object.is_archived) {
            return Ok(Seen::Not { kind: Broken::Archived, fid: None, length: None });
        }
        let length = doubt.listed.as_ref().map(|object| object.length);
        let (old, bucket) = self.pairs[doubt.bucket];
        let is_looked_at = doubt.listed.is_some()
            || self.unlisted.fetch_add(1, Ordering::Relaxed) < limits::REFERENCES_LOOKED_AT;
        let is_missing = if is_looked_at {
            self.heads.fetch_add(1, Ordering::Relaxed);
            match self.look_at_object(bucket, doubt.sha1).await {
                Looked::Whole(length, _) => return Ok(Seen::There(length)),
                Looked::Differs(difference, _) => difference == Difference::Missing,
                Looked::Unseen(why) => return Ok(Seen::Unseen(why)),
            }
        } else {
            true
        };
        let fid = self.find(&format!("{}-{old}", doubt.sha1)).await?;
        let kind = match (is_missing, self.index, fid) {
            (false, _, _) => Broken::WrongObject,
            (true, None, _) => Broken::Missing,
            (true, Some(_), Some(_)) => Broken::ByMigration,
            (true, Some(_), None) => return Ok(Seen::Nowhere),
        };
        Ok(Seen::Not { kind, fid, length })
    }

    async fn look_at_object(&self, bucket: &S3Bucket, sha1: Sha1) -> Looked {
        // Its fid is not known, and its length is for words alone.
        let file = ExpectedFile { sha1, fid: Fid(0), length: ByteCount(0) };
        let (objects, clock, patience) = (self.objects, self.clock, &self.patience);
        LooksAtObjects { objects, clock, patience }.look(bucket, &file, How::ByHead).await
    }

    /// The row of this key. In every order of keys it is the first one at the key or behind it, and no
    /// other row has an equal one. A key whose letters differ in case alone is the same to MogileFS, too.
    pub(super) async fn find(&self, key: &str) -> Result<Option<Fid>, IndexError> {
        let Some(index) = self.index else { return Ok(None) };
        let first = retried(self.clock, 0, || index.rows_between(Some(key), None, 1)).await?;
        self.asked.fetch_add(1, Ordering::Relaxed);
        let is_it = |row: &&KeyedRow| row.dkey().is_some_and(|it| it.eq_ignore_ascii_case(key));
        let fid = first.first().filter(is_it).map(KeyedRow::fid);
        self.known.fetch_add(u64::from(fid.is_some()), Ordering::Relaxed);
        Ok(fid)
    }

    /// Of these keys, the number of those that the index has.
    pub(super) async fn known_of(&self, keys: &[String]) -> Result<u64, IndexError> {
        let mut known = 0;
        for key in keys {
            known += u64::from(self.find(key).await?.is_some());
        }
        Ok(known)
    }
}
