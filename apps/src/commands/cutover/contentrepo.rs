//! `mogile2s3 cutover contentrepo`.

use std::sync::Arc;

use adapters::backup::FileBackups;
use adapters::clock::SystemClock;
use adapters::mysql::{DatabaseUrl, rename_bucket_statement};
use clap::Args;
use domain::BucketMap;
use domain::cleanup::StopRequest;
use domain::cutover::{
    Cutovers, FreezePorts, Gate, Phase, RepoBackup, RepoCutover, RepoDone, RepoEnd, RepoPorts,
    RepoRevert, RepoTrouble, UnfitRow, cut_over_contentrepo, plan_contentrepo, read_cutovers,
    revert_contentrepo, revert_gates,
};
use domain::journal::{ClientDatabase, Direction, IngestedSeal, NameRename, NamesBefore};
use domain::ports::{
    Backups, BucketRename, ContentRepoDatabase, Hindrance, Journal, RepoBucket, RowId,
};
use domain::runbook::JournalTrouble;

use super::gates::{Looked, look};
use super::ingested::{self, Marks, mark};
use super::{Change, backing, changing, reading};
use crate::commands::freeze::unreadable;
use crate::exit::{Exit, UsageError};
use crate::journal::{random, refused};
use crate::report::cutover::{CutoverOutcome, CutoverReport, Estimate, flag};
use crate::report::quoted;
use crate::session::Session;
use crate::wiring::Services;

const DATABASE: ClientDatabase = ClientDatabase::Contentrepo;

/// What can be given to `cutover contentrepo`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    change: Change,
}

const AFTER_HELP: &str = "\
contentrepo's buckets get their S3 names in one transaction, by their ids and only where they bear the
old names byte for byte. The journal and the backup have all names before the first statement. A run
that was killed at any point is brought to its end by the same command, or taken back by --revert.

Gates: the freeze of the journal holds (a dry run reads its last rows only); every bucket of both
clients is in BUCKETS or in IGNORE_BUCKETS; no ignored bucket has content that --left-behind does not
name; the way back comes behind rhino's, and only where no content was ingested since the cut-over or
--leave-behind lists it.

Exit codes: 0 done, or a dry run whose gates are open; 1 interrupted; 2 wrong usage or configuration;
3 something could not be reached, and the same command goes on; 4 a gate refused, or rows stand in
the way, or another process wrote into the journal meanwhile.";

/// What a change reaches.
struct Reached {
    ports: RepoPorts,
    freeze: FreezePorts,
    server: String,
    stop: StopRequest,
}

impl Arguments {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let change = self.change;
        let session = change.session();
        let buckets = change.common.buckets()?;
        let freeze = change.common.ports(&session)?;
        let url = change.url(DATABASE, change.common.clients.content_repo()?)?;
        let server = url.name().to_owned();
        let services = session.services(&change.common.aws, &change.common.time);
        let journal = services.journal(&change.common.journal).await?;
        let ports = ports(&session, &change, url, journal);
        let (_, stop) = Session::stop_request()?;
        let reached = Reached { ports, freeze, server, stop: stop.clone() };
        require_same_database(&reached).await?;
        let work = async {
            if change.revert {
                revert(&change, &services, reached).await
            } else {
                cut_over(&change, &services, &buckets, reached).await
            }
        };
        session.print(&work.await?)
    }
}

fn ports(
    session: &Session,
    change: &Change,
    url: DatabaseUrl,
    journal: Arc<dyn Journal>,
) -> RepoPorts {
    let wiring = session.wiring(&change.common.source, &change.common.time);
    RepoPorts {
        content_repo: Arc::new(wiring.content_repo(url.clone())),
        changes: Arc::new(wiring.content_repo_changes(url)),
        journal,
        clock: Arc::new(SystemClock),
    }
}

/// Errors where the database that is changed is another one than the one that the gates read.
async fn require_same_database(reached: &Reached) -> anyhow::Result<()> {
    let names = |database: Arc<dyn ContentRepoDatabase>| async move {
        database.buckets().await.map_err(|error| reading(&error))
    };
    let read = names(reached.freeze.content_repo.clone()).await?;
    let written = names(reached.ports.content_repo.clone()).await?;
    if read == written {
        return Ok(());
    }
    let text = "CONTENTREPO_DATABASE_WRITE_URL has other buckets than CONTENTREPO_DATABASE_URL: it is another \
                store's database, or one of them is a copy or lags\n  → give the primary of the same database in \
                both";
    Err(UsageError(text.to_owned()).into())
}

async fn cut_over(
    change: &Change,
    services: &Services<'_>,
    buckets: &BucketMap,
    Reached { ports, freeze, server, stop }: Reached,
) -> anyhow::Result<CutoverReport> {
    let named = change.named(buckets)?;
    let looking = look(DATABASE, &freeze, &*ports.journal, (buckets, &named), change.execute);
    let report = |outcome, gates: &[Gate]| {
        let way = (DATABASE, Direction::ToS3);
        CutoverReport::new(way, server.clone(), change.execute, outcome, gates)
    };
    let looked: Looked = tokio::select! {
        looked = looking => looked?,
        () = stop.clone() => return Ok(report(CutoverOutcome::NotBegun, &[])),
    };
    let found = ports.content_repo.buckets().await.map_err(|error| reading(&error))?;
    let drawn = draw(&looked, &found, buckets);
    let is_open = looked.are_open() && drawn.refusals.is_empty();
    let left_behind: Vec<_> = named.iter().cloned().collect();
    let flags = if left_behind.is_empty() {
        String::new()
    } else {
        format!(" --left-behind {}", quoted(&left_behind.join(",")))
    };
    if !is_open || !change.execute {
        let outcome = match (is_open, looked.cutovers.contentrepo.phase()) {
            (false, _) => CutoverOutcome::Refused,
            (true, Phase::CutOver) => CutoverOutcome::AlreadySo,
            (true, _) => CutoverOutcome::CanBeChanged,
        };
        let mut report = report(outcome, &looked.gates);
        drawn.onto(&mut report);
        let done = looked.cutovers.contentrepo.forth.as_ref().and_then(|run| run.done);
        (report.entry, report.flags) = (done, flags);
        return Ok(report);
    }
    let backups = change.backup.clone().map(|path| Arc::new(FileBackups::new(path)) as Arc<dyn Backups>);
    let frozen = looked.freeze.as_ref();
    let cutover = RepoCutover {
        buckets,
        server: server.clone(),
        seen: looked.cutovers.clone(),
        freeze: frozen.map(|freeze| freeze.sequence),
        last: frozen.and_then(|freeze| freeze.freeze.state.contentrepo.last.clone()),
        backups,
        left_behind,
        by: (change.operator.name(services).await?, random()),
        stop,
    };
    let end = cut_over_contentrepo(&ports, cutover).await.map_err(trouble)?;
    let mut report = report(outcome(&end), &looked.gates);
    drawn.onto(&mut report);
    report.flags = flags;
    ended(&mut report, end);
    Ok(report)
}

async fn revert(
    change: &Change,
    services: &Services<'_>,
    Reached { ports, freeze, server, stop }: Reached,
) -> anyhow::Result<CutoverReport> {
    let cutovers = read_cutovers(&*ports.journal, &*ports.clock, random()).await;
    let cutovers = cutovers.map_err(unreadable)?;
    let from = match &change.from {
        Some(path) => {
            let backup = FileBackups::new(path.clone()).open().await.map_err(backing)?;
            Some(RepoBackup::read(backup).await.map_err(backing)?)
        }
        None => None,
    };
    let run = cutovers.contentrepo.run();
    let names = run.map(|run| &run.begun.names).or(from.as_ref().map(|from| &from.header.names));
    let looking = revert_look(&freeze, &cutovers, names, change);
    let report = |outcome, gates: &[Gate]| {
        let way = (DATABASE, Direction::ToMogile);
        CutoverReport::new(way, server.clone(), change.execute, outcome, gates)
    };
    let (gates, ingested) = tokio::select! {
        looked = looking => looked?,
        () = stop.clone() => return Ok(report(CutoverOutcome::NotBegun, &[])),
    };
    let renames = names.map(|names| names.renames.clone()).unwrap_or_default();
    let is_open = gates.iter().all(Gate::is_open);
    let from_flag = flag("--from", change.from.as_deref());
    let flags = from_flag + &flag("--leave-behind", change.leave_behind.as_deref());
    if !is_open || !change.execute || names.is_none() {
        let is_back = names.is_none() && cutovers.contentrepo.taken_back.is_some();
        let outcome = match (is_open, names) {
            (true, Some(_)) => CutoverOutcome::CanBeChanged,
            (true, None) if is_back => CutoverOutcome::AlreadySo,
            (_, _) => CutoverOutcome::Refused,
        };
        let mut report = report(outcome, &gates);
        report.entry = cutovers.contentrepo.taken_back;
        if names.is_none() && !is_back {
            let refusal = domain::cutover::RepoRefusal::NothingToTakeBack;
            report.refusals.push(refusal.to_string());
        }
        report.statements = statements(&renames, true);
        (report.renames, report.flags) = (renames, flags);
        return Ok(report);
    }
    let by = (change.operator.name(services).await?, random());
    let (seen, seal) = (cutovers.clone(), ingested.clone());
    let revert = RepoRevert { server: server.clone(), seen, from, ingested: seal, by, stop };
    let end = revert_contentrepo(&ports, revert).await.map_err(trouble)?;
    let mut report = report(outcome(&end), &gates);
    (report.renames, report.ingested, report.flags) = (renames, ingested, flags);
    ended(&mut report, end);
    Ok(report)
}

/// The gates of the way back. A list is written where something is executed, and counted otherwise.
async fn revert_look(
    ports: &FreezePorts,
    cutovers: &Cutovers,
    names: Option<&NamesBefore>,
    change: &Change,
) -> anyhow::Result<(Vec<Gate>, Option<IngestedSeal>)> {
    let renamed = match names {
        Some(names) if cutovers.rhino.run().is_none() => {
            let rows = ports.rhino.rows_by_bucket().await.map_err(|error| reading(&error))?;
            let is_new = |name: &str| names.renames.iter().any(|rename| rename.to == name);
            let new = rows.iter().filter(|(name, _)| name.as_deref().is_some_and(is_new));
            new.map(|(_, rows)| rows).sum()
        }
        _ => 0,
    };
    let contentrepo = names.map(|names| mark(names.last.as_ref()));
    let marks = Marks { contentrepo, rhino: None };
    let list = change.leave_behind.as_deref().filter(|_| change.execute);
    let (mut seen, seal) = ingested::look(ports, marks, list).await?;
    seen.is_listed |= change.leave_behind.is_some();
    seen.is_listed |= ingested::is_known(cutovers, false, seen.objects);
    Ok((revert_gates(DATABASE, cutovers, renamed, seen), seal))
}

/// What a cut-over would do, and what hinders it.
struct Drawn {
    renames: Vec<NameRename>,
    refusals: Vec<String>,
    notes: Vec<String>,
    /// Whether any row is to be changed.
    is_to_do: bool,
}

fn draw(looked: &Looked, found: &[RepoBucket], buckets: &BucketMap) -> Drawn {
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
        return Drawn { renames, refusals, notes, is_to_do };
    }
    match plan_contentrepo(found, buckets) {
        Ok(plan) => {
            notes.extend(plan.absent.iter().map(|name| {
                format!("contentrepo has no bucket `{name}`, which BUCKETS names")
            }));
            notes.extend(plan.alike.iter().map(|(rename, with)| {
                let (to, with) = (&rename.to, &with.name);
                format!("`{to}` and `{with}` differ by case alone: the server may refuse to have both")
            }));
            let nameless = looked.held.nameless_objects();
            if nameless > 0 {
                notes.push(format!("{nameless} of contentrepo's objects are in no bucket that it has"));
            }
            let is_to_do = !plan.renames.is_empty();
            let renames = plan.renames.iter().map(rename_of).collect();
            Drawn { renames, refusals: Vec::new(), notes, is_to_do }
        }
        Err(refusals) => {
            let refusals = refusals.iter().map(ToString::to_string).collect();
            Drawn { renames: Vec::new(), refusals, notes, is_to_do: false }
        }
    }
}

impl Drawn {
    fn onto(&self, report: &mut CutoverReport) {
        report.renames.clone_from(&self.renames);
        report.refusals.clone_from(&self.refusals);
        report.notes.clone_from(&self.notes);
        if self.is_to_do {
            report.statements = statements(&self.renames, false);
            let rows = self.renames.len() as u64;
            report.estimate = Some(Estimate { rows, seconds: 1, binlog_bytes: None });
        }
    }
}

fn rename_of(BucketRename { id, from, to }: &BucketRename) -> NameRename {
    NameRename { id: Some(id.to_string()), from: from.clone(), to: to.clone() }
}

/// The statements of one transaction.
fn statements(renames: &[NameRename], is_back: bool) -> Vec<String> {
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

const fn outcome(end: &RepoEnd) -> CutoverOutcome {
    match end {
        RepoEnd::Done(RepoDone { was_done: true, .. }) => CutoverOutcome::AlreadySo,
        RepoEnd::Done(_) => CutoverOutcome::Changed,
        RepoEnd::Refused(_) => CutoverOutcome::Refused,
        RepoEnd::Hindered(_) | RepoEnd::Unfit(_) => CutoverOutcome::Unfit,
        RepoEnd::Interrupted { begun: None } => CutoverOutcome::NotBegun,
        RepoEnd::Interrupted { begun: Some(_) } => CutoverOutcome::UnderWay,
    }
}

fn ended(report: &mut CutoverReport, end: RepoEnd) {
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

fn trouble(why: RepoTrouble) -> anyhow::Error {
    match why {
        RepoTrouble::Unreadable(why) => unreadable(why),
        RepoTrouble::Journal(why @ JournalTrouble::TakenOver(_)) => refused(why),
        RepoTrouble::Journal(why) => refused(why),
        RepoTrouble::Read(error) => reading(&error),
        RepoTrouble::Change(error) => changing(error),
        RepoTrouble::Backup(error) => backing(error),
    }
}
