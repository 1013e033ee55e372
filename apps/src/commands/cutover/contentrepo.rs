//! `mogile2s3 cutover contentrepo`.

mod end;

use std::path::Path;
use std::sync::Arc;

use adapters::backup::FileBackups;
use adapters::clock::SystemClock;
use adapters::mysql::DatabaseUrl;
use clap::Args;
use domain::BucketMap;
use domain::cleanup::StopRequest;
use domain::cutover::client_config::refused_afterwards;
use domain::cutover::{
    Cutovers, FreezePorts, Gate, IngestedSeen, Phase, RepoBackup, RepoCutover, RepoPorts,
    RepoRevert, RepoRevertSeen, cut_over_contentrepo, look_back, read_cutovers, revert_contentrepo,
    revert_gates,
};
use domain::journal::{ClientDatabase, Direction, IngestedSeal, NamesBefore};
use domain::ports::{Backups, ContentRepoDatabase, DatabaseServers, Journal};
use domain::runbook::JournalWriter;
use domain::server_ids::ServerIds;

use self::end::{draw, ended, outcome, statements, trouble, would_be};
use super::gates::{Looked, Looking};
use super::ingested::{self, Marks, mark};
use super::{Change, reading, taking_from};
use crate::commands::freeze::unreadable;
use crate::exit::{Exit, UsageError};
use crate::journal::{random, refused};
use crate::report::config::write_point_of_no_return;
use crate::report::cutover::{CutoverOutcome, CutoverReport, flag};
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

Gates: the freeze of the journal holds (a dry run reads its last rows only); the last audit and the last
local verification in the journal are clean, complete and of the freeze's content; the workers'
verification covers every file; both queues are empty for two minutes; every bucket of both clients is in BUCKETS or in IGNORE_BUCKETS; no ignored bucket has content that --left-behind does not
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
    server_ids: ServerIds,
    has_binlog: bool,
    stop: StopRequest,
}

impl Arguments {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let change = self.change;
        let session = change.session();
        change.gates.check()?;
        let buckets = change.common.buckets()?;
        let freeze = change.common.ports(&session)?;
        let url = change.url(DATABASE, change.common.clients.content_repo()?)?;
        let server = url.name().to_owned();
        let wiring = session.wiring(&change.common.source, &change.common.time);
        let servers = wiring.servers([None, Some(url.clone()), None]);
        let services = session.services(&change.common.aws, &change.common.time);
        let journal = services.journal(&change.common.journal).await?;
        let ports = ports(&session, &change, url, journal);
        let (_, stop) = Session::stop_request()?;
        let server_ids = servers.ids().await.map_err(|error| reading(&error))?;
        let server_ids = server_ids.into_iter().next().unwrap_or_default();
        let has_binlog = servers.have_binlogs().await.map_err(|error| reading(&error))?;
        let has_binlog = has_binlog.contains(&true);
        let reached = Reached { ports, freeze, server, server_ids, has_binlog, stop };
        require_same_database(&reached).await?;
        let work = async {
            if change.revert {
                Box::pin(revert(&change, &services, reached)).await
            } else {
                Box::pin(cut_over(&change, &services, &buckets, reached)).await
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
    Reached { ports, freeze, server, server_ids, has_binlog, stop }: Reached,
) -> anyhow::Result<CutoverReport> {
    let named = change.named(buckets)?;
    change.require_backup(DATABASE, &*ports.journal).await?;
    let (ports_of_gates, journal, named_buckets) = (&freeze, &ports.journal, &named);
    let looking = Looking {
        database: DATABASE,
        change,
        services,
        ports: ports_of_gates,
        journal,
        buckets,
        named: named_buckets,
    };
    let report = |outcome, gates: &[Gate]| {
        let way = (DATABASE, Direction::ToS3);
        CutoverReport::new(way, server.clone(), change.execute, outcome, gates)
    };
    let looked: Looked = tokio::select! {
        looked = Box::pin(looking.look()) => looked?,
        () = stop.clone() => return Ok(report(CutoverOutcome::NotBegun, &[])),
    };
    let found = ports.content_repo.buckets().await.map_err(|error| reading(&error))?;
    let drawn = draw(&looked, &found, buckets, has_binlog);
    let is_open = looked.are_open() && drawn.refusals.is_empty();
    let left_behind: Vec<_> = named.iter().cloned().collect();
    let mut flags = change.gates.flags();
    if !left_behind.is_empty() {
        flags = format!("{flags} --left-behind {}", quoted(&left_behind.join(",")));
    }
    if !is_open || !change.execute {
        let outcome = match (is_open, looked.cutovers.contentrepo.phase()) {
            (false, _) => CutoverOutcome::Refused,
            (true, Phase::CutOver) => CutoverOutcome::AlreadySo,
            (true, _) => CutoverOutcome::CanBeChanged,
        };
        let mut report = report(outcome, &looked.gates);
        drawn.onto(&mut report);
        looked.onto(&mut report);
        let done = looked.cutovers.contentrepo.forth.as_ref().and_then(|run| run.done);
        (report.entry, report.flags) = (done, flags);
        return Ok(report);
    }
    let salt = random();
    let by = (change.operator.name(services).await?, salt);
    let writer = JournalWriter::open(ports.journal.clone(), ports.clock.clone(), by).await;
    let mut writer = writer.map_err(refused)?;
    Box::pin(looked.enter(&looking, &mut writer)).await?;
    let backups =
        change.backup.clone().map(|path| Arc::new(FileBackups::new(path)) as Arc<dyn Backups>);
    let frozen = looked.freeze.as_ref();
    let cutover = RepoCutover {
        buckets,
        server: server.clone(),
        server_ids,
        seen: looked.cutovers.clone(),
        freeze: frozen.map(|freeze| freeze.sequence),
        last: frozen.and_then(|freeze| freeze.freeze.state.contentrepo.last.clone()),
        backups,
        left_behind,
        salt,
        stop,
    };
    let mut block = String::new();
    write_point_of_no_return(&mut block, refused_afterwards())?;
    eprint!("{block}");
    let end = cut_over_contentrepo(&ports, cutover, &mut writer).await.map_err(trouble)?;
    let mut report = report(outcome(&end), &looked.gates);
    drawn.onto(&mut report);
    looked.onto(&mut report);
    report.flags = flags;
    ended(&mut report, end);
    Ok(report)
}

async fn revert(
    change: &Change,
    services: &Services<'_>,
    Reached { ports, freeze, server, server_ids, stop, .. }: Reached,
) -> anyhow::Result<CutoverReport> {
    let cutovers = read_cutovers(&*ports.journal, &*ports.clock, random()).await;
    let cutovers = cutovers.map_err(unreadable)?;
    let from = match &change.from {
        Some(path) => {
            let backup = FileBackups::new(path.clone()).open().await;
            let backup = backup.map_err(|error| taking_from(&error))?;
            Some(RepoBackup::read(backup).await.map_err(|error| taking_from(&error))?)
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
    let flags = from_flag
        + &flag("--leave-behind", change.leave_behind.as_deref())
        + &flag("--database-was", change.database_was.as_deref().map(Path::new));
    let has_names = names.is_some();
    // A dry run writes no entry.
    let by = if change.execute { change.operator.name(services).await? } else { String::new() };
    let revert = RepoRevert {
        server: server.clone(),
        server_ids,
        database_was: change.database_was.clone(),
        seen: cutovers.clone(),
        from,
        ingested: ingested.clone(),
        by: (by, random()),
        stop,
    };
    let refusal = revert.refusal(ports.journal.migration());
    let is_open = is_open && refusal.is_none();
    if !is_open || !change.execute || !has_names {
        let taken_back = cutovers.contentrepo.taken_back.filter(|_| !has_names);
        let outcome = match (is_open, has_names, taken_back) {
            (true, true, _) => CutoverOutcome::CanBeChanged,
            (true, false, Some(_)) => CutoverOutcome::AlreadySo,
            (_, _, _) => CutoverOutcome::Refused,
        };
        // The rows are compared as the execution does it: what stands in its way does so here, too.
        let seen = match (&refusal, has_names) {
            (None, true) => Some(look_back(&ports, &revert).await.map_err(trouble)?),
            (_, _) => None,
        };
        let is_hindered = seen.as_ref().is_some_and(RepoRevertSeen::is_hindered);
        let outcome = if is_hindered { CutoverOutcome::Refused } else { outcome };
        let mut report = report(outcome, &gates);
        if let Some(seen) = seen {
            would_be(&mut report, seen);
        }
        report.entry = cutovers.contentrepo.taken_back;
        if !has_names && taken_back.is_none() {
            let refusal = domain::cutover::RepoRefusal::NothingToTakeBack;
            report.refusals.push(refusal.to_string());
        }
        report.refusals.extend(refusal.map(|refusal| refusal.to_string()));
        report.statements = statements(&renames, true);
        (report.renames, report.flags) = (renames, flags);
        return Ok(report);
    }
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
    // A list is written where nothing else stands in the way.
    let others = revert_gates(DATABASE, cutovers, renamed, IngestedSeen::default());
    let writes = change.execute && others.iter().all(Gate::is_open);
    let list = change.leave_behind.as_deref().filter(|_| writes);
    let (mut seen, seal) = ingested::look(ports, marks, list, &cutovers.smoke).await?;
    seen.is_listed |= change.leave_behind.is_some();
    seen.is_listed |= ingested::is_known(cutovers, false, seen);
    Ok((revert_gates(DATABASE, cutovers, renamed, seen), seal))
}
