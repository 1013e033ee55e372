//! Bytes that wait for a moment: in memory while they are few, else in a file without a name.

use std::io::{self, Seek, Write};
use std::path::Path;

use tempfile::SpooledTempFile;

/// The bytes that are kept in memory.
const IN_MEMORY: usize = 1024 * 1024;

/// Bytes that are written once and then copied.
pub struct Scratch(SpooledTempFile);

impl Scratch {
    /// Begins without any. What memory does not hold goes into this directory.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self(SpooledTempFile::new_in(IN_MEMORY, directory))
    }

    /// Copies all of them to where they belong.
    pub fn copy_to(mut self, out: &mut impl Write) -> io::Result<()> {
        self.0.rewind()?;
        io::copy(&mut self.0, out).map(|_| ())
    }
}

impl Write for Scratch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_come_whether_memory_holds_them_or_not() {
        let directory = tempfile::tempdir().expect("a directory");
        for lines in [0, 3, 200_000] {
            let mut scratch = Scratch::new(directory.path());
            let expected = "a line\n".repeat(lines);
            (0..lines).try_for_each(|_| scratch.write_all(b"a line\n")).expect("room");
            let mut out = Vec::new();
            scratch.copy_to(&mut out).expect("readable");
            assert!(out == expected.as_bytes(), "{lines}");
            assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0);
        }
    }
}
