//! Data that is too large for one entry.

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
    #[error("part {part} of {of} of `{name}` comes where part {wanted} of {wanted_of} belongs")]
    OtherPart {
        /// The name of the data that has come.
        name: String,
        /// Its number.
        part: u32,
        /// Out of this number.
        of: u32,
        /// The number that should have come.
        wanted: u32,
        /// Out of this number.
        wanted_of: u32,
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
    pub fn take(&mut self, data: Data) -> Result<Option<Vec<u8>>, DataError> {
        if data.part == 1 {
            *self = Self::default();
        }
        let (wanted, wanted_of) = match &self.last {
            None => (1, data.of),
            Some(last) => (last.part + 1, last.of),
        };
        let is_of_the_same = self
            .last
            .as_ref()
            .is_none_or(|last| (&last.name, &last.sha256) == (&data.name, &data.sha256));
        let Data { name, part, of, sha256, base64 } = &data;
        if (*part, *of) != (wanted, wanted_of) || !is_of_the_same {
            let (name, part, of) = (name.clone(), *part, *of);
            return Err(DataError::OtherPart { name, part, of, wanted, wanted_of });
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
}
