//! `mogile2s3 fids`: which files the ledger has records of.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use domain::steps::ledger_fids;
use roaring::RoaringTreemap;

use crate::config::{AwsSettings, TimeSettings};
use crate::exit::Exit;
use crate::wiring;

/// What can be given to `fids`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only files that are proven to be in S3
    #[arg(long, conflicts_with = "unproven")]
    proven: bool,

    /// Only files whose record is a claim without a proof (s3migrate's)
    #[arg(long)]
    unproven: bool,

    /// Print one JSON array instead of a line a fid
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

/// Prints the fids, ascending.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let ledger = wiring::ledger(&arguments.aws, &arguments.time, &Arc::default()).await?;
    let keep = match (arguments.proven, arguments.unproven) {
        (true, _) => |record: &domain::LedgerRecord| record.proof.is_some(),
        (_, true) => |record: &domain::LedgerRecord| record.proof.is_none(),
        (false, false) => |_: &domain::LedgerRecord| true,
    };
    let fids = ledger_fids(ledger.as_ref(), keep).await.context("reading the ledger")?;
    match print(&fids, arguments.json) {
        // Whoever read this has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Clean),
        printed => printed.map(|()| Exit::Clean).context("writing to stdout"),
    }
}

fn print(fids: &RoaringTreemap, json: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    if json {
        serde_json::to_writer(&mut out, &fids.iter().collect::<Vec<_>>())?;
        writeln!(out)?;
    } else {
        for fid in fids {
            writeln!(out, "{fid}")?;
        }
    }
    out.flush()
}
