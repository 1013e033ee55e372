//! A look at one object: by its stored SHA-1, or by its bytes.

use super::content::hashed;
use super::join::ExpectedFile;
use super::patience::Patience;
use super::summary::Difference;
use crate::ports::{Clock, ObjectStore, StoreError};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass, backoff};
use crate::{
    ByteCount, ContentDigests, ContentHasher, ETag, ObjectAddress, ObjectKey, Reason, S3Bucket,
    Sha1, System, Timestamp, limits,
};

/// What a look at a file's object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Looked {
    /// The content is the expected one, of this length. Where it was read, and its `ETag` is not its MD5, the
    /// words say so.
    Whole(ByteCount, Option<String>),
    /// The file is not there as it must be.
    Differs(Difference, String),
    /// It could not be looked at.
    Unseen(Reason),
}

/// What looks at objects.
#[derive(Clone, Copy)]
pub(super) struct Looks<'a> {
    pub(super) objects: &'a dyn ObjectStore,
    pub(super) clock: &'a dyn Clock,
    pub(super) patience: &'a Patience<'a>,
}

/// Looks at an object that is written anew each time, or whose bytes break off, before it is given up.
const LOOKS: u32 = 3;

/// How an object is looked at.
#[derive(Debug, Clone)]
pub(super) enum How {
    /// By HEAD. Only an object without a stored SHA-1 of its whole content is read and hashed.
    ByHead,
    /// Its bytes are read and hashed: a stored SHA-1 is not believed. The listing had this `ETag`,
    /// where it is known.
    ByBytes(Option<ETag>),
}

impl Looks<'_> {
    /// Looks at the file's object.
    pub(super) async fn look(&self, bucket: &S3Bucket, file: &ExpectedFile, how: How) -> Looked {
        let at = ObjectAddress { bucket: bucket.clone(), key: file.key() };
        let (is_read, mut etag) = match how {
            How::ByHead => (false, None),
            How::ByBytes(etag) => (true, etag),
        };
        let (begun, mut looks) = (self.clock.now(), 0);
        loop {
            looks += 1;
            let etag = match etag.take() {
                Some(etag) => etag,
                None => match self.head(&at, file, is_read).await {
                    Ok(Head::Gone) => return missing(&at),
                    Ok(Head::Judged(sha1, length)) => return judged(&at, file, sha1, length),
                    Ok(Head::ToRead(etag)) => etag,
                    Err(error) => return Looked::Unseen(Reason::from(&error)),
                },
            };
            match self.read(&at, file, &etag).await {
                Ok(digests) => return self::read(&at, file, &etag, &digests),
                Err(error) if self.is_looked_at_again(&error, looks, begun) => {
                    self.clock.sleep(backoff(looks, file.fid.0)).await;
                }
                Err(error) => return Looked::Unseen(Reason::from(&error)),
            }
        }
    }

    /// Whether the next HEAD may show what became of the object: it was written anew or deleted since it was
    /// listed, or its bytes broke off. Where S3 is away, that HEAD waits for it. Where HEADs are answered and
    /// reads are not, as while S3 slows them down, reads are repeated for [`limits::READS_WITHIN`].
    fn is_looked_at_again(&self, error: &StoreError, looks: u32, begun: Timestamp) -> bool {
        let has_changed = matches!(error, StoreError::Occupied(_) | StoreError::NoSuchKey(_));
        let breaks_off = error.class() == ErrorClass::Retry;
        let within = limits::READS_WITHIN.min(self.patience.wait());
        let has_time = breaks_off && begun.until(self.clock.now()) < within;
        (has_changed || breaks_off) && (looks < LOOKS || has_time)
    }

    async fn head(
        &self,
        at: &ObjectAddress,
        file: &ExpectedFile,
        is_read: bool,
    ) -> Result<Head, StoreError> {
        let head = || self.objects.head(at);
        let another = || async {
            let answer = self.objects.head(&no_files_address(&at.bucket)).await;
            answer.map_or_else(|error| error.class() != ErrorClass::Retry, |_| true)
        };
        let found = self.patience.ask_for_one(System::S3, file.fid.0, head, another).await?;
        Ok(match found {
            None => Head::Gone,
            Some(found) => match found.sha1.filter(|_| !is_read) {
                Some(sha1) => Head::Judged(sha1, found.length),
                None => Head::ToRead(found.etag),
            },
        })
    }

    async fn read(
        &self,
        at: &ObjectAddress,
        file: &ExpectedFile,
        etag: &ETag,
    ) -> Result<ContentDigests, StoreError> {
        let read = || hashed(self.objects, at, etag, ContentHasher::with_md5());
        let digests = retried(self.clock, file.fid.0, read).await?;
        self.patience.answered(System::S3);
        Ok(digests)
    }
}

/// An address at which nothing is. Any answer about it shows that S3 is there.
fn no_files_address(bucket: &S3Bucket) -> ObjectAddress {
    let key = ObjectKey::of_content(&Sha1::of(b"mogile2s3: no file has this content"));
    ObjectAddress { bucket: bucket.clone(), key }
}

enum Head {
    Gone,
    Judged(Sha1, ByteCount),
    ToRead(ETag),
}

fn missing(at: &ObjectAddress) -> Looked {
    Looked::Differs(Difference::Missing, format!("no object is at `{at}`"))
}

/// Judges an object that was read.
fn read(at: &ObjectAddress, file: &ExpectedFile, etag: &ETag, digests: &ContentDigests) -> Looked {
    let mut looked = judged(at, file, digests.sha1, digests.length);
    if let (Looked::Whole(_, words), Some(md5)) = (&mut looked, &digests.md5) {
        let differs = !etag.agrees_with(md5);
        *words =
            differs.then(|| format!("`{at}` has the ETag `{etag}`, and its bytes the MD5 {md5}"));
    }
    looked
}

fn judged(at: &ObjectAddress, file: &ExpectedFile, sha1: Sha1, length: ByteCount) -> Looked {
    if sha1 == file.sha1 {
        return Looked::Whole(length, None);
    }
    let (difference, expected) = if length == file.length {
        (Difference::WrongContent, String::new())
    } else {
        (Difference::WrongLength, format!(" and {} bytes", file.length))
    };
    let text = format!(
        "`{at}` has {length} bytes with SHA-1 {sha1}, expected SHA-1 {}{expected}",
        file.sha1
    );
    Looked::Differs(difference, text)
}
