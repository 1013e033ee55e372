//! `mogile2s3 doctor`: is everything as the migration needs it?

#[cfg(feature = "command-line")]
mod clients;
#[cfg(feature = "command-line")]
mod mogile;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use adapters::mogile::HostSurvey;
use clap::Args;
use domain::blueprint::TableNames;
use domain::doctor::{
    QueueNames, Readers, examine, examine_buckets, examine_clock, examine_consumers,
    examine_copies, examine_failures, examine_public_reads, examine_queue_settings, examine_queues,
    examine_tables,
};
use domain::ports::Ports;
use domain::retry::{Classed, ErrorClass};
use domain::{Check, Health, Reason, ReasonKind, S3Bucket, SourceError};

#[cfg(feature = "command-line")]
use crate::config::KeyChangeSettings;
use crate::config::{
    AccessSettings, AwsSettings, ClientSettings, JournalSettings, QueueSettings, Settings,
    TargetSettings, WorkerFunctionSettings,
};
use crate::exit::{Exit, UsageError};
use crate::report::doctor::DoctorReport;
use crate::session::Session;
use crate::wiring::{self, IndexFrom, Wiring};
use crate::worker_function;

/// What can be given to `doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Write nothing. Without this flag canaries write small objects below `mogile2s3-canary/` into
    /// each bucket and a record into the failures table, and delete them again
    #[arg(long)]
    read_only: bool,

    /// Print the checks as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    access: AccessSettings,

    #[command(flatten)]
    queue: QueueSettings,

    #[command(flatten)]
    settings: Settings,

    #[command(flatten)]
    function: WorkerFunctionSettings,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    clients: ClientSettings,

    #[cfg(feature = "command-line")]
    #[command(flatten)]
    key_changes: KeyChangeSettings,
}

/// Checks everything. Bad checks are findings.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Settings { source, target, time, aws } = &arguments.settings;
    // Wrong settings are an error before anything is asked.
    #[cfg(feature = "command-line")]
    let (clients, databases) = (
        clients::Clients::of(&arguments.clients)?,
        mogile::MogileDatabases::of(&arguments.key_changes)?,
    );
    let session = Session::begin(arguments.json);
    let wiring = session.wiring(source, time);
    let ports = wiring.ports(target, &arguments.queue.tables, aws).await?;
    let services = session.services(aws, time);
    let (site, region) = services.site().await?;
    let profile = arguments.access.profile();
    let settings = examine_buckets(&site, &target.bucket_map()?, profile, &region).await;
    let canaries = (!arguments.read_only).then_some(&settings.locked);
    let mut checks = checks(&wiring, IndexFrom::Settings, &ports, target, aws, canaries).await?;
    checks.extend(settings.checks);
    let (public, own_policy) = (&settings.public, &settings.own_policy);
    let map = target.bucket_map()?;
    let readers = Readers { profile, public, own_policy, canaries_but_in: canaries };
    checks.extend(examine_public_reads(&site, ports.objects.as_ref(), &map, &readers).await);
    let (_, service) = services.journal_with_time(&arguments.journal).await?;
    checks.extend(examine_clock(service.as_ref(), ports.clock.as_ref()).await);
    checks.extend(examine_tables(&site, arguments.table_names()?).await);
    if arguments.queue.is_named() {
        let queue = services.queue(&arguments.queue).await?;
        let dead_letters = services.dead_letters_if_named(&arguments.queue).await?;
        checks.extend(examine_queues(queue.as_ref(), dead_letters.as_deref()).await);
        let (of_settings, jobs) = examine_queue_settings(&site, &arguments.queue_names()?).await;
        checks.extend(of_settings);
        if let Some(jobs) = jobs.filter(|jobs| !jobs.arn.is_empty())
            && services.has_lambda().await?
        {
            checks.extend(examine_consumers(&site, &jobs, arguments.function.name()).await);
        }
    }
    if let Some(name) = arguments.function.name() {
        let function = session.services(aws, time).worker_function(name).await?;
        let ours = worker_function::ours(&source.domain, &target.bucket_map()?);
        checks.extend(worker_function::checks(&*function, name, &ours).await);
    }
    #[cfg(feature = "command-line")]
    let unset = {
        let is_well = well(&checks, "index");
        checks.extend(databases.examine(&wiring, ports.index.as_ref(), is_well).await?);
        let clock = ports.clock.as_ref();
        let (of_clients, unset) = clients.examine(&wiring, &target.bucket_map()?, clock).await;
        checks.extend(of_clients);
        unset
    };
    // The function's program has no client of the databases.
    #[cfg(not(feature = "command-line"))]
    let unset = Vec::new();
    session.print(&DoctorReport::new(checks).without(unset))
}

impl Arguments {
    fn table_names(&self) -> Result<TableNames, UsageError> {
        let (tables, aws) = (&self.queue.tables, &self.settings.aws);
        Ok(TableNames {
            ledger: aws.ledger_table()?,
            failures: tables.failures_table(aws)?,
            verifications: tables.verifications_table(aws)?,
            journal: self.journal.journal_table(aws)?,
        })
    }

    fn queue_names(&self) -> Result<QueueNames, UsageError> {
        let dead_letters = self.queue.dead_letters_url_if_named()?;
        Ok(QueueNames {
            jobs: self.queue.queue_url()?.name().to_owned(),
            dead_letters: dead_letters.map(|url| url.name().to_owned()),
        })
    }
}

/// Checks everything. With canaries in the buckets but these, or without any.
pub(crate) async fn checks(
    wiring: &Wiring<'_>,
    from: IndexFrom,
    ports: &Ports,
    target: &TargetSettings,
    aws: &AwsSettings,
    canaries_but_in: Option<&BTreeSet<S3Bucket>>,
) -> Result<Vec<Check>, UsageError> {
    let buckets = target.bucket_map()?;
    let mut checks = examine_trackers(wiring).await?;
    let nodes = examine_storage_nodes(wiring, from).await?;
    let files = examine(ports, &buckets).await;
    // What keeps the database from giving its domains keeps it from giving its hosts: one row is enough.
    let is_same_cause = wiring.has_database()?
        && from == IndexFrom::Settings
        && !well(&files, "index")
        && !well(&nodes, STORAGE_NODES);
    checks.extend(nodes.into_iter().filter(|_| !is_same_cause));
    checks.extend(files);
    if let Some(locked) = canaries_but_in {
        // What cannot even be read says the same again.
        if well(&checks, "failures") {
            checks.push(examine_failures(ports).await);
        }
        checks.extend(examine_copies(ports, &buckets, locked, target.single_request_bytes).await);
        let s3 = wiring::s3(target, aws, wiring.time, wiring.calls).await?;
        for (_, bucket) in buckets.pairs().filter(|(_, bucket)| !locked.contains(*bucket)) {
            if well(&checks, &format!("bucket {bucket}")) {
                checks.extend(s3.canaries(bucket, ports.clock.now()).await);
            }
        }
    }
    Ok(checks)
}

/// Whether any check of a system is good.
fn well(checks: &[Check], subject: &str) -> bool {
    checks.iter().any(|check| check.subject == subject && check.health == Health::Good)
}

/// The subject of checks on the storage nodes together.
const STORAGE_NODES: &str = "storage nodes";

/// Each tracker on its own: a dead one among several shows nowhere else.
async fn examine_trackers(wiring: &Wiring<'_>) -> Result<Vec<Check>, UsageError> {
    let answers = wiring.trackers()?.noop().await;
    let fact = "it answers";
    Ok(answers
        .into_iter()
        .map(|(tracker, answer)| match answer {
            Ok(()) => Check::good(format!("tracker {tracker}"), fact, "noop"),
            Err(error) => Check::unreachable(format!("tracker {tracker}"), fact, error.to_string())
                .because_of(Reason::new(ReasonKind::SourceUnreachable, &error)),
        })
        .collect())
}

/// The storage nodes that MogileFS registers, and what `MOGILE_STORAGE_HOSTS` leaves of them.
async fn examine_storage_nodes(
    wiring: &Wiring<'_>,
    from: IndexFrom,
) -> Result<Vec<Check>, UsageError> {
    let subject = STORAGE_NODES;
    let fact = "MogileFS registers them, and its table can be read";
    let survey = match wiring.registry(from)?.survey().await {
        Ok(survey) => survey,
        Err(error) => return Ok(vec![unread(subject, fact, &error)]),
    };
    let HostSurvey { origin, hosts, nodes, unusable, left_out, only_by_altip } = survey;
    let mut found = format!("{hosts} hosts with {} addresses and ports, by {origin}", nodes.len());
    if !unusable.is_empty() {
        found = format!("{found}; not usable there: {}", listed(&unusable));
    }
    if !only_by_altip.is_empty() {
        let only = listed(&only_by_altip);
        found = format!(
            "{found}; asked only at their altip, which trackers name to clients within altmask: {only}"
        );
    }
    let registered = Check::good(subject, fact, found);
    let fact = "every host that MogileFS reads from may be asked";
    let may_be_asked = if left_out.is_empty() {
        Check::good(subject, fact, "none is left out")
    } else {
        Check::bad(subject, fact, listed(&left_out))
    };
    let same = examine_other_table(wiring, from, &nodes).await?;
    Ok([registered, may_be_asked].into_iter().chain(same).collect())
}

/// Whether the database has the storage nodes of the trackers, where both are at hand. Another store's
/// database, or a copy of long ago, shows here.
async fn examine_other_table(
    wiring: &Wiring<'_>,
    from: IndexFrom,
    here: &BTreeSet<SocketAddr>,
) -> Result<Option<Check>, UsageError> {
    if from == IndexFrom::Trackers || !wiring.has_database()? {
        return Ok(None);
    }
    let (subject, fact) = (STORAGE_NODES, "the database registers those that the trackers do");
    let survey = match wiring.registry(IndexFrom::Trackers)?.survey().await {
        Ok(survey) => survey,
        Err(error) => return Ok(Some(unread(subject, fact, &error))),
    };
    let of = |nodes: &BTreeSet<SocketAddr>, others: &BTreeSet<SocketAddr>| {
        let only: Vec<_> = nodes.difference(others).map(ToString::to_string).collect();
        if only.is_empty() { "none".to_owned() } else { listed(&only) }
    };
    Ok(Some(if *here == survey.nodes {
        Check::good(subject, fact, "the same addresses and ports")
    } else {
        let (surplus, lacking) = (of(here, &survey.nodes), of(&survey.nodes, here));
        let found = format!(
            "only in the database: {surplus}; only at the trackers: {lacking}. Is \
             MOGILE_DATABASE_URL the trackers' own database? (a host added just now: look again)"
        );
        Check::bad(subject, fact, found)
    }))
}

/// The check of what could not be read.
fn unread(subject: &str, fact: &'static str, error: &SourceError) -> Check {
    let check = match error.class() {
        ErrorClass::Retry => Check::unreachable(subject, fact, error.to_string()),
        ErrorClass::GiveUp | ErrorClass::Corrupt => Check::bad(subject, fact, error.to_string()),
    };
    check.because_of(Reason::from(error))
}

/// The first few, and the number of the others.
fn listed(texts: &[String]) -> String {
    const FEW: usize = 4;
    let first = texts.iter().take(FEW).cloned().collect::<Vec<_>>().join("; ");
    match texts.len().saturating_sub(FEW) {
        0 => first,
        more => format!("{first}; and {more} more"),
    }
}
