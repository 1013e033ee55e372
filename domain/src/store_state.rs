//! What a store and its clients' databases hold at a moment, as few numbers that show each change of their
//! content: the evidence of a freeze.

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Sha256;
use crate::server_ids::ServerIds;
use crate::{ByteCount, Fid, IndexRow};

/// A digest of rows that does not depend on their order: the number of rows, and the sum of a hash of
/// each, modulo 2^128.
///
/// A row counts with its fid, its key and its length. What MogileFS changes by itself, such as the number
/// of replicas, does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsDigest {
    /// The number of rows.
    pub rows: u64,
    /// The sum of their hashes.
    sum: Sum,
}

/// Displayed as 32 hex digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum(u128);

impl RowsDigest {
    /// Adds a row.
    pub fn add(&mut self, row: &IndexRow) {
        self.add_bytes(&Self::bytes(row.fid, row.dkey.as_deref(), row.length));
    }

    /// Adds the rows of another digest, which has none of these.
    pub const fn absorb(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum = Sum(self.sum.0.wrapping_add(other.sum.0));
    }

    /// Takes away a row that was added. The digest is then that of the rows that are left.
    pub fn remove(&mut self, fid: Fid, dkey: Option<&str>, length: Option<ByteCount>) {
        let half = half_of_hash(&Self::bytes(fid, dkey, length));
        self.rows = self.rows.saturating_sub(1);
        self.sum = Sum(self.sum.0.wrapping_sub(half));
    }

    fn bytes(fid: Fid, dkey: Option<&str>, length: Option<ByteCount>) -> Vec<u8> {
        // The lengths of the parts stand in front of them: no two rows have the same bytes.
        let mut bytes = fid.0.to_be_bytes().to_vec();
        let number = |number: Option<u64>| {
            number.map_or(vec![0], |it| [&[1], &it.to_be_bytes()[..]].concat())
        };
        bytes.extend(number(length.map(|length| length.0)));
        bytes.extend(number(dkey.map(|key| key.len() as u64)));
        bytes.extend(dkey.unwrap_or_default().as_bytes());
        bytes
    }

    /// Adds a row that cannot be read: only its fid is known.
    pub fn add_unreadable(&mut self, fid: Fid) {
        self.add_bytes(&[&fid.0.to_be_bytes()[..], b"?"].concat());
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        self.rows += 1;
        self.sum = Sum(self.sum.0.wrapping_add(half_of_hash(bytes)));
    }
}

fn half_of_hash(bytes: &[u8]) -> u128 {
    let hash = Sha256::of(bytes);
    hash.as_bytes().iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

impl fmt::Display for RowsDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} rows, digest {:032x}", self.rows, self.sum.0)
    }
}

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        let bytes: Option<[u8; 16]> = bytes.and_then(|bytes| bytes.try_into().ok());
        let wrong =
            || serde::de::Error::custom(format!("`{text}` is not 16 bytes in lower-case hex"));
        Ok(Self(u128::from_be_bytes(bytes.ok_or_else(wrong)?)))
    }
}

/// What a store and its clients hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreState {
    /// The MogileFS domain.
    pub domain: String,
    /// The databases of MogileFS, contentrepo and rhino, in this order: host, port and name.
    #[serde(default)]
    pub servers: Vec<String>,
    /// The ids of the servers of these databases, in the same order. A freeze of an older form has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_ids: Vec<ServerIds>,
    /// The mapped buckets, which say what is content: `old:new`, ascending.
    pub buckets: Vec<String>,
    /// The rows of mapped buckets.
    pub content: RowsDigest,
    /// All other rows of the domain: unfinished uploads, ignored buckets, and what has no bucket.
    pub other: RowsDigest,
    /// The highest fid of all domains.
    pub highest_fid: Option<Fid>,
    /// The number of uploads under way, of all domains.
    #[serde(default)]
    pub uploads: u64,
    /// contentrepo's table `objects`.
    pub contentrepo: ClientState,
    /// rhino's table `articleFile`.
    pub rhino: ClientState,
    /// contentrepo's nodes, where they were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeCounters>,
}

/// What a node of contentrepo has counted since it started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCounters {
    /// Its API's URL.
    pub url: String,
    /// When it started, in its own words.
    pub started: String,
    /// The writes since then (`writesSinceStart`).
    pub writes: u64,
}

impl NodeCounters {
    /// Whether the node has written since it counted `before`. One that started anew has forgotten what
    /// it wrote before its start.
    #[must_use]
    pub fn wrote_since(&self, before: &Self) -> bool {
        if self.started == before.started { self.writes != before.writes } else { self.writes > 0 }
    }
}

/// How far a client's table has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientState {
    /// The highest row id, in decimal digits; [`None`] of an empty table.
    pub last: Option<String>,
    /// The number of rows: contentrepo's by status, and rhino's all together.
    pub rows: BTreeMap<String, u64>,
}

/// A freeze, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// How writes were stopped, in the operator's words.
    pub means: String,
    /// For this long, in seconds, nothing moved.
    pub window_seconds: u64,
    /// What the store and its clients hold.
    pub state: StoreState,
}

/// A difference between two states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateChange {
    /// Another domain, bucket map, database or database server: nothing else can be compared.
    Settings,
    /// Rows of mapped buckets were added, deleted or changed.
    Content,
    /// Other rows of the domain were added, deleted or changed.
    OtherRows,
    /// MogileFS stored a file, of whatever domain: its highest fid rose.
    FileStored,
    /// The file of the highest fid was deleted.
    LastFileDeleted,
    /// An upload is under way.
    Uploads,
    /// Rows of contentrepo's table `objects` were added or deleted, or got another status.
    Contentrepo,
    /// Rows of rhino's table `articleFile` were added or deleted.
    Rhino,
    /// A node of contentrepo has written. Nodes that were not asked both times are not compared.
    NodeWrites,
}

impl StateChange {
    /// Whether it breaks a freeze. Other rows of MogileFS may be deleted: nothing of them migrates.
    #[must_use]
    pub const fn breaks_a_freeze(&self) -> bool {
        match self {
            Self::Settings
            | Self::Content
            | Self::FileStored
            | Self::Uploads
            | Self::Contentrepo
            | Self::Rhino
            | Self::NodeWrites => true,
            Self::OtherRows | Self::LastFileDeleted => false,
        }
    }
}

impl StoreState {
    /// Whether both are of the same domain, buckets, databases and servers.
    #[must_use]
    pub fn has_settings_of(&self, other: &Self) -> bool {
        let settings =
            |state: &Self| (state.domain.clone(), state.buckets.clone(), state.servers.clone());
        settings(self) == settings(other) && self.other_servers_than(other).is_empty()
    }

    /// The databases that another server has now by the same name, with its ids of before and of now. Only ids that
    /// both states have are compared.
    #[must_use]
    pub fn other_servers_than<'a>(
        &'a self,
        before: &'a Self,
    ) -> Vec<(&'a str, &'a ServerIds, &'a ServerIds)> {
        let names = self.servers.iter().zip(&before.servers);
        let ids = before.server_ids.iter().zip(&self.server_ids);
        let both = names.zip(ids).filter(|((now, before), _)| now == before);
        let other = both.filter(|(_, (before, now))| !before.may_be_of_one(now));
        other.map(|((server, _), (before, now))| (server.as_str(), before, now)).collect()
    }

    fn node_wrote_since(&self, before: &Self) -> bool {
        self.nodes.iter().any(|now| {
            let then = before.nodes.iter().find(|then| then.url == now.url);
            then.is_some_and(|then| now.wrote_since(then))
        })
    }

    /// What is not as it was `before`.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<StateChange> {
        if !self.has_settings_of(before) {
            return vec![StateChange::Settings];
        }
        let changes = [
            (StateChange::Content, self.content != before.content),
            (StateChange::OtherRows, self.other != before.other),
            (StateChange::FileStored, self.highest_fid > before.highest_fid),
            (StateChange::LastFileDeleted, self.highest_fid < before.highest_fid),
            (StateChange::Uploads, self.uploads > before.uploads),
            (StateChange::Contentrepo, self.contentrepo != before.contentrepo),
            (StateChange::Rhino, self.rhino != before.rhino),
            (StateChange::NodeWrites, self.node_wrote_since(before)),
        ];
        changes.into_iter().filter_map(|(change, is_there)| is_there.then_some(change)).collect()
    }
}

#[cfg(test)]
mod tests;
