//! Checksums of content: fixed-size values that are parsed once, and a hasher for content that
//! comes in chunks.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha1::Digest as _;

use crate::ByteCount;

/// A checksum of `N` bytes. It is displayed as lower-case hex and parsed from lower-case hex only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checksum<const N: usize>([u8; N]);

/// A SHA-1, by which MogileFS keys and final S3 keys name the content.
pub type Sha1 = Checksum<20>;

/// An MD5, which clients of S3 compare with an `ETag`. It proves nothing here.
pub type Md5 = Checksum<16>;

/// A SHA-256, which chains the entries of the journal.
pub type Sha256 = Checksum<32>;

/// The error for a text that is no checksum of the wanted size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {bytes} bytes in {encoding}")]
pub struct ChecksumError {
    text: String,
    bytes: usize,
    encoding: &'static str,
}

impl<const N: usize> Checksum<N> {
    /// Wraps the raw bytes of a checksum.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Returns the raw bytes of the checksum.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }

    /// Parses exactly `2 N` lower-case hex digits. Upper case is an error, since it would be
    /// another key in S3.
    pub fn from_hex(text: &str) -> Result<Self, ChecksumError> {
        Self::decoded(HEXLOWER.decode(text.as_bytes()), text, "lower-case hex")
    }

    /// Parses canonical base64 with padding, as S3 writes checksums (20 bytes: 28 characters). A
    /// composite checksum (`…-3`) is an error, since it is no checksum of the content.
    pub fn from_base64(text: &str) -> Result<Self, ChecksumError> {
        Self::decoded(BASE64.decode(text.as_bytes()), text, "base64")
    }

    /// Writes the checksum in base64 with padding, the form that S3 expects.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64.encode(&self.0)
    }

    fn decoded<E>(
        bytes: Result<Vec<u8>, E>,
        text: &str,
        encoding: &'static str,
    ) -> Result<Self, ChecksumError> {
        bytes.ok().and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(|| ChecksumError {
            text: text.to_owned(),
            bytes: N,
            encoding,
        })
    }
}

impl Sha1 {
    /// Computes the SHA-1 of content that is in memory as a whole.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(sha1::Sha1::digest(content).into())
    }
}

impl Sha256 {
    /// Computes the SHA-256 of content that is in memory as a whole.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(sha2::Sha256::digest(content).into())
    }
}

/// Hashes bytes that come in pieces of any size.
#[derive(Debug, Clone, Default)]
pub struct Sha256Hasher(sha2::Sha256);

impl Sha256Hasher {
    /// Hashes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the SHA-256 of all pieces together.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        Checksum(self.0.finalize().into())
    }
}

/// As lower-case hex.
impl<const N: usize> Serialize for Checksum<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Checksum<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::from_hex(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

impl<const N: usize> fmt::Display for Checksum<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Checksum<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The digests and the length of content that was hashed to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentDigests {
    /// The SHA-1 of all bytes.
    pub sha1: Sha1,
    /// Their MD5, where the hasher was made [`with_md5`](ContentHasher::with_md5).
    pub md5: Option<Md5>,
    /// The number of bytes.
    pub length: ByteCount,
}

/// Hashes content that comes in chunks of any size.
#[derive(Debug, Clone, Default)]
pub struct ContentHasher {
    sha1: sha1::Sha1,
    md5: Option<md5::Md5>,
    length: u64,
}

impl ContentHasher {
    /// A hasher that also computes the MD5, which takes three times as long as the SHA-1.
    #[must_use]
    pub fn with_md5() -> Self {
        Self { md5: Some(md5::Md5::default()), ..Self::default() }
    }

    /// Hashes the next chunk of the content.
    pub fn update(&mut self, chunk: &[u8]) {
        self.sha1.update(chunk);
        if let Some(md5) = &mut self.md5 {
            md5.update(chunk);
        }
        self.length += chunk.len() as u64;
    }

    /// Returns the number of bytes hashed so far.
    #[must_use]
    pub const fn length(&self) -> ByteCount {
        ByteCount(self.length)
    }

    /// Returns the digests of all chunks together.
    #[must_use]
    pub fn finish(self) -> ContentDigests {
        ContentDigests {
            sha1: Checksum(self.sha1.finalize().into()),
            md5: self.md5.map(|md5| Checksum(md5.finalize().into())),
            length: ByteCount(self.length),
        }
    }

    /// Computes the digests of content that is in memory as a whole.
    #[must_use]
    pub fn of(content: &[u8]) -> ContentDigests {
        let mut hasher = Self::default();
        hasher.update(content);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_digests_of_known_content() {
        let empty = ContentHasher::of(b"");
        assert_eq!(empty.sha1.to_string(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(empty.sha1.to_base64(), "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
        let abc = ContentHasher::of(b"abc");
        assert_eq!(abc.sha1.to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(abc.md5, None);
        let mut with_md5 = ContentHasher::with_md5();
        with_md5.update(b"ab");
        with_md5.update(b"c");
        let digests = with_md5.finish();
        let md5 = digests.md5.expect("it was wanted").to_string();
        assert_eq!(md5, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!((digests.sha1, digests.length), (abc.sha1, abc.length));
    }

    #[test]
    fn near_misses_are_no_checksums() {
        for text in [
            "",
            "da39a3ee5e6b4b0d3255bfef95601890afd8070",
            "da39a3ee5e6b4b0d3255bfef95601890afd807099",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "da39a3ee5e6b4b0d3255bfef95601890afd8070g",
            " da39a3ee5e6b4b0d3255bfef95601890afd80709",
        ] {
            assert!(Sha1::from_hex(text).is_err(), "`{text}` is no SHA-1 in hex");
        }
        for text in ["", "2jmj7l5rSw0yVb/vlWAYkK/YBwk", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=-3", "MQ=="] {
            assert!(Sha1::from_base64(text).is_err(), "`{text}` is no SHA-1 in base64");
        }
    }

    proptest! {
        #[test]
        fn hex_and_base64_bring_every_checksum_back(bytes: [u8; 20]) {
            let sha1 = Sha1::from_bytes(bytes);
            prop_assert_eq!(Sha1::from_hex(&sha1.to_string()), Ok(sha1));
            prop_assert_eq!(Sha1::from_base64(&sha1.to_base64()), Ok(sha1));
        }

        #[test]
        fn any_text_is_parsed_or_refused_and_what_is_parsed_is_canonical(text in "\\PC{0,48}") {
            if let Ok(sha1) = Sha1::from_hex(&text) {
                prop_assert_eq!(sha1.to_string(), text.clone());
            }
            if let Ok(sha1) = Sha1::from_base64(&text) {
                prop_assert_eq!(sha1.to_base64(), text);
            }
        }

        #[test]
        fn streamed_hashing_equals_one_shot_under_any_chunking(
            content in prop::collection::vec(any::<u8>(), 0..4096),
            cuts in prop::collection::vec(0usize..4096, 0..16),
        ) {
            let mut hasher = ContentHasher::default();
            let mut rest = content.as_slice();
            for cut in cuts {
                let (chunk, tail) = rest.split_at(cut.min(rest.len()));
                hasher.update(chunk);
                rest = tail;
            }
            hasher.update(rest);
            let digests = hasher.finish();
            prop_assert_eq!(digests, ContentHasher::of(&content));
            prop_assert_eq!(digests.length, ByteCount(content.len() as u64));
        }
    }
}
