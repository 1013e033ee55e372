//! The world in containers: MySQL, LocalStack, and a tracker with its storage node. The real commands play the
//! first story of the runbook there, by the production adapters alone.

mod clients;
mod content_repo;
mod copy_out;
mod engine;
mod mogile;
mod mysql_tables;
mod servers;
pub mod tracker;
mod world;

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use anyhow::{Context, anyhow};
use futures_util::FutureExt;
use tokio::signal::unix::{SignalKind, signal};

pub use self::engine::NoEngine;

use self::engine::Engine;
use self::servers::Servers;
use crate::hazard::Hazards;
use crate::runbook::{Operator, Story, stories};
use crate::site::Site;
use crate::stage::{Options, Stage};

/// Starts the servers, plays the runbook to its end, and removes the servers, also after a panic and when the
/// rehearsal is interrupted. With `keep` they stay up until they are removed by hand.
pub async fn rehearse(options: &Options, keep: bool) -> anyhow::Result<Story> {
    let engine = Engine::find().await?;
    let mut ended = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let told = tokio::select! {
        told = AssertUnwindSafe(play(options, &engine, keep)).catch_unwind() => {
            told.unwrap_or_else(|_| Err(anyhow!("the rehearsal panicked")))
        }
        _ = tokio::signal::ctrl_c() => Err(anyhow::Error::new(Interrupted)),
        _ = ended.recv() => Err(anyhow::Error::new(Interrupted)),
    };
    if keep && told.is_ok() {
        eprintln!("The servers stay up. Remove them with:");
        eprintln!("  {}", engine.removal());
        return told;
    }
    let swept = engine.sweep().await;
    swept.with_context(|| format!("containers may be left; remove them: {}", engine.removal()))?;
    told
}

/// The rehearsal was asked to end before its end.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: the rehearsal did not come to its end, and its containers are removed")]
pub struct Interrupted;

async fn play(options: &Options, engine: &Engine, keep: bool) -> anyhow::Result<Story> {
    let begun = Instant::now();
    let progress = |what: &str| eprintln!("{:>4} s  {what}", begun.elapsed().as_secs());
    progress("starting MySQL, LocalStack and the tracker");
    let embedded = async {
        let options = Options { hazards: Hazards::None, ..options.clone() };
        Stage::set(&options).await
    };
    let (stage, servers) = tokio::try_join!(embedded, Servers::start(engine))?;
    progress("storing the corpus by the tracker's protocol, the rows by MySQL");
    copy_out::copy_out(&stage.world, &servers).await?;
    let environment = servers.environment();
    if keep {
        for (name, value) in &environment {
            println!("export {name}='{value}'");
        }
    }
    progress("playing the runbook");
    let before = servers.mogile_state().await?;
    let operator = Operator::of(Box::new(servers), stage.planted, before, environment);
    let story = stories::to_the_end(std::future::ready(operator), options.seed).await;
    progress("looking at what came of it");
    Ok(story)
}
