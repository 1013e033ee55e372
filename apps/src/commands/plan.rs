//! `mogile2s3 plan`: what there is to migrate.

use std::fmt::{self, Write};
use std::sync::Arc;

use adapters::calls::Calls;
use adapters::clock::SystemClock;
use clap::Args;
use domain::steps::{Census, census};
use domain::summary::Tally;
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use crate::config::{SourceSettings, TargetSettings, TimeSettings};
use crate::exit::{self, Exit, Verdict};
use crate::report::{say, write_samples, write_stopped};
use crate::wiring::Wiring;

/// What can be given to `plan`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    target: TargetSettings,

    #[command(flatten)]
    time: TimeSettings,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    census: &'a Census,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Counts the whole index. Rejected rows are findings.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let buckets = arguments.target.bucket_map()?;
    let calls = Arc::new(Calls::default());
    let wiring = Wiring { source: &arguments.source, time: &arguments.time, calls: &calls };
    let index = wiring.index()?;
    let limit = arguments.target.single_request_bytes;
    let census = census(index.as_ref(), &SystemClock, &buckets, limit).await;
    let (stopped, clean) = (census.stopped.as_ref(), census.rejected.is_empty());
    let report = Report { census: &census, verdict: Verdict::of(stopped, !clean) };
    say(&report, arguments.json, |out, report| tell(out, report.census))?;
    Ok(exit::of(stopped, clean))
}

fn tell(out: &mut String, census: &Census) -> fmt::Result {
    let highest = census.highest_fid.map_or_else(String::new, |fid| format!(", up to fid {fid}"));
    writeln!(out, "{} rows{highest}", HumanCount(census.rows))?;
    for (bucket, tally) in &census.source {
        line(out, &format!("to {bucket}"), *tally)?;
    }
    line(out, "temporary (.tmp)", census.temporary)?;
    line(out, "in ignored buckets", census.ignored)?;
    let rejected = census.rejected.values().map(|sample| sample.files).sum();
    writeln!(out, "  {:<32} {:>12}", "rejected", HumanCount(rejected).to_string())?;
    if census.in_parts.files > 0 {
        line(out, "(of them too large for one PUT)", census.in_parts)?;
    }
    if census.other_domains > 0 {
        let count = HumanCount(census.other_domains);
        writeln!(out, "  (and {count} rows of other domains, left alone)")?;
    }
    write_samples(out, "Rejected rows, which somebody has to look at", &census.rejected)?;
    if !census.unmapped.is_empty() {
        writeln!(out, "Buckets of MogileFS that neither BUCKETS nor IGNORE_BUCKETS names:")?;
    }
    for (bucket, tally) in &census.unmapped {
        line(out, bucket, *tally)?;
    }
    census.stopped.iter().try_for_each(|stopped| write_stopped(out, stopped))
}

fn line(out: &mut String, name: &str, tally: Tally) -> fmt::Result {
    let (files, bytes) = (HumanCount(tally.files).to_string(), HumanBytes(tally.bytes));
    writeln!(out, "  {name:<32} {files:>12}  {bytes}")
}
