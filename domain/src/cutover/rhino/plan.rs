//! What a cut-over of rhino's database is about to do, and what hinders it.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use super::estimate::RhinoEstimate;
use super::kept::{self, Gathered};
use super::refusal::RhinoRefusal;
use super::trouble::RhinoTrouble;
use super::verify::Counts;
use super::{Conduct, RhinoPorts, RhinoProgress};
use crate::cutover::read_state::patiently;
use crate::cutover::standing::{Cutovers, Phase, Run};
use crate::journal::{NameRename, NamesBefore};
use crate::name_changes::{NameChange, NameChanges};
use crate::ports::{BackupRow, IndexDefinition, RhinoFacts, RowId, RowRange};
use crate::{BucketMap, MogileBucket, RepoBucketName, S3Bucket, limits};

/// What a cut-over is about to do.
#[derive(Debug, Clone)]
pub struct RhinoPlan {
    /// The database: host, port and name.
    pub server: String,
    /// What the server says of itself.
    pub facts: RhinoFacts,
    /// Where the cut-over begins.
    pub stage: RhinoStage,
    /// The names before the cut-over: of now, or of the run that is gone on with.
    pub names: NamesBefore,
    /// The rows of now by their names; [`None`] stands for NULL.
    pub rows: BTreeMap<Option<String>, u64>,
    /// Those of ignored buckets.
    pub ignored: BTreeMap<String, u64>,
    /// What it takes.
    pub estimate: RhinoEstimate,
    /// The statements, in the server's words: see [`crate::ports::RhinoChanges::statements`]. None where no
    /// row is to be renamed.
    pub statements: Vec<String>,
    /// What hinders it: all of it.
    pub refusals: Vec<RhinoRefusal>,
    /// Rows that bear a new name already.
    pub(super) kept: RoaringTreemap,
    /// What the journal says, by which a later look at it is judged.
    pub(super) seen: Cutovers,
}

/// Where a cut-over begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RhinoStage {
    /// At its beginning: with a backup.
    Fresh,
    /// Behind what an earlier run has done.
    Continues(Box<Run>),
    /// It is done.
    Done(Box<Run>),
}

impl RhinoPlan {
    /// Rows that are to get other names.
    #[must_use]
    pub const fn rows_to_rename(&self) -> u64 {
        self.estimate.rows
    }

    /// Rows that bear a new name already and keep it both ways.
    #[must_use]
    pub fn rows_kept(&self) -> u64 {
        self.names.kept.as_ref().map_or(0, |kept| kept.rows)
    }
}

/// Looks what a cut-over has to do. It reads alone.
///
/// `cutovers` is what the journal says. With `keep_existing` rows that bear a new name already keep it; they are
/// searched for among all rows. The port for the load is asked once, with [`super::Pace::online`]: what cannot be
/// asked is known before anything is changed.
pub async fn plan_rhino(
    ports: &RhinoPorts,
    buckets: &BucketMap,
    cutovers: &Cutovers,
    keep_existing: bool,
    conduct: &Conduct<'_>,
) -> Result<RhinoPlan, RhinoTrouble> {
    let seen = Seen::read(ports, conduct).await?;
    let mut plan = seen.plan(ports, buckets, cutovers);
    if matches!(plan.stage, RhinoStage::Fresh) {
        let existing = plan.new_names();
        if !existing.is_empty() && keep_existing {
            match gather(ports, &plan, conduct).await? {
                Ok(kept) => {
                    plan.names.kept = Some(kept::named(&kept));
                    plan.kept = kept;
                }
                Err(refusal) => plan.refusals.push(refusal),
            }
        } else if !existing.is_empty() {
            plan.refusals.push(RhinoRefusal::NewNames(existing));
        }
    }
    let index = plan.names.index.clone().map(IndexDefinition);
    plan.statements = statements(ports, &plan.names, index.as_ref(), plan.estimate.rows).await?;
    Ok(plan)
}

/// What the server and the table are now.
pub(super) struct Seen {
    pub(super) facts: RhinoFacts,
    pub(super) rows: Counts,
    pub(super) last: Option<RowId>,
}

impl Seen {
    /// Reads it, and asks for the load where it will be asked for.
    pub(super) async fn read(
        ports: &RhinoPorts,
        conduct: &Conduct<'_>,
    ) -> Result<Self, RhinoTrouble> {
        let clock = &*ports.clock;
        if conduct.pace.online.is_some() {
            patiently(clock, conduct.salt, || ports.load.load()).await?;
        }
        let facts = patiently(clock, conduct.salt, || ports.changes.facts()).await?;
        (conduct.progress)(RhinoProgress::Counting);
        let last = patiently(clock, conduct.salt, || ports.names.highest()).await?;
        let rows = ports.names.counts(RowId::START).await?;
        Ok(Self { facts, rows, last })
    }

    fn plan(self, ports: &RhinoPorts, buckets: &BucketMap, cutovers: &Cutovers) -> RhinoPlan {
        let Self { facts, rows, last } = self;
        let mut refusals = of_facts(&facts);
        if cutovers.contentrepo.phase() != Phase::CutOver {
            refusals.push(RhinoRefusal::ContentrepoFirst);
        }
        let now = names_of(&rows, buckets, last, &facts);
        let standing = &cutovers.rhino;
        let (stage, names) = match (standing.phase(), standing.run()) {
            (Phase::UnderWay, Some(run)) => {
                (RhinoStage::Continues(Box::new(run.clone())), run.begun.names.clone())
            }
            (Phase::CutOver, Some(run)) => {
                (RhinoStage::Done(Box::new(run.clone())), run.begun.names.clone())
            }
            (Phase::UnderWayBack, Some(run)) => {
                refusals.push(RhinoRefusal::RevertUnderWay(run.sequence));
                (RhinoStage::Fresh, now.clone())
            }
            (_, _) => (RhinoStage::Fresh, now.clone()),
        };
        if let RhinoStage::Continues(run) | RhinoStage::Done(run) = &stage {
            refusals.extend(of_run(run, &ports.server, &now.renames));
        }
        let (ignored, unmapped) = apart(&rows, buckets);
        let (unmapped, no_names): (BTreeMap<_, _>, BTreeMap<_, _>) =
            unmapped.into_iter().partition(|(name, _)| MogileBucket::new(name).is_some());
        if !unmapped.is_empty() {
            refusals.push(RhinoRefusal::Unmapped(unmapped));
        }
        if !no_names.is_empty() {
            refusals.push(RhinoRefusal::NoNames(no_names));
        }
        let is_own = |name: &String| buckets.repo_bucket(name).mogile_bucket().is_some();
        if !rows.keys().flatten().any(is_own) {
            refusals.push(RhinoRefusal::NothingMapped);
        }
        let of = |name: &String| rows.get(&Some(name.clone())).copied().unwrap_or_default();
        let to_rename = names.renames.iter().map(|rename| of(&rename.from)).sum();
        let estimate =
            RhinoEstimate::new(&facts, to_rename, rows.values().sum(), names.index.is_some());
        RhinoPlan {
            server: ports.server.clone(),
            facts,
            stage,
            names,
            rows,
            ignored,
            estimate,
            statements: Vec::new(),
            refusals,
            kept: RoaringTreemap::new(),
            seen: cutovers.clone(),
        }
    }
}

/// What the server itself hinders.
pub(super) fn of_facts(facts: &RhinoFacts) -> Vec<RhinoRefusal> {
    let mut refusals = Vec::new();
    match &facts.triggers {
        Some(triggers) if triggers.is_empty() => {}
        Some(triggers) => refusals.push(RhinoRefusal::Triggers(triggers.clone())),
        None => refusals.push(RhinoRefusal::TriggersUnseen),
    }
    if !facts.lacks.is_empty() {
        refusals.push(RhinoRefusal::Privileges(facts.lacks.clone()));
    }
    if facts.is_read_only {
        refusals.push(RhinoRefusal::ReadOnly);
    }
    if let Some(IndexDefinition(index)) = facts.index.as_ref().filter(|_| !facts.index_can_return) {
        refusals.push(RhinoRefusal::IndexCannotReturn(index.clone()));
    }
    refusals
}

/// What hinders a change that an earlier run has begun.
fn of_run(run: &Run, server: &str, renames: &[NameRename]) -> Vec<RhinoRefusal> {
    let (sequence, mut refusals) = (run.sequence, Vec::new());
    if run.begun.server != server {
        let (of, now) = (run.begun.server.clone(), server.to_owned());
        refusals.push(RhinoRefusal::OtherServer { sequence, of, now });
    }
    if run.begun.names.renames != renames {
        let (of, now) = (in_words(&run.begun.names.renames), in_words(renames));
        refusals.push(RhinoRefusal::OtherMap { sequence, of, now });
    }
    refusals
}

fn in_words(renames: &[NameRename]) -> String {
    let each = renames.iter().map(|rename| format!("`{}` to `{}`", rename.from, rename.to));
    let all: Vec<_> = each.collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

fn names_of(
    rows: &Counts,
    buckets: &BucketMap,
    last: Option<RowId>,
    facts: &RhinoFacts,
) -> NamesBefore {
    let pairs = buckets.pairs().filter(|(old, new)| old.as_str() != new.as_str());
    let rename = |(old, new): (&MogileBucket, &S3Bucket)| NameRename {
        id: None,
        from: old.to_string(),
        to: new.to_string(),
    };
    let named = rows.iter().filter_map(|(name, rows)| Some((name.clone()?, *rows)));
    NamesBefore {
        renames: pairs.map(rename).collect(),
        rows: named.collect(),
        nameless: rows.get(&None).copied().unwrap_or_default(),
        last: last.as_ref().map(RowId::to_string),
        index: facts.index.clone().map(|IndexDefinition(index)| index),
        create_table: Some(facts.create_table.clone()),
        kept: None,
    }
}

/// The rows of ignored buckets, and those of buckets that no setting names.
fn apart(rows: &Counts, buckets: &BucketMap) -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let (mut ignored, mut unmapped) = (BTreeMap::new(), BTreeMap::new());
    for (name, rows) in rows {
        let Some(name) = name else { continue };
        match buckets.repo_bucket(name) {
            RepoBucketName::Ignored => ignored.insert(name.clone(), *rows),
            RepoBucketName::Unmapped => unmapped.insert(name.clone(), *rows),
            RepoBucketName::Mapped(_) | RepoBucketName::Renamed(_) => None,
        };
    }
    (ignored, unmapped)
}

impl RhinoPlan {
    /// Rows that bear a name that others are to get.
    fn new_names(&self) -> BTreeMap<String, u64> {
        let is_new = |name: &String| self.names.renames.iter().any(|rename| rename.to == *name);
        let rows = self.names.rows.iter().filter(|(name, _)| is_new(name));
        rows.map(|(name, rows)| (name.clone(), *rows)).collect()
    }
}

/// The ids of the rows that bear a new name already.
async fn gather(
    ports: &RhinoPorts,
    plan: &RhinoPlan,
    conduct: &Conduct<'_>,
) -> Result<Result<RoaringTreemap, RhinoRefusal>, RhinoTrouble> {
    let (mut gathered, mut after, mut read) = (Gathered::default(), RowId::START, 0);
    loop {
        let page = page(ports, conduct, after).await?;
        let Some(last) = page.last() else { return Ok(gathered.finish()) };
        after = last.id;
        for BackupRow { id, name } in &page {
            if is_new(&plan.names, name.as_deref())
                && let Err(refusal) = gathered.add(*id)
            {
                return Ok(Err(refusal));
            }
        }
        read += page.len() as u64;
        (conduct.progress)(RhinoProgress::Read(read));
    }
}

/// Whether rows are to get this name.
pub(super) fn is_new(names: &NamesBefore, name: Option<&str>) -> bool {
    name.is_some_and(|name| names.renames.iter().any(|rename| rename.to == name))
}

/// The next rows behind an id, for the reading of all.
pub(super) async fn page(
    ports: &RhinoPorts,
    conduct: &Conduct<'_>,
    after: RowId,
) -> Result<Vec<BackupRow>, RhinoTrouble> {
    let read = || ports.names.names(after, limits::BACKUP_PAGE_ROWS);
    Ok(patiently(&*ports.clock, conduct.salt, read).await?)
}

/// The changes of names, from the old to the new ones, or back. None where every bucket keeps its name.
pub(super) fn changes_of(names: &NamesBefore, is_back: bool) -> Option<NameChanges> {
    let change = |NameRename { from, to, .. }: &NameRename| {
        let (from, to) = if is_back { (to, from) } else { (from, to) };
        NameChange { from: from.clone(), to: to.clone() }
    };
    // The bucket map and the journal have no other.
    NameChanges::new(names.renames.iter().map(change).collect()).ok()
}

/// The statements that rename `rows` rows, in words.
async fn statements(
    ports: &RhinoPorts,
    names: &NamesBefore,
    index: Option<&IndexDefinition>,
    rows: u64,
) -> Result<Vec<String>, RhinoTrouble> {
    let Some(changes) = changes_of(names, false).filter(|_| rows > 0) else {
        return Ok(Vec::new());
    };
    texts(ports, &changes, index).await
}

/// The statements for all rows of the table.
pub(super) async fn texts(
    ports: &RhinoPorts,
    changes: &NameChanges,
    index: Option<&IndexDefinition>,
) -> Result<Vec<String>, RhinoTrouble> {
    let clock = &*ports.clock;
    let first = patiently(clock, 0, || ports.names.names(RowId::START, limits::CHUNK_ROWS_LEAST));
    let first = first.await?;
    let (Some(first), Some(last)) = (first.first(), first.last()) else { return Ok(Vec::new()) };
    let rows = RowRange { first: first.id, last: last.id };
    Ok(patiently(clock, 0, || ports.changes.statements(rows, changes, index)).await?)
}
