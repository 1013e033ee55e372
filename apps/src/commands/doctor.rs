//! `mogile2s3 doctor`: is everything as the migration needs it?

#[cfg(feature = "command-line")]
mod clients;
#[cfg(feature = "command-line")]
mod mogile;
mod storage_nodes;

use std::collections::BTreeSet;

use clap::Args;
use domain::blueprint::TableNames;
use domain::doctor::{
    QueueNames, Readers, examine, examine_buckets, examine_clock, examine_consumers,
    examine_copies, examine_failures, examine_public_reads, examine_queue_settings, examine_queues,
    examine_tables,
};
use domain::ports::Ports;
use domain::{Check, Health, Reason, ReasonKind, S3Bucket};

#[cfg(feature = "command-line")]
use crate::config::KeyChangeSettings;
use crate::config::{
    AccessSettings, AwsSettings, ClientSettings, JournalSettings, QueueSettings, Settings,
    TargetSettings, WorkerFunctionSettings,
};
use crate::exit::{Exit, UsageError};
use crate::report::doctor::DoctorReport;
use crate::session::Session;
#[cfg(feature = "command-line")]
use crate::wiring::Services;
use crate::wiring::{self, IndexFrom, Wiring};
use crate::worker_function;

use storage_nodes::{STORAGE_NODES, examine_storage_nodes, examine_untried};

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
    let session = Session::begin(arguments.json);
    let services = session.services(aws, time);
    // Wrong settings are an error before anything is asked.
    #[cfg(feature = "command-line")]
    arguments.require_settings(&services).await?;
    #[cfg(feature = "command-line")]
    let (clients, databases) = (
        clients::Clients::of(&arguments.clients)?,
        mogile::MogileDatabases::of(&arguments.key_changes)?,
    );
    let wiring = session.wiring(source, time);
    let ports = wiring.ports(target, &arguments.queue.tables, aws).await?;
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
        let is_read_only = arguments.read_only;
        checks.extend(worker_function::checks(&*function, name, &ours, is_read_only).await);
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
    /// Errors with every setting that is missing or cannot be used, and not with the first alone.
    #[cfg(feature = "command-line")]
    async fn require_settings(&self, services: &Services<'_>) -> Result<(), UsageError> {
        let Settings { source, target, .. } = &self.settings;
        let mut wrong = Vec::new();
        wrong.extend(source.trackers().err());
        wrong.extend(source.database().err());
        wrong.extend(source.storage_hosts().err());
        wrong.extend(self.key_changes.url().err());
        wrong.extend(target.bucket_map().err());
        wrong.extend(self.table_names().err());
        if self.queue.is_named() {
            wrong.extend(self.queue.queue_url().err());
        }
        wrong.extend(self.queue.dead_letters_url_if_named().err());
        wrong.extend(self.clients.content_repo().err());
        wrong.extend(self.clients.rhino().err());
        wrong.extend(services.wrong_settings().await);
        UsageError::all(wrong)
    }

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
    let (nodes, readable) = examine_storage_nodes(wiring, from).await?;
    let files = examine(ports, &buckets).await;
    // What keeps the database from giving its domains keeps it from giving its hosts: one row is enough.
    let is_same_cause = wiring.has_database()?
        && from == IndexFrom::Settings
        && !well(&files, "index")
        && !well(&nodes, STORAGE_NODES);
    checks.extend(nodes.into_iter().filter(|_| !is_same_cause));
    let untried = examine_untried(&readable, &files, wiring.time.mogile()).await;
    checks.extend(files.into_iter().chain(untried));
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
