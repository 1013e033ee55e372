//! What `smoke` writes by contentrepo's API.

use serde::{Deserialize, Serialize};

/// `smoke` is about to write an object by contentrepo's API. The entry is written before each request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeKey {
    /// The URL of the node's API.
    pub node: String,
    /// The name of the bucket, which is the one in S3.
    pub bucket: String,
    /// The name of the bucket before the cut-over.
    pub bucket_before: String,
    /// The key of the object. It is random: no other object has it.
    pub key: String,
    /// What is asked for.
    pub does: SmokeWrite,
}

/// A request that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmokeWrite {
    /// The object is created.
    Create,
    /// The object is purged. Its row stays.
    Purge,
    /// A word that a later version of this program has written.
    #[serde(other)]
    Other,
}
