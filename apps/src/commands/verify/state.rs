//! `--state`: a file with which a comparison goes on where an earlier one ended.

mod lock;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use adapters::clock::SystemClock;
use domain::ports::Clock;
use domain::verify::{StateKeeper, VerifyState};
use domain::{BucketMap, Sha1, Timestamp};
use serde::{Deserialize, Serialize};

use self::lock::{LockError, LockedFile};
use crate::exit::UsageError;
use crate::report::list_file::ListPlace;
use crate::report::verify::{StateEnd, VerifyList};

/// The first words of the file. Another number is another format.
const FORMAT: &str = "mogile2s3-verify-state 1";

/// At most so often a state is written, and never for more than a twentieth of the time.
const EVERY: Duration = Duration::from_secs(5);
const TIMES: u32 = 20;

/// What was compared, as text by setting. A comparison with other settings is another one.
pub type StateSettings = BTreeMap<String, String>;

/// The first line behind the format. The state is behind it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Header {
    settings: StateSettings,
    begun: Timestamp,
    /// The last entry of the journal when the first run began. A file of an earlier version has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    /// When it was continued.
    continued: Vec<Timestamp>,
    /// When it came to its end.
    ended: Option<Timestamp>,
    /// How far each list is.
    lists: BTreeMap<String, ListPlace>,
}

/// A state as it was found, or the begin of a new one.
pub struct StateFile {
    path: PathBuf,
    locked: LockedFile,
    header: Header,
    json: Vec<u8>,
    is_found: bool,
}

impl StateFile {
    /// The file beside a state's that is written before it takes its place.
    pub fn anew(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        PathBuf::from(name)
    }

    /// Reads the file, or begins a new state where there is none. No other comparison can have it as long as
    /// this one does. Errors where another one has it, and where the file is no state, or that of a comparison
    /// that has come to its end.
    pub fn open(path: &Path) -> Result<Self, UsageError> {
        let now = SystemClock.now();
        let refused = |why: &dyn Display| refused(path, why);
        let locked = LockedFile::open(path).map_err(|error| match error {
            LockError::Taken => refused(
                &"is the state of a comparison that runs now: wait for its end, or begin another one with \
                  another file and other lists",
            ),
            LockError::Io(error) => {
                refused(&format!("cannot be opened and locked for this comparison alone: {error}"))
            }
        })?;
        let bytes = locked.read();
        let bytes = bytes.map_err(|error| refused(&format!("cannot be read: {error}")))?;
        let (path, is_found) = (path.to_owned(), !bytes.is_empty());
        if !is_found {
            let header = Header {
                settings: StateSettings::new(),
                begun: now,
                from: None,
                continued: Vec::new(),
                ended: None,
                lists: BTreeMap::new(),
            };
            return Ok(Self { path, locked, header, json: Vec::new(), is_found });
        }
        let (header, json) = read_state(&bytes).map_err(|why| refused(&why))?;
        if let Some(ended) = header.ended {
            let why = format!(
                "is of a comparison that came to its end at {ended}: there is nothing to continue, and it \
                 says nothing of today. Begin a new one with another file"
            );
            return Err(refused(&why));
        }
        let mut state = Self { path, locked, header, json, is_found };
        state.header.continued.push(now);
        Ok(state)
    }

    /// A setting of the comparison that is continued.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.header.settings.get(name).map(String::as_str)
    }

    /// Where a list goes on; [`None`] for a new comparison.
    pub fn place(&self, flag: &str) -> Option<ListPlace> {
        self.header.lists.get(flag).copied()
    }

    /// Takes the settings of this run. Errors with those that the comparison was not begun with.
    pub fn agree(&mut self, settings: StateSettings) -> Result<(), UsageError> {
        if !self.is_found {
            self.header.settings = settings;
            return Ok(());
        }
        let before = &self.header.settings;
        let names = before.keys().chain(settings.keys().filter(|name| !before.contains_key(*name)));
        let of = |all: &StateSettings, name: &String| {
            all.get(name).cloned().unwrap_or_else(|| "nothing".to_owned())
        };
        let differing = names.filter(|name| before.get(*name) != settings.get(*name));
        let words: Vec<_> = differing
            .map(|name| {
                format!("{name} was `{}` and is `{}`", of(before, name), of(&settings, name))
            })
            .collect();
        if words.is_empty() {
            return Ok(());
        }
        let why = format!(
            "is of a comparison with other settings: {}. Continue it with its own, or begin a new one with \
             another file",
            words.join("; ")
        );
        Err(refused(&self.path, &why))
    }

    /// The last entry of the journal when the comparison was begun: `now` for a new one. What was compared then is
    /// not compared again, and so a comparison that goes on has the begin of its first run.
    pub const fn first_begin(&mut self, now: Option<u64>) -> Option<u64> {
        if !self.is_found {
            self.header.from = now;
        }
        self.header.from
    }

    /// The state to go on from; [`None`] where nothing is done.
    pub fn state(&self, buckets: &BucketMap) -> Result<Option<VerifyState>, UsageError> {
        if self.json.is_empty() {
            return Ok(None);
        }
        let state = VerifyState::read(&self.json, buckets);
        state.map(Some).map_err(|why| refused(&self.path, &damaged(&why)))
    }

    /// Begins to keep the state, of which `ranges` are done, with the places of these lists. Errors where
    /// the file cannot be written: better now than in an hour.
    pub fn keep(self, lists: Vec<&VerifyList>, ranges: u64) -> Result<Keeper<'_>, UsageError> {
        let Self { path, locked, header, json, .. } = self;
        let (kept_at, took, trouble) = (Instant::now(), Duration::ZERO, None);
        let inner = Inner { header, locked, kept_at, took, trouble, ranges };
        let keeper = Keeper { path, lists, ranges_before: ranges, inner: Mutex::new(inner) };
        let written = keeper.write(&mut keeper.inner(), &json);
        written.map_err(|error| refused(&keeper.path, &format!("cannot be written: {error}")))?;
        Ok(keeper)
    }
}

/// Writes states into the file, each in place of the one before.
pub struct Keeper<'a> {
    path: PathBuf,
    lists: Vec<&'a VerifyList>,
    ranges_before: u64,
    inner: Mutex<Inner>,
}

struct Inner {
    header: Header,
    /// The file that was written last.
    locked: LockedFile,
    kept_at: Instant,
    took: Duration,
    /// Why the last state could not be written.
    trouble: Option<String>,
    ranges: u64,
}

impl Keeper<'_> {
    /// Says what became of the file, and gives what notes the end of the comparison in it.
    pub fn finish(self) -> (StateEnd, KeptState) {
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        let end = StateEnd {
            file: self.path.clone(),
            begun: inner.header.begun,
            continued: inner.header.continued.clone(),
            ranges_before: self.ranges_before,
            ranges_kept: inner.ranges,
            trouble: inner.trouble,
        };
        (end, KeptState { path: self.path, header: inner.header, locked: inner.locked })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, inner: &mut Inner, json: &[u8]) -> io::Result<()> {
        // The lists first: a state must not name lines that are not there.
        let place = |list: &&VerifyList| Ok((list.flag().to_owned(), list.place()?));
        inner.header.lists = self.lists.iter().map(place).collect::<io::Result<_>>()?;
        write(&self.path, &inner.header, json, &mut inner.locked)
    }
}

/// A state behind a comparison. Until it is dropped no other comparison has it.
pub struct KeptState {
    path: PathBuf,
    header: Header,
    locked: LockedFile,
}

impl KeptState {
    /// Notes that the comparison has come to its end. Call this when its report is printed and its lists are
    /// closed: a comparison that is killed before goes on, and says everything once more.
    pub fn end(mut self) -> io::Result<()> {
        self.header.ended = Some(SystemClock.now());
        write(&self.path, &self.header, &[], &mut self.locked)
    }
}

impl StateKeeper for Keeper<'_> {
    fn is_due(&self) -> bool {
        let inner = self.inner();
        inner.kept_at.elapsed() >= EVERY.max(inner.took.saturating_mul(TIMES))
    }

    fn keep(&self, state: &VerifyState) {
        let mut inner = self.inner();
        let begun = Instant::now();
        match self.write(&mut inner, &state.write()) {
            Ok(()) => (inner.trouble, inner.ranges) = (None, state.ranges_done()),
            Err(error) => inner.trouble = Some(error.to_string()),
        }
        (inner.took, inner.kept_at) = (begun.elapsed(), Instant::now());
    }
}

/// Writes a state in place of the one before, which is there or the other one, whatever happens. The new
/// file is locked before it has the name, and takes the place of `before` when it has it.
fn write(path: &Path, header: &Header, json: &[u8], before: &mut LockedFile) -> io::Result<()> {
    let mut content = serde_json::to_vec(header)?;
    content.push(b'\n');
    content.extend_from_slice(json);
    let first = format!("{FORMAT} {}\n", Sha1::of(&content));
    let new = StateFile::anew(path);
    let locked = LockedFile::of(File::create(&new)?)?;
    locked.write(&[first.as_bytes(), &content])?;
    fs::rename(&new, path)?;
    *before = locked;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// The header and the state behind it.
fn read_state(bytes: &[u8]) -> Result<(Header, Vec<u8>), String> {
    let line = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n');
    let end = line(bytes).unwrap_or(bytes.len());
    let (first, content) = bytes.split_at(end);
    let first = String::from_utf8_lossy(first);
    let Some((format, digest)) = first.rsplit_once(' ') else {
        return Err("is no state of `verify`: name another file".to_owned());
    };
    if format != FORMAT {
        let is_ours = format.starts_with("mogile2s3-verify-state ");
        return Err(if is_ours {
            "was written by another version of this tool: go on with that one, or begin anew with \
             another file"
                .to_owned()
        } else {
            "is no state of `verify`: name another file".to_owned()
        });
    }
    let content = content.get(1..).unwrap_or_default();
    if Sha1::of(content).to_string() != digest {
        return Err(damaged(&"its checksum is wrong"));
    }
    let end = line(content).ok_or_else(|| damaged(&"it has no header"))?;
    let header = serde_json::from_slice(&content[..end]).map_err(|error| damaged(&error))?;
    Ok((header, content[end + 1..].to_vec()))
}

fn damaged(why: &dyn Display) -> String {
    format!("is damaged ({why}): begin a new comparison with another file, and with new lists")
}

fn refused(path: &Path, why: &dyn Display) -> UsageError {
    UsageError(format!("--state: `{}` {why}", path.display()))
}

#[cfg(test)]
mod tests;
