//! The files of S3's own witness on this machine's disk: the manifests of jobs of S3 Batch Operations, and
//! the reports of these jobs.

mod manifest;
mod report;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use domain::Checksum;
use md5::{Digest, Md5};

pub use self::manifest::{ManifestFile, ManifestWriter, NewFiles, WrittenManifest};
pub use self::report::ReportFolder;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WitnessFileError {
    /// It cannot be read or written.
    #[error("`{}`: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// It is there already.
    #[error("`{}` is there already: name another folder, or move it away", .0.display())]
    Exists(PathBuf),
    /// It is not what it must be.
    #[error("`{}`: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Its bytes are not those that S3 wrote.
    #[error(
        "`{}` is not whole: its MD5 is {found}, and the report's manifest.json says {listed}",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its MD5.
        found: String,
        /// The MD5 that it must have.
        listed: String,
    },
}

impl WitnessFileError {
    fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |cause| Self::Io { path: path.to_owned(), cause }
    }

    fn content(path: &Path, why: impl ToString) -> Self {
        Self::Content { path: path.to_owned(), why: why.to_string() }
    }
}

/// An MD5, by which S3 names the bytes of an object that was written by one request.
pub type Md5Sum = Checksum<16>;

/// Passes a file's bytes on in chunks. Returns the MD5 of all of them.
fn read_hashed(path: &Path, each: &mut dyn FnMut(&[u8])) -> Result<Md5Sum, WitnessFileError> {
    let unread = WitnessFileError::io(path);
    let (mut file, mut md5) = (File::open(path).map_err(&unread)?, Md5::new());
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(Md5Sum::from_bytes(md5.finalize().into())),
            Ok(bytes) => {
                md5.update(&chunk[..bytes]);
                each(&chunk[..bytes]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unread(error)),
        }
    }
}

const CHUNK_BYTES: usize = 256 * 1024;
