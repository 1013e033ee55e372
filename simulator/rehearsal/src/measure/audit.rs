//! How long `audit` takes for many rows, and the memory that it holds for each.

use anyhow::ensure;
use clap::Args;

use super::client::{self, Run};
use super::field::Field;
use super::growth::Growth;
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

/// The verification whose passes are planted.
const RUN: &str = "measured";

/// Measures and prints; returns whether all goals are met.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    println!("`audit` of rows that all have a record and a pass:\n");
    let growth = Growth::measure(arguments.few, arguments.rows, of).await?;
    let rate = growth.rows_a_cpu_second();
    println!("{rate:.0} rows a second of CPU time, each with its record and its pass");
    Ok(growth.is_lean())
}

async fn of(rows: usize) -> anyhow::Result<Run> {
    let field = Field::new().await?;
    plant_proven(&field.world, rows)?;
    plant_passes(&field.world, rows, RUN)?;
    let run = client::command(field.world.environment(), &["audit", "--run", RUN]).await?;
    ensure!(run.summary["whole"] == rows as u64, "not every file was found whole: {}", run.summary);
    Ok(run)
}
