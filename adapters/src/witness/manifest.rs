//! The manifests of jobs: a file for each bucket, with a line for each object.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use domain::{S3Bucket, Sha1};
use md5::{Digest, Md5};

use super::{Md5Sum, WitnessFileError};
use crate::sorter::Sorter;

/// Records that are sorted in memory at a time: 21 MiB of them.
const SORTED_AT_ONCE: usize = 1024 * 1024;

/// The number of a bucket, and a SHA-1 from its last byte to its first.
const RECORD_BYTES: usize = 22;

/// Gathers objects, and writes each once.
///
/// In a manifest objects are in the order of the *last* bytes of their SHA-1s. So it is the same for the
/// same files, and neighbours in it are far apart in the bucket: no part of it gets all requests at once.
pub struct ManifestWriter {
    folder: PathBuf,
    buckets: Vec<S3Bucket>,
    sorter: Sorter<RECORD_BYTES>,
}

/// A manifest that is written.
#[derive(Debug, Clone)]
pub struct WrittenManifest {
    /// The bucket of its objects.
    pub bucket: S3Bucket,
    /// Its lines, one for each object.
    pub lines: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Its MD5: its `ETag` in S3 when it is uploaded by one request.
    pub md5: Md5Sum,
}

impl ManifestWriter {
    /// Into this folder, which is made where it is not there.
    pub fn new(folder: &Path) -> Result<Self, WitnessFileError> {
        fs::create_dir_all(folder).map_err(WitnessFileError::io(folder))?;
        let sorter = Sorter::new(folder.to_owned(), SORTED_AT_ONCE);
        Ok(Self { folder: folder.to_owned(), buckets: Vec::new(), sorter })
    }

    /// Adds an object; one that comes again is written once.
    pub fn add(&mut self, bucket: &S3Bucket, sha1: &Sha1) -> Result<(), WitnessFileError> {
        let known = self.buckets.iter().position(|known| known == bucket);
        let number = known.unwrap_or_else(|| {
            self.buckets.push(bucket.clone());
            self.buckets.len() - 1
        });
        let number = u16::try_from(number).map_err(|_| {
            WitnessFileError::content(&self.folder, &"the files are in more than 65,536 buckets")
        })?;
        let mut record = [0; RECORD_BYTES];
        record[..2].copy_from_slice(&number.to_be_bytes());
        record[2..].copy_from_slice(sha1.as_bytes());
        record[2..].reverse();
        self.sorter.push(record).map_err(WitnessFileError::io(&self.folder))
    }

    /// Writes a manifest for each bucket into `files`.
    pub fn write(self, files: &mut NewFiles) -> Result<Vec<WrittenManifest>, WitnessFileError> {
        let unwritten = WitnessFileError::io(&self.folder);
        let mut sorted = self.sorter.sorted().map_err(&unwritten)?.peekable();
        let (mut written, mut last) = (Vec::new(), None);
        for (number, bucket) in self.buckets.iter().enumerate() {
            let number = u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes();
            let mut file = files.begin(&format!("{bucket}.csv"))?;
            let (mut md5, mut lines, mut bytes) = (Md5::new(), 0, 0);
            let is_here = |record: &io::Result<[u8; RECORD_BYTES]>| {
                record.as_ref().map_or(true, |record| record[..2] == number)
            };
            while let Some(record) = sorted.next_if(is_here) {
                let record = record.map_err(&unwritten)?;
                if last.replace(record) == Some(record) {
                    continue;
                }
                let line = line(bucket, &record);
                md5.update(&line);
                file.write_all(line.as_bytes()).map_err(&unwritten)?;
                (lines, bytes) = (lines + 1, bytes + line.len() as u64);
            }
            let file = file.into_inner().map_err(|error| unwritten(error.into_error()))?;
            file.sync_all().map_err(&unwritten)?;
            let md5 = Md5Sum::from_bytes(md5.finalize().into());
            written.push(WrittenManifest { bucket: bucket.clone(), lines, bytes, md5 });
        }
        Ok(written)
    }
}

/// `bucket,key`: the key in it would be URL-encoded, where a SHA-1 in hex had anything to encode (S3 user
/// guide, "Creating an S3 Batch Operations job").
fn line(bucket: &S3Bucket, record: &[u8; RECORD_BYTES]) -> String {
    let mut sha1 = [0; 20];
    sha1.copy_from_slice(&record[2..]);
    sha1.reverse();
    format!("{bucket},{}\n", Sha1::from_bytes(sha1))
}

/// Files that get their names when all of them are whole.
pub struct NewFiles {
    folder: PathBuf,
    /// The name that each has for now, and the one that it will have.
    files: Vec<(PathBuf, PathBuf)>,
}

impl NewFiles {
    /// In this folder.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder, files: Vec::new() }
    }

    /// Errors where the folder has a file of this name.
    pub fn require_new(&self, name: &str) -> Result<(), WitnessFileError> {
        let path = self.folder.join(name);
        if path.symlink_metadata().is_ok() { Err(WitnessFileError::Exists(path)) } else { Ok(()) }
    }

    fn begin(&mut self, name: &str) -> Result<BufWriter<File>, WitnessFileError> {
        self.require_new(name)?;
        let part = self.folder.join(format!("{name}.part"));
        // Another run may be writing here.
        let file = File::options().write(true).create_new(true).open(&part);
        let file = file.map_err(|cause| unpublished(&part, cause))?;
        self.files.push((part, self.folder.join(name)));
        Ok(BufWriter::new(file))
    }

    /// Adds a file with this text.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), WitnessFileError> {
        let file = self.begin(name)?.into_inner().map_err(io::IntoInnerError::into_error);
        let written = file.and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(WitnessFileError::io(&self.folder.join(name)))
    }

    /// Gives all files their names. A file that has appeared meanwhile stays, and is an error.
    pub fn publish(self) -> Result<(), WitnessFileError> {
        for (part, path) in &self.files {
            fs::hard_link(part, path).map_err(|cause| unpublished(path, cause))?;
        }
        let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.map_err(WitnessFileError::io(&self.folder))
    }
}

fn unpublished(path: &Path, cause: io::Error) -> WitnessFileError {
    if cause.kind() == io::ErrorKind::AlreadyExists {
        WitnessFileError::Exists(path.to_owned())
    } else {
        WitnessFileError::Io { path: path.to_owned(), cause }
    }
}

impl Drop for NewFiles {
    fn drop(&mut self) {
        for (part, _) in &self.files {
            // The next run names one that is left.
            let _ = fs::remove_file(part);
        }
    }
}

/// A manifest that a job has read.
#[derive(Debug)]
pub struct ManifestFile {
    path: PathBuf,
    /// The bucket of its objects.
    pub bucket: S3Bucket,
    /// Its lines.
    pub lines: u64,
    /// Its MD5.
    pub md5: Md5Sum,
}

impl ManifestFile {
    /// Reads the whole file: each line must be `bucket,sha1`, of one bucket.
    pub fn open(path: &Path) -> Result<Self, WitnessFileError> {
        let (mut bucket, mut lines, mut md5) = (None, 0, Md5::new());
        read_lines(path, &mut |line, of, _| {
            md5.update(line);
            lines += 1;
            match &bucket {
                None => bucket = S3Bucket::new(of),
                Some(known) if known.as_str() != of => {
                    return Err(format!(
                        "it has lines of `{known}` and of `{of}`: one manifest has one bucket"
                    ));
                }
                Some(_) => {}
            }
            if bucket.is_none() { Err(format!("`{of}` is no bucket's name")) } else { Ok(()) }
        })?;
        let md5 = Md5Sum::from_bytes(md5.finalize().into());
        let bucket = bucket.ok_or_else(|| WitnessFileError::content(path, &"it has no line"))?;
        Ok(Self { path: path.to_owned(), bucket, lines, md5 })
    }

    /// Passes on the SHA-1 of each line. Errors behind the last one where the file has changed since it was
    /// opened: they count for nothing then.
    pub fn each(&self, each: &mut dyn FnMut(&Sha1)) -> Result<(), WitnessFileError> {
        let mut md5 = Md5::new();
        read_lines(&self.path, &mut |line, _, sha1| {
            md5.update(line);
            each(sha1);
            Ok(())
        })?;
        if Md5Sum::from_bytes(md5.finalize().into()) != self.md5 {
            return Err(WitnessFileError::content(&self.path, &"it was changed while it was read"));
        }
        Ok(())
    }
}

/// A line, the bucket that it names, and the SHA-1.
type EachLine<'a> = dyn FnMut(&[u8], &str, &Sha1) -> Result<(), String> + 'a;

fn read_lines(path: &Path, each: &mut EachLine<'_>) -> Result<(), WitnessFileError> {
    let unread = WitnessFileError::io(path);
    let file = File::open(path).map_err(&unread)?;
    let (mut lines, mut line) = (BufReader::with_capacity(256 * 1024, file), Vec::new());
    for number in 1_u64.. {
        line.clear();
        let read = io::Read::take(&mut lines, LONGEST_LINE).read_until(b'\n', &mut line);
        if read.map_err(&unread)? == 0 {
            break;
        }
        let parsed = std::str::from_utf8(&line).ok().and_then(|text| {
            let (bucket, key) = text.strip_suffix('\n')?.split_once(',')?;
            Some((bucket, Sha1::from_hex(key).ok()?))
        });
        let taken = match &parsed {
            Some((bucket, sha1)) => each(&line, bucket, sha1),
            None => {
                Err("it is not `bucket,sha1`, as `mogile2s3 audit manifest` writes it".to_owned())
            }
        };
        taken.map_err(|why| {
            WitnessFileError::content(path, &format_args!("line {number}: {why}"))
        })?;
    }
    Ok(())
}

/// A bucket's name has at most 63 characters, a SHA-1 has 40.
const LONGEST_LINE: u64 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = folder.read_dir().expect("a folder").flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn no_file_takes_the_place_of_another_one() {
        let folder = folder();
        let new = || NewFiles::new(folder.path().to_owned());
        let mut files = new();
        files.add("a", "ours").expect("written");
        // Another run has the same file under way, and does not write into ours.
        let error = new().add("a", "theirs").expect_err("there is one").to_string();
        assert!(error.contains("a.part` is there already"), "{error}");
        // Another one was faster.
        fs::write(folder.path().join("a"), "faster").expect("written");
        let error = files.publish().expect_err("there is one").to_string();
        assert!(error.contains("a` is there already"), "{error}");
        assert_eq!(fs::read_to_string(folder.path().join("a")).expect("a file"), "faster");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn files_appear_when_they_are_published() {
        let folder = folder();
        let mut files = NewFiles::new(folder.path().to_owned());
        files.add("a", "text").expect("written");
        assert_eq!(names(folder.path()), ["a.part"]);
        files.publish().expect("published");
        assert_eq!(names(folder.path()), ["a"]);
        assert_eq!(fs::read_to_string(folder.path().join("a")).expect("a file"), "text");
    }

    #[test]
    fn a_manifest_that_changes_while_it_is_read_is_an_error() {
        let folder = folder();
        let path = folder.path().join("b.csv");
        let line = |content: &[u8]| format!("bucket,{}\n", Sha1::of(content));
        fs::write(&path, line(b"1")).expect("written");
        let manifest = ManifestFile::open(&path).expect("a manifest");
        manifest.each(&mut |_| ()).expect("the same");
        fs::write(&path, line(b"2")).expect("written");
        let error = manifest.each(&mut |_| ()).expect_err("another one").to_string();
        assert!(error.contains("it was changed"), "{error}");
    }
}
