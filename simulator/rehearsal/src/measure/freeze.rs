//! How long `freeze` takes for many rows, and whether its memory grows with them.

use anyhow::ensure;
use clap::Args;
use stand_ins::embedded::BUCKETS;
use stand_ins::world::databases::{ArticleFileRow, ObjectRow, Status};

use super::client::{self, Run};
use super::memory::in_mib;
use super::{field::Field, verdict};
use crate::planting::plant_proven;

/// What can be given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Rows of the index. Each client's database has one row
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    rows: usize,

    /// Rows of the run that it is compared with
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    few: usize,
}

/// Memory that many rows may take above that of few.
const MORE_BYTES: u64 = 16 * 1024 * 1024;

/// What a store of this size would take is printed.
const STORE_ROWS: f64 = 10_000_000.0;

/// Measures and prints; returns whether the goal is met.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    println!("`freeze --window 0s`, which reads every row twice:\n");
    let (few, many) = (of(arguments.few).await?, of(arguments.rows).await?);
    let more = many.usage.peak_rss_bytes.saturating_sub(few.usage.peak_rss_bytes);
    let more_rows = arguments.rows.saturating_sub(arguments.few).max(1);
    let seconds = many.took.as_secs_f64() - few.took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "minutes for people to read")]
    let minutes = seconds / more_rows as f64 * STORE_ROWS / 60.0;
    println!("\nAt this rate both readings of ten million rows take {minutes:.1} minutes here.");
    let is_constant = more <= MORE_BYTES;
    let goal = format!("{} MiB more for many rows, {} seen", in_mib(MORE_BYTES), in_mib(more));
    println!("{}", verdict(&goal, is_constant));
    Ok(is_constant)
}

async fn of(rows: usize) -> anyhow::Result<Run> {
    let field = Field::new().await?;
    plant_proven(&field.world, rows)?;
    field.world.databases.plant(|planting| {
        let (bucket, uuid) = (BUCKETS[0].0, "b2d3a0c4-0000-4000-8000-000000000001");
        planting.object(&ObjectRow {
            bucket: planting.bucket(bucket)?,
            key: "key",
            version: 0,
            sha1: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            size: 0,
            name: None,
            content_type: None,
            status: Status::InUse,
            uuid,
        })?;
        planting.article_file(&ArticleFileRow {
            ingestion: 1,
            item: None,
            file_type: None,
            bucket,
            key: "key",
            uuid,
            size: 0,
            name: "name",
        })
    })?;
    let run = client::freeze(field.world.environment()).await?;
    let seen = &run.summary["state"]["content"]["rows"];
    ensure!(*seen == rows as u64, "not every row was read: {}", run.summary);
    let (peak, seconds) = (in_mib(run.usage.peak_rss_bytes), run.took.as_secs_f64());
    println!("{rows:>12} rows {peak:>10} MiB {seconds:>10.1} s");
    Ok(run)
}
