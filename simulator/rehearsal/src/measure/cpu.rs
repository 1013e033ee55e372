//! CPU time a file, beside what the same requests cost by themselves.

use std::num::{NonZeroU16, NonZeroUsize};

use anyhow::ensure;
use clap::Args;

use super::client::{self, Run};
use super::field::{Field, Way};
use super::verdict;

/// What can be given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Files of each route
    #[arg(long, default_value = "20000", value_name = "N")]
    files: NonZeroUsize,

    /// Bytes of each file, at least eight
    #[arg(long, default_value_t = 8192, value_name = "N")]
    bytes: usize,

    /// Files under way at once
    #[arg(long, default_value = "64", value_name = "N")]
    concurrency: NonZeroU16,

    /// Times that everything is measured, in turn; the best is what counts: neighbours only add
    #[arg(long, default_value = "3", value_name = "N")]
    rounds: NonZeroUsize,
}

/// Ours must have this part of the bare loop's rate, at least.
const RATE: f64 = 0.7;

/// What one file cost, and how many there were in a second.
#[derive(Debug, Clone, Copy)]
struct Cost {
    cpu_ms: f64,
    rate: f64,
}

impl Cost {
    const WORST: Self = Self { cpu_ms: f64::INFINITY, rate: 0.0 };

    #[expect(clippy::cast_precision_loss, reason = "nobody has so many files")]
    fn of(run: &Run, files: usize) -> Self {
        let files = files as f64;
        let cpu_ms = run.usage.cpu_seconds * 1000.0 / files;
        Self { cpu_ms, rate: files / run.took.as_secs_f64() }
    }

    fn best(self, other: Self) -> Self {
        Self { cpu_ms: self.cpu_ms.min(other.cpu_ms), rate: self.rate.max(other.rate) }
    }
}

/// Measures both routes and prints; tells whether all goals are met.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let Arguments { files, bytes, concurrency, rounds } = arguments;
    println!("{files} files of {bytes} bytes, {concurrency} at once, the best of {rounds} rounds.");
    println!("CPU time is user and system, of the client's process alone.\n");
    println!("{:<24} {:>14} {:>10}", "", "CPU ms a file", "files a s");
    let mogile = compare(arguments, Way::Mogile, "from MogileFS", "GET, PUT", 0.25).await?;
    let copy = compare(arguments, Way::Copy, "by copy", "COPY", 0.11).await?;
    Ok(mogile && copy)
}

async fn compare(
    arguments: &Arguments,
    way: Way,
    name: &str,
    requests: &str,
    goal_ms: f64,
) -> anyhow::Result<bool> {
    let (mut ours, mut bare) = (Cost::WORST, Cost::WORST);
    for _ in 0..arguments.rounds.get() {
        ours = ours.best(migrate(arguments, way).await?);
        bare = bare.best(bare_loop(arguments, way).await?);
    }
    let (cost, rate) = (ours.cpu_ms / bare.cpu_ms, ours.rate / bare.rate);
    let (cheap, fast) = (ours.cpu_ms <= goal_ms, rate >= RATE);
    let line = |name: &str, cost: Cost| {
        println!("{name:<24} {:>14.3} {:>10.0}", cost.cpu_ms, cost.rate);
    };
    line(&format!("migrate {name}"), ours);
    line(&format!("  a bare {requests}"), bare);
    println!("{:<24} {cost:>14.2} {rate:>10.2}", "  ours, of the bare");
    println!("  {}", verdict(&format!("{goal_ms} ms of CPU"), cheap));
    println!("  {}\n", verdict(&format!("{RATE} of the bare loop's rate"), fast));
    Ok(cheap && fast)
}

async fn migrate(arguments: &Arguments, way: Way) -> anyhow::Result<Cost> {
    let files = arguments.files.get();
    let field = planted(arguments, way).await?;
    let concurrency = arguments.concurrency.to_string();
    let run = client::migrate(field.world.environment(), &["--concurrency", &concurrency]).await?;
    let class = if way == Way::Copy { "by_copy" } else { "by_mogile" };
    let done = run.summary[class]["files"].as_u64();
    ensure!(done == Some(files as u64), "not all files came this way: {}", run.summary);
    Ok(Cost::of(&run, files))
}

async fn bare_loop(arguments: &Arguments, way: Way) -> anyhow::Result<Cost> {
    let field = planted(arguments, way).await?;
    let concurrency = arguments.concurrency.get();
    let run = client::bare(field.world.environment(), concurrency, &field.orders).await?;
    Ok(Cost::of(&run, arguments.files.get()))
}

async fn planted(arguments: &Arguments, way: Way) -> anyhow::Result<Field> {
    let mut field = Field::new().await?;
    field.plant_many(arguments.files.get(), arguments.bytes, way)?;
    Ok(field)
}
