//! Looks whether the index and the trackers have a file as it was seen.

use super::elsewhere::NO_PREFIX;
use crate::ports::{Clock, IndexError, SourceFiles, SourceIndex};
use crate::retried::retried;
use crate::retry::backoff;
use crate::summary::Stopped;
use crate::{Fid, Reason, SourceError};

/// How a file is found by its fid and its key.
pub(super) enum Look {
    /// As a listing saw it.
    AsSeen,
    /// It has another key by now, or is gone.
    Changed,
    /// The index has it as it was seen, and the trackers have not.
    Disagreement,
    /// It cannot be looked up, for this reason, while others can.
    Unknown(String),
}

/// Why something could not be seen.
pub(crate) enum Unseen {
    /// For a reason of its own: the system answers otherwise.
    Alone(String),
    /// Nothing can be seen now.
    All(Stopped),
}

impl From<Stopped> for Unseen {
    fn from(stopped: Stopped) -> Self {
        Self::All(stopped)
    }
}

/// Looks before the index and the trackers are said to disagree.
const LOOKS: u32 = 3;

/// Looks files up.
#[derive(Clone, Copy)]
pub(crate) struct Looker<'a> {
    pub(crate) index: &'a dyn SourceIndex,
    pub(crate) files: &'a dyn SourceFiles,
    pub(crate) clock: &'a dyn Clock,
}

impl Looker<'_> {
    /// Whether the index and the trackers still have this fid under this very key. The index gives the
    /// key byte for byte; a tracker compares keys as its database does, usually without regard to case,
    /// and is asked for the fid that it would delete.
    pub(super) async fn look(&self, fid: Fid, key: &str) -> Result<Look, Stopped> {
        for attempt in 1..=LOOKS {
            let row = retried(self.clock, fid.0, || self.index.row(fid)).await;
            match row {
                Ok(Some(row)) if row.dkey.as_deref() == Some(key) => {}
                Ok(_) => return Ok(Look::Changed),
                Err(error @ IndexError::UnreadableRow { .. }) => {
                    return Ok(Look::Unknown(error.to_string()));
                }
                Err(error) => return Err(Stopped::Trouble(Reason::from(&error))),
            }
            match self.fid_of(key).await {
                Ok(found) if found == Some(fid) => return Ok(Look::AsSeen),
                Ok(_) => {}
                Err(Unseen::Alone(why)) => return Ok(Look::Unknown(why)),
                Err(Unseen::All(stopped)) => return Err(stopped),
            }
            // It may have been renamed between the two.
            if attempt < LOOKS {
                self.clock.sleep(backoff(attempt, fid.0)).await;
            }
        }
        Ok(Look::Disagreement)
    }

    /// The fid that the trackers have under a key. A tracker dies of a row of a class that nobody has
    /// registered, as it does without its database: whether it gives others shows which of the two it is.
    pub(crate) async fn fid_of(&self, key: &str) -> Result<Option<Fid>, Unseen> {
        let error = match self.ask(key).await {
            Ok(fid) => return Ok(fid),
            Err(error) => Reason::from(&error),
        };
        Err(match self.ask(NO_PREFIX).await {
            Ok(_) => Unseen::Alone(error.detail),
            Err(_) => Unseen::All(Stopped::Trouble(error)),
        })
    }

    pub(super) async fn ask(&self, key: &str) -> Result<Option<Fid>, SourceError> {
        retried(self.clock, 0, || self.files.fid_of(key)).await
    }
}
