//! Reads unfinished uploads, and looks where else their content is.

use super::deletion::TemporaryPorts;
use super::look::{Look, Looker, Unseen};
use super::replicas::ReplicaReader;
use super::temporary::{Elsewhere, Leftover, content_of_all};
use crate::retried::retried;
use crate::summary::Stopped;
use crate::verify::verify_file;
use crate::{
    BucketMap, ContentDigests, Dkey, Failure, Fid, MogileBucket, ObjectAddress, ObjectKey, Reason,
    ReasonKind, S3Bucket, Sha1, SourceError, SourceFile,
};

/// What was found out about an upload that is over.
pub(super) enum Examined {
    /// It has another key by now, or is gone.
    Changed,
    /// What its content is cannot be said, for these reasons.
    Unreadable(String),
    /// It was read.
    Read { digests: ContentDigests, elsewhere: Option<Elsewhere> },
}

/// No key begins with this, so that a listing is short, and there is nothing at it.
pub(super) const NO_PREFIX: &str = "mogile2s3-no-such-key/";

pub(super) const DISAGREEMENT: &str = "the index has this row, and the trackers do not know its key under this fid: \
                            is MOGILE_DATABASE_URL the database of MOGILE_TRACKERS?";

impl TemporaryPorts {
    /// Errors when a bucket that is mapped does not exist: a HEAD of an object would not say so.
    pub(super) async fn require_buckets(&self, buckets: &BucketMap) -> Result<(), Stopped> {
        for (_, bucket) in buckets.pairs() {
            let list = || self.objects.list(bucket, NO_PREFIX, None);
            let listed = retried(&*self.clock, 0, list).await;
            listed.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        }
        Ok(())
    }

    /// Reads a file, and looks where else its content is. Errors where no file can be looked at; what is
    /// wrong with this one alone makes it [`Examined::Unreadable`].
    pub(super) async fn examine(
        &self,
        reader: &ReplicaReader<'_>,
        buckets: &BucketMap,
        leftover: &Leftover,
    ) -> Result<Examined, Stopped> {
        match self.try_to_examine(reader, buckets, leftover).await {
            Ok(examined) => Ok(examined),
            Err(Unseen::Alone(why)) => Ok(Examined::Unreadable(why)),
            Err(Unseen::All(stopped)) => Err(stopped),
        }
    }

    async fn try_to_examine(
        &self,
        reader: &ReplicaReader<'_>,
        buckets: &BucketMap,
        &Leftover { fid, ref key, length, .. }: &Leftover,
    ) -> Result<Examined, Unseen> {
        match self.looker().look(fid, key).await? {
            Look::AsSeen => {}
            Look::Changed => return Ok(Examined::Changed),
            Look::Disagreement => return Ok(Examined::Unreadable(DISAGREEMENT.to_owned())),
            Look::Unknown(why) => return Ok(Examined::Unreadable(why)),
        }
        let read = match reader.read_all(fid, key).await {
            Ok(read) => content_of_all(&read, length),
            Err(SourceError::UnknownKey { .. }) => return Ok(Examined::Changed),
            Err(error) => Err(error.to_string()),
        };
        let digests = match read {
            Ok(digests) => digests,
            Err(why) => return Ok(Examined::Unreadable(why)),
        };
        let object = self.object_with(buckets, fid, &digests).await?;
        // What is in an ignored bucket alone does not migrate: it would go with MogileFS.
        let migrate = buckets.pairs().map(|(old, _)| old);
        let elsewhere = if object.is_none() {
            self.file_with(reader, migrate, fid, &digests.sha1).await?
        } else {
            object
        };
        Ok(Examined::Read { digests, elsewhere })
    }

    pub(super) fn looker(&self) -> Looker<'_> {
        Looker { index: &*self.index, files: &*self.files, clock: &*self.clock }
    }

    /// The object in one of the mapped buckets that has the content.
    async fn object_with(
        &self,
        buckets: &BucketMap,
        fid: Fid,
        digests: &ContentDigests,
    ) -> Result<Option<Elsewhere>, Unseen> {
        for (old, new) in buckets.pairs() {
            let dkey = Dkey { sha1: digests.sha1, bucket: old.clone() };
            let file = SourceFile::new(fid, dkey, digests.length, new.clone());
            match verify_file(&*self.objects, &*self.clock, &file, "").await {
                Ok(_) => return Ok(Some(Elsewhere::Object(file.address()))),
                Err(Failure { reason, .. }) => {
                    // An object with other content is not this content.
                    if ![ReasonKind::Missing, ReasonKind::WrongObject].contains(&reason.kind) {
                        return Err(self.of_one_object(new, reason).await);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whose trouble it is that an object could not be looked at.
    async fn of_one_object(&self, bucket: &S3Bucket, reason: Reason) -> Unseen {
        let key = ObjectKey::new(NO_PREFIX.to_owned());
        let nothing = ObjectAddress { bucket: bucket.clone(), key };
        match retried(&*self.clock, 0, || self.objects.head(&nothing)).await {
            Ok(_) => Unseen::Alone(format!("the object that may have its content: {reason}")),
            Err(_) => Unseen::All(Stopped::Trouble(reason)),
        }
    }

    /// Another file of MogileFS that has the content under its own key in one of these buckets. It is
    /// read: a row whose content is lost or wrong is no copy.
    pub(super) async fn file_with(
        &self,
        reader: &ReplicaReader<'_>,
        buckets: impl Iterator<Item = &MogileBucket> + Send,
        not: Fid,
        sha1: &Sha1,
    ) -> Result<Option<Elsewhere>, Unseen> {
        for bucket in buckets {
            let key = Dkey { sha1: *sha1, bucket: bucket.clone() }.to_string();
            let Some(fid) = self.looker().fid_of(&key).await?.filter(|fid| *fid != not) else {
                continue;
            };
            let read = reader.read_all(fid, &key).await.unwrap_or_default();
            if read.iter().flatten().any(|digests| digests.sha1 == *sha1) {
                return Ok(Some(Elsewhere::File { fid, key }));
            }
        }
        Ok(None)
    }
}
