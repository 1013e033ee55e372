//! The operations on objects: read, create, delete and purge.

use bytes::Bytes;
use sha1::{Digest, Sha1};

use super::{ContentRepo, Filter, RepoRefusal, RepoRow};
use crate::world::databases::Database;

/// The fields of `POST /objects`.
#[derive(Debug, Clone, Default)]
pub struct NewObject {
    /// `key`.
    pub key: Option<String>,
    /// `bucketName`.
    pub bucket: Option<String>,
    /// `create`: new, version or auto.
    pub create: Option<String>,
    /// `contentType`.
    pub content_type: Option<String>,
    /// `downloadName`.
    pub download_name: Option<String>,
    /// `tag`.
    pub tag: Option<String>,
    /// `userMetadata`.
    pub user_metadata: Option<String>,
    /// `file`.
    pub file: Option<Bytes>,
}

/// An object that was read.
#[derive(Debug, Clone)]
pub struct Read {
    /// Its row.
    pub row: RepoRow,
    /// Its content.
    pub content: Bytes,
    /// Whether the connection breaks off behind the content: contentrepo's library has found that the
    /// content's MD5 is not the object's entity tag.
    pub breaks_off: bool,
}

impl ContentRepo {
    /// The row of an object in use, without a look at the store.
    pub fn metadata(&self, bucket: &str, key: &str, of: &Filter) -> Result<RepoRow, RepoRefusal> {
        check_uuid(of)?;
        let connection = self.databases.open(Database::ContentRepo)?;
        RepoRow::find(&connection, bucket, key, of, 0)?.ok_or(RepoRefusal::ObjectNotFound)
    }

    /// An object in use, with its content.
    pub fn read(&self, bucket: &str, key: &str, of: &Filter) -> Result<Read, RepoRefusal> {
        let row = self.metadata(bucket, key, of)?;
        self.count_read();
        let (content, breaks_off) = self.content(&row)?;
        Ok(Read { row, content, breaks_off })
    }

    /// The store's own URLs of an object in use, where contentrepo gives them away.
    pub fn reproxied(
        &self,
        bucket: &str,
        key: &str,
        of: &Filter,
    ) -> Result<Option<Vec<String>>, RepoRefusal> {
        if !self.settings().reproxies {
            return Ok(None);
        }
        let row = self.metadata(bucket, key, of)?;
        self.urls(&row).map(Some)
    }

    /// Counts a read that the store's own URLs have answered.
    pub fn count_read(&self) {
        self.state(|state| state.reads += 1);
    }

    /// Creates an object, or a version of one. It counts as a write also where it is refused later.
    pub fn create(&self, new: NewObject) -> Result<RepoRow, RepoRefusal> {
        let create = new.create.as_deref().ok_or(RepoRefusal::NoCreationMethod)?;
        let create = create.to_ascii_uppercase();
        if !["NEW", "VERSION", "AUTO"].contains(&&*create) {
            return Err(RepoRefusal::InvalidCreationMethod);
        }
        self.state(|state| state.writes += 1);
        let key = new.key.as_deref().filter(|key| !key.is_empty());
        let key = key.ok_or(RepoRefusal::NoKeyEntered)?;
        let bucket = new.bucket.as_deref().filter(|bucket| !bucket.is_empty());
        let bucket = bucket.ok_or(RepoRefusal::NoBucketEntered)?;

        let mut connection = self.databases.open(Database::ContentRepo)?;
        let transaction = connection.transaction()?;
        let existing = RepoRow::find(&transaction, bucket, key, &Filter::default(), 0)?;
        match (&*create, &existing) {
            ("NEW", Some(_)) => return Err(RepoRefusal::KeyIsUsed),
            ("VERSION", None) => return Err(RepoRefusal::NoOriginal),
            _ => {}
        }
        let known = self.buckets()?.into_iter().find(|(_, name)| name == bucket);
        let (bucket_id, bucket_name) = known.ok_or(RepoRefusal::BucketNotFound)?;
        let content = new.file.ok_or(RepoRefusal::NoFileEntered)?;
        if content.is_empty() {
            return Err(RepoRefusal::ObjectDataEmpty);
        }
        let row = RepoRow {
            id: 0,
            bucket: bucket_id,
            bucket_name,
            key: key.to_owned(),
            sha1: data_encoding::HEXLOWER.encode(&Sha1::digest(&content)),
            download_name: new.download_name,
            content_type: new.content_type,
            size: content.len() as u64,
            tag: new.tag,
            version: RepoRow::next_version(&transaction, bucket_id, key)?,
            status: 0,
            timestamp: String::new(),
            creation_date: String::new(),
            user_metadata: new.user_metadata,
            uuid: self.next_uuid(),
        };
        if !self.exists(&row) {
            self.save(&row, content)?;
        }
        let row = row.insert(&transaction)?;
        audit(&transaction, &row, "CREATE_OBJECT")?;
        transaction.commit()?;
        Ok(row)
    }

    /// Marks a version as deleted, or purges it: then its content goes too, where no other row refers to it.
    /// The row stays for ever.
    pub fn delete(
        &self,
        bucket: &str,
        key: &str,
        of: &Filter,
        purge: bool,
    ) -> Result<(), RepoRefusal> {
        if of.is_empty() {
            return Err(RepoRefusal::NoFilterEntered);
        }
        check_uuid(of)?;
        let mut connection = self.databases.open(Database::ContentRepo)?;
        let transaction = connection.transaction()?;
        let highest = i64::from(purge);
        let row = RepoRow::find(&transaction, bucket, key, of, highest)?;
        let row = row.ok_or(RepoRefusal::ObjectNotFound)?;
        if purge {
            self.content(&row)?;
            row.mark(&transaction, 2)?;
            audit(&transaction, &row, "PURGE_OBJECT")?;
            if !row.is_referred_to(&transaction)? && !self.remove(&row) {
                return Err(RepoRefusal::ObjectNotFound);
            }
        } else {
            row.mark(&transaction, 1)?;
            audit(&transaction, &row, "DELETE_OBJECT")?;
        }
        Ok(transaction.commit()?)
    }

    /// The next uuid: a random one in truth, and here the same for the same requests.
    fn next_uuid(&self) -> String {
        let number = self.state(|state| {
            state.uuids += 1;
            state.uuids
        });
        let digest = Sha1::digest(format!("contentrepo's uuid number {number}"));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

fn check_uuid(filter: &Filter) -> Result<(), RepoRefusal> {
    match &filter.uuid {
        Some(text) if uuid::Uuid::parse_str(text).is_err() => Err(RepoRefusal::InvalidUuid),
        Some(_) | None => Ok(()),
    }
}

fn audit(
    connection: &rusqlite::Connection,
    row: &RepoRow,
    operation: &str,
) -> Result<(), RepoRefusal> {
    let sql = "INSERT INTO audit (bucketName, keyValue, operation, uuid) VALUES (?, ?, ?, ?)";
    connection.execute(sql, [&row.bucket_name, &row.key, operation, &row.uuid])?;
    Ok(())
}
