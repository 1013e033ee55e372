//! What can be seen of the three stores. Plain data: whoever has a world fills it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;

/// An object of S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub content: Bytes,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// All else that S3 keeps with it, in words: two objects that differ differ here, too.
    pub details: String,
}

/// A bucket of S3.
#[derive(Debug, Clone, Default)]
pub struct Bucket {
    /// Its objects, by key.
    pub objects: BTreeMap<String, Object>,
    /// Multipart uploads that have parts and no end.
    pub uploads: usize,
}

/// An item of a DynamoDB table.
pub type Item = BTreeMap<String, Value>;

/// An attribute of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A number, in its digits.
    Number(String),
    /// Anything else, as it is printed.
    Other(String),
}

/// MogileFS: its rows, and what the devices hold of them.
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
    /// The length that the row has.
    pub length: Option<u64>,
    /// The class's number.
    pub class: u64,
    /// The devices that hold it, as the row lists them.
    pub devices: Vec<u64>,
}

/// What a device holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replica {
    /// Bytes in memory.
    Bytes(Bytes),
    /// The first bytes of a file on disk, which nobody writes.
    File {
        /// The file.
        path: PathBuf,
        /// How many bytes.
        length: u64,
    },
}

/// The world after the migration. What cannot be read is a problem.
#[derive(Debug)]
pub struct EndState {
    /// The buckets, by name.
    pub buckets: BTreeMap<String, Result<Bucket, String>>,
    /// The ledger's items.
    pub ledger: Result<Vec<Item>, String>,
    /// MogileFS.
    pub mogile: MogileState,
}
