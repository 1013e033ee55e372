//! `mogile2s3 cutover rhino`.

mod end;

use std::path::Path;
use std::sync::Arc;

use adapters::backup::FileBackups;
use adapters::clock::SystemClock;
use clap::Args;
use domain::BucketMap;
use domain::cleanup::StopRequest;
use domain::cutover::rhino::{
    Conduct, CutoverGrounds, Online, Pace, RevertFrom, RevertGrounds, RhinoPlan, RhinoPorts,
    RhinoProgress, RhinoRevertPlan, RhinoStage, cut_over_rhino, plan_rhino, plan_rhino_revert,
    revert_rhino,
};
use domain::cutover::{
    Cutovers, FreezePorts, Gate, journalled_changes, read_cutovers, revert_gates,
};
use domain::journal::{ClientDatabase, Direction, IngestedSeal};
use domain::runbook::JournalWriter;

use self::end::{ended, said, trouble, trouble_back};
use super::gates::Looking;
use super::ingested::{self, Marks, mark};
use super::{Change, reading};
use crate::commands::freeze::unreadable;
use crate::config::{RHINO, RHINO_WRITE, ReplicaSettings};
use crate::exit::{Exit, UsageError};
use crate::journal::{random, refused};
use crate::report::Teller;
use crate::report::cutover::{CutoverOutcome, CutoverReport, Estimate, flag};
use crate::report::quoted;
use crate::session::Session;
use crate::wiring::Services;

const DATABASE: ClientDatabase = ClientDatabase::Rhino;

/// What can be given to `cutover rhino`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// Rows that bear an S3 name already keep it, both ways. The journal has their ids
    #[arg(long, conflicts_with = "revert")]
    keep_existing: bool,

    /// Rename rows only while the server is not busy, and replicas are not far behind
    #[arg(long)]
    online: bool,

    #[command(flatten)]
    replicas: ReplicaSettings,

    #[command(flatten)]
    change: Change,
}

const AFTER_HELP: &str = "\
rhino's rows get their S3 names in ranges of the primary key, one transaction each, without the index on
the bucket names, which is dropped before and made again behind. Ten million rows take minutes. The
journal has an entry before each statement. A run that was killed at any point is brought to its end by
the same command, or taken back by --revert; until then the index may be missing.

Gates: contentrepo's cut-over is done; the freeze of the journal holds (a dry run reads its last rows
only); the last audit and the last local verification in the journal are clean, complete and of the
freeze's content; the workers' verification covers every file; both queues are empty for two minutes;
every bucket of both clients is in BUCKETS or in IGNORE_BUCKETS; no ignored bucket has content
that --left-behind does not name; for the way back, no content was ingested since the cut-over, or
--leave-behind lists it.

Exit codes: 0 done, or a dry run whose gates are open; 1 interrupted, or behind the way back other rows
than before; 2 wrong usage or configuration; 3 something could not be reached, and the same command goes
on; 4 a gate refused, or another process wrote into the journal meanwhile.";

/// What a change reaches.
struct Reached<'a> {
    ports: RhinoPorts,
    freeze: FreezePorts,
    services: Services<'a>,
    stop: StopRequest,
    teller: Teller,
}

impl Arguments {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let session = self.change.session();
        self.change.gates.check()?;
        let common = &self.change.common;
        let buckets = common.buckets()?;
        let freeze = common.ports(&session)?;
        let url = self.change.url(DATABASE, common.clients.rhino()?)?;
        let services = session.services(&common.aws, &common.time);
        let wiring = session.wiring(&common.source, &common.time);
        let journal = services.journal(&common.journal).await?;
        let replicas = self.replicas.urls()?;
        let ports = RhinoPorts {
            names: Arc::new(wiring.rhino(url.clone())),
            changes: Arc::new(wiring.rhino_changes(url.clone())),
            load: Arc::new(wiring.rhino_load(url.clone(), replicas)),
            journal,
            clock: Arc::new(SystemClock),
            server: url.name().to_owned(),
        };
        let (teller, stop) = Session::stop_request()?;
        let reached = Reached { ports, freeze, services, stop, teller };
        reached.require_same_database().await?;
        let report = if self.change.revert {
            Box::pin(self.revert(&reached)).await?
        } else {
            Box::pin(self.cut_over(&buckets, &reached)).await?
        };
        session.print(&report)
    }

    fn report(
        &self,
        reached: &Reached<'_>,
        outcome: CutoverOutcome,
        gates: &[Gate],
    ) -> CutoverReport {
        let direction = if self.change.revert { Direction::ToMogile } else { Direction::ToS3 };
        let server = reached.ports.server.clone();
        let mut report =
            CutoverReport::new((DATABASE, direction), server, self.change.execute, outcome, gates);
        report.flags = self.flags();
        report
    }

    /// The flags that the next command needs too.
    fn flags(&self) -> String {
        let named: Vec<_> = self.change.left_behind.iter().map(|name| name.trim()).collect();
        let mut flags = self.change.gates.flags();
        if !named.is_empty() {
            flags = format!("{flags} --left-behind {}", quoted(&named.join(",")));
        }
        if self.keep_existing {
            flags += " --keep-existing";
        }
        if self.online {
            flags += " --online";
        }
        flags
            + &flag("--from", self.change.from.as_deref())
            + &flag("--leave-behind", self.change.leave_behind.as_deref())
            + &flag("--database-was", self.change.database_was.as_deref().map(Path::new))
    }

    async fn cut_over(
        &self,
        buckets: &BucketMap,
        reached: &Reached<'_>,
    ) -> anyhow::Result<CutoverReport> {
        let Reached { ports, freeze, stop, teller, .. } = reached;
        let named = self.change.named(buckets)?;
        self.change.require_backup(DATABASE, &*ports.journal).await?;
        let progress = |progress| said(teller, &progress);
        let conduct = self.conduct(stop, &progress);
        let (change, journal, named_buckets) = (&self.change, &ports.journal, &named);
        let gates = Looking {
            database: DATABASE,
            change,
            services: &reached.services,
            ports: freeze,
            journal,
            buckets,
            named: named_buckets,
        };
        let looking = async {
            let looked = Box::pin(gates.look()).await?;
            let keeps = self.keep_existing;
            let plan = plan_rhino(ports, buckets, &looked.cutovers, keeps, &conduct).await;
            anyhow::Ok((looked, plan.map_err(trouble)?))
        };
        let (looked, plan) = tokio::select! {
            looked = looking => looked?,
            () = stop.clone() => return Ok(self.report(reached, CutoverOutcome::NotBegun, &[])),
        };
        let is_open = looked.are_open() && plan.refusals.is_empty();
        if !is_open || !self.change.execute {
            let outcome = match (is_open, &plan.stage) {
                (false, _) => CutoverOutcome::Refused,
                (true, RhinoStage::Done(_)) => CutoverOutcome::AlreadySo,
                (true, _) => CutoverOutcome::CanBeChanged,
            };
            let mut report = self.report(reached, outcome, &looked.gates);
            drawn(&plan, &mut report);
            looked.onto(&mut report);
            return Ok(report);
        }
        let by = (self.change.operator.name(&reached.services).await?, conduct.salt);
        let writer = JournalWriter::open(ports.journal.clone(), ports.clock.clone(), by).await;
        let mut writer = writer.map_err(refused)?;
        let frozen = looked.freeze.as_ref().map(|freeze| freeze.sequence);
        require_freeze(ports, frozen, &plan).await?;
        Box::pin(looked.enter(&gates, &mut writer)).await?;
        let left_behind = named.iter().cloned().collect();
        let grounds = CutoverGrounds { freeze: frozen, left_behind };
        let backups = FileBackups::new(self.change.backup.clone().unwrap_or_default());
        let end = cut_over_rhino(ports, &plan, grounds, &backups, &mut writer, &conduct).await;
        let mut report = self.report(reached, CutoverOutcome::Changed, &looked.gates);
        drawn(&plan, &mut report);
        looked.onto(&mut report);
        let now = read_cutovers(&*ports.journal, &*ports.clock, conduct.salt).await;
        Ok(ended(report, end.map_err(trouble)?, &now.map_err(unreadable)?.rhino))
    }

    async fn revert(&self, reached: &Reached<'_>) -> anyhow::Result<CutoverReport> {
        let Reached { ports, freeze, stop, teller, .. } = reached;
        let progress = |progress| said(teller, &progress);
        let conduct = self.conduct(stop, &progress);
        let backup = self.change.from.clone().map(FileBackups::new);
        let from = || backup.as_ref().map_or(RevertFrom::Journal, |it| RevertFrom::Backup(it));
        let looking = async {
            let cutovers = read_cutovers(&*ports.journal, &*ports.clock, conduct.salt).await;
            let cutovers = cutovers.map_err(unreadable)?;
            let was = self.change.database_was.as_deref();
            let plan = plan_rhino_revert(ports, &cutovers, from(), was, &conduct);
            let plan = plan.await.map_err(trouble_back)?;
            // A list is written where nothing else stands in the way.
            let writes =
                self.change.execute && plan.refusals.is_empty() && !plan.names.renames.is_empty();
            let (gates, seal) = self.revert_gates(freeze, &cutovers, &plan, writes).await?;
            // A second run of the same command.
            let is_back = cutovers.rhino.run().is_none() && self.change.from.is_none();
            let back = cutovers.rhino.taken_back.filter(|_| is_back);
            anyhow::Ok((plan, gates, seal, back))
        };
        let (plan, gates, ingested, back) = tokio::select! {
            looked = looking => looked?,
            () = stop.clone() => return Ok(self.report(reached, CutoverOutcome::NotBegun, &[])),
        };
        if back.is_some() {
            let mut report = self.report(reached, CutoverOutcome::AlreadySo, &[]);
            report.entry = back;
            return Ok(report);
        }
        let is_open = gates.iter().all(Gate::is_open) && plan.refusals.is_empty();
        if !is_open || !self.change.execute {
            let outcome =
                if is_open { CutoverOutcome::CanBeChanged } else { CutoverOutcome::Refused };
            let mut report = self.report(reached, outcome, &gates);
            drawn_back(&plan, &mut report);
            return Ok(report);
        }
        let by = (self.change.operator.name(&reached.services).await?, conduct.salt);
        let writer = JournalWriter::open(ports.journal.clone(), ports.clock.clone(), by).await;
        let mut writer = writer.map_err(refused)?;
        let grounds = RevertGrounds { ingested: ingested.clone() };
        let end = revert_rhino(ports, &plan, grounds, from(), &mut writer, &conduct).await;
        let mut report = self.report(reached, CutoverOutcome::Changed, &gates);
        drawn_back(&plan, &mut report);
        report.ingested = ingested;
        let now = read_cutovers(&*ports.journal, &*ports.clock, conduct.salt).await;
        Ok(ended(report, end.map_err(trouble_back)?, &now.map_err(unreadable)?.rhino))
    }

    async fn revert_gates(
        &self,
        ports: &FreezePorts,
        cutovers: &Cutovers,
        plan: &RhinoRevertPlan,
        writes: bool,
    ) -> anyhow::Result<(Vec<Gate>, Option<IngestedSeal>)> {
        // contentrepo's cut-over was before: what came since then came to S3.
        let run = cutovers.contentrepo.run();
        let contentrepo = run.map(|run| mark(run.begun.names.last.as_ref()));
        // Without a change to take back there is no mark.
        let rhino = (!plan.names.renames.is_empty()).then(|| plan.last());
        let marks = Marks { contentrepo, rhino };
        let list = self.change.leave_behind.as_deref().filter(|_| writes);
        let (mut seen, seal) = ingested::look(ports, marks, list, &cutovers.smoke).await?;
        // Rows that came between the two looks close the gate, too.
        // Without a change to take back no row came behind one.
        let later = if plan.names.renames.is_empty() { 0 } else { plan.rows_ingested() };
        seen.files = seen.files.max(later);
        seen.is_listed |= self.change.leave_behind.is_some();
        seen.is_listed |= ingested::is_known(cutovers, true, seen);
        Ok((revert_gates(DATABASE, cutovers, 0, seen), seal))
    }

    fn conduct<'a>(
        &self,
        stop: &StopRequest,
        progress: &'a (dyn Fn(RhinoProgress) + Sync),
    ) -> Conduct<'a> {
        let pace = Pace { online: self.online.then(Online::default), ..Pace::default() };
        Conduct { pace, progress, stop: stop.clone(), salt: random() }
    }
}

impl Reached<'_> {
    /// Errors where the database that is changed is another one than the one that the gates read.
    async fn require_same_database(&self) -> anyhow::Result<()> {
        let read = self.freeze.rhino.last().await.map_err(|error| reading(&error))?;
        let written = self.ports.names.highest().await.map_err(|error| reading(&error))?;
        if read == written {
            return Ok(());
        }
        Err(UsageError(format!(
            "{RHINO_WRITE} has another last row of `articleFile` than {RHINO}: it is another store's database, or \
             one of them is a copy or lags\n  → give the primary of the same database in both"
        ))
        .into())
    }
}

/// Errors where the freeze that the gates saw is not the one of the journal any more.
async fn require_freeze(
    ports: &RhinoPorts,
    frozen: Option<u64>,
    plan: &RhinoPlan,
) -> anyhow::Result<()> {
    if matches!(plan.stage, RhinoStage::Done(_)) {
        return Ok(());
    }
    let now = journalled_changes(&*ports.journal, &*ports.clock, random()).await;
    let freeze = now.map_err(unreadable)?.freeze.filter(|freeze| freeze.ended.is_none());
    if freeze.map(|freeze| freeze.sequence) == frozen {
        return Ok(());
    }
    let refusal = domain::cutover::RepoRefusal::Overtaken;
    Err(crate::exit::RefusedError(refusal.to_string()).into())
}

/// What a cut-over would do, and what hinders it.
fn drawn(plan: &RhinoPlan, report: &mut CutoverReport) {
    report.renames.clone_from(&plan.names.renames);
    report.statements.clone_from(&plan.statements);
    report.refusals = plan.refusals.iter().map(ToString::to_string).collect();
    report.estimate = Some(estimate(&plan.estimate));
    if let RhinoStage::Continues(run) = &plan.stage {
        let (entry, by) = (run.sequence, &run.by);
        report.notes.push(format!(
            "entry {entry} of the journal, by {by}, began this cut-over: --execute goes on with it"
        ));
        if run.index_dropped && plan.facts.index.is_none() {
            report.notes.push("the index bucketName_index is MISSING until then".to_owned());
        }
    }
    if let RhinoStage::Done(run) = &plan.stage {
        report.entry = run.done;
    }
    for (name, rows) in &plan.rows {
        let name = name.as_deref().map_or_else(|| "NULL".to_owned(), |name| format!("`{name}`"));
        report.notes.push(format!("{rows} rows bear {name}"));
    }
    if plan.rows_kept() > 0 {
        let rows = plan.rows_kept();
        report.notes.push(format!("{rows} rows bear an S3 name already, and keep it both ways"));
    }
}

fn drawn_back(plan: &RhinoRevertPlan, report: &mut CutoverReport) {
    report.renames.clone_from(&plan.names.renames);
    report.statements.clone_from(&plan.statements);
    report.refusals = plan.refusals.iter().map(ToString::to_string).collect();
    report.estimate = Some(estimate(&plan.estimate));
    for (name, rows) in &plan.strangers {
        let name = name.as_deref().map_or_else(|| "NULL".to_owned(), |name| format!("`{name}`"));
        report
            .notes
            .push(format!("{rows} rows bear {name}, neither an old nor a new name: they keep it"));
    }
    if plan.rows_kept() > 0 {
        let rows = plan.rows_kept();
        report.notes.push(format!("{rows} rows bore an S3 name before the cut-over, and keep it"));
    }
}

fn estimate(of: &domain::cutover::rhino::RhinoEstimate) -> Estimate {
    Estimate { rows: of.rows, seconds: of.seconds, binlog_bytes: of.binlog.map(|bytes| bytes.0) }
}
