//! One comparison at a time has a state.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// The file of a state, which no other process has while this lives. The operating system ends that when the
/// process ends, however it does.
pub struct LockedFile(File);

/// Why a file could not be had alone.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it.
    Taken,
    /// It cannot be opened or locked.
    Io(io::Error),
}

/// Times that another file may take the place of the one that was just opened: each comparison that ends
/// meanwhile does so once or twice.
const TRIES: u32 = 100;

impl LockedFile {
    /// Opens the file, or makes an empty one, and locks it.
    pub fn open(path: &Path) -> Result<Self, LockError> {
        for _ in 0..TRIES {
            let mut open = OpenOptions::new();
            open.read(true).write(true).create(true).truncate(false);
            let file = open.open(path).map_err(LockError::Io)?;
            lock(&file)?;
            // Its owner may have put another file in its place before it let go of this one.
            if is_at(&file, path).map_err(LockError::Io)? {
                return Ok(Self(file));
            }
        }
        Err(LockError::Taken)
    }

    /// Locks a file that is to take the place of another one.
    pub fn of(file: File) -> io::Result<Self> {
        match lock(&file) {
            Ok(()) => Ok(Self(file)),
            Err(LockError::Taken) => Err(io::ErrorKind::WouldBlock.into()),
            Err(LockError::Io(error)) => Err(error),
        }
    }

    /// Reads what it has.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&self.0).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes all of these, and waits for the disk.
    pub fn write(&self, parts: &[&[u8]]) -> io::Result<()> {
        let mut file = &self.0;
        parts.iter().try_for_each(|part| file.write_all(part))?;
        file.sync_all()
    }
}

/// A process that its owner is just starting has the lock too, until it runs its own program: an owner that let go
/// of it may seem to have it for so long.
const STARTING: [Duration; 5] = [Duration::from_millis(20); 5];

fn lock(file: &File) -> Result<(), LockError> {
    let mut pauses = STARTING.into_iter();
    loop {
        match (file.try_lock(), pauses.next()) {
            (Ok(()), _) => return Ok(()),
            (Err(TryLockError::WouldBlock), Some(pause)) => sleep(pause),
            (Err(TryLockError::WouldBlock), None) => return Err(LockError::Taken),
            (Err(TryLockError::Error(error)), _) => return Err(LockError::Io(error)),
        }
    }
}

/// Whether this file is the one of that name.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let of = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let opened = of(file.metadata()?);
    match std::fs::metadata(path) {
        Ok(named) => Ok(of(named) == opened),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
