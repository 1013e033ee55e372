//! `mogile2s3 doctor`: is everything as the migration needs it?

#[cfg(feature = "command-line")]
mod clients;
#[cfg(feature = "command-line")]
mod journalled;
#[cfg(feature = "command-line")]
mod mogile;
mod settings;
mod storage_nodes;

use std::collections::BTreeSet;
use std::sync::Arc;

use adapters::clock::SystemClock;
use adapters::mogile::Trackers;
use adapters::site::AwsSite;
use clap::Args;
use domain::BucketMap;
use domain::blueprint::TableNames;
use domain::doctor::{
    BucketChecks, Readers, examine_buckets, examine_clock, examine_consumers, examine_public_reads,
    examine_queue_settings, examine_queues, examine_tables,
};
use domain::doctor::{NamedPorts, QueueUrls, examine, examine_copies, examine_failures};
#[cfg(feature = "command-line")]
use domain::journal::ClientDatabase;
use domain::ports::ObjectStore;
use domain::{Check, Health, Reason, ReasonKind, S3Bucket, WorkerReport};

use crate::config::{
    AccessSettings, AwsSettings, ClientSettings, JournalSettings, QueueSettings, Settings,
    TargetSettings, WorkerFunctionSettings,
};
#[cfg(feature = "command-line")]
use crate::config::{ClientChangeSettings, KeyChangeSettings};
#[cfg(feature = "command-line")]
use crate::evidence::counted;
use crate::exit::Exit;
use crate::exit::UsageError;
#[cfg(feature = "command-line")]
use crate::journal::OperatorSettings;
#[cfg(feature = "command-line")]
use crate::report::Report;
use crate::report::doctor::DoctorReport;
use crate::session::Session;
use crate::wiring::Services;
use crate::wiring::{self, IndexFrom, Wiring};
use crate::worker_function;

pub(crate) use settings::SETTINGS;
pub use settings::Unseen;
pub(crate) use settings::WrongSettings;
use storage_nodes::{STORAGE_NODES, examine_storage_nodes, examine_untried};

/// What can be given to `doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Write nothing. Without this flag canaries write small objects below `mogile2s3-canary/` into
    /// each bucket and a record into the failures table, and delete them again; and the function that
    /// `LAMBDA_FUNCTION` names does the same, where it is this migration's. With the flag it is only asked
    /// what it is
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

    #[cfg(feature = "command-line")]
    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    clients: ClientSettings,

    #[cfg(feature = "command-line")]
    #[command(flatten)]
    key_changes: KeyChangeSettings,

    #[cfg(feature = "command-line")]
    #[command(flatten)]
    client_changes: ClientChangeSettings,
}

/// Checks everything that the settings name. Bad checks are findings, and settings that are missing are
/// configuration.
#[cfg(feature = "command-line")]
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    let Settings { time, aws, .. } = &arguments.settings;
    let mut wrong = WrongSettings::default();
    // One of them for all, which asks for AWS keys once.
    let services = session.services(aws, time);
    arguments.note_wrong_settings(&services, &mut wrong).await;
    let (checks, unset) = arguments.examine(&session, &services, &mut wrong).await;
    let (settings, unseen) = wrong.into_checks();
    let checks: Vec<_> = settings.into_iter().chain(checks).collect();
    let counted = counted::doctor(&checks);
    let report = DoctorReport::new(checks).without(unset).with_unseen(unseen);
    let exit = session.print(&report)?;
    arguments.journal_end(&services, counted, report.verdict()).await;
    Ok(exit)
}

#[cfg(feature = "command-line")]
impl Arguments {
    /// Checks what is named. Returns also the settings of the clients' databases that are not given.
    async fn examine(
        &self,
        session: &Session,
        services: &Services<'_>,
        wrong: &mut WrongSettings,
    ) -> (Vec<Check>, Vec<&'static str>) {
        let Settings { source, target, time, aws } = &self.settings;
        let wiring = session.wiring(source, time);
        let ports = self.ports(&wiring, services, wrong).await;
        let map = wrong.take("the buckets of BUCKETS", target.bucket_map());
        let site = wrong.take("the settings of buckets, tables and queues", services.site().await);
        let profile = self.access.profile();
        let mut settings = BucketChecks::default();
        if let (Some((site, region)), Some(map)) = (&site, &map) {
            settings = examine_buckets(site, map, profile, region).await;
        }
        let canaries = (!self.read_only).then_some(&settings.locked);
        let from = IndexFrom::Settings;
        let mut checks = checks(&wiring, from, &ports, (target, aws), canaries, wrong).await;
        checks.extend(settings.checks);
        if let (Some((site, _)), Some(objects), Some(map)) = (&site, &ports.objects, &map) {
            let (public, own_policy) = (&settings.public, &settings.own_policy);
            let readers = Readers { profile, public, own_policy, canaries_but_in: canaries };
            checks.extend(examine_public_reads(site, objects.as_ref(), map, &readers).await);
        }
        let journal = services.journal_with_time(&self.journal).await;
        if let Some((_, service)) = wrong.take("the clock of AWS", journal) {
            checks.extend(examine_clock(service.as_ref(), ports.clock.as_ref()).await);
        }
        if let Some((site, _)) = &site {
            if let Some(names) = wrong.take("the keys of the tables", self.table_names()) {
                checks.extend(examine_tables(site, names).await);
            }
            checks.extend(self.examine_queues(site, services, wrong).await);
        } else {
            self.miss_queues(services, wrong).await;
        }
        let region = site.as_ref().map_or("", |(_, region)| region);
        checks.extend(self.examine_function(services, map.as_ref(), region, wrong).await);
        let (of_databases, unset) =
            self.examine_databases(&wiring, &ports, (map, well(&checks, "index")), wrong).await;
        checks.extend(of_databases);
        (checks, unset)
    }

    /// The systems that a migration uses, as far as they are named.
    async fn ports(
        &self,
        wiring: &Wiring<'_>,
        services: &Services<'_>,
        wrong: &mut WrongSettings,
    ) -> NamedPorts {
        let (index, files) = match wiring.mogile(IndexFrom::Settings) {
            Ok((index, files)) => (Some(index), Some(files)),
            Err(error) => {
                wrong.miss("the files of MogileFS", error);
                (wrong.take("index", wiring.index()), None)
            }
        };
        let objects = services.s3(&self.settings.target).await;
        let objects = wrong.take("the objects of S3", objects);
        NamedPorts {
            index,
            files,
            objects: objects.map(|objects| Arc::new(objects) as Arc<dyn ObjectStore>),
            ledger: wrong.take("ledger", services.ledger().await),
            failures: wrong.take("failures", services.failures(&self.queue.tables).await),
            clock: Arc::new(SystemClock),
        }
    }

    /// Both queues, where they are named, and which functions take the jobs.
    async fn examine_queues(
        &self,
        site: &AwsSite,
        services: &Services<'_>,
        wrong: &mut WrongSettings,
    ) -> Vec<Check> {
        let mut checks = Vec::new();
        if !self.queue.is_named() {
            return checks;
        }
        let Some(queue) = wrong.take("queue", services.queue(&self.queue).await) else {
            return checks;
        };
        let letters = services.dead_letters_if_named(&self.queue).await;
        if let Some(letters) = wrong.take("dead-letter queue", letters) {
            checks.extend(examine_queues(queue.as_ref(), letters.as_deref()).await);
        }
        let Some(urls) = wrong.take("dead-letter queue", self.queue_urls()) else { return checks };
        let (of_settings, jobs) = examine_queue_settings(site, &urls).await;
        checks.extend(of_settings);
        if let Some(jobs) = jobs.filter(|jobs| !jobs.arn.is_empty())
            && wrong.take("queue", services.has_lambda().await) == Some(true)
        {
            checks.extend(examine_consumers(site, &jobs, self.function.name()).await);
        }
        checks
    }

    /// Notes that the queues are not looked at, where what they are in cannot be asked.
    async fn miss_queues(&self, services: &Services<'_>, wrong: &mut WrongSettings) {
        if self.queue.is_named() {
            wrong.take("queue", services.queue(&self.queue).await);
            wrong.take("dead-letter queue", services.dead_letters_if_named(&self.queue).await);
        }
    }

    /// The worker function, where it is named.
    async fn examine_function(
        &self,
        services: &Services<'_>,
        map: Option<&BucketMap>,
        region: &str,
        wrong: &mut WrongSettings,
    ) -> Vec<Check> {
        let Some(name) = self.function.name() else { return Vec::new() };
        let Settings { source, target, aws, .. } = &self.settings;
        let subject = format!("function {name}");
        let Some(map) = map else {
            wrong.take(&subject, target.bucket_map());
            return Vec::new();
        };
        let function = services.worker_function(name).await;
        let Some(function) = wrong.take(&subject, function) else { return Vec::new() };
        let settings = worker_function::settings(region, &self.queue, aws);
        let ours = WorkerReport { settings, ..worker_function::ours(&source.domain, map) };
        worker_function::checks(&*function, name, &ours, self.read_only, wrong).await
    }

    /// MogileFS's database and those of its clients, where they are named.
    async fn examine_databases(
        &self,
        wiring: &Wiring<'_>,
        ports: &NamedPorts,
        (map, is_index_well): (Option<BucketMap>, bool),
        wrong: &mut WrongSettings,
    ) -> (Vec<Check>, Vec<&'static str>) {
        let databases = mogile::MogileDatabases::of(&self.key_changes, wrong);
        let index = ports.index.as_deref();
        let mut checks = databases.examine(wiring, index, is_index_well, wrong).await;
        let clients = clients::Clients::of(&self.clients, wrong);
        if map.is_none() && clients.names_content_repo() {
            wrong.take("contentrepo's database", self.settings.target.bucket_map());
        }
        let clock = ports.clock.as_ref();
        let (of_clients, unset) = clients.examine(wiring, map.as_ref(), clock).await;
        checks.extend(of_clients);
        checks.extend(clients::examine_changes(&self.client_changes, wiring, wrong).await);
        (checks, unset)
    }

    /// Notes every setting that is missing or cannot be used, and not the first alone.
    async fn note_wrong_settings(&self, services: &Services<'_>, wrong: &mut WrongSettings) {
        let Settings { source, target, .. } = &self.settings;
        let mut errors = Vec::new();
        errors.extend(source.trackers().err());
        errors.extend(source.database().err());
        errors.extend(source.storage_hosts().err());
        errors.extend(self.key_changes.url().err());
        errors.extend(target.bucket_map().err());
        errors.extend(self.table_names().err());
        if self.queue.is_named() {
            errors.extend(self.queue.queue_url().err());
        }
        errors.extend(self.queue.dead_letters_url_if_named().err());
        errors.extend(self.clients.content_repo().err());
        errors.extend(self.clients.rhino().err());
        errors.extend(self.client_changes.url(ClientDatabase::Contentrepo).err());
        errors.extend(self.client_changes.url(ClientDatabase::Rhino).err());
        errors.extend(services.wrong_settings().await);
        for error in errors {
            wrong.note(error);
        }
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

    fn queue_urls(&self) -> Result<QueueUrls, UsageError> {
        let dead_letters = self.queue.dead_letters_url_if_named()?;
        Ok(QueueUrls {
            jobs: self.queue.queue_url()?.to_string(),
            dead_letters: dead_letters.map(|url| url.to_string()),
        })
    }
}

/// Checks what the ports name. With canaries in the buckets but these, or without any.
pub(crate) async fn checks(
    wiring: &Wiring<'_>,
    from: IndexFrom,
    ports: &NamedPorts,
    (target, aws): (&TargetSettings, &AwsSettings),
    canaries_but_in: Option<&BTreeSet<S3Bucket>>,
    wrong: &mut WrongSettings,
) -> Vec<Check> {
    let map = target.bucket_map().ok();
    let mut checks = Vec::new();
    if let Some(trackers) = wrong.take("trackers", wiring.trackers()) {
        checks.extend(examine_trackers(&trackers).await);
    }
    let nodes = wrong.take("storage nodes", examine_storage_nodes(wiring, from).await);
    let (nodes, readable) = nodes.unwrap_or_default();
    let files = examine(ports, map.as_ref()).await;
    // What keeps the database from giving its domains keeps it from giving its hosts: one row is enough.
    let is_same_cause = wiring.has_database().unwrap_or_default()
        && from == IndexFrom::Settings
        && !well(&files, "index")
        && !well(&nodes, STORAGE_NODES);
    checks.extend(nodes.into_iter().filter(|_| !is_same_cause));
    let untried = examine_untried(&readable, &files, wiring.time.mogile()).await;
    checks.extend(files.into_iter().chain(untried));
    let Some(locked) = canaries_but_in else { return checks };
    // What cannot even be read says the same again.
    if let Some(failures) = ports.failures.as_deref().filter(|_| well(&checks, "failures")) {
        checks.push(examine_failures(failures, ports.clock.as_ref()).await);
    }
    let Some((objects, map)) = ports.objects.as_deref().zip(map) else { return checks };
    checks.extend(examine_copies(objects, &map, locked, target.single_request_bytes).await);
    let s3 = wiring::s3(target, aws, wiring.time, wiring.calls).await;
    let Some(s3) = wrong.take("canaries in the buckets", s3) else { return checks };
    for (_, bucket) in map.pairs().filter(|(_, bucket)| !locked.contains(*bucket)) {
        if well(&checks, &format!("bucket {bucket}")) {
            checks.extend(s3.canaries(bucket, ports.clock.now()).await);
        }
    }
    checks
}

/// Whether any check of a system is good.
fn well(checks: &[Check], subject: &str) -> bool {
    checks.iter().any(|check| check.subject == subject && check.health == Health::Good)
}

/// Each tracker on its own: a dead one among several shows nowhere else.
async fn examine_trackers(trackers: &Trackers) -> Vec<Check> {
    let answers = trackers.noop().await;
    let fact = "it answers";
    answers
        .into_iter()
        .map(|(tracker, answer)| match answer {
            Ok(()) => Check::good(format!("tracker {tracker}"), fact, "noop"),
            Err(error) => Check::unreachable(format!("tracker {tracker}"), fact, error.to_string())
                .because_of(Reason::new(ReasonKind::SourceUnreachable, &error)),
        })
        .collect()
}
