//! Gives buckets their names, and looks what came of it.

use super::{RepoEnd, RepoPorts, RepoTrouble};
use crate::cleanup::StopRequest;
use crate::cleanup::stop::is_asked;
use crate::journal::{ClientDatabase, Content, CutoverStatement, Direction, Statement};
use crate::ports::{BucketRename, ChangeError, Hindrance, Renaming, RepoBucket};
use crate::retried::{Tries, retried};
use crate::retry::{Classed, ErrorClass};
use crate::runbook::JournalWriter;

/// A row that does not bear the name that all the others bear: not the one before, or not the one behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitRow {
    /// What was to be done.
    pub rename: BucketRename,
    /// The name that it bears; [`None`] where the row is gone.
    pub found: Option<String>,
}

/// What came of a change.
pub(super) enum Settled {
    /// Every row bears its new name.
    Done,
    /// It was cut short.
    NotDone(RepoEnd),
}

/// Renames the buckets where that is not done yet. `settles` sends the statement even where every row seems
/// to bear its new name: the session of another process may be about to take that away, and only the lock
/// that the statement waits for shows that there is none.
pub(super) async fn settle(
    ports: &RepoPorts,
    writer: &mut JournalWriter,
    renames: &[BucketRename],
    (direction, mut settles): (Direction, bool),
    (begun, stop): (u64, &StopRequest),
) -> Result<Settled, RepoTrouble> {
    let mut tries = Tries::new(&*ports.clock, 0);
    let mut was_done = false;
    loop {
        let found = retried(&*ports.clock, 0, || ports.content_repo.buckets()).await?;
        match Names::of(renames, &found) {
            // Nothing to do, or done.
            Names::New if !settles || renames.is_empty() => return Ok(Settled::Done),
            Names::New | Names::Old if !was_done => {}
            Names::New | Names::Old | Names::Mixed => {
                return Ok(Settled::NotDone(RepoEnd::Unfit(unfit(renames, &found))));
            }
        }
        if is_asked(stop) {
            return Ok(Settled::NotDone(RepoEnd::Interrupted { begun: Some(begun) }));
        }
        let (database, does) = (ClientDatabase::Contentrepo, Statement::RenameBuckets);
        let statement = CutoverStatement { database, direction, does };
        writer.append(Content::CutoverStatement(statement)).await?;
        match ports.changes.rename_buckets(renames).await {
            Ok(Renaming::Done) => (was_done, settles) = (true, false),
            Ok(Renaming::Hindered(all)) if all.iter().all(is_renamed) => {
                // Nobody holds the lock, and every row bears its new name.
                (was_done, settles) = (true, false);
            }
            Ok(Renaming::Hindered(all)) => return Ok(Settled::NotDone(RepoEnd::Hindered(all))),
            // A statement whose answer was lost may be at it still: the next one waits for its lock.
            Err(error) if error.class() == ErrorClass::Retry && tries.another().await => {
                settles |= matches!(error, ChangeError::Uncertain { .. });
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The rows that do not bear their new names.
pub(super) async fn left(
    ports: &RepoPorts,
    renames: &[BucketRename],
) -> Result<Vec<UnfitRow>, RepoTrouble> {
    let found = retried(&*ports.clock, 0, || ports.content_repo.buckets()).await?;
    Ok(unfit(renames, &found))
}

/// How the rows stand to a change, by a look alone: whether all of them bear their new names, or all the old ones.
/// Errors with the rows that stand in its way.
pub(super) async fn look(
    ports: &RepoPorts,
    renames: &[BucketRename],
) -> Result<Result<bool, Vec<UnfitRow>>, RepoTrouble> {
    let found = retried(&*ports.clock, 0, || ports.content_repo.buckets()).await?;
    Ok(match Names::of(renames, &found) {
        Names::New => Ok(true),
        Names::Old => Ok(false),
        Names::Mixed => Err(unfit(renames, &found)),
    })
}

/// A bucket that shows that this is not the database of these names: it bears neither of its two names.
pub(super) async fn stranger(
    ports: &RepoPorts,
    renames: &[BucketRename],
) -> Result<Option<String>, RepoTrouble> {
    let found = retried(&*ports.clock, 0, || ports.content_repo.buckets()).await?;
    let is_known = |rename: &&BucketRename| {
        name_of(rename, &found).is_some_and(|name| *name == rename.to || *name == rename.from)
    };
    let other = renames.iter().find(|it| !is_known(it));
    Ok(other.map(|BucketRename { id, from, to }| {
        format!("its bucketId {id} bears neither `{from}` nor `{to}`")
    }))
}

/// Whether a row was in the way only because it bears its new name.
fn is_renamed(hindrance: &Hindrance) -> bool {
    match hindrance {
        Hindrance::OtherName { rename, found } => *found == rename.to,
        Hindrance::Missing(_) | Hindrance::Collision { .. } => false,
    }
}

/// Which names rows bear.
enum Names {
    /// All of them the new ones.
    New,
    /// All of them the old ones.
    Old,
    Mixed,
}

impl Names {
    fn of(renames: &[BucketRename], found: &[RepoBucket]) -> Self {
        let bear = |name: fn(&BucketRename) -> &String| {
            renames.iter().all(|rename| name_of(rename, found) == Some(name(rename)))
        };
        match (bear(|it| &it.to), bear(|it| &it.from)) {
            (true, _) => Self::New,
            (false, true) => Self::Old,
            (false, false) => Self::Mixed,
        }
    }
}

fn name_of<'a>(rename: &BucketRename, found: &'a [RepoBucket]) -> Option<&'a String> {
    found.iter().find(|bucket| bucket.id == rename.id).map(|bucket| &bucket.name)
}

/// Each row that does not bear its new name.
fn unfit(renames: &[BucketRename], found: &[RepoBucket]) -> Vec<UnfitRow> {
    let rows = renames
        .iter()
        .map(|rename| UnfitRow { rename: rename.clone(), found: name_of(rename, found).cloned() });
    rows.filter(|row| row.found.as_ref() != Some(&row.rename.to)).collect()
}
