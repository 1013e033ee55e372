//! How long the types and names of many files take, the most memory, and the room on disk.

use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use domain::ports::{RowSays, Spools};
use domain::{ContentType, Dkey, DownloadName, MogileBucket, Sha1, TypeAndName, limits};

use super::client;
use super::memory::in_mib;
use super::{field::Field, verdict};
use crate::planting::{plant_objects, plant_proven};

/// What can be given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Rows of contentrepo's objects
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    rows: usize,
}

/// A run that has types and names may hold so much more than one that has none, however many there are.
const MORE_BYTES: u64 = 64 * 1024 * 1024;

/// Measures and prints; returns whether the goal is met.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let rows = arguments.rows;
    let field = Field::new().await?;
    plant_proven(&field.world, rows)?;
    plant_objects(&field.world, rows)?;
    let with = client::migrate_with_types(field.world.environment()).await?;
    let without = client::migrate(field.world.environment(), &[]).await?;
    let types = &with.summary["types"];
    ensure!(types["files"] == rows, "not all rows were read: {}", with.summary);

    println!("A second pass of `migrate` over {rows} proven rows:\n");
    for (name, run) in [("without types and names", &without), ("with them", &with)] {
        let (peak, seconds) = (in_mib(run.usage.peak_rss_bytes), run.took.as_secs_f64());
        println!("{name:<40} {peak:>8} MiB {seconds:>10.1} s");
    }
    let bytes = types["spool_bytes"].as_u64().context("no size")?;
    println!("{:<40} {:>8} MiB", "their room on disk", in_mib(bytes));
    let microseconds = look_up(rows).await?;
    println!("{:<40} {microseconds:>8.1} µs", "one of them looked up");

    let more = with.usage.peak_rss_bytes.saturating_sub(without.usage.peak_rss_bytes);
    let met = more <= MORE_BYTES;
    let goal = format!("{} MiB more than without, {} seen", in_mib(MORE_BYTES), in_mib(more));
    println!("\n{}", verdict(&goal, met));
    Ok(met)
}

/// Gathers so many, and asks for each: a page at a time, in no order.
async fn look_up(rows: usize) -> anyhow::Result<f64> {
    let spools = adapters::spool::DiskSpools::new(std::env::temp_dir());
    let mut spool = spools.begin().await?;
    let bucket = MogileBucket::new("measured").context("a name")?;
    let dkey = |number: usize| Dkey {
        sha1: Sha1::of(number.to_string().as_bytes()),
        bucket: bucket.clone(),
    };
    let says = |number: usize| TypeAndName {
        content_type: ContentType::parse("image/tiff"),
        download_name: DownloadName::parse(&format!("pone.{number:07}.g001.tif")),
    };
    let numbers: Vec<_> = (0..rows).collect();
    for page in numbers.chunks(limits::PAGE_ROWS) {
        let row = |number: &usize| RowSays { of: dkey(*number), in_use: true, says: says(*number) };
        spool.add(page.iter().map(row).collect()).await?;
    }
    let types = spool.finish().await?.types;
    let begun = Instant::now();
    for page in numbers.chunks(limits::PAGE_ROWS) {
        let files: Vec<_> = page.iter().map(|number| dkey(*number)).collect();
        let found = types.of(&files).await?;
        ensure!(found.iter().all(Option::is_some), "one of them was not found");
    }
    #[expect(clippy::cast_precision_loss, reason = "a time for people to read")]
    let each = begun.elapsed().as_secs_f64() * 1e6 / rows as f64;
    Ok(each)
}
