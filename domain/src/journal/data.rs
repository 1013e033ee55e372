//! Data that is too large for one entry.

use std::fmt;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::Content;
use crate::digest::Sha256;
use crate::limits;

/// One part of some data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// What the data is.
    pub name: String,
    /// The number of this part. The first one is 1.
    pub part: u32,
    /// The number of all parts.
    pub of: u32,
    /// The SHA-256 of the whole data, in hex.
    pub sha256: String,
    /// The bytes of this part.
    pub base64: String,
}

/// Data of the journal cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// A part is not the one that comes next.
    #[error("part {part} of {of} of `{name}` comes where {wanted} belongs")]
    OtherPart {
        /// The name of the data that has come.
        name: String,
        /// The number of its part.
        part: u32,
        /// How many parts it says that there are.
        of: u32,
        /// The part that belongs there.
        wanted: Wanted,
    },
    /// The journal ends before the last part.
    #[error("the journal ends where {wanted} belongs")]
    Incomplete {
        /// The first part that is missing.
        wanted: Wanted,
    },
    /// A part is not in base64.
    #[error("part {part} of `{name}` is not in base64")]
    NotBase64 {
        /// The name of the data.
        name: String,
        /// The part's number.
        part: u32,
    },
    /// All parts are there, and together they are something else.
    #[error("the parts of `{name}` are not what was written: the hash of the whole is another one")]
    OtherContent {
        /// The name of the data.
        name: String,
    },
}

/// The part that belongs at a place of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The name of the data; [`None`] where any may begin.
    pub name: Option<String>,
    /// The number of the part.
    pub part: u32,
    /// The number of all parts; [`None`] where any may begin.
    pub of: Option<u32>,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part {}", self.part)?;
        self.of.map_or(Ok(()), |of| write!(f, " of {of}"))?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " of `{name}`"))
    }
}

impl Data {
    /// Takes data apart into contents of entries, in their order. Data without bytes has one part.
    #[must_use]
    pub fn split(name: &str, bytes: &[u8]) -> Vec<Content> {
        let sha256 = Sha256::of(bytes).to_string();
        let mut parts: Vec<_> = bytes.chunks(limits::JOURNAL_PART_BYTES).collect();
        if parts.is_empty() {
            parts.push(&[]);
        }
        let of = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let data = |(part, bytes): (u32, &[u8])| {
            let (name, sha256) = (name.to_owned(), sha256.clone());
            Content::Data(Self { name, part, of, sha256, base64: BASE64.encode(bytes) })
        };
        (1..).zip(parts).map(data).collect()
    }
}

/// Puts data together again.
#[derive(Debug, Clone, Default)]
pub struct DataReader {
    /// The last part that was taken.
    last: Option<Data>,
    bytes: Vec<u8>,
}

impl DataReader {
    /// Takes the next part. Returns the whole data behind its last part, when it is what was written.
    ///
    /// A first part begins anew: a writer that was killed between two parts writes all of them again.
    /// Data that was begun before and is not whole is dropped.
    pub fn take(&mut self, data: Data) -> Result<Option<Vec<u8>>, DataError> {
        if data.part == 1 {
            *self = Self::default();
        }
        let is_next = match &self.last {
            None => data.part == 1 && data.of >= 1,
            Some(last) => {
                let next = (&last.name, &last.sha256, last.of, last.part + 1);
                (&data.name, &data.sha256, data.of, data.part) == next
            }
        };
        let Data { name, part, of, sha256, base64 } = &data;
        if !is_next {
            let (name, part, of, wanted) = (name.clone(), *part, *of, self.wanted());
            return Err(DataError::OtherPart { name, part, of, wanted });
        }
        let bytes = BASE64.decode(base64.as_bytes());
        let not_base64 = |_| DataError::NotBase64 { name: name.clone(), part: *part };
        self.bytes.extend(bytes.map_err(not_base64)?);
        if part < of {
            self.last = Some(data);
            return Ok(None);
        }
        let whole = std::mem::take(&mut self.bytes);
        self.last = None;
        if Sha256::of(&whole).to_string() != *sha256 {
            return Err(DataError::OtherContent { name: name.clone() });
        }
        Ok(Some(whole))
    }

    /// Ends the reading. Errors with [`DataError::Incomplete`] where parts are missing at the end.
    pub fn finish(self) -> Result<(), DataError> {
        if self.last.is_none() {
            return Ok(());
        }
        Err(DataError::Incomplete { wanted: self.wanted() })
    }

    fn wanted(&self) -> Wanted {
        match &self.last {
            None => Wanted { name: None, part: 1, of: None },
            Some(Data { name, part, of, .. }) => {
                Wanted { name: Some(name.clone()), part: part + 1, of: Some(*of) }
            }
        }
    }
}
