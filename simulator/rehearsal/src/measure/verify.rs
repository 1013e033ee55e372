//! How long `verify` takes for many rows, the memory that it holds for each, and the CPU time.

use anyhow::ensure;
use clap::Args;

use super::client::{self, Run};
use super::growth::Growth;
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

/// What a core must compare in a second, reading rows and listings included.
const OBJECTS_A_CPU_SECOND: f64 = 50_000.0;

/// Measures and prints; returns whether all goals are met.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    println!("`verify` of rows that all have an object, and of a sample of their content:\n");
    let growth = Growth::measure(arguments.few, arguments.rows, of).await?;
    let rate = growth.rows_a_cpu_second();
    let fast = rate >= OBJECTS_A_CPU_SECOND;
    let lean = growth.is_lean();
    let goal = format!("{OBJECTS_A_CPU_SECOND:.0} objects a second of CPU time, {rate:.0} seen");
    println!("{}", verdict(&goal, fast));
    Ok(lean && fast)
}

async fn of(rows: usize) -> anyhow::Result<Run> {
    let field = Field::new().await?;
    plant_final(&field.world, rows)?;
    let run = client::command(field.world.environment(), &["verify", "--seed", "1"]).await?;
    let whole = &run.summary["whole"]["files"];
    ensure!(*whole == rows as u64, "not every file was found whole: {}", run.summary);
    Ok(run)
}
