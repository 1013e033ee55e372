//! Reads unfinished uploads, and looks whether their content is where it is needed.

use super::deletion::TemporaryPorts;
use super::look::{Look, Looker, Unseen};
use super::replicas::ReplicaReader;
use super::temporary::{Copies, Elsewhere, KnownContent, Leftover, Needed, content_of_all};
use super::witness::{NamedRead, Witness};
use crate::ports::IndexError;
use crate::retried::retried;
use crate::summary::Stopped;
use crate::verify::verify_file;
use crate::{
    BucketMap, ContentDigests, Dkey, Failure, Fid, ObjectAddress, ObjectKey, Reason, ReasonKind,
    RowClass, S3Bucket, SourceError, SourceFile,
};

/// What was found out about an upload that is over.
pub(super) enum Examined {
    /// It has another key by now, or is gone.
    Changed,
    /// What its content is cannot be said, for these reasons.
    Unreadable(String),
    /// It was read.
    Read(KnownContent),
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

    /// Reads a file. Errors where no file can be looked at; what is wrong with this one alone makes it
    /// [`Examined::Unreadable`].
    pub(super) async fn examine(
        &self,
        reader: &ReplicaReader<'_>,
        &Leftover { fid, ref key, length, .. }: &Leftover,
    ) -> Result<Examined, Stopped> {
        match self.looker().look(fid, key).await? {
            Look::AsSeen => {}
            Look::Changed => return Ok(Examined::Changed),
            Look::Disagreement => return Ok(Examined::Unreadable(DISAGREEMENT.to_owned())),
            Look::Unknown(why) => return Ok(Examined::Unreadable(why)),
        }
        let witness = Witness { looker: self.looker(), reader };
        let read: Vec<_> = match witness.read_any(fid, key).await {
            Ok(read) => read.into_iter().map(NamedRead::into_read).collect(),
            Err(SourceError::UnknownKey { .. }) => return Ok(Examined::Changed),
            Err(error) => return Ok(Examined::Unreadable(error.to_string())),
        };
        Ok(match content_of_all(&read, length) {
            Ok(content) => Examined::Read(content),
            Err(why) => Examined::Unreadable(why),
        })
    }

    /// Looks for the content in the mapped buckets that need it.
    pub(super) async fn copies(
        &self,
        reader: &ReplicaReader<'_>,
        (buckets, needed): (&BucketMap, &Needed),
        fid: Fid,
        digests: &ContentDigests,
    ) -> Result<Copies, Unseen> {
        let mut copies = Copies::default();
        for (old, new) in buckets.pairs().filter(|(old, _)| needed.is_in(old)) {
            let dkey = Dkey { sha1: digests.sha1, bucket: old.clone() };
            let file = SourceFile::new(fid, dkey, digests.length, new.clone());
            let copy = match self.object_of(&file).await? {
                None => self.file_of(reader, buckets, &file).await?,
                object => object,
            };
            match copy {
                None => _ = copies.missing.insert(old.clone()),
                Some(copy) => copies.found.push(copy),
            }
            if *needed == Needed::InOne && !copies.found.is_empty() {
                copies.missing.clear();
                break;
            }
        }
        Ok(copies)
    }

    pub(super) fn looker(&self) -> Looker<'_> {
        Looker { index: &*self.index, files: &*self.files, clock: &*self.clock }
    }

    /// The object that would be this file's, where it has the content.
    async fn object_of(&self, file: &SourceFile) -> Result<Option<Elsewhere>, Unseen> {
        match verify_file(&*self.objects, &*self.clock, file, "").await {
            Ok(_) => Ok(Some(Elsewhere::Object(file.address()))),
            // An object with other content is not this content.
            Err(Failure { reason, .. })
                if [ReasonKind::Missing, ReasonKind::WrongObject].contains(&reason.kind) =>
            {
                Ok(None)
            }
            Err(Failure { reason, .. }) => Err(self.of_one_object(&file.bucket, reason).await),
        }
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

    /// Another file of MogileFS with this very key, and its content. It is read: a row whose content is
    /// lost or wrong is no copy. The trackers compare keys as their database does: one whose key is only
    /// alike does not migrate, and is none, either.
    async fn file_of(
        &self,
        reader: &ReplicaReader<'_>,
        buckets: &BucketMap,
        SourceFile { fid: upload, dkey, .. }: &SourceFile,
    ) -> Result<Option<Elsewhere>, Unseen> {
        let key = dkey.to_string();
        let Some(fid) = self.looker().fid_of(&key).await?.filter(|fid| fid != upload) else {
            return Ok(None);
        };
        let row = match retried(&*self.clock, fid.0, || self.index.row(fid)).await {
            Ok(row) => row.map(|row| row.classify(buckets)),
            Err(IndexError::UnreadableRow { .. }) => None,
            Err(error) => return Err(Stopped::Trouble(Reason::from(&error)).into()),
        };
        if !matches!(row, Some(RowClass::Source(file)) if file.dkey == *dkey) {
            return Ok(None);
        }
        let read = reader.read_all(fid, &key).await.unwrap_or_default();
        let has_content = read.iter().flatten().any(|digests| digests.sha1 == dkey.sha1);
        Ok(has_content.then_some(Elsewhere::File { fid, key }))
    }
}
