//! Takes the cut-over of rhino's database back.

use super::backup::compare;
use super::execute::range_to_begin_with;
use super::plan::RhinoStage;
use super::revert_plan::{RevertFrom, RhinoRevertPlan, rows_with_new_names};
use super::trouble::RhinoTrouble;
use super::verify::{self, Verified};
use super::work::{GoOn, Work};
use super::{Conduct, RevertGrounds, RhinoEnd, RhinoPorts, RhinoProgress, kept};
use crate::journal::{ClientDatabase, Content, CutoverBegun, Data, Direction};
use crate::ports::RowId;
use crate::runbook::JournalWriter;

/// Carries out what the plan says, which must have no refusals: every row up to [`RhinoRevertPlan::last`] that
/// bears a new name gets its old one, except those that bore the new one before, and the index is as it was.
///
/// A cut-over that was ended at any point can be taken back. At the end the rows are counted, and where `from` is
/// a backup compared with it, one by one. What is not as before the cut-over and bears no new name was changed by
/// others: [`RhinoEnd::Done`] names it.
pub async fn revert_rhino(
    ports: &RhinoPorts,
    plan: &RhinoRevertPlan,
    grounds: RevertGrounds,
    from: RevertFrom<'_>,
    writer: &mut JournalWriter,
    conduct: &Conduct<'_>,
) -> Result<RhinoEnd, RhinoTrouble> {
    if !plan.refusals.is_empty() {
        return Err(RhinoTrouble::Refused(plan.refusals.clone()));
    }
    if plan.names.renames.is_empty() && plan.takes_back.is_none() {
        return Ok(RhinoEnd::AlreadyDone);
    }
    let rows = plan.estimate.rows;
    let mut work = Work::new(ports, writer, conduct, (Direction::ToMogile, rows, &plan.names));
    work.see_index(plan.facts.index.as_ref(), &plan.names);
    let is_under_way = matches!(plan.stage, RhinoStage::Continues(_));
    let begin = match work.begin_back(plan, grounds, from).await {
        Ok(begin) => begin,
        Err(why) if is_under_way => return Err(work.half_way(why)),
        Err(why) => return Err(why),
    };
    let any = rows_with_new_names(&plan.names, &plan.rows) > 0;
    match work.rename_all(&plan.names, &plan.kept, any.then_some(begin)).await {
        Ok(GoOn::Stop) => return Ok(RhinoEnd::Stopped(work.reached.clone())),
        Ok(GoOn::Yes) => {}
        Err(why) => return Err(work.half_way(why)),
    }
    match work.compare_and_end(plan, from).await {
        Ok(verified) => {
            let renamed = work.reached.renamed;
            Ok(RhinoEnd::Done { renamed, backup: None, verified })
        }
        Err(why) => Err(work.half_way(why)),
    }
}

impl Work<'_> {
    /// Writes the beginning into the journal, or finds where a run begins that goes on.
    async fn begin_back(
        &mut self,
        plan: &RhinoRevertPlan,
        RevertGrounds { ingested }: RevertGrounds,
        from: RevertFrom<'_>,
    ) -> Result<RowId, RhinoTrouble> {
        self.lock().await?;
        self.must_be_as_seen(&plan.seen, &plan.facts, &plan.names).await?;
        // A run that goes on in a database of another name begins anew: its entry has the operator's word.
        if let (RhinoStage::Continues(run), None) = (&plan.stage, &plan.database_was) {
            return range_to_begin_with(run);
        }
        // The journal of a way back from a backup may have no cut-over, and so no ids.
        if let (RevertFrom::Backup(_), Some(kept)) = (from, &plan.names.kept) {
            for part in Data::split(&kept.data, &kept::bytes(&plan.kept)) {
                self.writer.append(part).await?;
            }
        }
        let begun = CutoverBegun {
            database: ClientDatabase::Rhino,
            direction: Direction::ToMogile,
            server: self.ports.server.clone(),
            server_ids: plan.facts.ids.clone(),
            database_was: plan.database_was.clone(),
            freeze: None,
            takes_back: plan.takes_back,
            names: plan.names.clone(),
            backup: plan.backup.clone(),
            left_behind: Vec::new(),
            ingested,
        };
        self.writer.append(Content::CutoverBegun(Box::new(begun))).await?;
        Ok(RowId::START)
    }

    /// Compares the rows with those of before, and writes the end into the journal where no row is left to be
    /// renamed.
    async fn compare_and_end(
        &mut self,
        plan: &RhinoRevertPlan,
        from: RevertFrom<'_>,
    ) -> Result<Verified, RhinoTrouble> {
        self.report(RhinoProgress::Counting);
        let (names, last) = (&*self.ports.names, plan.last());
        let all = names.counts(RowId::START).await?;
        let found = verify::without(all, &names.counts(last).await?);
        let expected = verify::before(&plan.names);
        let counts = verify::differences(&expected, &found);
        let is_left = |name: &Option<String>| {
            plan.names.renames.iter().any(|rename| Some(&rename.to) == name.as_ref())
        };
        let left = counts.iter().filter(|it| is_left(&it.name) && it.found > it.expected);
        let differences: Vec<_> = left.cloned().collect();
        if !differences.is_empty() {
            return Err(RhinoTrouble::Miscounted { direction: self.direction, differences });
        }
        let mut verified = Verified { counts, ..Verified::default() };
        if let RevertFrom::Backup(backups) = from {
            let mut open = backups.open().await?;
            let compared =
                compare(self.ports, self.conduct, open.rows.as_mut(), Some(last)).await?;
            verified = Verified { counts: verified.counts, ..compared };
        }
        self.end().await?;
        Ok(verified)
    }
}
