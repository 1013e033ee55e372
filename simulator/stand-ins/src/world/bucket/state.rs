//! What lies behind the lock: buckets with their current objects, what those replaced, and the
//! uploads under way.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use md5::{Digest, Md5};

use super::{
    Action, BucketSettings, Condition, Encryption, Object, S3Options, StoreError, Upload, UploadId,
};

/// What a DELETE leaves in a versioned bucket: the key has no current object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteMarker {
    /// Its version.
    pub version_id: String,
}

/// One state of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// There was an object.
    Object(Box<Object>),
    /// It was deleted.
    DeleteMarker(DeleteMarker),
}

impl Version {
    /// Its name; `null` of an object that was written while its bucket was not versioned.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Object(object) => object.version_id.as_deref().unwrap_or("null"),
            Self::DeleteMarker(marker) => &marker.version_id,
        }
    }
}

/// One bucket.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) settings: BucketSettings,
    pub(super) current: BTreeMap<String, Object>,
    /// Older versions and delete markers, oldest first.
    superseded: BTreeMap<String, Vec<Version>>,
    pub(super) uploads: BTreeMap<UploadId, Upload>,
}

impl Bucket {
    /// Makes an object the current one of its key.
    pub(super) fn replace(&mut self, key: &str, object: Object, versioned: bool) {
        if let Some(old) = self.current.insert(key.to_owned(), object)
            && versioned
        {
            self.supersede(key, Version::Object(Box::new(old)));
        }
    }

    pub(super) fn versions(&self) -> BTreeMap<String, Vec<Version>> {
        let mut versions = self.superseded.clone();
        for (key, object) in &self.current {
            versions
                .entry(key.clone())
                .or_default()
                .push(Version::Object(Box::new(object.clone())));
        }
        versions
    }

    /// Takes one version of a key away for good. What is then the newest is the current one.
    pub(super) fn remove_version(&mut self, key: &str, id: &str) {
        let mut chain = self.superseded.remove(key).unwrap_or_default();
        let current = self.current.remove(key);
        chain.extend(current.map(|object| Version::Object(Box::new(object))));
        chain.retain(|version| version.id() != id);
        match chain.pop() {
            Some(Version::Object(newest)) => drop(self.current.insert(key.to_owned(), *newest)),
            Some(marker @ Version::DeleteMarker(_)) => chain.push(marker),
            None => {}
        }
        if !chain.is_empty() {
            self.superseded.insert(key.to_owned(), chain);
        }
    }

    fn supersede(&mut self, key: &str, version: Version) {
        self.superseded.entry(key.to_owned()).or_default().push(version);
    }
}

/// Everything, and the rules of now.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) buckets: BTreeMap<String, Bucket>,
    /// Names of other accounts' buckets.
    pub(super) foreign: BTreeSet<String>,
    pub(super) options: S3Options,
    /// Numbers handed out so far, to versions, uploads, and entity tags that are no digest.
    numbers: u64,
}

impl State {
    pub(super) fn bucket(&mut self, name: &str) -> Result<&mut Bucket, StoreError> {
        self.buckets.get_mut(name).ok_or(StoreError::NoSuchBucket)
    }

    /// The current object of a key, for those who may read it. Who may not list the bucket is not
    /// even told that there is none (S3's API reference, `HeadObject`, "Permissions").
    pub(super) fn readable(&self, bucket: &str, key: &str) -> Result<&Object, StoreError> {
        let bucket = self.buckets.get(bucket).ok_or(StoreError::NoSuchBucket)?;
        self.options.allow(Action::GetObject, key)?;
        if let Some(object) = bucket.current.get(key) {
            return Ok(object);
        }
        self.options.allow(Action::ListBucket, key)?;
        Err(StoreError::NoSuchKey)
    }

    /// Makes an object the current one of its key, if the caller may and the condition holds, and
    /// gives it back as answers show it.
    pub(super) fn store(
        &mut self,
        bucket: &str,
        key: &str,
        condition: &Condition,
        mut object: Object,
    ) -> Result<Object, StoreError> {
        self.judge(bucket, key, Action::PutObject, condition)?;
        object.encryption = self.encryption(bucket)?;
        object.etag = self.entity_tag(object.etag, object.encryption);
        object.version_id = self.options.versioned.then(|| self.version_id());
        let versioned = self.options.versioned;
        self.bucket(bucket)?.replace(key, object.clone(), versioned);
        Ok(self.options.shown(object))
    }

    /// Takes the current object of a key away. One that is missing is deleted already, unless the
    /// condition asks for it; in a versioned bucket its delete leaves a marker all the same.
    pub(super) fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        condition: &Condition,
    ) -> Result<Option<DeleteMarker>, StoreError> {
        self.judge(bucket, key, Action::DeleteObject, condition)?;
        let version_id = self.options.versioned.then(|| self.version_id());
        let bucket = self.bucket(bucket)?;
        let old = bucket.current.remove(key);
        let Some(version_id) = version_id else { return Ok(None) };
        let marker = DeleteMarker { version_id };
        if let Some(old) = old {
            bucket.supersede(key, Version::Object(Box::new(old)));
        }
        bucket.supersede(key, Version::DeleteMarker(marker.clone()));
        Ok(Some(marker))
    }

    /// How a bucket encrypts what is written now.
    pub(super) fn encryption(&mut self, bucket: &str) -> Result<Encryption, StoreError> {
        let own = self.bucket(bucket)?.settings.encryption;
        Ok(own.unwrap_or(self.options.encryption))
    }

    /// The entity tag of a content with this digest (and number of parts).
    pub(super) fn entity_tag(&mut self, digest: String, encryption: Encryption) -> String {
        match encryption {
            Encryption::S3 => digest,
            Encryption::Kms => {
                let secret = format!("{digest} {}", self.next_number());
                let other = HEXLOWER.encode(&Md5::digest(secret.as_bytes()));
                match digest.split_once('-') {
                    Some((_, parts)) => format!("{other}-{parts}"),
                    None => other,
                }
            }
        }
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn version_id(&mut self) -> String {
        format!("version-{:08}", self.next_number())
    }

    fn judge(
        &mut self,
        bucket: &str,
        key: &str,
        action: Action,
        condition: &Condition,
    ) -> Result<(), StoreError> {
        self.bucket(bucket)?;
        self.options.allow(action, key)?;
        if condition.reads_content() {
            self.options.allow(Action::GetObject, key)?;
        }
        condition.check(self.bucket(bucket)?.current.get(key))
    }
}
