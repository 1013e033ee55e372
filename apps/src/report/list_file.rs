//! Files that a command writes line by line while it works. They never replace a list that is there,
//! and a last line says that they are whole.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain::Sha1;
use serde::{Deserialize, Serialize};

use crate::exit::UsageError;

/// A line waits at most so long for others before it is written, while others come.
const FLUSH_AFTER: Duration = Duration::from_secs(1);

/// The bytes in front of a place by which a list is known again.
const TAIL_BYTES: u64 = 64 * 1024;

/// What an empty list has: its last line alone. Nothing is lost where it is replaced.
const EMPTY: &[u8] = b"# 0 lines\n";

/// A file of lines. The first trouble ends it: nothing is written any more then.
pub struct ListFile {
    path: PathBuf,
    out: BufWriter<File>,
    flushed: Instant,
    lines: u64,
    trouble: Option<io::Error>,
}

/// What became of a list.
#[derive(Debug, Serialize)]
pub struct ListEnd {
    /// Where it is.
    pub file: PathBuf,
    /// Its number of lines, except those that begin with `#`.
    pub lines: u64,
    /// Why it is not complete, if it is not.
    pub trouble: Option<String>,
}

/// How far a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPlace {
    /// Its length.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
    /// The SHA-1 of its last bytes, at most [`TAIL_BYTES`] of them: another file, or one that was sorted or
    /// edited, has other ones.
    pub tail: Sha1,
}

impl ListFile {
    /// Makes the file for this flag. A file that has lines already stays as it is, and is an error: it
    /// may be the only list of what was found before, perhaps the very one that is being fed back.
    pub fn create(flag: &str, path: &Path) -> Result<Self, UsageError> {
        let refused = |why: &dyn Display| refused(flag, path, why);
        let open = OpenOptions::new().read(true).create(true).append(true).open(path);
        // What is only written to, such as a pipe, cannot be opened for both.
        let open = open.or_else(|_| OpenOptions::new().create(true).append(true).open(path));
        let file = open.map_err(|error| refused(&format!("cannot be written: {error}")))?;
        let has_lines = file.metadata().is_ok_and(|file| file.is_file() && file.len() > 0);
        if has_lines && (!is_empty_list(&file) || file.set_len(0).is_err()) {
            return Err(refused(&"has lines already: name another file, or move it away"));
        }
        Ok(Self::of(path, file, 0))
    }

    /// Goes on with the list at a place that it had: what was written behind it is taken away. Errors
    /// where the file does not have so much.
    pub fn resume(flag: &str, path: &Path, place: ListPlace) -> Result<Self, UsageError> {
        let refused = |why: &dyn Display| refused(flag, path, why);
        let open = OpenOptions::new().read(true).append(true).open(path);
        let file = open.map_err(|error| refused(&format!("cannot be continued: {error}")))?;
        let length = file.metadata().map_or(0, |file| file.len());
        if length < place.bytes {
            let why = format!(
                "has {length} bytes, and had {} before: it cannot be continued. Begin anew, with new \
                 files and another --state",
                place.bytes
            );
            return Err(refused(&why));
        }
        let tail = tail_of(&file, place.bytes);
        let tail = tail.map_err(|error| refused(&format!("cannot be continued: {error}")))?;
        if tail != place.tail {
            let why = "is not as the comparison left it: it was changed, or is another file. Put the right one \
                       there, or begin anew, with new files and another --state";
            return Err(refused(&why));
        }
        let cut = file.set_len(place.bytes);
        cut.map_err(|error| refused(&format!("cannot be continued: {error}")))?;
        Ok(Self::of(path, file, place.lines))
    }

    fn of(path: &Path, file: File, lines: u64) -> Self {
        let (path, out) = (path.to_owned(), BufWriter::new(file));
        Self { path, out, flushed: Instant::now(), lines, trouble: None }
    }

    /// Writes a number of lines. Returns whether the file took them.
    pub fn write(
        &mut self,
        lines: u64,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> bool {
        if self.trouble.is_some() {
            return false;
        }
        self.trouble = write(&mut self.out).and_then(|()| self.flush_now_and_then()).err();
        self.lines += lines;
        self.trouble.is_none()
    }

    fn flush_now_and_then(&mut self) -> io::Result<()> {
        if self.flushed.elapsed() >= FLUSH_AFTER {
            self.out.flush()?;
            self.flushed = Instant::now();
        }
        Ok(())
    }

    /// Writes everything to the disk, and returns how far the file is.
    pub fn place(&mut self) -> io::Result<ListPlace> {
        if let Some(trouble) = &self.trouble {
            return Err(io::Error::other(trouble.to_string()));
        }
        if !self.out.get_ref().metadata()?.is_file() {
            let path = self.path.display();
            return Err(io::Error::other(format!("`{path}` is no plain file")));
        }
        self.out.flush()?;
        let file = self.out.get_ref();
        file.sync_data()?;
        let bytes = file.metadata()?.len();
        let tail = tail_of(&File::open(&self.path)?, bytes)?;
        Ok(ListPlace { bytes, lines: self.lines, tail })
    }

    /// Ends a list that others would follow, if its source had not broken off.
    pub fn broken_off(mut self, why: &dyn Display) -> ListEnd {
        self.trouble.get_or_insert_with(|| io::Error::other(why.to_string()));
        self.end()
    }

    /// Ends a list that may be continued, without its last line.
    pub fn pause(mut self) -> ListEnd {
        if self.trouble.is_none() {
            self.trouble = self.out.flush().err();
        }
        self.end()
    }

    /// Writes the last line, which says that the list is whole.
    pub fn finish(mut self) -> ListEnd {
        if self.trouble.is_none() {
            let last = writeln!(self.out, "# {} lines", self.lines);
            self.trouble = last.and_then(|()| self.out.flush()).and_then(|()| self.sync()).err();
        }
        self.end()
    }

    /// Waits for the disk. A pipe has none.
    fn sync(&self) -> io::Result<()> {
        let file = self.out.get_ref();
        if file.metadata()?.is_file() { file.sync_data() } else { Ok(()) }
    }

    fn end(self) -> ListEnd {
        let trouble = self.trouble.map(|error| error.to_string());
        ListEnd { file: self.path, lines: self.lines, trouble }
    }
}

/// The SHA-1 of the last bytes in front of a place.
fn tail_of(file: &File, bytes: u64) -> io::Result<Sha1> {
    let length = bytes.min(TAIL_BYTES);
    let mut tail = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut tail, bytes - length)?;
    Ok(Sha1::of(&tail))
}

/// Errors where two of these flags name one file: each would write over what the other has written.
pub fn require_different(files: &[(&str, Option<PathBuf>)]) -> Result<(), UsageError> {
    let named = files.iter().filter_map(|(flag, path)| Some((*flag, path.as_deref()?)));
    let named: Vec<_> = named.map(|(flag, path)| (flag, path, place_of(path))).collect();
    for (number, (flag, path, place)) in named.iter().enumerate() {
        if let Some((other, ..)) = named[..number].iter().find(|(.., before)| before == place) {
            let why = format!("is the file of {other}, too: name another one");
            return Err(refused(flag, path, &why));
        }
    }
    Ok(())
}

/// The file itself where it exists, by whatever name; else its folder and its name.
fn place_of(path: &Path) -> PathBuf {
    if let Ok(itself) = path.canonicalize() {
        return itself;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new(".")).canonicalize();
    match (folder, path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

fn refused(flag: &str, path: &Path, why: &dyn Display) -> UsageError {
    UsageError(format!("{flag}: `{}` {why}", path.display()))
}

fn is_empty_list(mut file: &File) -> bool {
    let mut begin = [0; EMPTY.len() + 1];
    file.read(&mut begin).is_ok_and(|read| &begin[..read] == EMPTY)
}

/// In one line, and one column of it.
pub fn column(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn two_flags_do_not_name_one_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| Some(folder.path().join(name));
        fs::write(folder.path().join("there"), "a line").expect("written");
        std::os::unix::fs::symlink(folder.path().join("there"), folder.path().join("also"))
            .expect("a link");
        for (one, other, are_different) in [
            (at("a"), at("b"), true),
            (at("a"), at("a"), false),
            (at("a"), at("./a"), false),
            (at("there"), at("also"), false),
            (at("a"), None, true),
        ] {
            let files = [("--list", one.clone()), ("--failures", other.clone())];
            let refused = require_different(&files);
            assert_eq!(refused.is_ok(), are_different, "{one:?} {other:?}");
        }
    }

    #[test]
    fn what_was_listed_before_is_not_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("failures.tsv");
        for nothing in ["", "# 0 lines\n"] {
            fs::write(&path, nothing).expect("written");
            let end = ListFile::create("--failures", &path).expect("nothing to lose").finish();
            assert_eq!((end.lines, end.trouble), (0, None));
            assert_eq!(fs::read(&path).expect("it is there"), EMPTY);
        }
        for lines in ["7\n", "# 0 lines\n7\n", "# 1 lines\n"] {
            fs::write(&path, lines).expect("written");
            let error = ListFile::create("--failures", &path).err().expect("it has lines").0;
            assert!(error.contains("has lines already"), "{error}");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), lines);
        }
        let error = ListFile::create("--failures", folder.path()).err().expect("a folder").0;
        assert!(error.contains("cannot be written"), "{error}");
    }

    #[test]
    fn a_list_goes_on_where_it_was_and_loses_what_came_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        let mut list = ListFile::create("--list", &path).expect("a new file");
        assert!(list.write(1, |out| writeln!(out, "kept")));
        let place = list.place().expect("a place");
        assert!(list.write(1, |out| writeln!(out, "lost")));
        assert_eq!(list.pause().lines, 2);
        let mut list = ListFile::resume("--list", &path, place).expect("it is there");
        assert!(list.write(1, |out| writeln!(out, "new")));
        assert_eq!(list.finish().lines, 2);
        assert_eq!(fs::read_to_string(&path).expect("written"), "kept\nnew\n# 2 lines\n");
        let other = "sort\nnew\n# 2 lines\n";
        fs::write(&path, other).expect("written");
        let error = ListFile::resume("--list", &path, place).err().expect("it was changed").0;
        assert!(error.contains("is not as the comparison left it"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("written"), other, "nothing is cut");
        fs::write(&path, "").expect("written");
        let error = ListFile::resume("--list", &path, place).err().expect("it is shorter").0;
        assert!(error.contains("has 0 bytes, and had 5 before"), "{error}");
    }

    #[test]
    fn a_full_disk_is_said_and_stops_nothing() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let mut list = ListFile::create("--list", full).expect("it opens");
        list.write(1, |out| writeln!(out, "a line"));
        assert!(list.finish().trouble.is_some());
        let mut list = ListFile::create("--list", full).expect("it opens");
        assert!(list.place().is_err(), "it cannot be continued");
    }
}
