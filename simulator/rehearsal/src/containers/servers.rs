//! The servers, from nothing to a world without files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use adapters::aws;
use anyhow::{Context, ensure};
use aws_sdk_s3::config::{Credentials, RequestChecksumCalculation, SharedCredentialsProvider};
use sqlx::mysql::{MySqlConnection, MySqlPool, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor};
use stand_ins::embedded::{
    BUCKETS, DEAD_LETTERS, DOMAIN, FAILURES, IGNORED_BUCKET, JOURNAL, LEDGER, QUEUE, VERIFICATIONS,
};
use stand_ins::schemas;
use stand_ins::world::databases::Database;
use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::{CopyTargetOptions, ImageExt};
use tokio::time::sleep;

use super::clients::Clients;
use super::engine::{Engine, Recipe, Running, free_port, image};
use super::faults::Faults;
use super::mogile::Mogile;
use super::{mysql_tables, tracker};
use crate::process;

/// The last long-term version whose image all architectures have. The suites were not run on it here: see
/// docs/TESTING.md.
const MYSQL: &str = "mysql:8.4";
/// The last image that runs without an account token.
const LOCALSTACK: &str = "localstack/localstack:4.14.0";
/// Small, and with the C library of this year's Debian: this program was linked to the same one or to an older one.
const TRACKER_BASE: &str = "debian:trixie-slim";

/// Names and passwords of this world alone.
const ROOT_PASSWORD: &str = "rehearsal-root-password";
const USER: &str = "rehearsal";
const PASSWORD: &str = "rehearsal-password";
/// A domain that is not migrated.
const OTHER_DOMAIN: &str = "other_domain";
/// The tracker's port in its container.
const TRACKER_PORT: u16 = 7001;
const MOGILEFS: &str = "mogilefs";
/// LocalStack takes any keys. Of this form they make the account 000000000000.
const ACCESS_KEY: &str = "test";
const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";

/// LocalStack takes no smaller parts, as Amazon. So much goes in one request here.
pub const PART_BYTES: u64 = 5 << 20;

/// How long a server that says that it is ready may still refuse.
const TRIES: u32 = 150;
const PAUSE: Duration = Duration::from_millis(200);

/// The servers of one world.
pub struct Servers {
    pub(super) mysql: Running,
    pub(super) localstack: Running,
    pub(super) tracker: Running,
    /// The tracker.
    pub(super) mogile: Mogile,
    /// MogileFS's database.
    pub(super) mogilefs: MySqlPool,
    pub(super) contentrepo: MySqlPool,
    pub(super) rhino: MySqlPool,
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) dynamodb: aws_sdk_dynamodb::Client,
    pub(super) clients: Clients,
    pub(super) faults: Faults,
    storage_port: u16,
}

impl Servers {
    /// Starts all of them. With `faults` they fail in the middle of some commands.
    pub async fn start(engine: &Engine, faults: bool) -> anyhow::Result<Self> {
        let (database, localstack) = tokio::join!(start_mysql(engine), start_localstack(engine));
        let (mysql, localstack) = (database?, localstack?);
        create_databases(mysql.port).await?;
        let (tracker, storage_port) = start_tracker(engine).await?;
        let mut root = root_in(mysql.port, MOGILEFS).await?;
        mysql_tables::register(&mut root, &[DOMAIN, OTHER_DOMAIN], storage_port).await?;
        let mogile = Mogile { address: format!("127.0.0.1:{}", tracker.port) };
        mogile.answers().await?;
        let keys = Credentials::new(ACCESS_KEY, "test", None, None, "rehearsal");
        let config = aws::load(Some(REGION.to_owned())).await.into_builder();
        let config = config
            .endpoint_url(endpoint(&localstack))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .build();
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
        let pool = |database| pool(mysql.port, database);
        let s3 = aws_sdk_s3::Client::from_conf(s3.build());
        let contentrepo = pool(Database::ContentRepo.name())?;
        Ok(Self {
            clients: Clients::start(contentrepo.clone(), s3.clone(), mogile.clone()).await?,
            faults: Faults::new(faults),
            mogilefs: pool(MOGILEFS)?,
            contentrepo,
            rhino: pool(Database::Rhino.name())?,
            s3,
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            mysql,
            localstack,
            tracker,
            mogile,
            storage_port,
        })
    }

    /// The URL of a replica.
    pub fn replica(&self, device: u64, fid: u64) -> anyhow::Result<String> {
        use stand_ins::world::mogile::{DeviceId, Fid, fid_path};
        let path = fid_path(DeviceId(u32::try_from(device)?), Fid(fid));
        Ok(format!("http://127.0.0.1:{}{path}", self.storage_port))
    }

    /// The settings that point any client at this world.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<&'static str, String> {
        let database = |name: &str| url(USER, PASSWORD, self.mysql.port, name);
        let buckets: Vec<_> = BUCKETS.iter().map(|(old, new)| format!("{old}:{new}")).collect();
        let endpoint = endpoint(&self.localstack);
        let (contentrepo, rhino) = (Database::ContentRepo.name(), Database::Rhino.name());
        BTreeMap::from([
            ("MOGILE_TRACKERS", self.mogile.address.clone()),
            ("MOGILE_DOMAIN", DOMAIN.to_owned()),
            ("MOGILE_DATABASE_URL", database(MOGILEFS)),
            ("MOGILE_DATABASE_WRITE_URL", database(MOGILEFS)),
            ("CONTENTREPO_DATABASE_URL", database(contentrepo)),
            ("CONTENTREPO_DATABASE_WRITE_URL", database(contentrepo)),
            ("RHINO_DATABASE_URL", database(rhino)),
            ("RHINO_DATABASE_WRITE_URL", database(rhino)),
            ("CONTENTREPO_URL", self.clients.repo_url.clone()),
            ("RHINO_URL", self.clients.rhino_url.clone()),
            ("MOGILE_STORAGE_HOSTS", "127.0.0.1".to_owned()),
            ("BUCKETS", buckets.join(",")),
            ("IGNORE_BUCKETS", IGNORED_BUCKET.to_owned()),
            ("DYNAMODB_TABLE", LEDGER.to_owned()),
            ("DYNAMODB_FAILURES_TABLE", FAILURES.to_owned()),
            ("DYNAMODB_VERIFICATIONS_TABLE", VERIFICATIONS.to_owned()),
            ("DYNAMODB_JOURNAL_TABLE", JOURNAL.to_owned()),
            ("SQS_URL", format!("{endpoint}/{ACCOUNT}/{QUEUE}")),
            ("SQS_DLQ_URL", format!("{endpoint}/{ACCOUNT}/{DEAD_LETTERS}")),
            ("LAMBDA_FUNCTION", String::new()),
            ("S3_SINGLE_REQUEST_BYTES", PART_BYTES.to_string()),
            ("S3_PART_BYTES", PART_BYTES.to_string()),
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ])
    }
}

fn endpoint(localstack: &Running) -> String {
    format!("http://127.0.0.1:{}", localstack.port)
}

fn url(user: &str, password: &str, port: u16, database: &str) -> String {
    format!("mysql://{user}:{password}@127.0.0.1:{port}/{database}")
}

fn pool(port: u16, database: &str) -> anyhow::Result<MySqlPool> {
    let options = MySqlPoolOptions::new().max_connections(2);
    Ok(options.connect_lazy(&url(USER, PASSWORD, port, database))?)
}

async fn start_mysql(engine: &Engine) -> anyhow::Result<Running> {
    let recipe = Recipe {
        role: "mysql",
        image: image("SIM_MYSQL_IMAGE", MYSQL),
        port: 3306,
        // With both spaces: `port: 33060` is the other protocol, and `port: 0` the server that only
        // initializes.
        ready: WaitFor::message_on_stderr("port: 3306  "),
        environment: vec![("MYSQL_ROOT_PASSWORD", ROOT_PASSWORD.to_owned())],
    };
    engine.start(&recipe, |request| request).await
}

async fn start_localstack(engine: &Engine) -> anyhow::Result<Running> {
    let recipe = Recipe {
        role: "localstack",
        image: image("SIM_LOCALSTACK_IMAGE", LOCALSTACK),
        port: 4566,
        ready: WaitFor::message_on_stdout("Ready."),
        environment: vec![("SERVICES", "s3,sqs,dynamodb,sts".to_owned())],
    };
    engine.start(&recipe, |request| request).await
}

/// Starts the tracker and its storage node. The node's port is the same inside and outside, so that the tracker's
/// URLs hold in both places.
async fn start_tracker(engine: &Engine) -> anyhow::Result<(Running, u16)> {
    let own = std::env::var("SIM_TRACKER_IMAGE").is_ok_and(|image| !image.trim().is_empty());
    let database = format!("mysql://{USER}:{PASSWORD}@{}:3306/{MOGILEFS}", engine.host_of("mysql"));
    let environment = vec![
        ("MOGILE_DATABASE_URL", database),
        ("TRACKER_PORT", TRACKER_PORT.to_string()),
        ("STORAGE_FOLDER", "/var/mogdata".to_owned()),
    ];
    let recipe = Recipe {
        role: "tracker",
        image: if own {
            image("SIM_TRACKER_IMAGE", "")
        } else {
            image("SIM_TRACKER_BASE_IMAGE", TRACKER_BASE)
        },
        port: TRACKER_PORT,
        ready: if own { WaitFor::Nothing } else { WaitFor::message_on_stdout(tracker::READY) },
        environment,
    };
    let program = if own { None } else { Some(program()?) };
    let free = AtomicU16::new(0);
    let running = engine
        .start(&recipe, |request| {
            let port = free_port().unwrap_or_default();
            free.store(port, Ordering::Relaxed);
            let request = request
                .with_mapped_port(port, ContainerPort::Tcp(port))
                .with_env_var("STORAGE_PORT", port.to_string());
            match &program {
                Some(program) => {
                    let target = CopyTargetOptions::new("/usr/local/bin/rehearse").with_mode(0o755);
                    request
                        .with_copy_to(target, program.clone())
                        .with_cmd(["/usr/local/bin/rehearse", process::TRACKER])
                }
                None => request,
            }
        })
        .await?;
    Ok((running, free.into_inner()))
}

/// This program, for a container of Linux.
fn program() -> anyhow::Result<PathBuf> {
    ensure!(
        cfg!(target_os = "linux"),
        "this program does not run in a container of Linux: build the tracker's image (docker/README.md) and name it \
         by SIM_TRACKER_IMAGE"
    );
    std::env::current_exe().context("finding this program")
}

/// Creates the databases with their tables, and an account.
async fn create_databases(port: u16) -> anyhow::Result<()> {
    let mut root = root_in(port, "").await?;
    let user = format!("CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'");
    root.execute(AssertSqlSafe(user)).await?;
    for (name, charset) in [
        (MOGILEFS, "latin1"),
        (Database::ContentRepo.name(), "utf8mb4 COLLATE utf8mb4_general_ci"),
        (Database::Rhino.name(), "utf8mb4 COLLATE utf8mb4_general_ci"),
    ] {
        for sql in [
            format!("CREATE DATABASE {name} CHARACTER SET {charset}"),
            format!("GRANT ALL ON {name}.* TO '{USER}'@'%'"),
        ] {
            root.execute(AssertSqlSafe(sql)).await?;
        }
    }
    root.execute(AssertSqlSafe(format!("GRANT PROCESS ON *.* TO '{USER}'@'%'"))).await?;
    mysql_tables::create(&mut root_in(port, MOGILEFS).await?).await?;
    for (database, tables) in
        [(Database::ContentRepo, schemas::CONTENTREPO), (Database::Rhino, schemas::RHINO)]
    {
        let mut root = root_in(port, database.name()).await?;
        for sql in tables {
            root.execute(*sql).await.with_context(|| format!("tables of `{}`", database.name()))?;
        }
    }
    Ok(())
}

/// A session in a database that may do anything. The server may refuse some time after it says that it is ready.
pub(super) async fn root_in(port: u16, database: &str) -> anyhow::Result<MySqlConnection> {
    let url = url("root", ROOT_PASSWORD, port, database);
    let mut tries = 1;
    loop {
        match MySqlConnection::connect(&url).await {
            Ok(session) => return Ok(session),
            Err(error) if tries == TRIES => return Err(error).context("connecting to MySQL"),
            Err(_) => tries += 1,
        }
        sleep(PAUSE).await;
    }
}
