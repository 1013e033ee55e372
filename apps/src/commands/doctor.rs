//! `mogile2s3 doctor`: is everything as the migration needs it?

#[cfg(feature = "command-line")]
mod clients;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use adapters::mogile::HostSurvey;
use clap::Args;
use domain::doctor::{examine, examine_buckets, examine_copies, examine_failures, examine_queues};
use domain::ports::Ports;
use domain::retry::{Classed, ErrorClass};
use domain::{Check, Health, SourceError};

use crate::config::{
    AccessSettings, AwsSettings, ClientSettings, QueueSettings, Settings, TargetSettings,
    WorkerFunctionSettings,
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
    clients: ClientSettings,
}

/// Checks everything. Bad checks are findings.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Settings { source, target, time, aws } = &arguments.settings;
    // Wrong settings are an error before anything is asked.
    #[cfg(feature = "command-line")]
    let clients = clients::Clients::of(&arguments.clients)?;
    let session = Session::begin(arguments.json);
    let wiring = session.wiring(source, time);
    let ports = wiring.ports(target, &arguments.queue.tables, aws).await?;
    let (from, canaries) = (IndexFrom::Settings, !arguments.read_only);
    let mut checks = checks(&wiring, from, &ports, target, aws, canaries).await?;
    let services = session.services(aws, time);
    if arguments.queue.is_named() {
        let queue = services.queue(&arguments.queue).await?;
        let dead_letters = services.dead_letters_if_named(&arguments.queue).await?;
        checks.extend(examine_queues(queue.as_ref(), dead_letters.as_deref()).await);
    }
    let (site, region) = services.site().await?;
    let profile = arguments.access.profile();
    checks.extend(examine_buckets(&site, &target.bucket_map()?, profile, &region).await);
    if let Some(name) = arguments.function.name() {
        let function = session.services(aws, time).worker_function(name).await?;
        let ours = worker_function::ours(&source.domain, &target.bucket_map()?);
        checks.extend(worker_function::checks(&*function, name, &ours).await);
    }
    #[cfg(feature = "command-line")]
    let unset = {
        let (of_clients, unset) = clients.examine(&wiring, &target.bucket_map()?).await;
        checks.extend(of_clients);
        unset
    };
    // The function's program has no client of the databases.
    #[cfg(not(feature = "command-line"))]
    let unset = Vec::new();
    session.print(&DoctorReport::new(checks).without(unset))
}

/// Checks everything, with canaries in the buckets or without.
pub(crate) async fn checks(
    wiring: &Wiring<'_>,
    from: IndexFrom,
    ports: &Ports,
    target: &TargetSettings,
    aws: &AwsSettings,
    canaries: bool,
) -> Result<Vec<Check>, UsageError> {
    let buckets = target.bucket_map()?;
    let mut checks = examine_trackers(wiring).await?;
    checks.extend(examine_storage_nodes(wiring, from).await?);
    checks.extend(examine(ports, &buckets).await);
    if canaries {
        // What cannot even be read says the same again.
        let well = |checks: &[Check], subject: &str| {
            checks.iter().any(|check| check.subject == subject && check.health == Health::Good)
        };
        if well(&checks, "failures") {
            checks.push(examine_failures(ports).await);
        }
        checks.extend(examine_copies(ports, &buckets, target.single_request_bytes).await);
        let s3 = wiring::s3(target, aws, wiring.time, wiring.calls).await?;
        for (_, bucket) in buckets.pairs() {
            if well(&checks, &format!("bucket {bucket}")) {
                checks.extend(s3.canaries(bucket, ports.clock.now()).await);
            }
        }
    }
    Ok(checks)
}

/// Each tracker on its own: a dead one among several shows nowhere else.
async fn examine_trackers(wiring: &Wiring<'_>) -> Result<Vec<Check>, UsageError> {
    let answers = wiring.trackers()?.noop().await;
    let fact = "it answers";
    Ok(answers
        .into_iter()
        .map(|(tracker, answer)| match answer {
            Ok(()) => Check::good(format!("tracker {tracker}"), fact, "noop"),
            Err(error) => Check::unreachable(format!("tracker {tracker}"), fact, error.to_string()),
        })
        .collect())
}

/// The storage nodes that MogileFS registers, and what `MOGILE_STORAGE_HOSTS` leaves of them.
async fn examine_storage_nodes(
    wiring: &Wiring<'_>,
    from: IndexFrom,
) -> Result<Vec<Check>, UsageError> {
    let subject = "storage nodes";
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
    let (subject, fact) = ("storage nodes", "the database registers those that the trackers do");
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
    match error.class() {
        ErrorClass::Retry => Check::unreachable(subject, fact, error.to_string()),
        ErrorClass::GiveUp | ErrorClass::Corrupt => Check::bad(subject, fact, error.to_string()),
    }
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
