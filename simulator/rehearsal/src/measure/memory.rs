//! The most memory that `migrate` ever holds, for few files, many, and a large one.

use std::collections::BTreeMap;
use std::fs::File;
use std::num::{NonZeroU16, NonZeroUsize};

use anyhow::{Context, ensure};
use clap::Args;
use domain::limits::{PART_BYTES, SINGLE_REQUEST_BYTES};

use super::client::{self, Run};
use super::field::{Field, Way};
use super::verdict;
use crate::corpus;
use crate::planting::plant_proven;

/// What can be given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Few files
    #[arg(long, default_value = "2000", value_name = "N")]
    few: NonZeroUsize,

    /// Many files
    #[arg(long, default_value = "200000", value_name = "N")]
    many: NonZeroUsize,

    /// Bytes of each of these files, at least eight
    #[arg(long, default_value_t = 1024, value_name = "N")]
    bytes: usize,

    /// Rows of a second pass, all of them with a proven ledger record; 0 leaves it out
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    proven: usize,

    /// Bytes of the large file
    #[arg(long, default_value_t = GIB, value_name = "N")]
    large: u64,

    /// Files under way at once
    #[arg(long, default_value = "64", value_name = "N")]
    concurrency: NonZeroU16,
}

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// No run may hold more.
const MOST: u64 = 150 * MIB;

/// Runs may differ by so much.
const SPREAD: u64 = 20 * MIB;

/// A second pass over proven rows may hold this, and for each row [`PROVEN_ROW_BYTES`] more.
const SECOND_PASS: u64 = 40 * MIB;

/// A proof takes ten bytes, and an eighth more while the ledger is read.
const PROVEN_ROW_BYTES: u64 = 12;

/// What one request may write where the large file is to go in parts.
const LITTLE: u64 = 4 * MIB;

/// Measures and prints; tells whether all goals are met.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    println!(
        "The most memory that `migrate` held, with {} files at once:\n",
        arguments.concurrency
    );
    let (few, many) = (arguments.few.get(), arguments.many.get());
    let mut peaks = Vec::new();
    let mut tell = |name: String, run: &Run| {
        print_run(&name, run);
        peaks.push(run.usage.peak_rss_bytes);
    };
    tell(format!("{few} files"), &of_many(arguments, few).await?[0]);
    let [first, again] = of_many(arguments, many).await?;
    tell(format!("{many} files"), &first);
    tell("  again, all of them proven before".to_owned(), &again);
    let large = arguments.large / MIB;
    let whole = of_large(arguments, SINGLE_REQUEST_BYTES).await?;
    tell(format!("one file of {large} MiB by one PUT"), &whole);
    let in_parts = of_large(arguments, LITTLE).await?;
    tell(format!("one file of {large} MiB in parts"), &in_parts);

    let most = peaks.iter().max().copied().unwrap_or_default();
    let spread = most - peaks.iter().min().copied().unwrap_or_default();
    let (small, even) = (most <= MOST, spread <= SPREAD);
    println!("\n{}", verdict(&format!("{} MiB each", in_mib(MOST)), small));
    let apart = format!("within {} MiB of each other, {} seen", in_mib(SPREAD), in_mib(spread));
    println!("{}", verdict(&apart, even));
    let lean = arguments.proven == 0 || second_pass(arguments).await?;
    Ok(small && even && lean)
}

/// Measures and prints the second pass over proven rows; returns whether its goal is met.
async fn second_pass(arguments: &Arguments) -> anyhow::Result<bool> {
    let run = of_proven(arguments).await?;
    println!();
    print_run(&format!("{} rows, all proven before", arguments.proven), &run);
    let most = SECOND_PASS + PROVEN_ROW_BYTES * arguments.proven as u64;
    let met = run.usage.peak_rss_bytes <= most;
    let (most, base) = (in_mib(most), in_mib(SECOND_PASS));
    let goal = format!("{most} MiB, that is {base} MiB and {PROVEN_ROW_BYTES} bytes a row");
    println!("\n{}", verdict(&goal, met));
    Ok(met)
}

fn print_run(name: &str, run: &Run) {
    let (peak, seconds) = (in_mib(run.usage.peak_rss_bytes), run.took.as_secs_f64());
    println!("{name:<40} {peak:>8} MiB {seconds:>10.1} s");
}

pub(super) fn in_mib(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
    let mib = bytes as f64 / MIB as f64;
    format!("{mib:.1}")
}

/// Small files, every second of which can be copied, migrated by two runs.
async fn of_many(arguments: &Arguments, files: usize) -> anyhow::Result<[Run; 2]> {
    let mut field = Field::new().await?;
    field.plant_many(files.div_ceil(2), arguments.bytes, Way::Mogile)?;
    field.plant_many(files / 2, arguments.bytes, Way::Copy)?;
    let environment = field.world.environment();
    let first = migrate(arguments, environment).await?;
    let counted = |run: &Run, class: &str| run.summary[class]["files"].as_u64().unwrap_or_default();
    let done = counted(&first, "by_copy") + counted(&first, "by_mogile");
    ensure!(done == files as u64, "not all files came: {}", first.summary);
    let again = migrate(arguments, environment).await?;
    let before = counted(&again, "proven_before");
    ensure!(before == files as u64, "not all files were proven before: {}", again.summary);
    Ok([first, again])
}

/// A second pass over rows that are all proven before: it must say so, and ask S3 nothing.
async fn of_proven(arguments: &Arguments) -> anyhow::Result<Run> {
    let field = Field::new().await?;
    plant_proven(&field.world, arguments.proven)?;
    let run = migrate(arguments, field.world.environment()).await?;
    let summary = &run.summary;
    let proven = summary["proven_before"]["files"].as_u64();
    ensure!(proven == Some(arguments.proven as u64), "not all rows were proven before: {summary}");
    ensure!(summary["exit_code"] == 0, "the second pass is not clean: {summary}");
    let requests = summary["requests"].as_object().context("a summary without requests")?;
    let asks_s3 = requests.keys().any(|request| request.starts_with("S3 "));
    ensure!(!asks_s3, "the second pass asked S3: {summary}");
    Ok(run)
}

/// One large file, of which one request may write so much.
async fn of_large(arguments: &Arguments, single_request_bytes: u64) -> anyhow::Result<Run> {
    let folder = tempfile::tempdir().context("making a folder for the large file")?;
    // Zeros that take no place on the disk.
    File::create(folder.path().join("large"))?.set_len(arguments.large)?;
    let mut field = Field::new().await?;
    for file in corpus::of_folder(folder.path())? {
        field.plant(&file, Way::Mogile)?;
    }
    field.world.s3.configure(|options| {
        options.single_request_limit_bytes = single_request_bytes;
    });
    let mut environment = field.world.environment().clone();
    environment.insert("S3_SINGLE_REQUEST_BYTES", single_request_bytes.to_string());
    environment.insert("S3_PART_BYTES", PART_BYTES.to_string());
    let run = migrate(arguments, &environment).await?;
    let bytes = run.summary["by_mogile"]["bytes"].as_u64();
    ensure!(bytes == Some(arguments.large), "the large file did not come: {}", run.summary);
    Ok(run)
}

async fn migrate(
    arguments: &Arguments,
    environment: &BTreeMap<&str, String>,
) -> anyhow::Result<Run> {
    let concurrency = arguments.concurrency.to_string();
    client::migrate(environment, &["--concurrency", &concurrency]).await
}
