//! What a change of contentrepo's names would do and has done, for an operator.

use adapters::mysql::rename_bucket_statement;
use domain::BucketMap;
use domain::cutover::{
    Phase, RepoDone, RepoEnd, RepoRevertSeen, RepoTrouble, UnfitRow, plan_contentrepo,
};
use domain::journal::NameRename;
use domain::ports::{BucketRename, Hindrance, RepoBucket, RowId};

use crate::commands::cutover::gates::Looked;
use crate::commands::cutover::{backing, changing, reading};
use crate::commands::freeze::unreadable;
use crate::journal::refused;
use crate::report::cutover::{CutoverOutcome, CutoverReport, Estimate};

/// What a cut-over would do, and what hinders it.
pub(super) struct Drawn {
    renames: Vec<NameRename>,
    pub(super) refusals: Vec<String>,
    notes: Vec<String>,
    /// Whether any row is to be changed.
    is_to_do: bool,
    /// Whether the server writes a binary log.
    has_binlog: bool,
}

pub(super) fn draw(
    looked: &Looked,
    found: &[RepoBucket],
    buckets: &BucketMap,
    has_binlog: bool,
) -> Drawn {
    let standing = &looked.cutovers.contentrepo;
    let mut notes = Vec::new();
    if let (Phase::UnderWay | Phase::CutOver, Some(run)) = (standing.phase(), &standing.forth) {
        let renames = run.begun.names.renames.clone();
        if run.done.is_none() {
            let (entry, by) = (run.sequence, &run.by);
            notes.push(format!(
                "entry {entry} of the journal, by {by}, began this cut-over: --execute goes on with it"
            ));
        }
        let has = |rename: &NameRename, name: &str| {
            let is = |bucket: &RepoBucket| Some(bucket.id.to_string()) == rename.id;
            found.iter().any(|bucket| is(bucket) && bucket.name == name)
        };
        let unfit = renames.iter().filter(|rename| {
            !has(rename, &rename.to) && (run.done.is_some() || !has(rename, &rename.from))
        });
        let words = |rename: &NameRename| {
            format!("bucketId {} bears another name", rename.id.clone().unwrap_or_default())
        };
        let refusals = unfit.map(words).collect();
        let is_to_do = renames.iter().any(|rename| has(rename, &rename.from));
        return Drawn { renames, refusals, notes, is_to_do, has_binlog };
    }
    match plan_contentrepo(found, buckets) {
        Ok(plan) => {
            notes.extend(
                plan.absent
                    .iter()
                    .map(|name| format!("contentrepo has no bucket `{name}`, which BUCKETS names")),
            );
            notes.extend(plan.alike.iter().map(|(rename, with)| {
                let (to, with) = (&rename.to, &with.name);
                format!(
                    "`{to}` and `{with}` differ by case alone: the server may refuse to have both"
                )
            }));
            let nameless = looked.held.nameless_objects();
            if nameless > 0 {
                notes.push(format!(
                    "{nameless} of contentrepo's objects are in no bucket that it has"
                ));
            }
            let is_to_do = !plan.renames.is_empty();
            let renames = plan.renames.iter().map(rename_of).collect();
            Drawn { renames, refusals: Vec::new(), notes, is_to_do, has_binlog }
        }
        Err(refusals) => {
            let refusals = refusals.iter().map(ToString::to_string).collect();
            Drawn { renames: Vec::new(), refusals, notes, is_to_do: false, has_binlog }
        }
    }
}

impl Drawn {
    pub(super) fn onto(&self, report: &mut CutoverReport) {
        report.renames.clone_from(&self.renames);
        report.refusals.clone_from(&self.refusals);
        report.notes.clone_from(&self.notes);
        if self.is_to_do {
            report.statements = statements(&self.renames, false);
            let rows = self.renames.len() as u64;
            let bytes = rows * domain::limits::assumed::BINLOG_BYTES_A_ROW;
            let binlog_bytes = self.has_binlog.then_some(bytes);
            report.estimate = Some(Estimate { rows, seconds: 1, binlog_bytes });
        }
    }
}

fn rename_of(BucketRename { id, from, to }: &BucketRename) -> NameRename {
    NameRename { id: Some(id.to_string()), from: from.clone(), to: to.clone() }
}

/// The statements of one transaction.
pub(super) fn statements(renames: &[NameRename], is_back: bool) -> Vec<String> {
    let one = |NameRename { id, from, to }: &NameRename| {
        let id = id.as_ref().and_then(|id| id.parse().ok()).map(RowId)?;
        let (from, to) = if is_back { (to, from) } else { (from, to) };
        Some(rename_bucket_statement(&BucketRename { id, from: from.clone(), to: to.clone() }))
    };
    let all: Vec<_> = renames.iter().filter_map(one).collect();
    if all.is_empty() {
        return all;
    }
    let begin = std::iter::once("START TRANSACTION".to_owned());
    begin.chain(all).chain(["COMMIT".to_owned()]).collect()
}

pub(super) const fn outcome(end: &RepoEnd) -> CutoverOutcome {
    match end {
        RepoEnd::Done(RepoDone { was_done: true, .. }) => CutoverOutcome::AlreadySo,
        RepoEnd::Done(_) => CutoverOutcome::Changed,
        RepoEnd::Refused(_) => CutoverOutcome::Refused,
        RepoEnd::Hindered(_) | RepoEnd::Unfit(_) => CutoverOutcome::Unfit,
        RepoEnd::Interrupted { begun: None } => CutoverOutcome::NotBegun,
        RepoEnd::Interrupted { begun: Some(_) } => CutoverOutcome::UnderWay,
    }
}

pub(super) fn ended(report: &mut CutoverReport, end: RepoEnd) {
    match end {
        RepoEnd::Done(RepoDone { renames, entry, backup, .. }) => {
            (report.renames, report.entry, report.backup) = (renames, Some(entry), backup);
        }
        RepoEnd::Refused(all) => report.refusals.extend(all.iter().map(ToString::to_string)),
        RepoEnd::Hindered(all) => report.refusals.extend(all.iter().map(hindrance)),
        RepoEnd::Unfit(rows) => report.refusals.extend(rows.iter().map(unfit)),
        RepoEnd::Interrupted { .. } => {}
    }
}

/// What a way back would find.
pub(super) fn would_be(report: &mut CutoverReport, seen: RepoRevertSeen) {
    match seen {
        RepoRevertSeen::Refused(refusal) => report.refusals.push(refusal.to_string()),
        RepoRevertSeen::Unfit(rows) => report.refusals.extend(rows.iter().map(unfit)),
        RepoRevertSeen::AllNew(rows) => {
            report
                .notes
                .push(format!("{rows} buckets bear their S3 names: the way back changes each"));
        }
        RepoRevertSeen::AllOld(rows) => {
            report.notes.push(format!("{rows} buckets bear their MogileFS names already"));
        }
    }
}

fn hindrance(hindrance: &Hindrance) -> String {
    match hindrance {
        Hindrance::OtherName { rename, found } => {
            format!("bucketId {} bears `{found}`, and not `{}`", rename.id, rename.from)
        }
        Hindrance::Missing(rename) => format!("contentrepo has no bucketId {} any more", rename.id),
        Hindrance::Collision { rename, with } => format!(
            "bucketId {} cannot become `{}`: the database takes `{}` (bucketId {}) for the same name",
            rename.id, rename.to, with.name, with.id
        ),
    }
}

fn unfit(UnfitRow { rename, found }: &UnfitRow) -> String {
    let (id, to) = (rename.id, &rename.to);
    match found {
        Some(found) => format!("bucketId {id} bears `{found}`, and not `{to}`"),
        None => format!("contentrepo has no bucketId {id} any more, which was to bear `{to}`"),
    }
}

pub(super) fn trouble(why: RepoTrouble) -> anyhow::Error {
    match why {
        RepoTrouble::Unreadable(why) => unreadable(why),
        RepoTrouble::Journal(why) => refused(why),
        RepoTrouble::Read(error) => reading(&error),
        RepoTrouble::Change(error) => changing(&error),
        RepoTrouble::Backup(error) => backing(&error),
    }
}
