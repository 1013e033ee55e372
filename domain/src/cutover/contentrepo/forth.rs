//! The cut-over of contentrepo.

use std::sync::Arc;

use super::backing::{back_up, seal_of};
use super::plan::{RepoRefusal, plan_contentrepo};
use super::settle::{Settled, left, settle};
use super::{RepoDone, RepoEnd, RepoPorts, RepoTrouble, renames, step_done};
use crate::BucketMap;
use crate::cleanup::StopRequest;
use crate::cleanup::stop::is_asked;
use crate::cutover::current::journalled_changes;
use crate::cutover::standing::{Cutovers, Phase, Run, read_cutovers};
use crate::journal::{ClientDatabase, Content, CutoverBegun, Direction, NameRename, NamesBefore};
use crate::ports::{BackupHeader, Backups};
use crate::retried::retried;
use crate::runbook::JournalWriter;
use crate::server_ids::ServerIds;

const DATABASE: ClientDatabase = ClientDatabase::Contentrepo;

/// A cut-over whose gates are open.
pub struct RepoCutover<'a> {
    /// The map.
    pub buckets: &'a BucketMap,
    /// The database: host, port and name.
    pub server: String,
    /// The ids of its server.
    pub server_ids: ServerIds,
    /// What the journal said of both databases when the gates were looked at.
    pub seen: Cutovers,
    /// The number of the freeze that holds. Behind a cut-over that is done none is needed.
    pub freeze: Option<u64>,
    /// The highest row id of contentrepo's `objects`, by that freeze.
    pub last: Option<String>,
    /// Where the backup goes. A change that was begun before has one.
    pub backups: Option<Arc<dyn Backups>>,
    /// Ignored buckets with content whose loss the operator accepts by name.
    pub left_behind: Vec<String>,
    /// A random number of this process.
    pub salt: u64,
    /// Ends when the operator asks to stop. A statement that is begun is brought to its end.
    pub stop: StopRequest,
}

/// Gives contentrepo's buckets their S3 names: backup, entry, statement, look, entry. What was begun before
/// is brought to its end. It may be run again, whatever became of an earlier run.
///
/// The caller opened the writer before it looked at the evidence for the last time, and writes by no other: so
/// an entry of another operator behind that look is a take-over.
pub async fn cut_over_contentrepo(
    ports: &RepoPorts,
    cutover: RepoCutover<'_>,
    writer: &mut JournalWriter,
) -> Result<RepoEnd, RepoTrouble> {
    let (journal, clock, salt) = (&ports.journal, &ports.clock, cutover.salt);
    let now = read_cutovers(&**journal, &**clock, salt).await?;
    let freeze = journalled_changes(&**journal, &**clock, salt).await?.freeze;
    let frozen = freeze.filter(|freeze| freeze.ended.is_none()).map(|freeze| freeze.sequence);
    let is_done = now.contentrepo.phase() == Phase::CutOver;
    let is_frozen = is_done || (frozen.is_some() && frozen == cutover.freeze);
    if now != cutover.seen || !is_frozen {
        return Ok(RepoEnd::Refused(vec![RepoRefusal::Overtaken]));
    }
    let standing = now.contentrepo;
    let (run, begun) = match (standing.phase(), standing.forth) {
        (Phase::UnderWayBack, _) => {
            let entry = standing.back.map_or(0, |run| run.sequence);
            return Ok(RepoEnd::Refused(vec![RepoRefusal::UnderWayBack(entry)]));
        }
        (Phase::CutOver | Phase::UnderWay, Some(run)) => {
            if let Some(refusal) = cutover.of_another(&run) {
                return Ok(RepoEnd::Refused(vec![refusal]));
            }
            (run.begun, run.sequence)
        }
        (Phase::Before | Phase::CutOver | Phase::UnderWay, _) => {
            match begin(ports, &cutover, writer).await? {
                Ok(begun) => begun,
                Err(end) => return Ok(end),
            }
        }
    };
    let NamesBefore { renames: of, .. } = run.names;
    let Some(to_do) = renames(&of, false) else {
        return Ok(RepoEnd::Refused(vec![RepoRefusal::Unusable]));
    };
    let done = cutover.seen.contentrepo.forth.as_ref().and_then(|run| run.done);
    let entry = if let Some(entry) = done {
        // What the journal says is done is looked at, and not done again.
        let left = left(ports, &to_do).await?;
        if !left.is_empty() {
            return Ok(RepoEnd::Unfit(left));
        }
        entry
    } else {
        let way = (Direction::ToS3, false);
        match settle(ports, writer, &to_do, way, (begun, &cutover.stop)).await? {
            Settled::Done => step_done(writer, Direction::ToS3).await?,
            Settled::NotDone(end) => return Ok(end),
        }
    };
    let (was_done, backup) = (done.is_some(), run.backup);
    Ok(RepoEnd::Done(RepoDone { renames: of, entry, was_done, backup }))
}

/// Writes the backup, and then the entry that the change begins. Nothing of contentrepo's is changed.
async fn begin(
    ports: &RepoPorts,
    cutover: &RepoCutover<'_>,
    writer: &mut JournalWriter,
) -> Result<Result<(CutoverBegun, u64), RepoEnd>, RepoTrouble> {
    let found = retried(&*ports.clock, 0, || ports.content_repo.buckets()).await?;
    let plan = match plan_contentrepo(&found, cutover.buckets) {
        Ok(plan) => plan,
        Err(refusals) => return Ok(Err(RepoEnd::Refused(refusals))),
    };
    let Some(backups) = &cutover.backups else {
        return Ok(Err(RepoEnd::Refused(vec![RepoRefusal::NoBackup])));
    };
    if is_asked(&cutover.stop) {
        return Ok(Err(RepoEnd::Interrupted { begun: None }));
    }
    let names = plan.names_before(&found, cutover.last.clone());
    let header = BackupHeader {
        migration: ports.journal.migration().to_owned(),
        database: DATABASE,
        server: cutover.server.clone(),
        names: names.clone(),
    };
    let finished = match back_up(&**backups, &header, &found).await? {
        Ok(finished) => finished,
        Err(refusal) => return Ok(Err(RepoEnd::Refused(vec![refusal]))),
    };
    // The rows may have changed while the backup was written.
    let again = retried(&*ports.clock, 0, || ports.content_repo.buckets()).await?;
    if again != found {
        let why = "contentrepo's buckets changed while the backup was written".to_owned();
        return Ok(Err(RepoEnd::Refused(vec![RepoRefusal::OtherBackup(why)])));
    }
    if is_asked(&cutover.stop) {
        return Ok(Err(RepoEnd::Interrupted { begun: None }));
    }
    let begun = CutoverBegun {
        database: DATABASE,
        direction: Direction::ToS3,
        server: cutover.server.clone(),
        server_ids: cutover.server_ids.clone(),
        database_was: None,
        freeze: cutover.freeze,
        takes_back: None,
        names,
        backup: Some(seal_of(&finished)),
        left_behind: cutover.left_behind.clone(),
        ingested: None,
    };
    let head = writer.append(Content::CutoverBegun(Box::new(begun.clone()))).await?;
    Ok(Ok((begun, head.sequence)))
}

impl RepoCutover<'_> {
    /// What is wrong with going on with this change.
    fn of_another(&self, run: &Run) -> Option<RepoRefusal> {
        if run.begun.server != self.server {
            let (known, now) = (run.begun.server.clone(), self.server.clone());
            return Some(RepoRefusal::OtherDatabase { known, now });
        }
        let mut pairs = self.buckets.pairs();
        let is_mapped = |NameRename { from, to, .. }: &NameRename| {
            pairs.any(|(old, new)| old.as_str() == from && new.as_str() == to)
        };
        // Both are in the order of the map.
        if run.begun.names.renames.iter().all(is_mapped) {
            return None;
        }
        let known = run.begun.names.renames.iter();
        let known = known.map(|NameRename { from, to, .. }| format!("{from}:{to}")).collect();
        Some(RepoRefusal::OtherMap { known })
    }
}
