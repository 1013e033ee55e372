//! Carries out the cut-over of rhino's database.

use super::backup::back_up;
use super::plan::{RhinoPlan, RhinoStage, changes_of};
use super::trouble::{IndexSight, RhinoTrouble};
use super::verify::{self, Verified};
use super::work::{Act, GoOn, Work};
use super::{Conduct, CutoverGrounds, RhinoEnd, RhinoPorts, RhinoProgress, kept};
use crate::cutover::read_state::patiently;
use crate::cutover::standing::{Cutovers, Run, read_cutovers};
use crate::journal::{
    BackupSeal, ClientDatabase, Content, CutoverBegun, Data, Direction, NamesBefore,
};
use crate::limits;
use crate::name_changes::NameChanges;
use crate::ports::{
    BackupRow, Backups, FinishedBackup, IndexDefinition, RhinoFacts, RowId, RowRange,
};
use crate::runbook::JournalWriter;
use roaring::RoaringTreemap;

/// Carries out what the plan says, which must have no refusals.
///
/// The lock of all operators is taken first. A run that begins writes the backup, the ids of rows that keep their
/// names and [`Content::CutoverBegun`], and then, each behind its entry, its statements; a run that goes on
/// writes no other backup. Behind the last statement the rows are counted, and the end is written into the journal.
///
/// Errors with [`RhinoTrouble::HalfWay`] where it is cut short behind its first entry: the same command goes on.
pub async fn cut_over_rhino(
    ports: &RhinoPorts,
    plan: &RhinoPlan,
    grounds: CutoverGrounds,
    backups: &dyn Backups,
    writer: &mut JournalWriter,
    conduct: &Conduct<'_>,
) -> Result<RhinoEnd, RhinoTrouble> {
    if !plan.refusals.is_empty() {
        return Err(RhinoTrouble::Refused(plan.refusals.clone()));
    }
    if let RhinoStage::Done(_) = plan.stage {
        return Ok(RhinoEnd::AlreadyDone);
    }
    let rows = plan.estimate.rows;
    let mut work = Work::new(ports, writer, conduct, (Direction::ToS3, rows, &plan.names));
    work.see_index(plan.facts.index.as_ref(), &plan.names);
    let is_under_way = matches!(plan.stage, RhinoStage::Continues(_));
    let (begin, backup) = match work.begin(plan, grounds, backups).await {
        Ok(Some(begun)) => begun,
        Ok(None) => return Ok(RhinoEnd::Stopped(work.reached.clone())),
        Err(why) if is_under_way => return Err(work.half_way(why)),
        Err(why) => return Err(why),
    };
    let begin = (rows > 0).then_some(begin);
    // Rows that keep their names bear no old one.
    match work.rename_all(&plan.names, &RoaringTreemap::new(), begin).await {
        Ok(GoOn::Stop) => return Ok(RhinoEnd::Stopped(work.reached.clone())),
        Ok(GoOn::Yes) => {}
        Err(why) => return Err(work.half_way(why)),
    }
    match work.count_and_end(&plan.names).await {
        Ok(verified) => {
            let renamed = work.reached.renamed;
            Ok(RhinoEnd::Done { renamed, backup, verified })
        }
        Err(why) => Err(work.half_way(why)),
    }
}

/// The id behind which a run that goes on begins: its last range may be half done.
pub(super) fn range_to_begin_with(run: &Run) -> Result<RowId, RhinoTrouble> {
    let Some((first, _)) = &run.range else { return Ok(RowId::START) };
    let first: i128 = first.parse().map_err(|_| {
        let sequence = run.sequence;
        RhinoTrouble::ChangedMeanwhile(format!(
            "the journal names the row `{first}`, which is no number, behind entry {sequence}"
        ))
    })?;
    Ok(RowId(first - 1))
}

/// The highest id that a change touches.
pub(super) fn last_of(names: &NamesBefore) -> Option<RowId> {
    names.last.as_deref()?.parse().ok().map(RowId)
}

impl Work<'_> {
    /// Errors unless the journal and the table are as the plan saw them. This session holds the lock.
    pub(super) async fn must_be_as_seen(
        &mut self,
        seen: &Cutovers,
        facts: &RhinoFacts,
        names: &NamesBefore,
    ) -> Result<(), RhinoTrouble> {
        let changed = |why: &str| Err(RhinoTrouble::ChangedMeanwhile(why.to_owned()));
        let (ports, salt) = (self.ports, self.conduct.salt);
        if read_cutovers(&*ports.journal, &*ports.clock, salt).await? != *seen {
            return changed("another operator has changed bucket names meanwhile");
        }
        let now = patiently(&*ports.clock, salt, || ports.changes.facts()).await?;
        if now.index != facts.index || now.triggers != facts.triggers {
            return changed(
                "the indexes or triggers of `articleFile` are others than a moment ago",
            );
        }
        self.see_index(now.index.as_ref(), names);
        Ok(())
    }

    /// What the server says of the index. Another one under its name is not the one that is wanted.
    pub(super) fn see_index(&mut self, found: Option<&IndexDefinition>, names: &NamesBefore) {
        self.reached.index = match (&names.index, found) {
            (None, _) => IndexSight::None,
            (Some(wanted), Some(IndexDefinition(found))) if wanted == found => IndexSight::There,
            (Some(_), _) => IndexSight::Missing,
        };
    }

    /// Takes the lock. Then writes the backup and the beginning into the journal, or finds where a run begins
    /// that goes on. [`None`] where an operator has asked to stop.
    async fn begin(
        &mut self,
        plan: &RhinoPlan,
        CutoverGrounds { freeze, left_behind }: CutoverGrounds,
        backups: &dyn Backups,
    ) -> Result<Option<(RowId, Option<FinishedBackup>)>, RhinoTrouble> {
        let (ports, names) = (self.ports, &plan.names);
        self.lock().await?;
        self.must_be_as_seen(&plan.seen, &plan.facts, names).await?;
        if let RhinoStage::Continues(run) = &plan.stage {
            return Ok(Some((range_to_begin_with(run)?, None)));
        }
        let mut backup = None;
        // Where every bucket keeps its name there is nothing to take back.
        if !names.renames.is_empty() {
            let written = back_up(ports, self.conduct, backups, (names, &plan.kept)).await?;
            let Some(written) = written else { return Ok(None) };
            self.report(RhinoProgress::Backup(written.clone()));
            backup = Some(written);
        }
        if let Some(kept) = &names.kept {
            for part in Data::split(&kept.data, &kept::bytes(&plan.kept)) {
                self.writer.append(part).await?;
            }
        }
        let begun = CutoverBegun {
            database: ClientDatabase::Rhino,
            direction: Direction::ToS3,
            server: ports.server.clone(),
            server_ids: plan.facts.ids.clone(),
            database_was: None,
            freeze,
            takes_back: None,
            names: names.clone(),
            backup: backup.as_ref().map(seal),
            left_behind,
            ingested: None,
        };
        self.writer.append(Content::CutoverBegun(Box::new(begun))).await?;
        Ok(Some((RowId::START, backup)))
    }

    /// Drops the index, renames the rows behind `begin`, and makes the index again. Without a row that is left
    /// to be renamed the index is made alone, where an earlier run has dropped it.
    pub(super) async fn rename_all(
        &mut self,
        names: &NamesBefore,
        kept: &RoaringTreemap,
        begin: Option<RowId>,
    ) -> Result<GoOn, RhinoTrouble> {
        let is_back = self.direction == Direction::ToMogile;
        if let (Some(begin), Some(changes)) = (begin, changes_of(names, is_back)) {
            if self.may_go_on().await? == GoOn::Stop {
                return Ok(GoOn::Stop);
            }
            if self.reached.index == IndexSight::There {
                self.perform(&Act::DropIndex).await?;
            }
            if self.rename_rows(names, &changes, kept, begin).await? == GoOn::Stop {
                return Ok(GoOn::Stop);
            }
        }
        if let Some(index) = &names.index
            && self.reached.index != IndexSight::There
        {
            self.perform(&Act::AddIndex(&IndexDefinition(index.clone()))).await?;
        }
        Ok(GoOn::Yes)
    }

    async fn rename_rows(
        &mut self,
        names: &NamesBefore,
        changes: &NameChanges,
        kept: &RoaringTreemap,
        begin: RowId,
    ) -> Result<GoOn, RhinoTrouble> {
        let Some(last) = last_of(names) else { return Ok(GoOn::Yes) };
        let (start, mut after, mut looked_at) = (self.ports.clock.now(), begin, 0);
        loop {
            if self.may_go_on().await? == GoOn::Stop {
                return Ok(GoOn::Stop);
            }
            let Some((rows, number, kept)) = self.next_range(after, last, kept).await? else {
                return Ok(GoOn::Yes);
            };
            let sent = self.ports.clock.now();
            // Not carried out: the next try may be one of fewer rows.
            if self.attempt(&Act::Rename { rows, changes, kept }).await?.is_none() {
                continue;
            }
            self.chunk.took(number, self.since(sent));
            (after, looked_at) = (rows.last, looked_at + number as u64);
            let (renamed, of) = (self.reached.renamed, self.reached.of);
            let left = self.since(start).as_secs() * of.saturating_sub(renamed);
            let seconds_left = left.checked_div(renamed);
            self.report(RhinoProgress::Renamed { rows: looked_at, renamed, of, seconds_left });
        }
    }

    /// The next rows that there are behind an id, their number, and those of them that keep their names.
    async fn next_range(
        &mut self,
        after: RowId,
        last: RowId,
        kept: &RoaringTreemap,
    ) -> Result<Option<(RowRange, usize, Vec<RowId>)>, RhinoTrouble> {
        let (ports, limit) = (self.ports, self.chunk.rows());
        let read = || ports.names.names(after, limit);
        let mut page = patiently(&*ports.clock, self.conduct.salt, read).await?;
        page.retain(|row| row.id <= last);
        Ok(range_of(&page, kept))
    }

    /// Counts the rows by their names, and writes the end into the journal where the counts are right.
    async fn count_and_end(&mut self, names: &NamesBefore) -> Result<Verified, RhinoTrouble> {
        self.report(RhinoProgress::Counting);
        let found = self.ports.names.counts(RowId::START).await?;
        let expected = verify::expected(names, self.direction);
        let differences = verify::differences(&expected, &found);
        let is_mapped = |name: &Option<String>| {
            let of = |it: &String| Some(it) == name.as_ref();
            names.renames.iter().any(|rename| of(&rename.from) || of(&rename.to))
        };
        let (mapped, others): (Vec<_>, Vec<_>) =
            differences.into_iter().partition(|difference| is_mapped(&difference.name));
        if !mapped.is_empty() {
            return Err(RhinoTrouble::Miscounted {
                direction: self.direction,
                differences: mapped,
            });
        }
        self.end().await?;
        Ok(Verified { counts: others, ..Verified::default() })
    }

    /// Writes the end into the journal.
    pub(super) async fn end(&mut self) -> Result<(), RhinoTrouble> {
        let step = ClientDatabase::Rhino.step(self.direction).to_owned();
        self.writer.append(Content::StepDone { step }).await?;
        Ok(())
    }
}

/// The range of the rows of a page, cut where more of them keep their names than one statement takes.
pub(super) fn range_of(
    page: &[BackupRow],
    kept: &RoaringTreemap,
) -> Option<(RowRange, usize, Vec<RowId>)> {
    let (first, mut last) = (page.first()?.id, page.last()?.id);
    let mut ids = kept::of_range(kept, first, last);
    if ids.len() > limits::KEPT_ROWS {
        // The first one too many is in the next range, as all rows behind it are.
        let next = ids[limits::KEPT_ROWS];
        ids.truncate(limits::KEPT_ROWS);
        last = page.iter().rev().map(|row| row.id).find(|id| *id < next)?;
    }
    let number = page.iter().take_while(|row| row.id <= last).count();
    Some((RowRange { first, last }, number, ids))
}

/// What the journal keeps of a backup.
pub(super) fn seal(FinishedBackup { path, sha256, rows, .. }: &FinishedBackup) -> BackupSeal {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
    BackupSeal { file, sha256: *sha256, rows: *rows }
}
