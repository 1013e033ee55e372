//! How long `freeze` takes for many rows, and whether its memory grows with them.

use anyhow::ensure;
use clap::Args;
use stand_ins::embedded::BUCKETS;
use stand_ins::world::databases::{ArticleFileRow, ObjectRow, Status};

use super::client::{self, Run};
use super::growth::Growth;
use super::memory::in_mib;
use super::{field::Field, verdict};
use crate::planting::plant_rows;

/// What can be given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Rows of the index. Each client's database has one row
    #[arg(long, default_value_t = 10_000_000, value_name = "N")]
    rows: usize,

    /// Rows of the run that it is compared with
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    few: usize,
}

/// Memory that many rows may take above that of few.
const MORE_BYTES: u64 = 16 * 1024 * 1024;

/// Measures and prints; returns whether the goal is met.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    println!("`freeze --window 0s`, which reads and digests every row twice:\n");
    let growth = Growth::measure(arguments.few, arguments.rows, of).await?;
    let minutes = growth.many().took.as_secs_f64() / 2.0 / 60.0;
    println!("Each reading of {} rows took {minutes:.1} minutes.", arguments.rows);
    let more = growth.more_bytes();
    let is_constant = more <= MORE_BYTES;
    let goal = format!("{} MiB more for many rows, {} seen", in_mib(MORE_BYTES), in_mib(more));
    println!("{}", verdict(&goal, is_constant));
    Ok(is_constant)
}

async fn of(rows: usize) -> anyhow::Result<Run> {
    let field = Field::new().await?;
    plant_rows(&field.world, rows);
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
    let arguments = ["freeze", "--means", "measured", "--window", "0s"];
    let run = client::command(field.world.environment(), &arguments).await?;
    let seen = &run.summary["state"]["content"]["rows"];
    ensure!(*seen == rows as u64, "not every row was read: {}", run.summary);
    Ok(run)
}
