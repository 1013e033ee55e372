//! What the journal keeps of files that no replica can give any more.

use serde::{Deserialize, Serialize};

use crate::Fid;

/// A file that an operator has accepted as lost, or a row that names no content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedFile {
    /// The file's number.
    pub fid: Fid,
    /// Its key, byte for byte; [`None`] where its row has none.
    pub key: Option<String>,
    /// [`MISSING`](Self::MISSING) for a file, else the reason for which its row is rejected.
    pub class: String,
    /// Every replica that was tried, in the order of the devices.
    pub replicas: Vec<TriedReplica>,
}

impl AcceptedFile {
    /// The class of a file whose content no replica gives.
    pub const MISSING: &'static str = "missing";
}

/// A replica, and what came of reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedReplica {
    /// Its URL, or the name of its device where the trackers give no URL.
    pub replica: String,
    /// The number of its device, where that is known.
    pub device: Option<u64>,
    /// What came of it.
    pub found: Found,
    /// The same in words.
    pub why: String,
}

/// What came of reading a replica that did not give the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// It was read to its end, and is other content than the key names.
    OtherContent,
    /// The storage node answers that it does not have it, or does not give as much as it announces.
    NotThere,
    /// It could not be asked. Nothing is known of its content.
    NotAsked,
    /// Something that a later version of this program has written.
    #[serde(other)]
    Other,
}
