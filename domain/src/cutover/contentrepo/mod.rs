//! contentrepo's cut-over and its way back: the names of about ten buckets, changed in one transaction.

mod back;
mod backing;
mod forth;
mod plan;
mod settle;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use back::{RepoBackup, RepoRevert, RepoRevertSeen, look_back, revert_contentrepo};
pub use forth::{RepoCutover, cut_over_contentrepo};
pub use plan::{RepoPlan, RepoRefusal, plan_contentrepo};
pub use settle::UnfitRow;

use super::current::UnreadableJournal;
use crate::journal::{BackupSeal, ClientDatabase, Content, Direction, NameRename};
use crate::ports::{
    BackupError, BucketRename, ChangeError, Clock, ContentRepoChanges, ContentRepoDatabase,
    DatabaseError, Hindrance, Journal, RowId,
};
use crate::runbook::{JournalTrouble, JournalWriter};

/// What a change of contentrepo's names reaches.
pub struct RepoPorts {
    /// The database that is changed: a replica would show a change too late.
    pub content_repo: Arc<dyn ContentRepoDatabase>,
    /// The same database.
    pub changes: Arc<dyn ContentRepoChanges>,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepoEnd {
    /// Every bucket bears the name that it was to get, and the journal says so.
    Done(RepoDone),
    /// Nothing was changed, and this stands in the way.
    Refused(Vec<RepoRefusal>),
    /// The change was begun, and rows stand in the way of it. No name was changed by it.
    Hindered(Vec<Hindrance>),
    /// Rows bear neither the old nor the new name, or some the old and others the new.
    Unfit(Vec<UnfitRow>),
    /// An operator asked to stop. The entry of this number says that the change was begun.
    Interrupted {
        /// [`None`] where nothing was begun.
        begun: Option<u64>,
    },
}

/// A change that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoDone {
    /// The buckets with their names before and behind the cut-over.
    pub renames: Vec<NameRename>,
    /// The number of the entry that says that it is done.
    pub entry: u64,
    /// Whether the journal said so before.
    pub was_done: bool,
    /// The backup of the names before the cut-over, where there is one.
    pub backup: Option<BackupSeal>,
}

/// Why it is not known how a change ended, or why it was not made. The same command goes on.
#[derive(Debug, thiserror::Error)]
pub enum RepoTrouble {
    /// The journal could not be read.
    #[error(transparent)]
    Unreadable(#[from] UnreadableJournal),
    /// An entry was not written.
    #[error(transparent)]
    Journal(#[from] JournalTrouble),
    /// The names could not be read.
    #[error(transparent)]
    Read(#[from] DatabaseError),
    /// The names were not changed, or perhaps not.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// There is no backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

/// Says in the journal that the change came to its end. Returns the number of the entry.
async fn step_done(
    writer: &mut JournalWriter,
    direction: Direction,
) -> Result<u64, JournalTrouble> {
    let step = ClientDatabase::Contentrepo.step(direction).to_owned();
    Ok(writer.append(Content::StepDone { step }).await?.sequence)
}

/// A rename as the journal has it, one way or the other. [`None`] where its id cannot be read.
fn renames(of: &[NameRename], is_back: bool) -> Option<Vec<BucketRename>> {
    let rename = |NameRename { id, from, to }: &NameRename| {
        let id = RowId(id.as_ref()?.parse().ok()?);
        let (from, to) = if is_back { (to, from) } else { (from, to) };
        Some(BucketRename { id, from: from.clone(), to: to.clone() })
    };
    of.iter().map(rename).collect()
}
