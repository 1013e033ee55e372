//! contentrepo's way back: the exact inverse, by the ids that the journal or the backup has.

use std::sync::Arc;

use super::plan::RepoRefusal;
use super::settle::{Settled, UnfitRow, left, look, settle, stranger};
use super::{RepoDone, RepoEnd, RepoPorts, RepoTrouble, renames, step_done};
use crate::cleanup::StopRequest;
use crate::cleanup::stop::is_asked;
use crate::cutover::standing::{Cutovers, Phase, Run, Standing, read_cutovers};
use crate::journal::{
    BackupSeal, ClientDatabase, Content, CutoverBegun, Direction, IngestedSeal, NamesBefore,
};
use crate::ports::{BackupHeader, BackupRow, BucketRename, OpenBackup};
use crate::runbook::JournalWriter;
use crate::server_ids::ServerIds;

const DATABASE: ClientDatabase = ClientDatabase::Contentrepo;

/// A way back whose gates are open.
pub struct RepoRevert {
    /// The database: host, port and name.
    pub server: String,
    /// The ids of its server.
    pub server_ids: ServerIds,
    /// How the same database was called when it was cut over, in the operator's word.
    pub database_was: Option<String>,
    /// What the journal said of both databases when the gates were looked at.
    pub seen: Cutovers,
    /// A backup instead of what the journal has.
    pub from: Option<RepoBackup>,
    /// The list of what is readable from S3 only, where there is such content.
    pub ingested: Option<IngestedSeal>,
    /// Who executes it, and a random number.
    pub by: (String, u64),
    /// Ends when the operator asks to stop. A statement that is begun is brought to its end.
    pub stop: StopRequest,
}

/// What a backup of contentrepo says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoBackup {
    /// Its first line.
    pub header: BackupHeader,
    /// The file.
    pub seal: BackupSeal,
    /// Its rows: contentrepo has few.
    pub rows: Vec<BackupRow>,
}

/// The rows of a backup of contentrepo that are kept in memory. It has about ten.
const ROWS: usize = 100_000;

impl RepoBackup {
    /// Reads all of it.
    pub async fn read(mut backup: OpenBackup) -> Result<Self, crate::ports::BackupError> {
        let rows = backup.rows.next(ROWS).await?;
        Ok(Self { header: backup.header, seal: super::backing::seal_of(&backup.file), rows })
    }

    /// Why it must not be used.
    fn refusal(&self, migration: &str) -> Option<RepoRefusal> {
        let BackupHeader { migration: of, database, names, .. } = &self.header;
        if *database != DATABASE {
            return Some(RepoRefusal::OtherBackup(format!("it is a backup of {database}")));
        }
        if of != migration {
            return Some(RepoRefusal::OtherBackup(format!("it is of the migration `{of}`")));
        }
        let has_row = |rename: &crate::journal::NameRename| {
            self.rows.iter().any(|row| {
                Some(row.id.to_string()) == rename.id && row.name.as_ref() == Some(&rename.from)
            })
        };
        let is_whole =
            names.renames.iter().all(has_row) && self.rows.len() as u64 == self.seal.rows;
        (!is_whole).then_some(RepoRefusal::Unusable)
    }
}

/// Gives contentrepo's buckets their MogileFS names back: entry, statement, look, entry. It may be run again,
/// whatever became of an earlier run, and behind a cut-over that was begun and not ended.
///
/// The statement is sent even where every row bears its old name, unless the journal says that the way back
/// is done: the session of a cut-over whose process was killed may be about to commit.
pub async fn revert_contentrepo(
    ports: &RepoPorts,
    revert: RepoRevert,
) -> Result<RepoEnd, RepoTrouble> {
    let (journal, clock) = (Arc::clone(&ports.journal), Arc::clone(&ports.clock));
    let mut writer =
        JournalWriter::open(Arc::clone(&journal), Arc::clone(&clock), revert.by.clone()).await?;
    let now = read_cutovers(&*journal, &*clock, revert.by.1).await?;
    if now != revert.seen {
        return Ok(RepoEnd::Refused(vec![RepoRefusal::Overtaken]));
    }
    if now.rhino.phase() != Phase::Before {
        return Ok(RepoEnd::Refused(vec![RepoRefusal::RhinoFirst]));
    }
    let standing = &now.contentrepo;
    let Known { names, seal, to_do } = match revert.known_names(standing, journal.migration()) {
        Ok(known) => known,
        Err(refusal) => return Ok(RepoEnd::Refused(vec![refusal])),
    };
    let of = names.renames.clone();
    if let (Phase::Before, Some(entry)) = (standing.phase(), standing.taken_back) {
        let left = left(ports, &to_do).await?;
        if left.is_empty() {
            let (renames, backup) = (of, seal);
            return Ok(RepoEnd::Done(RepoDone { renames, entry, was_done: true, backup }));
        }
    }
    let moved = revert.moved(standing.run());
    if let Some(refusal) = revert.of_another(ports, standing, &to_do).await? {
        return Ok(RepoEnd::Refused(vec![refusal]));
    }
    let begun = match &standing.back {
        Some(run) if moved.is_none() => run.sequence,
        _ if is_asked(&revert.stop) => return Ok(RepoEnd::Interrupted { begun: None }),
        _ => {
            let begun = CutoverBegun {
                database: DATABASE,
                direction: Direction::ToMogile,
                server: revert.server.clone(),
                server_ids: revert.server_ids.clone(),
                database_was: moved,
                freeze: None,
                takes_back: standing.forth.as_ref().map(|run| run.sequence),
                names,
                backup: seal.clone(),
                left_behind: Vec::new(),
                ingested: revert.ingested.clone(),
            };
            writer.append(Content::CutoverBegun(Box::new(begun))).await?.sequence
        }
    };
    let way = (Direction::ToMogile, true);
    match settle(ports, &mut writer, &to_do, way, (begun, &revert.stop)).await? {
        Settled::Done => {
            let entry = step_done(&mut writer, Direction::ToMogile).await?;
            let (renames, was_done, backup) = (of, false, seal);
            Ok(RepoEnd::Done(RepoDone { renames, entry, was_done, backup }))
        }
        Settled::NotDone(end) => Ok(end),
    }
}

/// What a way back would find, were it executed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepoRevertSeen {
    /// Nothing would be changed, and this stands in the way.
    Refused(RepoRefusal),
    /// Rows bear neither the old nor the new name, or some the old and others the new. Nothing would be changed.
    Unfit(Vec<UnfitRow>),
    /// All of this many buckets bear their S3 names.
    AllNew(usize),
    /// All of this many buckets bear their MogileFS names already.
    AllOld(usize),
}

impl RepoRevertSeen {
    /// Whether something stands in the way.
    #[must_use]
    pub const fn is_hindered(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unfit(_))
    }
}

/// Compares the rows as [`revert_contentrepo`] does before its first statement. It writes nothing.
pub async fn look_back(
    ports: &RepoPorts,
    revert: &RepoRevert,
) -> Result<RepoRevertSeen, RepoTrouble> {
    let standing = &revert.seen.contentrepo;
    let to_do = match revert.known_names(standing, ports.journal.migration()) {
        Ok(known) => known.to_do,
        Err(refusal) => return Ok(RepoRevertSeen::Refused(refusal)),
    };
    if let Some(refusal) = revert.of_another(ports, standing, &to_do).await? {
        return Ok(RepoRevertSeen::Refused(refusal));
    }
    Ok(match look(ports, &to_do).await? {
        Ok(true) => RepoRevertSeen::AllOld(to_do.len()),
        Ok(false) => RepoRevertSeen::AllNew(to_do.len()),
        Err(rows) => RepoRevertSeen::Unfit(rows),
    })
}

/// The names that come back.
struct Known {
    names: NamesBefore,
    /// The backup that they rest on.
    seal: Option<BackupSeal>,
    to_do: Vec<BucketRename>,
}

impl RepoRevert {
    fn known_names(&self, standing: &Standing, migration: &str) -> Result<Known, RepoRefusal> {
        let (names, seal) = self.names(standing.run(), migration)?;
        let names = names.ok_or(RepoRefusal::NothingToTakeBack)?;
        let to_do = renames(&names.renames, true).ok_or(RepoRefusal::Unusable)?;
        Ok(Known { names, seal, to_do })
    }

    /// What shows that the database that moved, by the operator's word, is another one.
    async fn of_another(
        &self,
        ports: &RepoPorts,
        standing: &Standing,
        to_do: &[BucketRename],
    ) -> Result<Option<RepoRefusal>, RepoTrouble> {
        let Some(known) = self.moved(standing.run()) else { return Ok(None) };
        let found = stranger(ports, to_do).await?;
        let now = self.server.clone();
        Ok(found.map(|found| RepoRefusal::NotTheSame { known, now, found }))
    }

    /// How the journal and the backup call the database.
    fn known<'a>(&'a self, run: Option<&'a Run>) -> impl Iterator<Item = &'a String> {
        let journal = run.map(|run| &run.begun.server);
        journal.into_iter().chain(self.from.as_ref().map(|from| &from.header.server))
    }

    /// Whether this database is the known one: by its name, by the operator's word, or by the word that the journal
    /// has.
    fn is_same(&self, known: &String, run: Option<&Run>) -> bool {
        (*known == self.server && !self.is_other_server(known, run))
            || self.database_was.as_ref() == Some(known)
            || self.has_word(known, run)
    }

    fn has_word(&self, known: &String, run: Option<&Run>) -> bool {
        run.is_some_and(|Run { begun, .. }| {
            begun.server == self.server && begun.database_was.as_ref() == Some(known)
        })
    }

    /// The known name of this database that the journal has no word of.
    fn moved(&self, run: Option<&Run>) -> Option<String> {
        let mut known = self.known(run);
        let is_other = |known: &String| *known != self.server || self.is_other_server(known, run);
        known.find(|known| is_other(known) && !self.has_word(known, run)).cloned()
    }

    /// Whether another server answers by the name that the journal has.
    fn is_other_server(&self, known: &String, run: Option<&Run>) -> bool {
        run.is_some_and(|Run { begun, .. }| {
            begun.server == *known && !begun.server_ids.may_be_of_one(&self.server_ids)
        })
    }

    /// Why nothing can be taken back with these names, without a look at the database.
    #[must_use]
    pub fn refusal(&self, migration: &str) -> Option<RepoRefusal> {
        self.names(self.seen.contentrepo.run(), migration).err()
    }

    /// The names that come back, and the backup that they rest on. Where there are both, the journal's and the
    /// backup's must be the same.
    fn names(
        &self,
        run: Option<&Run>,
        migration: &str,
    ) -> Result<(Option<NamesBefore>, Option<BackupSeal>), RepoRefusal> {
        if let Some(from) = &self.from
            && let Some(refusal) = from.refusal(migration)
        {
            return Err(refusal);
        }
        if let Some(known) = self.known(run).find(|known| !self.is_same(known, run)) {
            let (known, mut now) = (known.clone(), self.server.clone());
            if self.is_other_server(&known, run) {
                now = format!("{now}, on another server ({})", self.server_ids);
            }
            return Err(RepoRefusal::OtherDatabase { known, now });
        }
        let backup = self.from.as_ref().map(|from| (&from.header.names, &from.seal));
        match (run, backup) {
            (None, None) => Ok((None, None)),
            (None, Some((names, seal))) => Ok((Some(names.clone()), Some(seal.clone()))),
            (Some(run), Some((names, _))) if run.begun.names.renames != names.renames => {
                let why = "it has other names than the cut-over in the journal".to_owned();
                Err(RepoRefusal::OtherBackup(why))
            }
            (Some(Run { begun, .. }), _) => Ok((Some(begun.names.clone()), begun.backup.clone())),
        }
    }
}
