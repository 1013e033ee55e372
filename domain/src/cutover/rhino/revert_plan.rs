//! What a way back is about to do, and what hinders it.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use super::estimate::RhinoEstimate;
use super::kept::{self, Gathered};
use super::plan::{RhinoStage, Seen, changes_of, is_new, of_facts, texts};
use super::refusal::RhinoRefusal;
use super::trouble::RhinoTrouble;
use super::verify::{self, Counts};
use super::{Conduct, RhinoPorts, RhinoProgress, execute};
use crate::cutover::standing::{Cutovers, Phase, Run, Standing};
use crate::journal::{BackupSeal, ClientDatabase, NameRename, NamesBefore};
use crate::limits;
use crate::ports::{BackupHeader, Backups, IndexDefinition, OpenBackup, RhinoFacts, RowId};
use crate::server_ids::ServerIds;

/// What a way back knows the names of before from.
#[derive(Clone, Copy)]
pub enum RevertFrom<'a> {
    /// The journal's entries of the cut-over.
    Journal,
    /// The backup alone. The journal need not have the cut-over.
    Backup(&'a dyn Backups),
}

/// What a way back is about to do.
#[derive(Debug, Clone)]
pub struct RhinoRevertPlan {
    /// The database: host, port and name.
    pub server: String,
    /// What the server says of itself.
    pub facts: RhinoFacts,
    /// Where the way back begins.
    pub stage: RhinoStage,
    /// The names before the cut-over.
    pub names: NamesBefore,
    /// The number of the journal's entry that it takes back, where the journal has one.
    pub takes_back: Option<u64>,
    /// How the same database was called before, by the operator's word, where the journal does not have that word
    /// yet.
    pub database_was: Option<String>,
    /// The rows that were there before the cut-over, by the names that they have now.
    pub rows: BTreeMap<Option<String>, u64>,
    /// The rows that came after the cut-over, by their names: those behind [`Self::last`]. They keep their
    /// names, and their content is in S3 alone. The caller refuses them, or lists them by
    /// [`crate::ports::RhinoDatabase::files`] behind that id.
    pub ingested: BTreeMap<Option<String>, u64>,
    /// Those of [`Self::rows`] whose names were not there before and are no new ones either. They keep them.
    pub strangers: BTreeMap<Option<String>, u64>,
    /// What it takes.
    pub estimate: RhinoEstimate,
    /// The statements, in the server's words.
    pub statements: Vec<String>,
    /// What hinders it: all of it.
    pub refusals: Vec<RhinoRefusal>,
    pub(super) kept: RoaringTreemap,
    pub(super) seen: Cutovers,
    pub(super) backup: Option<BackupSeal>,
}

impl RhinoRevertPlan {
    /// The highest row id of before the cut-over; [`RowId::START`] where the table was empty.
    #[must_use]
    pub fn last(&self) -> RowId {
        execute::last_of(&self.names).unwrap_or(RowId::START)
    }

    /// The number of rows that came after the cut-over.
    #[must_use]
    pub fn rows_ingested(&self) -> u64 {
        self.ingested.values().sum()
    }

    /// Rows that get their old names again.
    #[must_use]
    pub const fn rows_to_rename(&self) -> u64 {
        self.estimate.rows
    }

    /// Rows that bore a new name before the cut-over and keep it.
    #[must_use]
    pub fn rows_kept(&self) -> u64 {
        self.kept.len()
    }
}

/// Where a way back begins, and what of.
struct Origin {
    stage: RhinoStage,
    names: NamesBefore,
    kept: RoaringTreemap,
    takes_back: Option<u64>,
    backup: Option<BackupSeal>,
    /// How the backup calls the database.
    server: Option<String>,
    refusals: Vec<RhinoRefusal>,
}

/// Looks what a way back has to do. It reads alone.
///
/// `database_was` is the operator's word that the database of this name in the journal or in the backup is the one
/// that is changed.
pub async fn plan_rhino_revert(
    ports: &RhinoPorts,
    cutovers: &Cutovers,
    from: RevertFrom<'_>,
    database_was: Option<&str>,
    conduct: &Conduct<'_>,
) -> Result<RhinoRevertPlan, RhinoTrouble> {
    let origin = match from {
        RevertFrom::Journal => of_journal(ports, &cutovers.rhino, conduct).await?,
        RevertFrom::Backup(backups) => {
            of_backup(ports, &cutovers.rhino, backups.open().await?, conduct).await?
        }
    };
    let Seen { facts, rows: all, .. } = Seen::read(ports, conduct).await?;
    let now = (&*ports.server, &facts.ids);
    let moved = moved(now, &cutovers.rhino, origin.server.clone(), database_was);
    let Origin { stage, names, kept, takes_back, backup, mut refusals, .. } = origin;
    refusals.extend(of_facts(&facts));
    let last = execute::last_of(&names).unwrap_or(RowId::START);
    let ingested = ports.names.counts(last).await?;
    let rows = verify::without(all, &ingested);
    let strangers = strangers(&names, &rows);
    let database_was = match moved {
        Ok(moved) => moved,
        Err(refusal) => {
            refusals.push(refusal);
            None
        }
    };
    if let (Some(known), Some(found)) = (&database_was, other_rows(&names, &rows)) {
        let (known, now) = (known.clone(), ports.server.clone());
        refusals.push(RhinoRefusal::NotTheSame { known, now, found });
    }
    let new: u64 = rows_with_new_names(&names, &rows);
    let has_index = names.index.is_some();
    let to_rename = new.saturating_sub(kept.len());
    let estimate = RhinoEstimate::new(&facts, to_rename, rows.values().sum(), has_index);
    let index = names.index.clone().map(IndexDefinition);
    let statements = match changes_of(&names, true).filter(|_| to_rename > 0) {
        Some(changes) => texts(ports, &changes, index.as_ref()).await?,
        None => Vec::new(),
    };
    Ok(RhinoRevertPlan {
        server: ports.server.clone(),
        facts,
        stage,
        names,
        takes_back,
        database_was,
        rows,
        ingested,
        strangers,
        estimate,
        statements,
        refusals,
        kept,
        seen: cutovers.clone(),
        backup,
    })
}

/// The name of the database in the journal or in the backup that is another one than now, where the operator says
/// that it is the same database. The journal's own word counts, too, and needs no other entry.
fn moved(
    (now, ids): (&str, &ServerIds),
    standing: &Standing,
    of_backup: Option<String>,
    database_was: Option<&str>,
) -> Result<Option<String>, RhinoRefusal> {
    let run = standing.run();
    let has_word = |known: &str| {
        run.is_some_and(|Run { begun, .. }| {
            begun.server == now && begun.database_was.as_deref() == Some(known)
        })
    };
    let is_other = |known: &str| known != now && !has_word(known);
    let mut moved = None;
    let is_other_server =
        |Run { begun, .. }: &Run| !begun.server_ids.may_be_of_one(ids) && !has_word(&begun.server);
    let other = run.filter(|run| is_other(&run.begun.server) || is_other_server(run));
    if let Some(run @ Run { sequence, begun, .. }) = other {
        let now =
            if is_other_server(run) { &*format!("{now}, on another server ({ids})") } else { now };
        if database_was != Some(begun.server.as_str()) {
            let (sequence, of, now) = (*sequence, begun.server.clone(), now.to_owned());
            return Err(RhinoRefusal::OtherServer { sequence, of, now });
        }
        moved = Some(begun.server.clone());
    }
    if let Some(of) = of_backup.filter(|of| is_other(of)) {
        if database_was != Some(of.as_str()) {
            return Err(RhinoRefusal::BackupOfOtherServer { of, now: now.to_owned() });
        }
        moved = Some(of);
    }
    Ok(moved)
}

/// What shows that rows cannot be those of before: more of them bear one of a bucket's two names than bore them
/// then, or none of any bucket is there. Rows may have been deleted since.
fn other_rows(names: &NamesBefore, rows: &Counts) -> Option<String> {
    let before = verify::before(names);
    let of = |counts: &Counts, rename: &NameRename| {
        let each = [&rename.from, &rename.to].map(|name| counts.get(&Some(name.clone())));
        each.into_iter().flatten().sum::<u64>()
    };
    let each = names.renames.iter().map(|it| (it, of(&before, it), of(rows, it)));
    let each: Vec<_> = each.collect();
    if let Some((NameRename { from, to, .. }, then, now)) =
        each.iter().find(|(_, then, now)| now > then)
    {
        return Some(format!("{now} of its rows bear `{from}` or `{to}`, and {then} did"));
    }
    let all = |of: fn(&(&NameRename, u64, u64)) -> u64| each.iter().map(of).sum::<u64>();
    let (then, now) = (all(|it| it.1), all(|it| it.2));
    (then > 0 && now == 0)
        .then(|| format!("none of its rows bears a name of the {then} rows that did"))
}

/// The rows that bear a new name.
pub(super) fn rows_with_new_names(names: &NamesBefore, rows: &Counts) -> u64 {
    let new = rows.iter().filter(|(name, _)| is_new(names, name.as_deref()));
    new.map(|(_, rows)| rows).sum()
}

fn strangers(names: &NamesBefore, rows: &Counts) -> Counts {
    let before = verify::before(names);
    let is_strange =
        |name: &Option<String>| !before.contains_key(name) && !is_new(names, name.as_deref());
    let strange = rows.iter().filter(|(name, _)| is_strange(name));
    strange.map(|(name, rows)| (name.clone(), *rows)).collect()
}

async fn of_journal(
    ports: &RhinoPorts,
    standing: &Standing,
    conduct: &Conduct<'_>,
) -> Result<Origin, RhinoTrouble> {
    let (stage, run) = match (standing.phase(), standing.run()) {
        (Phase::UnderWayBack, Some(run)) => (RhinoStage::Continues(Box::new(run.clone())), run),
        (Phase::UnderWay | Phase::CutOver, Some(run)) => (RhinoStage::Fresh, run),
        (_, _) => return Ok(Origin::nothing(standing)),
    };
    let names = run.begun.names.clone();
    let kept = match &names.kept {
        Some(kept) => {
            let from = (kept, run.sequence);
            kept::read(&*ports.journal, &*ports.clock, conduct.salt, from).await?
        }
        None => RoaringTreemap::new(),
    };
    let takes_back = match stage {
        RhinoStage::Continues(_) => run.begun.takes_back,
        RhinoStage::Fresh | RhinoStage::Done(_) => Some(run.sequence),
    };
    let (backup, server, refusals) = (None, None, Vec::new());
    Ok(Origin { stage, names, kept, takes_back, backup, server, refusals })
}

impl Origin {
    /// The journal has no cut-over, or only one that was taken back.
    fn nothing(standing: &Standing) -> Self {
        let names = NamesBefore {
            renames: Vec::new(),
            rows: BTreeMap::new(),
            nameless: 0,
            last: None,
            index: None,
            create_table: None,
            kept: None,
        };
        let refusals = match standing.taken_back {
            // A second run of the same command.
            Some(_) => Vec::new(),
            None => vec![RhinoRefusal::NothingToTakeBack],
        };
        let (kept, stage) = (RoaringTreemap::new(), RhinoStage::Fresh);
        Self { stage, names, kept, takes_back: None, backup: None, server: None, refusals }
    }
}

async fn of_backup(
    ports: &RhinoPorts,
    standing: &Standing,
    open: OpenBackup,
    conduct: &Conduct<'_>,
) -> Result<Origin, RhinoTrouble> {
    let seal = execute::seal(&open.file);
    let mut refusals: Vec<_> =
        of_header(ports, &open.header).into_iter().map(RhinoRefusal::OtherBackup).collect();
    let (names, server) = (open.header.names.clone(), open.header.server.clone());
    if let Some(run) = standing.run().filter(|run| run.begun.names != names) {
        let why = format!("the names before entry {} of the journal are others", run.sequence);
        refusals.push(RhinoRefusal::OtherBackup(why));
    }
    let kept = match gather(open, conduct).await? {
        Ok(kept) => kept,
        Err(refusal) => {
            refusals.push(refusal);
            RoaringTreemap::new()
        }
    };
    let known = names.kept.as_ref().map_or(0, |kept| kept.rows);
    if kept.len() != known && refusals.is_empty() {
        let why =
            format!("{} of its rows bear a new name, and its first line says {known}", kept.len());
        refusals.push(RhinoRefusal::OtherBackup(why));
    }
    let stage = match (standing.phase(), standing.run()) {
        (Phase::UnderWayBack, Some(run)) => RhinoStage::Continues(Box::new(run.clone())),
        (_, _) => RhinoStage::Fresh,
    };
    let takes_back = standing.forth.as_ref().map(|run| run.sequence);
    let (backup, server) = (Some(seal), Some(server));
    Ok(Origin { stage, names, kept, takes_back, backup, server, refusals })
}

/// What shows that a backup is not one of this table.
fn of_header(ports: &RhinoPorts, header: &BackupHeader) -> Vec<String> {
    let BackupHeader { migration, database, names, .. } = header;
    let mut wrong = Vec::new();
    if *database != ClientDatabase::Rhino {
        wrong.push(format!("it is {database}'s"));
    }
    if migration != ports.journal.migration() {
        let own = ports.journal.migration();
        wrong.push(format!("it is of the migration `{migration}`, and this one is `{own}`"));
    }
    if changes_of(names, true).is_none() {
        wrong.push("its first line has no names that can be changed back".to_owned());
    }
    wrong
}

/// The ids of the rows of a backup that bore a new name.
async fn gather(
    mut open: OpenBackup,
    conduct: &Conduct<'_>,
) -> Result<Result<RoaringTreemap, RhinoRefusal>, RhinoTrouble> {
    let (mut gathered, mut read) = (Gathered::default(), 0);
    loop {
        let page = open.rows.next(limits::BACKUP_PAGE_ROWS).await?;
        if page.is_empty() {
            return Ok(gathered.finish());
        }
        for row in &page {
            if is_new(&open.header.names, row.name.as_deref())
                && let Err(refusal) = gathered.add(row.id)
            {
                return Ok(Err(refusal));
            }
        }
        read += page.len() as u64;
        (conduct.progress)(RhinoProgress::Read(read));
    }
}
