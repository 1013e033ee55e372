//! Writes canaries: small objects that show whether an endpoint keeps the promises that the
//! migration relies on. They have a prefix of their own and are deleted again.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use bytes::Bytes;
use domain::content::{SourceContent, VerifiedContent};
use domain::ports::StoreError;
use domain::{
    ByteCount, Check, Condition, ETag, ObjectAddress, ObjectKey, ObjectMeta, S3Bucket, Sha1,
    Timestamp, WriteTarget,
};
use futures_util::stream;

use super::{Conditionals, S3ObjectStore, full_sha1};

const FIRST: &[u8] = b"mogile2s3 canary, the first";
const SECOND: &[u8] = b"mogile2s3 canary, the second";

/// What came of one canary: what was seen, or what is wrong.
type Sighting = Result<String, Wrong>;

/// Why a canary did not come back well.
enum Wrong {
    /// The promise is not kept, seen clearly.
    Broken(String),
    /// Nothing can be said of the promise.
    Unseen(String),
}

impl Wrong {
    fn words(self) -> String {
        match self {
            Self::Broken(words) | Self::Unseen(words) => words,
        }
    }
}

/// Where `examine_copies` of the domain puts its copy, and takes it away.
const COPY_CANARY: &str = "mogile2s3-canary/copy-of-an-intermediary";

/// One promise of the endpoint, and the canary that tests it.
struct Canary<'a> {
    store: &'a S3ObjectStore,
    bucket: &'a S3Bucket,
    prefix: String,
}

impl S3ObjectStore {
    /// Writes the canaries into a bucket. Their prefix contains `now`, so that two runs do not
    /// collide.
    pub async fn canaries(&self, bucket: &S3Bucket, now: Timestamp) -> Vec<Check> {
        let prefix = format!("mogile2s3-canary/{}", now.0);
        let canary = Canary { store: self, bucket, prefix };
        let mut checks = vec![
            canary.check(
                "a PUT with a wrong SHA-1 is refused and stores nothing",
                canary.wrong_sha1_is_refused().await,
            ),
            canary.check(
                "the answers to a PUT and a HEAD have the SHA-1",
                canary.put_tells_sha1().await,
            ),
            canary
                .check("the answer to a COPY has the SHA-1", canary.copy_tells_sha1("plain").await),
            canary.check(
                "a PUT onto an object is refused and leaves it alone",
                canary.put_leaves_object_alone().await,
            ),
        ];
        let sound = self.conditionals == Conditionals::Sound;
        let conditional = [
            (
                "a COPY onto an object is refused and leaves it alone",
                canary.copy_leaves_object_alone().await,
            ),
            (
                "a DELETE with another object's ETag is refused and leaves the object alone",
                canary.delete_spares_another().await,
            ),
        ];
        checks.extend(conditional.into_iter().map(|(fact, sighting)| match sighting {
            Err(Wrong::Broken(wrong)) if sound => {
                let wrong = format!("{wrong}: set S3_CONDITIONAL_COPY=unsound for this end");
                canary.check(fact, Err(Wrong::Broken(wrong)))
            }
            Err(Wrong::Broken(wrong)) => {
                canary.check(fact, Ok(format!("{wrong}, as S3_CONDITIONAL_COPY=unsound says")))
            }
            // An end that gives no answer has not shown that it is unsound.
            other => canary.check(fact, other),
        }));
        checks.push(canary.check(
            "the answer to a COPY of a multipart object has a full SHA-1",
            canary.copy_of_multipart_tells_sha1().await,
        ));
        checks.push(canary.check("the canaries are taken away again", canary.clean_up().await));
        checks
    }
}

impl Canary<'_> {
    fn check(&self, fact: &str, sighting: Sighting) -> Check {
        let subject = format!("bucket {}", self.bucket);
        match sighting {
            Ok(seen) => Check::good(subject, fact, seen),
            Err(wrong) => Check::bad(subject, fact, wrong.words()),
        }
    }

    fn at(&self, name: &str) -> ObjectAddress {
        let key = ObjectKey::new(format!("{}/{name}", self.prefix));
        ObjectAddress { bucket: self.bucket.clone(), key }
    }

    async fn put(
        &self,
        name: &str,
        content: &'static [u8],
        sha1: Sha1,
        only_if_absent: bool,
    ) -> Result<Option<Sha1>, StoreError> {
        let at = self.at(name);
        let call = self
            .store
            .client
            .put_object()
            .bucket(at.bucket.as_str())
            .key(at.key.as_str())
            .set_if_none_match(only_if_absent.then(|| "*".to_owned()))
            .checksum_sha1(sha1.to_base64())
            .body(ByteStream::from_static(content))
            .send();
        let stored =
            self.store.answer("PUT", &at, self.store.timeouts.request, Box::pin(call)).await?;
        Ok(full_sha1(stored.checksum_sha1(), stored.checksum_type()))
    }

    async fn copy(&self, from: &str, to: &str) -> Result<Option<Sha1>, StoreError> {
        let (from, to) = (self.at(from), self.at(to));
        let call = self
            .store
            .client
            .copy_object()
            .copy_source(format!("{}/{}", from.bucket, from.key))
            .bucket(to.bucket.as_str())
            .key(to.key.as_str())
            .checksum_algorithm(ChecksumAlgorithm::Sha1)
            .if_none_match("*")
            .send();
        let copied =
            self.store.answer("COPY", &to, self.store.timeouts.request, Box::pin(call)).await?;
        let result = copied.copy_object_result();
        Ok(result.and_then(|result| full_sha1(result.checksum_sha1(), result.checksum_type())))
    }

    /// The bytes that lie there.
    async fn content(&self, name: &str) -> Result<Vec<u8>, Wrong> {
        let at = self.at(name);
        let call =
            self.store.client.get_object().bucket(at.bucket.as_str()).key(at.key.as_str()).send();
        let call = Box::pin(call);
        let read = self
            .store
            .answer("GET", &at, self.store.timeouts.request, call)
            .await
            .map_err(wrong)?;
        let bytes = tokio::time::timeout(self.store.timeouts.request, read.body.collect()).await;
        match bytes {
            Ok(Ok(bytes)) => Ok(bytes.to_vec()),
            Ok(Err(error)) => Err(Wrong::Unseen(format!("its content cannot be read: {error}"))),
            Err(_) => Err(Wrong::Unseen("its content comes too slowly".to_owned())),
        }
    }

    async fn wrong_sha1_is_refused(&self) -> Sighting {
        match self.put("wrong", FIRST, Sha1::of(SECOND), false).await {
            Err(StoreError::BadDigest(_)) => {}
            Err(error) => return Err(wrong(error)),
            Ok(_) => return broken("it was stored: this end does not check SHA-1s"),
        }
        match self.store.look(&self.at("wrong")).await.map_err(wrong)? {
            None => Ok("refused".to_owned()),
            Some(_) => broken("it was refused, and is stored"),
        }
    }

    async fn put_tells_sha1(&self) -> Sighting {
        let sha1 = Sha1::of(FIRST);
        let answered = self.put("plain", FIRST, sha1, false).await.map_err(wrong)?;
        if answered != Some(sha1) {
            return Err(no_sha1("PUT", answered));
        }
        let found = self.store.look(&self.at("plain")).await.map_err(wrong)?;
        match found.and_then(|found| found.sha1) {
            Some(stored) if stored == sha1 => Ok("in both answers".to_owned()),
            other => Err(no_sha1("HEAD", other)),
        }
    }

    async fn copy_tells_sha1(&self, from: &str) -> Sighting {
        let answered = self.copy(from, &format!("{from}-copy")).await.map_err(wrong)?;
        if answered == Some(Sha1::of(FIRST)) {
            Ok("in the answer".to_owned())
        } else {
            Err(no_sha1("COPY", answered))
        }
    }

    async fn put_leaves_object_alone(&self) -> Sighting {
        let answer = self.put("plain", SECOND, Sha1::of(SECOND), true).await;
        self.must_be_refused(answer.map(drop)).await
    }

    async fn copy_leaves_object_alone(&self) -> Sighting {
        self.put("other", SECOND, Sha1::of(SECOND), false).await.map_err(wrong)?;
        let answer = self.copy("other", "plain").await;
        self.must_be_refused(answer.map(drop)).await
    }

    /// Checks that a write onto `plain` was refused and left its bytes unchanged.
    async fn must_be_refused(&self, answer: Result<(), StoreError>) -> Sighting {
        match answer {
            Err(StoreError::Occupied(_)) => {}
            Err(error) => return Err(wrong(error)),
            Ok(()) => return broken("it was carried out"),
        }
        if self.content("plain").await? == FIRST {
            Ok("refused, and the object untouched".to_owned())
        } else {
            broken("it was refused, but the object was overwritten")
        }
    }

    async fn delete_spares_another(&self) -> Sighting {
        let other = ETag("0123456789abcdef0123456789abcdef".to_owned());
        match self.store.delete_object(&self.at("plain"), Some(&other)).await {
            Err(StoreError::Occupied(_)) => {}
            Err(error) => return Err(wrong(error)),
            Ok(()) => return broken("a conditional DELETE deleted another object"),
        }
        self.content("plain").await.map(|_| "refused, and the object untouched".to_owned())
    }

    async fn copy_of_multipart_tells_sha1(&self) -> Sighting {
        let (sha1, length) = (Sha1::of(FIRST), ByteCount(FIRST.len() as u64));
        let bytes = stream::once(async { Ok(Bytes::from_static(FIRST)) });
        let source = SourceContent { length, stream: Box::pin(bytes) };
        let content = VerifiedContent::new(source, "canary".to_owned(), sha1);
        let target = WriteTarget {
            address: self.at("parts"),
            condition: Condition::Absent,
            meta: ObjectMeta::default(),
            length,
        };
        let stored = self.store.put_in_parts(&target, content).await.map_err(wrong)?;
        if stored.sha1 != Some(sha1) {
            return broken("the answer to a multipart upload has no SHA-1 of its parts");
        }
        self.copy_tells_sha1("parts").await
    }

    /// Deletes the objects that the canaries may have left, and checks that they are gone.
    async fn clean_up(&self) -> Sighting {
        let mut is_versioned = false;
        for name in ["wrong", "plain", "plain-copy", "other", "parts", "parts-copy"] {
            is_versioned |= self.delete(name, None).await.map_err(wrong)?;
        }
        if is_versioned {
            for prefix in [self.prefix.as_str(), COPY_CANARY] {
                self.delete_versions(prefix).await.map_err(|error| {
                    let bucket = self.bucket;
                    Wrong::Unseen(format!(
                        "the bucket keeps versions, and those below `{prefix}` in `{bucket}` stay: \
                         grant s3:ListBucketVersions and s3:DeleteObjectVersion, or delete them by \
                         hand ({error})"
                    ))
                })?;
            }
        }
        let left = self.store.list_objects(self.bucket, &self.prefix, None).await.map_err(wrong)?;
        match left.objects.first() {
            None if is_versioned => Ok("gone, with their versions".to_owned()),
            None => Ok("gone".to_owned()),
            Some(object) => {
                Err(Wrong::Broken(format!("`{}` stays: delete it by hand", object.key)))
            }
        }
    }

    /// Deletes a canary, or one version of it; whether that left a delete marker.
    async fn delete(&self, name: &str, version: Option<&str>) -> Result<bool, StoreError> {
        self.delete_at(&self.at(name), version).await
    }

    async fn delete_at(
        &self,
        at: &ObjectAddress,
        version: Option<&str>,
    ) -> Result<bool, StoreError> {
        let delete = self.store.client.delete_object().bucket(at.bucket.as_str());
        let call = delete.key(at.key.as_str()).set_version_id(version.map(str::to_owned)).send();
        let limit = self.store.timeouts.request;
        match self.store.answer("DELETE", at, limit, Box::pin(call)).await {
            Ok(deleted) => Ok(deleted.delete_marker() == Some(true)),
            Err(StoreError::NoSuchKey(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes older versions and then delete markers. What is an object now is another doctor's.
    /// Canaries are few: one page has them all.
    async fn delete_versions(&self, prefix: &str) -> Result<(), StoreError> {
        let list = self.store.client.list_object_versions().bucket(self.bucket.as_str());
        let call = Box::pin(list.prefix(prefix).send());
        let limit = self.store.timeouts.request;
        let listed = self.store.answer("LIST_VERSIONS", self.bucket, limit, call).await?;
        let versions = listed.versions().iter().filter(|version| version.is_latest() != Some(true));
        let versions = versions.map(|version| (version.key(), version.version_id()));
        let markers = listed.delete_markers().iter();
        let markers = markers.map(|marker| (marker.key(), marker.version_id()));
        for (key, version) in versions.chain(markers) {
            let (Some(key), Some(version)) = (key, version) else { continue };
            let key = ObjectKey::new(key.to_owned());
            let at = ObjectAddress { bucket: self.bucket.clone(), key };
            self.delete_at(&at, Some(version)).await?;
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn wrong(error: StoreError) -> Wrong {
    let words = error.to_string();
    // The end knows no such request, or no such condition.
    if matches!(error, StoreError::Refused { .. }) {
        Wrong::Broken(words)
    } else {
        Wrong::Unseen(words)
    }
}

fn broken<T>(words: &str) -> Result<T, Wrong> {
    Err(Wrong::Broken(words.to_owned()))
}

fn no_sha1(operation: &str, answered: Option<Sha1>) -> Wrong {
    Wrong::Broken(match answered {
        None => format!(
            "the answer to {operation} has no SHA-1: nothing could be proven without downloads"
        ),
        Some(other) => format!("the answer to {operation} has another SHA-1, {other}"),
    })
}
