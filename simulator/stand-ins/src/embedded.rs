//! The embedded world: every service on a loopback port of its own, nothing to install.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::fault::Faults;
use crate::wire::content_repo::{ContentRepoBackend, ROOT};
use crate::wire::dynamodb::DynamoBackend;
use crate::wire::mysql::{self, MysqlServer};
use crate::wire::rhino::{Endpoint, Rhino, RhinoBackend, RhinoSettings};
use crate::wire::s3::S3Backend;
use crate::wire::sqs::SqsBackend;
use crate::wire::sts::StsBackend;
use crate::wire::{listener, storage_node, tracker};
use crate::world::bucket::S3World;
use crate::world::content_repo::{ContentRepo, ContentRepoSettings, Store};
use crate::world::databases::{Collation, Database as ClientDatabase, Databases};
use crate::world::dynamodb;
use crate::world::mogile::{DeviceId, Dmid, MogileFs};
use crate::world::queue::{ACCOUNT, REGION, SqsWorld, create_job_queues};

/// The MogileFS domain that is migrated.
pub const DOMAIN: &str = "plos_repo";

/// MogileFS bucket and S3 bucket, in pairs.
pub const BUCKETS: [(&str, &str); 2] =
    [("mogilefs-prod-repo", "corpus-prod"), ("mogilefs-prod-editorial", "editorial-prod")];

/// A MogileFS bucket that stays behind.
pub const IGNORED_BUCKET: &str = "mogilefs-scratch";

/// The ledger's table.
pub const LEDGER: &str = "mogile2s3-ledger";

/// The failures table.
pub const FAILURES: &str = "mogile2s3-ledger-failures";

/// The verifications table.
pub const VERIFICATIONS: &str = "mogile2s3-ledger-verifications";

/// The journal's table.
pub const JOURNAL: &str = "mogile2s3-ledger-journal";

/// The job queue.
pub const QUEUE: &str = "mogile2s3-jobs";

/// Its dead-letter queue.
pub const DEAD_LETTERS: &str = "mogile2s3-jobs-dead";

/// Seconds that a delivery is invisible to others: few, so that what a killed worker held comes
/// back within a rehearsal.
const VISIBILITY_SECONDS: u32 = 30;

/// Deliveries before a message is a dead letter.
pub const DELIVERIES: u32 = domain::limits::DELIVERIES;

/// What one PUT or COPY may write here: little, so that small files go in parts too.
pub const SINGLE_REQUEST_BYTES: u64 = 4 * 1024 * 1024;

/// The parts of what is larger.
pub const PART_BYTES: u64 = 1024 * 1024;

const ACCESS_KEY: &str = "AKIAREHEARSALREHEARS";
const SECRET_KEY: &str = "rehearsal-secret-key-of-an-embedded-world";
/// The user of the MySQL server, and the password.
const DATABASE_USER: &str = "rehearsal";
const DATABASE_PASSWORD: &str = "rehearsal-password";

const STORAGE_NODES: u8 = 2;
const DEVICES_A_NODE: u8 = 2;

/// A world that is up. Dropping it takes every service down.
pub struct EmbeddedWorld {
    /// MogileFS.
    pub mogile: Arc<MogileFs>,
    /// The `dmid` of [`DOMAIN`].
    pub dmid: Dmid,
    /// A `dmid` of another domain, which is not to be touched.
    pub other_dmid: Dmid,
    /// All devices, those of one node beside each other.
    pub devices: Vec<DeviceId>,
    /// S3.
    pub s3: Arc<S3World>,
    /// DynamoDB.
    pub database: Database,
    /// SQS.
    pub sqs: Arc<SqsWorld>,
    /// contentrepo's and rhino's databases.
    pub databases: Arc<Databases>,
    /// The server of all databases.
    pub mysql: Arc<MysqlServer>,
    /// contentrepo, on MogileFS at first.
    pub content_repo: Arc<ContentRepo>,
    /// The URL of its API. It is not in the environment: commands that it changes are told it.
    pub content_repo_url: String,
    /// rhino.
    pub rhino: Arc<Rhino>,
    /// Its URL. It is not in the environment either.
    pub rhino_url: String,
    /// The script of faults and the counts of requests.
    pub faults: Arc<Faults>,
    environment: BTreeMap<&'static str, String>,
    services: JoinSet<()>,
}

impl EmbeddedWorld {
    /// Starts every service on a port that the system chooses.
    pub async fn start() -> anyhow::Result<Self> {
        let faults = Arc::new(Faults::default());
        let mut services = JoinSet::new();

        let mogile = Arc::new(MogileFs::default());
        let (dmid, other_dmid) = (mogile.add_domain(DOMAIN), mogile.add_domain("other_domain"));
        let mut devices = Vec::new();
        for _ in 0..STORAGE_NODES {
            let (listener, address) = bind().await?;
            let host = mogile.add_host(address.ip(), address.port());
            devices.extend((0..DEVICES_A_NODE).map(|_| mogile.add_device(host)));
            let (mogile, faults) = (mogile.clone(), faults.clone());
            services.spawn(storage_node::serve(listener, mogile, host, faults));
        }
        let (listener, tracker) = bind().await?;
        services.spawn(tracker::serve(listener, mogile.clone(), faults.clone()));

        let s3 = Arc::new(S3World::default());
        s3.configure(|options| {
            options.single_request_limit_bytes = SINGLE_REQUEST_BYTES;
            options.minimum_part_bytes = PART_BYTES;
        });
        for (_, bucket) in BUCKETS {
            s3.create_bucket(bucket).context("creating a bucket")?;
        }
        let (listener, s3_address) = bind().await?;
        let backend = Arc::new(S3Backend::new(s3.clone(), ACCESS_KEY, SECRET_KEY));
        services.spawn(listener::serve(listener, backend, faults.clone()));

        let database = new_database().context("starting the database")?;
        let (listener, dynamodb_address) = bind().await?;
        let backend = Arc::new(DynamoBackend::start(database.clone()).await?);
        services.spawn(listener::serve(listener, backend, faults.clone()));

        let sqs = new_queues().context("creating the queues")?;
        let (listener, sqs_address) = bind().await?;
        let endpoint = format!("http://{sqs_address}");
        let backend = Arc::new(SqsBackend::new(sqs.clone(), endpoint, ACCESS_KEY.to_owned()));
        services.spawn(listener::serve(listener, backend, faults.clone()));

        let (listener, sts) = bind().await?;
        let backend = Arc::new(StsBackend::new(ACCESS_KEY.to_owned()));
        services.spawn(listener::serve(listener, backend, faults.clone()));

        let (listener, mysql_address) = bind().await?;
        // The default of old servers.
        let databases = Arc::new(Databases::new(Collation::Latin1SwedishCi)?);
        let server = MysqlServer::new(mogile.clone(), DATABASE_USER, DATABASE_PASSWORD)
            .with_databases(databases.clone());
        let mysql = Arc::new(server);
        services.spawn(mysql::serve(listener, mysql.clone(), faults.clone()));

        let store = on_mogile(dmid, &devices);
        let settings = ContentRepoSettings { store, reproxies: false };
        let content_repo =
            ContentRepo::start(databases.clone(), mogile.clone(), s3.clone(), settings)?;
        let content_repo = Arc::new(content_repo);
        let content_repo_url = serve_repo(&mut services, content_repo.clone(), &faults).await?;

        let (listener, address) = bind().await?;
        let rhino_url = format!("http://{address}");
        let rhino = Arc::new(Rhino::start(rhino_settings(&content_repo_url)));
        let backend = Arc::new(RhinoBackend::new(rhino.clone()));
        services.spawn(listener::serve(listener, backend, faults.clone()));

        let addresses = Addresses {
            tracker,
            s3: s3_address,
            dynamodb: dynamodb_address,
            sqs: sqs_address,
            sts,
            mysql: mysql_address,
        };
        let environment = environment(&addresses);
        Ok(Self {
            mogile,
            dmid,
            other_dmid,
            devices,
            s3,
            database,
            sqs,
            databases,
            mysql,
            content_repo,
            content_repo_url,
            rhino,
            rhino_url,
            faults,
            environment,
            services,
        })
    }

    /// Serves one more contentrepo, such as one with a database for trials; returns the URL of its API.
    pub async fn serve_content_repo(&mut self, repo: Arc<ContentRepo>) -> anyhow::Result<String> {
        serve_repo(&mut self.services, repo, &self.faults).await
    }

    /// The store of contentrepo as it is before the cut-over.
    #[must_use]
    pub fn content_repo_on_mogile(&self) -> Store {
        on_mogile(self.dmid, &self.devices)
    }

    /// Changes one of these settings.
    pub fn set_environment(&mut self, name: &'static str, value: String) {
        self.environment.insert(name, value);
    }

    /// The settings that point any client at this world.
    #[must_use]
    pub const fn environment(&self) -> &BTreeMap<&'static str, String> {
        &self.environment
    }
}

fn on_mogile(dmid: Dmid, devices: &[DeviceId]) -> Store {
    Store::MogileFs { domain: DOMAIN.to_owned(), dmid, devices: devices.to_vec() }
}

async fn serve_repo(
    services: &mut JoinSet<()>,
    repo: Arc<ContentRepo>,
    faults: &Arc<Faults>,
) -> anyhow::Result<String> {
    let (listener, address) = bind().await?;
    let backend = Arc::new(ContentRepoBackend::new(repo));
    services.spawn(listener::serve(listener, backend, faults.clone()));
    Ok(format!("http://{address}{ROOT}"))
}

/// rhino as it is before the cut-over.
#[must_use]
pub fn rhino_settings(address: &str) -> RhinoSettings {
    let [corpus, editorial] = BUCKETS.map(|(old, _)| Endpoint {
        address: address.to_owned(),
        bucket: old.to_owned(),
        secondary_buckets: Vec::new(),
    });
    RhinoSettings { corpus, editorial: Some(editorial) }
}

/// A database with the tables in it, empty.
fn new_database() -> dynoxide::Result<Database> {
    let database = dynamodb::new_database()?;
    dynamodb::create_ledger_table(&database, LEDGER)?;
    dynamodb::create_failures_table(&database, FAILURES)?;
    dynamodb::create_verifications_table(&database, VERIFICATIONS)?;
    dynamodb::create_journal_table(&database, JOURNAL)?;
    Ok(database)
}

/// SQS with the queues in it, empty.
fn new_queues() -> anyhow::Result<Arc<SqsWorld>> {
    let sqs = Arc::new(SqsWorld::default());
    create_job_queues(&sqs, QUEUE, DEAD_LETTERS, VISIBILITY_SECONDS, DELIVERIES)?;
    Ok(sqs)
}

async fn bind() -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).await;
    let listener = listener.context("listening on a loopback port")?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Where the services are.
struct Addresses {
    tracker: SocketAddr,
    s3: SocketAddr,
    dynamodb: SocketAddr,
    sqs: SocketAddr,
    sts: SocketAddr,
    mysql: SocketAddr,
}

fn environment(addresses: &Addresses) -> BTreeMap<&'static str, String> {
    let Addresses { tracker, s3, dynamodb, sqs, sts, mysql } = addresses;
    let url =
        |database: &str| format!("mysql://{DATABASE_USER}:{DATABASE_PASSWORD}@{mysql}/{database}");
    let buckets: Vec<_> = BUCKETS.iter().map(|(old, new)| format!("{old}:{new}")).collect();
    BTreeMap::from([
        ("MOGILE_TRACKERS", tracker.to_string()),
        ("MOGILE_DOMAIN", DOMAIN.to_owned()),
        ("MOGILE_DATABASE_URL", url(mysql::DATABASE)),
        ("MOGILE_DATABASE_WRITE_URL", url(mysql::DATABASE)),
        ("CONTENTREPO_DATABASE_URL", url(ClientDatabase::ContentRepo.name())),
        ("CONTENTREPO_DATABASE_WRITE_URL", url(ClientDatabase::ContentRepo.name())),
        ("RHINO_DATABASE_URL", url(ClientDatabase::Rhino.name())),
        ("RHINO_DATABASE_WRITE_URL", url(ClientDatabase::Rhino.name())),
        ("MOGILE_STORAGE_HOSTS", "127.0.0.1".to_owned()),
        ("BUCKETS", buckets.join(",")),
        ("IGNORE_BUCKETS", IGNORED_BUCKET.to_owned()),
        ("DYNAMODB_TABLE", LEDGER.to_owned()),
        ("DYNAMODB_FAILURES_TABLE", FAILURES.to_owned()),
        ("DYNAMODB_VERIFICATIONS_TABLE", VERIFICATIONS.to_owned()),
        ("DYNAMODB_JOURNAL_TABLE", JOURNAL.to_owned()),
        ("SQS_URL", format!("http://{sqs}/{ACCOUNT}/{QUEUE}")),
        ("SQS_DLQ_URL", format!("http://{sqs}/{ACCOUNT}/{DEAD_LETTERS}")),
        // None, even where a `.env` names one: it would be looked for at Amazon.
        ("LAMBDA_FUNCTION", String::new()),
        ("S3_CONDITIONAL_COPY", "sound".to_owned()),
        ("S3_SINGLE_REQUEST_BYTES", SINGLE_REQUEST_BYTES.to_string()),
        ("S3_PART_BYTES", PART_BYTES.to_string()),
        ("AWS_ENDPOINT_URL_S3", format!("http://{s3}")),
        ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{dynamodb}")),
        ("AWS_ENDPOINT_URL_SQS", format!("http://{sqs}")),
        ("AWS_ENDPOINT_URL_STS", format!("http://{sts}")),
        ("AWS_REGION", REGION.to_owned()),
        // The AWS CLI and boto3 read this one alone.
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
    ])
}
