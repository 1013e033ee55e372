//! `mogile2s3 plan`: what there is to migrate.

use std::fmt::{self, Write};
use std::sync::Arc;

use adapters::calls::Calls;
use adapters::clock::SystemClock;
use anyhow::anyhow;
use clap::Args;
use domain::Stopped;
use domain::steps::{Census, census};
use domain::summary::Tally;
use indicatif::{HumanBytes, HumanCount};

use crate::config::{SourceSettings, TargetSettings, TimeSettings};
use crate::exit::{Exit, UsageError};
use crate::report::{advice_on_settings, say, write_samples};
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

/// Counts the whole index. Rejected rows are findings.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let buckets = arguments.target.bucket_map()?;
    let calls = Arc::new(Calls::default());
    let wiring = Wiring { source: &arguments.source, time: &arguments.time, calls: &calls };
    let index = wiring.index()?;
    let limit = arguments.target.single_request_bytes;
    let census = census(index.as_ref(), &SystemClock, &buckets, limit).await;
    let census = census.map_err(|stopped| match stopped {
        Stopped::Misconfigured(why) => {
            let advice = advice_on_settings(&why);
            anyhow::Error::from(UsageError(format!("{why}: {advice}")))
        }
        other @ (Stopped::Trouble(_) | Stopped::Failures(_) | Stopped::Interrupted) => {
            anyhow!("reading the index: {other}")
        }
    })?;
    say(&census, arguments.json, tell)?;
    Ok(if census.rejected.is_empty() { Exit::Clean } else { Exit::Findings })
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
    write_samples(out, "Rejected rows, which somebody has to look at", &census.rejected)
}

fn line(out: &mut String, name: &str, tally: Tally) -> fmt::Result {
    let (files, bytes) = (HumanCount(tally.files).to_string(), HumanBytes(tally.bytes));
    writeln!(out, "  {name:<32} {files:>12}  {bytes}")
}
