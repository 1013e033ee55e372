//! The counts of the types and names that files are given.

use serde::Serialize;

use crate::TypeAndName;

/// What contentrepo's database said of types and names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TypesRead {
    /// Its rows, of every status.
    pub rows: u64,
    /// Files in mapped buckets that its rows refer to.
    pub files: u64,
    /// Files whose rows disagree. The newest one in use counts, or else the newest deleted one.
    pub disagreeing: u64,
    /// Rows whose type no header can carry. They give none.
    pub unusable_types: u64,
    /// Rows whose name no header can carry. They give none.
    pub unusable_names: u64,
    /// The bytes that they take on this machine's disk.
    pub spool_bytes: u64,
}

/// The types and names that a run had from contentrepo's database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TypesSummary {
    /// What the database said.
    #[serde(flatten)]
    pub read: TypesRead,
    /// Files of this run that none of its rows refers to. They get no type and no name.
    pub without_row: u64,
    /// Files that this run gave a type: the objects that it wrote, or the jobs that it sent.
    pub with_type: u64,
    /// Files that this run gave a name.
    pub with_name: u64,
}

impl TypesSummary {
    /// Of what was read, before any file.
    #[must_use]
    pub fn of(read: TypesRead) -> Self {
        Self { read, ..Self::default() }
    }

    /// Counts a file whose object was written, or whose job was sent.
    pub fn add(&mut self, given: &TypeAndName) {
        self.with_type += u64::from(given.content_type.is_some());
        self.with_name += u64::from(given.download_name.is_some());
    }
}
