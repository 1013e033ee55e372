//! The state of S3, the ledger and MogileFS as plain data. The caller reads it from its world.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;

/// An object in an S3 bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub content: Bytes,
    /// Its ETag, without quotes.
    pub etag: String,
    /// What S3 gives to readers with the content.
    pub headers: Headers,
    /// Everything else that S3 stores with the object, as text. Two objects with different metadata
    /// have different `details`.
    pub details: String,
}

/// The headers that S3 gives to readers of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// `Content-Type`; [`None`] where S3 says its default.
    pub content_type: Option<String>,
    /// `Content-Disposition`.
    pub disposition: Option<String>,
}

/// One S3 bucket with its objects and unfinished uploads.
#[derive(Debug, Clone, Default)]
pub struct Bucket {
    /// Its objects, by key.
    pub objects: BTreeMap<String, Object>,
    /// Multipart uploads that have parts and were neither completed nor aborted.
    pub uploads: usize,
}

/// An item of a DynamoDB table.
pub type Item = BTreeMap<String, Value>;

/// The value of one attribute of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A number, in its digits.
    Number(String),
    /// A value of any other type, as its debug text.
    Other(String),
}

/// MogileFS's rows, and the replicas on its devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MogileState {
    /// The rows of the table `file`, by fid.
    pub rows: BTreeMap<u64, Row>,
    /// The replicas, by fid and device.
    pub replicas: BTreeMap<(u64, u64), Replica>,
}

/// A row of the table `file`, with its devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The domain's number.
    pub domain: u64,
    /// The key.
    pub key: Option<String>,
    /// The column `length` of the row.
    pub length: Option<u64>,
    /// The class's number.
    pub class: u64,
    /// The devices that MogileFS lists for the file.
    pub devices: Vec<u64>,
}

/// The content of one replica on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replica {
    /// Bytes in memory.
    Bytes(Bytes),
    /// The first `length` bytes of a file on disk, which nothing changes during the run.
    File {
        /// The path of the file on disk.
        path: PathBuf,
        /// The number of bytes that belong to the replica.
        length: u64,
    },
}

/// The state of the world after the migration. The oracle reports every `Err` as a problem.
#[derive(Debug)]
pub struct EndState {
    /// The buckets, by name.
    pub buckets: BTreeMap<String, Result<Bucket, String>>,
    /// The ledger's items.
    pub ledger: Result<Vec<Item>, String>,
    /// MogileFS.
    pub mogile: MogileState,
}
