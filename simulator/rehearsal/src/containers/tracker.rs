//! `rehearse tracker`: the stand-in for a tracker and its storage node, as the tracker's image runs it.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sqlx::mysql::MySqlConnection;
use sqlx::{Connection, Executor};
use stand_ins::wire::tracker::StoredTables;
use stand_ins::wire::{storage_node, tracker};
use stand_ins::world::mogile::{HostId, MogileFs, Tables};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::mysql_tables::{self, MysqlTables};

/// The line on standard output after which it takes requests.
pub const READY: &str = "The tracker and its storage node are up.";

/// The host of the table `host` whose storage node this is.
const HOST: HostId = HostId(1);

/// How often the tables are asked for at the start, and the pause between two tries.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// Runs a tracker and a storage node whose tables are in MySQL
#[derive(Debug, clap::Args)]
pub struct Tracker {
    /// MogileFS's database; its tables are there
    #[arg(long, env = "MOGILE_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database: String,

    /// The port of the tracker
    #[arg(long, env = "TRACKER_PORT", value_name = "PORT")]
    port: u16,

    /// The port of the storage node of host 1
    #[arg(long, env = "STORAGE_PORT", value_name = "PORT")]
    storage_port: u16,

    /// Before it starts, create the tables where there are none, and register this domain and the storage node
    #[arg(long, value_name = "DOMAIN")]
    set_up: Option<String>,

    /// Where the replicas are
    #[arg(long, env = "STORAGE_FOLDER", default_value = "/var/mogdata", value_name = "DIR")]
    folder: PathBuf,
}

/// Serves until it is asked to end.
pub async fn run(options: Tracker) -> anyhow::Result<ExitCode> {
    let Tracker { database, port, storage_port, set_up, folder } = options;
    if let Some(domain) = set_up {
        set_up_at(&database, &domain, storage_port).await.context("creating MogileFS's tables")?;
    }
    let tables = Arc::new(MysqlTables::new(&database)?);
    let mogile = Arc::new(MogileFs::default());
    let tracker = listen(port).await?;
    let storage = listen(storage_port).await?;
    // The storage node knows its devices by the tables.
    mogile.set_tables(first(tables.as_ref()).await?);
    println!("{READY}");
    let mut ended = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    tokio::select! {
        served = storage_node::serve_folder(storage, Arc::clone(&mogile), HOST, folder) => {
            served.context("reading the replicas")?;
        }
        () = tracker::serve_stored(tracker, mogile, tables) => {}
        _ = ended.recv() => {}
        stopped = tokio::signal::ctrl_c() => stopped.context("waiting for Ctrl-C")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Creates the tables of an empty database. Those of another one stay as they are.
async fn set_up_at(url: &str, domain: &str, storage_port: u16) -> anyhow::Result<()> {
    let mut session = connect(url).await?;
    if session.fetch_optional("SHOW TABLES LIKE 'file'").await?.is_none() {
        mysql_tables::create(&mut session).await?;
        mysql_tables::register(&mut session, &[domain], storage_port).await?;
    }
    Ok(())
}

/// A session, as soon as the database answers.
async fn connect(url: &str) -> anyhow::Result<MySqlConnection> {
    let mut tries = 1;
    loop {
        match MySqlConnection::connect(url).await {
            Ok(session) => return Ok(session),
            Err(error) if tries == TRIES => return Err(error.into()),
            Err(_) => tries += 1,
        }
        sleep(PAUSE).await;
    }
}

/// The tables, as soon as the database answers.
async fn first(tables: &dyn StoredTables) -> anyhow::Result<Tables> {
    let mut tries = 1;
    loop {
        match tables.read().await {
            Ok(tables) => return Ok(tables),
            Err(error) if tries == TRIES => return Err(error).context("reading MogileFS's tables"),
            Err(_) => tries += 1,
        }
        sleep(PAUSE).await;
    }
}

async fn listen(port: u16) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await;
    listener.with_context(|| format!("listening on port {port}"))
}
