//! How long `plan` takes for many rows, and the most memory that it holds.

use anyhow::ensure;
use clap::Args;
use domain::limits::PAGE_ROWS;

use super::memory::in_mib;
use super::{client, field::Field, verdict};
use crate::planting::{plant_arrived, plant_proven, plant_rows};

/// What can be given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Rows of the index
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    rows: usize,

    /// Each row has an intermediary, an object at its final key and a proof in the ledger, and `plan` lists
    /// the buckets. The time that this takes is no goal
    #[arg(long)]
    list_buckets: bool,
}

/// A million rows are to be counted in half a minute.
const ROWS_A_SECOND: f64 = 1_000_000.0 / 30.0;

/// No run may hold more.
const MOST_BYTES: u64 = 150 * 1024 * 1024;

/// Measures and prints; returns whether all goals are met.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let field = Field::new().await?;
    let rows = arguments.rows as u64;
    let command: &[&str] = if arguments.list_buckets {
        plant_proven(&field.world, arguments.rows)?;
        plant_arrived(&field.world, arguments.rows)?;
        &["plan", "--list-buckets"]
    } else {
        plant_rows(&field.world, arguments.rows);
        &["plan"]
    };
    // The clients' databases of this world are empty, which `plan` calls a hazard.
    let mut environment = field.world.environment().clone();
    environment.insert("CONTENTREPO_DATABASE_URL", String::new());
    let run = client::command(&environment, command).await?;
    ensure!(run.summary["rows"] == rows, "not all rows were counted: {}", run.summary);
    if arguments.list_buckets {
        let buckets = run.summary["arrived"]["buckets"].as_object().into_iter().flatten();
        let proven = buckets.filter_map(|(_, bucket)| bucket["proven"]["files"].as_u64());
        ensure!(proven.sum::<u64>() == rows, "not all files were found: {}", run.summary);
    }
    let (seconds, peak) = (run.took.as_secs_f64(), run.usage.peak_rss_bytes);
    println!("`plan` of {} rows, {PAGE_ROWS} a page:\n", arguments.rows);
    println!("{:>8} MiB {seconds:>10.1} s\n", in_mib(peak));
    #[expect(clippy::cast_precision_loss, reason = "a time for people to read")]
    let longest = arguments.rows as f64 / ROWS_A_SECOND;
    let (fast, small) = (arguments.list_buckets || seconds <= longest, peak <= MOST_BYTES);
    if !arguments.list_buckets {
        println!("{}", verdict(&format!("{longest:.1} s"), fast));
    }
    println!("{}", verdict(&format!("{} MiB", in_mib(MOST_BYTES)), small));
    Ok(fast && small)
}
