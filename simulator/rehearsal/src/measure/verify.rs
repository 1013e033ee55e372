//! How long `verify` takes for many rows, the memory that it holds for each, and the CPU time.

use anyhow::ensure;
use clap::Args;

use super::client::{self, Run};
use super::memory::in_mib;
use super::{field::Field, verdict};
use crate::planting::plant_final;

/// What can be given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Rows of the index, each with an object at its final key
    #[arg(long, default_value_t = 5_000_000, value_name = "N")]
    rows: usize,

    /// Rows of the run that it is compared with
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    few: usize,
}

/// No comparison may hold more.
const MOST_BYTES: u64 = 200 * 1024 * 1024;

/// What each row may take.
const ROW_BYTES: u64 = 12;

/// What a core must compare in a second, reading rows and listings included.
const OBJECTS_A_CPU_SECOND: f64 = 50_000.0;

/// Measures and prints; returns whether all goals are met.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    println!("`verify` of rows that all have an object, and of a sample of their content:\n");
    let (few, many) = (of(arguments.few).await?, of(arguments.rows).await?);
    let more_rows = arguments.rows.saturating_sub(arguments.few) as u64;
    let more = many.usage.peak_rss_bytes.saturating_sub(few.usage.peak_rss_bytes);
    let a_row = more.div_ceil(more_rows.max(1));
    // Without what both take to begin and for the sample.
    let cpu_seconds = (many.usage.cpu_seconds - few.usage.cpu_seconds).max(0.01);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = more_rows as f64 / cpu_seconds;
    let (lean, small) = (a_row <= ROW_BYTES, many.usage.peak_rss_bytes <= MOST_BYTES);
    let fast = rate >= OBJECTS_A_CPU_SECOND;
    println!("\n{}", verdict(&format!("{ROW_BYTES} bytes a row, {a_row} seen"), lean));
    println!("{}", verdict(&format!("{} MiB", in_mib(MOST_BYTES)), small));
    let goal = format!("{OBJECTS_A_CPU_SECOND:.0} objects a second of CPU time, {rate:.0} seen");
    println!("{}", verdict(&goal, fast));
    Ok(lean && small && fast)
}

async fn of(rows: usize) -> anyhow::Result<Run> {
    let field = Field::new().await?;
    plant_final(&field.world, rows)?;
    let run = client::verify(field.world.environment()).await?;
    let whole = &run.summary["whole"]["files"];
    ensure!(*whole == rows as u64, "not every file was found whole: {}", run.summary);
    let (peak, seconds) = (in_mib(run.usage.peak_rss_bytes), run.took.as_secs_f64());
    let cpu_seconds = run.usage.cpu_seconds;
    println!("{rows:>12} rows {peak:>10} MiB {seconds:>10.1} s {cpu_seconds:>10.1} s of CPU time");
    Ok(run)
}
