//! The two stores of contentrepo.

use std::collections::BTreeMap;

use bytes::Bytes;
use data_encoding::HEXLOWER;

use super::{ContentRepo, RepoRefusal, RepoRow, Signature, Store};
use crate::world::bucket::{Attributes, Condition, Content, HOME_REGION, PutRequest, StoreError};
use crate::world::mogile::{self, Dmid};

impl ContentRepo {
    /// The content of a row, and whether the connection breaks off behind it.
    pub(super) fn content(&self, row: &RepoRow) -> Result<(Bytes, bool), RepoRefusal> {
        match self.settings().store {
            Store::MogileFs { dmid, .. } => {
                let content = self.mogile_content(dmid, &dkey(row));
                content.map(|content| (content, false)).ok_or(RepoRefusal::ContentNotFound)
            }
            // Every refusal of S3 is an exception of the library, a missing object too.
            Store::S3 { .. } => {
                let (bucket, key) = (&row.bucket_name, &row.sha1);
                let object = self.may_ask(bucket);
                let object = object.and_then(|()| self.s3.get(bucket, key, &Condition::None));
                let object = object.map_err(|_| RepoRefusal::ServerError)?;
                let md5 = HEXLOWER.encode(&object.content.md5());
                let breaks_off = !object.etag.contains('-') && object.etag != md5;
                Ok((object.content.bytes().clone(), breaks_off))
            }
        }
    }

    /// Whether the store has the content. Any refusal counts as no.
    pub(super) fn exists(&self, row: &RepoRow) -> bool {
        self.content(row).is_ok()
    }

    /// Writes the content of a new row. The real one tries S3 five times, four seconds apart, before it
    /// gives up.
    pub(super) fn save(&self, row: &RepoRow, content: Bytes) -> Result<(), RepoRefusal> {
        match self.settings().store {
            Store::MogileFs { domain, dmid, devices } => {
                let temporary = format!("{}.tmp", row.uuid);
                let content = mogile::Content::from(content);
                self.mogile.store(dmid, &temporary, &content, &devices);
                let renamed = self.mogile.rename(&domain, &temporary, &dkey(row));
                renamed.map_err(|_| RepoRefusal::ServerError)
            }
            Store::S3 { .. } => {
                let put = self.put(row, Content::of(content));
                put.map_err(|_| RepoRefusal::ServerError)
            }
        }
    }

    /// Deletes the content of a row. Whether it could.
    pub(super) fn remove(&self, row: &RepoRow) -> bool {
        match self.settings().store {
            Store::MogileFs { domain, .. } => self.mogile.delete(&domain, &dkey(row)).is_ok(),
            Store::S3 { .. } => {
                let (bucket, key) = (&row.bucket_name, &row.sha1);
                let deleted = self.may_ask(bucket);
                deleted.and_then(|()| self.s3.delete(bucket, key, &Condition::None)).is_ok()
            }
        }
    }

    /// The store's own URLs of a row. Those of S3 are not signed.
    pub(super) fn urls(&self, row: &RepoRow) -> Result<Vec<String>, RepoRefusal> {
        match self.settings().store {
            Store::MogileFs { dmid, .. } => {
                let file = self.mogile.row_by_key(dmid, &dkey(row));
                let file = file.ok_or(RepoRefusal::ServerError)?;
                let devices = file.devids.iter();
                Ok(devices.filter_map(|device| self.mogile.url(file.fid, *device)).collect())
            }
            Store::S3 { .. } => {
                Ok(vec![format!("https://{}.s3.amazonaws.com/{}", row.bucket_name, row.sha1)])
            }
        }
    }

    /// A PUT as `S3StoreService` sends it: readable by everybody, of no type, and every field of the object
    /// as metadata. The library refuses what is not ASCII.
    fn put(&self, row: &RepoRow, content: Content) -> Result<(), StoreError> {
        let bucket = &row.bucket_name;
        self.may_ask(bucket)?;
        self.s3.check_acl(bucket, Some("public-read"))?;
        let metadata = metadata(row);
        if !metadata.values().all(|value| value.is_ascii()) {
            return Err(StoreError::MetadataTooLarge);
        }
        let md5 = content.md5();
        let mut put = PutRequest::new(content);
        put.attributes = Attributes {
            content_type: Some("application/octet-stream".to_owned()),
            content_disposition: None,
            metadata,
        };
        let object = self.s3.put(bucket, &row.sha1, put)?;
        // The library compares the answer's entity tag: the object stays, and the request has failed.
        if object.etag == HEXLOWER.encode(&md5) { Ok(()) } else { Err(StoreError::BadDigest) }
    }

    /// Whether S3 takes requests that are signed as this contentrepo signs them.
    fn may_ask(&self, bucket: &str) -> Result<(), StoreError> {
        let Store::S3 { signs, has_valid_keys } = self.settings().store else { return Ok(()) };
        let settings = self.s3.settings(bucket)?;
        let is_taken = match signs {
            Signature::V2 => settings.takes_signature_v2,
            Signature::V4 => settings.region == HOME_REGION,
        };
        if has_valid_keys && is_taken { Ok(()) } else { Err(StoreError::AccessDenied) }
    }

    fn mogile_content(&self, dmid: Dmid, dkey: &str) -> Option<Bytes> {
        let file = self.mogile.row_by_key(dmid, dkey)?;
        let mut devices = file.devids.iter();
        devices.find_map(|device| self.mogile.replica(file.fid, *device)?.read().ok())
    }
}

fn dkey(row: &RepoRow) -> String {
    format!("{}-{}", row.sha1, row.bucket_name)
}

/// Every field of the object by its name in Java, an empty text for what is not set.
fn metadata(row: &RepoRow) -> BTreeMap<String, String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        ("id", String::new()),
        ("key", row.key.clone()),
        ("checksum", row.sha1.clone()),
        ("timestamp", row.timestamp.clone()),
        ("downloadname", text(&row.download_name)),
        ("contenttype", text(&row.content_type)),
        ("size", row.size.to_string()),
        ("tag", text(&row.tag)),
        ("bucketid", row.bucket.to_string()),
        ("bucketname", row.bucket_name.clone()),
        ("versionnumber", row.version.to_string()),
        ("status", row.status_name().to_owned()),
        ("creationdate", row.creation_date.clone()),
        ("reproxyurl", String::new()),
        ("usermetadata", text(&row.user_metadata)),
        ("uuid", row.uuid.clone()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
