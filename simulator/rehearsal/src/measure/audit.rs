//! How long `audit` takes for many rows, and the memory that it holds for each.

use anyhow::ensure;
use clap::Args;

use super::client::{self, Run};
use super::memory::in_mib;
use super::{field::Field, verdict};
use crate::planting::{plant_passes, plant_proven};

/// What can be given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Rows of the index, each with a record in the ledger and a pass
    #[arg(long, default_value_t = 5_000_000, value_name = "N")]
    rows: usize,

    /// Rows of the run that it is compared with
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    few: usize,
}

/// No audit may hold more.
const MOST_BYTES: u64 = 200 * 1024 * 1024;

/// What each row may take.
const ROW_BYTES: u64 = 12;

const RUN: &str = "measured";

/// Measures and prints; returns whether all goals are met.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    println!("`audit` of rows that all have a record and a pass:\n");
    let (few, many) = (of(arguments.few).await?, of(arguments.rows).await?);
    let more_rows = arguments.rows.saturating_sub(arguments.few) as u64;
    let more = many.usage.peak_rss_bytes.saturating_sub(few.usage.peak_rss_bytes);
    let a_row = more.div_ceil(more_rows.max(1));
    let (lean, small) = (a_row <= ROW_BYTES, many.usage.peak_rss_bytes <= MOST_BYTES);
    println!("\n{}", verdict(&format!("{ROW_BYTES} bytes a row, {a_row} seen"), lean));
    println!("{}", verdict(&format!("{} MiB", in_mib(MOST_BYTES)), small));
    Ok(lean && small)
}

async fn of(rows: usize) -> anyhow::Result<Run> {
    let field = Field::new().await?;
    plant_proven(&field.world, rows)?;
    plant_passes(&field.world, rows, RUN)?;
    let run = client::audit(field.world.environment(), RUN).await?;
    ensure!(run.summary["whole"] == rows as u64, "not every file was found whole: {}", run.summary);
    let (peak, seconds) = (in_mib(run.usage.peak_rss_bytes), run.took.as_secs_f64());
    println!("{rows:>12} rows {peak:>10} MiB {seconds:>10.1} s");
    Ok(run)
}
