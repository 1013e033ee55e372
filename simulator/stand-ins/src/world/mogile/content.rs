//! The bytes of a replica: in memory, or left in a file so that a large corpus is never held whole.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;

/// The most that one chunk of [`Chunks`] holds.
pub const CHUNK_BYTES: usize = 64 << 10;

/// What a replica holds. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Bytes in memory.
    Bytes(Bytes),
    /// The first `length` bytes of a file on disk.
    File {
        /// Where it is.
        path: PathBuf,
        /// How much of it counts; less than there is makes a truncated replica.
        length: u64,
    },
}

impl Content {
    /// The whole of a file on disk.
    pub fn file(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let length = std::fs::metadata(&path)?.len();
        Ok(Self::File { path, length })
    }

    /// Its size in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }

    /// Reads a range of it in chunks; what lies beyond the end is left out.
    pub fn chunks(&self, range: Range<u64>) -> io::Result<Chunks> {
        let end = range.end.min(self.length());
        let start = range.start.min(end);
        Ok(Chunks(match self {
            Self::Bytes(bytes) => {
                let index = |at: u64| usize::try_from(at).unwrap_or(bytes.len());
                Source::Memory(bytes.slice(index(start)..index(end)))
            }
            Self::File { path, .. } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(start))?;
                Source::Disk { file, left: end - start }
            }
        }))
    }

    /// Reads the whole into memory.
    pub fn read(&self) -> io::Result<Bytes> {
        if let Self::Bytes(bytes) = self {
            return Ok(bytes.clone());
        }
        let mut whole = Vec::new();
        for chunk in self.chunks(0..u64::MAX)? {
            whole.extend_from_slice(&chunk?);
        }
        Ok(whole.into())
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&'static str> for Content {
    fn from(text: &'static str) -> Self {
        Self::Bytes(Bytes::from_static(text.as_bytes()))
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

/// The chunks of a range of a [`Content`], none of them empty. After an error comes nothing more.
#[derive(Debug)]
pub struct Chunks(Source);

#[derive(Debug)]
enum Source {
    Memory(Bytes),
    Disk { file: File, left: u64 },
}

impl Chunks {
    /// Whether the next chunk may have to wait for a disk.
    #[must_use]
    pub fn may_block(&self) -> bool {
        matches!(self.0, Source::Disk { .. })
    }
}

impl Iterator for Chunks {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Memory(bytes) if bytes.is_empty() => None,
            Source::Memory(bytes) => Some(Ok(bytes.split_to(bytes.len().min(CHUNK_BYTES)))),
            Source::Disk { left: 0, .. } => None,
            Source::Disk { file, left } => {
                let size = usize::try_from(*left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
                let mut chunk = vec![0; size];
                let read = file.read_exact(&mut chunk);
                *left = if read.is_ok() { *left - size as u64 } else { 0 };
                Some(read.map(|()| chunk.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch_file(name: &str, bytes: &[u8]) -> PathBuf {
        let name = format!("stand-in-content-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn read(content: &Content, range: Range<u64>) -> Vec<u8> {
        content.chunks(range).unwrap().map(Result::unwrap).collect::<Vec<_>>().concat()
    }

    #[test]
    fn memory_and_disk_read_the_same() {
        let bytes: Vec<u8> = (0..=250).cycle().take(CHUNK_BYTES * 2 + 5).collect();
        let path = scratch_file("same", &bytes);
        let length = bytes.len();
        for content in [Content::from(bytes.clone()), Content::file(&path).unwrap()] {
            assert_eq!(content.length(), length as u64);
            assert_eq!(content.read().unwrap(), bytes);
            for range in [0..0, 0..1, 3..length, CHUNK_BYTES..CHUNK_BYTES + 1] {
                let wanted = range.start as u64..range.end as u64;
                assert_eq!(read(&content, wanted), bytes[range]);
            }
            assert_eq!(read(&content, length as u64 - 1..u64::MAX), bytes[length - 1..]);
            assert_eq!(read(&content, u64::MAX..u64::MAX), b"");
            let chunks = content.chunks(0..u64::MAX).unwrap();
            assert!(chunks.map(Result::unwrap).all(|chunk| chunk.len() <= CHUNK_BYTES));
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_shorter_than_promised_is_an_error_and_the_end() {
        let path = scratch_file("short", b"abc");
        let content = Content::File { path: path.clone(), length: 5 };
        let mut chunks = content.chunks(0..5).unwrap();
        assert!(chunks.next().unwrap().is_err());
        assert!(chunks.next().is_none());
        assert!(content.read().is_err());
        let truncated = Content::File { path: path.clone(), length: 2 };
        assert_eq!(truncated.read().unwrap(), "ab");
        std::fs::remove_file(path).unwrap();
    }
}
