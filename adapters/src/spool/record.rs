//! What one row says, as bytes.

use std::hash::{DefaultHasher, Hasher};
use std::io;

use domain::{ContentType, DownloadName, Sha1, TypeAndName};

/// A file, as records name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) sha1: Sha1,
    pub(super) bucket: u16,
}

impl Key {
    const BYTES: usize = 22;

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..20].copy_from_slice(self.sha1.as_bytes());
        bytes[20..].copy_from_slice(&self.bucket.to_be_bytes());
        bytes
    }
}

/// One row's file, standing and text. In the order of its bytes the first record of a file is the one
/// that counts: of the rows in use, or else of the deleted ones, that which came last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record([u8; Record::BYTES]);

impl Record {
    pub(super) const BYTES: usize = Key::BYTES + 1 + 8 + 8;

    /// A row whose text begins at `offset`. Texts follow each other as the rows come.
    pub(super) fn new(key: Key, in_use: bool, offset: u64, text: &[u8]) -> Self {
        let mut bytes = [0; Self::BYTES];
        bytes[..22].copy_from_slice(&key.to_bytes());
        bytes[22] = u8::from(!in_use);
        bytes[23..31].copy_from_slice(&(!offset).to_be_bytes());
        // Only to see whether texts differ: a chance of one in 2^64 to miss that is none.
        let mut hash = DefaultHasher::new();
        hash.write(text);
        bytes[31..].copy_from_slice(&hash.finish().to_be_bytes());
        Self(bytes)
    }

    pub(super) const fn of(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(self) -> [u8; Self::BYTES] {
        self.0
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.0[..Key::BYTES]
    }

    pub(super) const fn is_in_use(&self) -> bool {
        self.0[22] == 0
    }

    pub(super) fn offset(&self) -> u64 {
        let mut offset = [0; 8];
        offset.copy_from_slice(&self.0[23..31]);
        !u64::from_be_bytes(offset)
    }

    pub(super) fn says_like(&self, other: &Self) -> bool {
        self.0[31..] == other.0[31..]
    }
}

/// The bytes in front of a text: the lengths of the type and of the name.
pub(super) const LENGTHS: usize = 4;

/// A type and a name, each behind its length; a length of nothing where there is none.
pub(super) fn text_of(says: &TypeAndName) -> Vec<u8> {
    let kind = says.content_type.as_ref().map_or("", ContentType::as_str);
    let name = says.download_name.as_ref().map_or("", DownloadName::as_str);
    let length = |text: &str| u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&length(kind)[..], &length(name)[..], kind.as_bytes(), name.as_bytes()].concat()
}

/// The lengths in front of a text.
pub(super) fn lengths(bytes: [u8; LENGTHS]) -> (usize, usize) {
    let [a, b, c, d] = bytes;
    (u16::from_be_bytes([a, b]).into(), u16::from_be_bytes([c, d]).into())
}

/// The type and the name in a text, whose type has so many bytes.
pub(super) fn read(text: &[u8], kind: usize) -> io::Result<TypeAndName> {
    let damaged = || io::Error::other("it was changed by something else");
    let text = std::str::from_utf8(text).map_err(|_| damaged())?;
    let (kind, name) = text.split_at_checked(kind).ok_or_else(damaged)?;
    let content_type = ContentType::parse(kind);
    let download_name = DownloadName::parse(name);
    if content_type.is_none() != kind.is_empty() || download_name.is_none() != name.is_empty() {
        return Err(damaged());
    }
    Ok(TypeAndName { content_type, download_name })
}
