//! The world in containers: MySQL, LocalStack, and a tracker with its storage node. The real commands play the
//! first story of the runbook there, by the production adapters alone.

mod clients;
mod content_repo;
mod copy_out;
mod engine;
mod faults;
mod mogile;
mod mysql_tables;
mod servers;
pub mod tracker;
mod world;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use anyhow::{Context, anyhow};
use futures_util::FutureExt;
use oracle::state::MogileState;
use tokio::signal::unix::{SignalKind, signal};

pub use self::engine::{LABEL, NoEngine};

use self::engine::Engine;
use self::servers::{PART_BYTES, Servers};
use crate::runbook::{Operator, Story, TO_THE_END, stories};
use crate::site::Site;
use crate::stage::{Options, Stage};

/// Starts the servers, plays the runbook to its end, and removes the servers, also after a panic and when the
/// rehearsal is interrupted. With `keep` they stay up until they are removed by hand.
pub async fn rehearse(options: &Options, faults: bool, keep: bool) -> anyhow::Result<Vec<Story>> {
    let engine = Engine::find().await?;
    let mut ended = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    // Of a terminal that is closed.
    let mut hung_up = signal(SignalKind::hangup()).context("waiting for SIGHUP")?;
    let played = tokio::select! {
        played = AssertUnwindSafe(play(options, &engine, faults, keep)).catch_unwind() => {
            played.unwrap_or_else(|_| Err(anyhow!("the rehearsal panicked")))
        }
        _ = tokio::signal::ctrl_c() => Err(anyhow::Error::new(Interrupted)),
        _ = ended.recv() => Err(anyhow::Error::new(Interrupted)),
        _ = hung_up.recv() => Err(anyhow::Error::new(Interrupted)),
    };
    if keep && played.is_ok() {
        eprintln!("The servers stay up. Remove them with:");
        eprintln!("  {}", engine.removal());
        return played;
    }
    let left = || format!("containers may be left; remove them: {}", engine.removal());
    match (played, engine.sweep().await) {
        (played, Ok(())) => played,
        (Ok(_), Err(error)) => Err(error.context(left())),
        // Why it did not come to its end is said first.
        (Err(why), Err(error)) => Err(anyhow!("{why:#}. {}: {error:#}", left())),
    }
}

/// The name of the story there.
const IN_CONTAINERS: &str = "in containers, to the end: the applications read every file from S3";

/// The servers without files, for other clients than the commands.
pub struct Bare {
    engine: Engine,
    servers: Servers,
}

impl Bare {
    /// Starts them.
    pub async fn start() -> anyhow::Result<Self> {
        let engine = Engine::find().await?;
        match Servers::start(&engine, false).await {
            Ok(servers) => Ok(Self { engine, servers }),
            Err(error) => match engine.sweep().await {
                Ok(()) => Err(error),
                Err(swept) => Err(error.context(format!("containers may be left: {swept:#}"))),
            },
        }
    }

    /// The settings that point any client at them.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<&'static str, String> {
        self.servers.environment()
    }

    /// MogileFS's rows and replicas.
    pub async fn mogile_state(&self) -> anyhow::Result<MogileState> {
        self.servers.mogile_state().await
    }

    /// The rows of a question about MogileFS's database: numbers, as one column.
    pub async fn numbers(&self, sql: &'static str) -> anyhow::Result<Vec<u64>> {
        Ok(sqlx::query_scalar(sql).fetch_all(&self.servers.mogilefs).await?)
    }

    /// Kills the tracker's container and starts it again.
    pub async fn restart_tracker(&self) -> anyhow::Result<()> {
        self.servers.tracker.kill().await?;
        self.servers.tracker.start().await?;
        self.servers.mogile.answers().await
    }

    /// Removes all of it.
    pub async fn remove(self) -> anyhow::Result<()> {
        self.engine.sweep().await
    }
}

/// The rehearsal was asked to end before its end.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: the rehearsal did not come to its end, and its containers are removed")]
pub struct Interrupted;

/// Plays the story in the containers and in an embedded world with the same corpus.
async fn play(
    options: &Options,
    engine: &Engine,
    faults: bool,
    keep: bool,
) -> anyhow::Result<Vec<Story>> {
    let begun = Instant::now();
    let progress = |what: &str| eprintln!("{:>4} s  {what}", begun.elapsed().as_secs());
    progress(&format!("starting MySQL, LocalStack and the tracker, {}", engine.label()));
    let (stage, servers) = tokio::try_join!(Stage::set(options), Servers::start(engine, faults))?;
    progress("storing the corpus by the tracker's protocol, and the rows by MySQL");
    Box::pin(copy_out::copy_out(&stage.world, &servers)).await?;
    let environment = servers.environment();
    if keep {
        // Both clients end with this process.
        let stays = |name: &str| !["CONTENTREPO_URL", "RHINO_URL"].contains(&name);
        for (name, value) in environment.iter().filter(|(name, _)| stays(name)) {
            println!("export {name}='{value}'");
        }
    }
    progress("playing the runbook, and the same in an embedded world beside it");
    let planted = stage.planted.clone();
    let real = async {
        let before = servers.mogile_state().await?;
        Operator::of(Box::new(servers), planted, before, environment)
    };
    let (mut real, mut embedded) = tokio::join!(
        stories::to_the_end(IN_CONTAINERS, real, options.seed),
        stories::to_the_end(TO_THE_END, async { Operator::with(Ok(alike(stage))) }, options.seed),
    );
    compare(&mut real, &embedded);
    if faults {
        let is_struck = |begin: &&&str| real.met_a_fault(begin);
        let missed: Vec<_> = faults::STRUCK.iter().filter(|it| !is_struck(it)).collect();
        let problems = missed.iter().map(|it| format!("no server failed during `{}`", it.trim()));
        real.scenario.problems.extend(problems.collect::<Vec<_>>());
    }
    // One check-list is enough: they are compared.
    embedded.check_list = String::new();
    progress("the end");
    Ok(vec![real, embedded])
}

/// The embedded world with the limits that the commands have in the containers.
fn alike(mut stage: Stage) -> Stage {
    stage.world.s3.configure(|limits| {
        limits.single_request_limit_bytes = PART_BYTES;
        limits.minimum_part_bytes = PART_BYTES;
    });
    for name in ["S3_SINGLE_REQUEST_BYTES", "S3_PART_BYTES"] {
        stage.set_environment(name, PART_BYTES.to_string());
    }
    stage
}

/// Lines of a comparison that are shown.
const SHOWN: usize = 10;

/// What one of the worlds has in the end and the other has not is a problem.
fn compare(real: &mut Story, embedded: &Story) {
    if real.end.is_empty() || embedded.end.is_empty() {
        // One has not come to its end, and says why.
        return;
    }
    let only = |of: &Story, other: &Story, place: &str| -> Vec<String> {
        let lines = of.end.difference(&other.end).take(SHOWN);
        lines.map(|line| format!("only in {place}: {line}")).collect()
    };
    let mut problems = only(real, embedded, "the containers");
    problems.extend(only(embedded, real, "the embedded world"));
    real.scenario.problems.extend(problems);
}
