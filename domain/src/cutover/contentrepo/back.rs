//! contentrepo's way back: the exact inverse, by the ids that the journal or the backup has.

use std::sync::Arc;

use super::plan::RepoRefusal;
use super::settle::{Settled, left, settle};
use super::{RepoDone, RepoEnd, RepoPorts, RepoTrouble, renames, step_done};
use crate::cleanup::StopRequest;
use crate::cleanup::stop::is_asked;
use crate::cutover::standing::{Cutovers, Phase, Run, read_cutovers};
use crate::journal::{
    BackupSeal, ClientDatabase, Content, CutoverBegun, Direction, IngestedSeal, NamesBefore,
};
use crate::ports::{BackupHeader, BackupRow, OpenBackup};
use crate::runbook::JournalWriter;

const DATABASE: ClientDatabase = ClientDatabase::Contentrepo;

/// A way back whose gates are open.
pub struct RepoRevert {
    /// The database: host, port and name.
    pub server: String,
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

    /// Why this database must not be changed by it.
    fn refusal(&self, migration: &str, server: &str) -> Option<RepoRefusal> {
        let BackupHeader { migration: of, database, server: known, names } = &self.header;
        if *database != DATABASE {
            return Some(RepoRefusal::OtherBackup(format!("it is a backup of {database}")));
        }
        if of != migration {
            return Some(RepoRefusal::OtherBackup(format!("it is of the migration `{of}`")));
        }
        if known != server {
            let (known, now) = (known.clone(), server.to_owned());
            return Some(RepoRefusal::OtherDatabase { known, now });
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
    let names = match revert.names(standing.run(), journal.migration()) {
        Ok(names) => names,
        Err(refusal) => return Ok(RepoEnd::Refused(vec![refusal])),
    };
    let (Some(names), seal) = names else {
        return Ok(RepoEnd::Refused(vec![RepoRefusal::NothingToTakeBack]));
    };
    let of = names.renames.clone();
    let Some(to_do) = renames(&of, true) else {
        return Ok(RepoEnd::Refused(vec![RepoRefusal::Unusable]));
    };
    if let (Phase::Before, Some(entry)) = (standing.phase(), standing.taken_back) {
        let left = left(ports, &to_do).await?;
        if left.is_empty() {
            let (renames, backup) = (of, seal);
            return Ok(RepoEnd::Done(RepoDone { renames, entry, was_done: true, backup }));
        }
    }
    let begun = match &standing.back {
        Some(run) => run.sequence,
        None if is_asked(&revert.stop) => return Ok(RepoEnd::Interrupted { begun: None }),
        None => {
            let begun = CutoverBegun {
                database: DATABASE,
                direction: Direction::ToMogile,
                server: revert.server.clone(),
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

impl RepoRevert {
    /// The names that come back, and the backup that they rest on. Where there are both, the journal's and the
    /// backup's must be the same.
    fn names(
        &self,
        run: Option<&Run>,
        migration: &str,
    ) -> Result<(Option<NamesBefore>, Option<BackupSeal>), RepoRefusal> {
        if let Some(from) = &self.from
            && let Some(refusal) = from.refusal(migration, &self.server)
        {
            return Err(refusal);
        }
        let backup = self.from.as_ref().map(|from| (&from.header.names, &from.seal));
        match (run, backup) {
            (None, None) => Ok((None, None)),
            (None, Some((names, seal))) => Ok((Some(names.clone()), Some(seal.clone()))),
            (Some(run), _) if run.begun.server != self.server => {
                let (known, now) = (run.begun.server.clone(), self.server.clone());
                Err(RepoRefusal::OtherDatabase { known, now })
            }
            (Some(run), Some((names, _))) if run.begun.names.renames != names.renames => {
                let why = "it has other names than the cut-over in the journal".to_owned();
                Err(RepoRefusal::OtherBackup(why))
            }
            (Some(Run { begun, .. }), _) => Ok((Some(begun.names.clone()), begun.backup.clone())),
        }
    }
}
