//! `mogile2s3 fids`: which files the ledger has records of.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use domain::LedgerItem;
use domain::steps::scan_ledger;
use domain::summary::Sample;
use roaring::RoaringTreemap;

use crate::config::{AwsSettings, TimeSettings};
use crate::exit::Exit;
use crate::wiring;

/// What can be given to `fids`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,

    /// Print one JSON array instead of a line a fid
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Which {
    /// Only files that have a proven record, whatever bucket it names: a file that BUCKETS sends
    /// to another one today, and one that a verification doubts, is listed too
    #[arg(long)]
    proven: bool,

    /// Only files whose record is a claim without a proof (s3migrate's)
    #[arg(long)]
    unproven: bool,

    /// Only files whose item cannot be read, each with what is wrong with it: early versions of
    /// s3migrate left such items. They prove nothing, and `migrate` takes their files
    #[arg(long)]
    unreadable: bool,
}

/// Prints the fids, ascending. Items that cannot be read are findings, whatever else is asked for.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let which = arguments.which;
    let ledger = wiring::ledger(&arguments.aws, &arguments.time, &Arc::default()).await?;
    let (mut fids, mut unreadable) = (RoaringTreemap::new(), Sample::default());
    let mut trouble = None;
    let take = |item: LedgerItem| match item {
        Ok(record) => {
            let kept = match record.proof {
                Some(_) => !which.unproven && !which.unreadable,
                None => !which.proven && !which.unreadable,
            };
            if kept {
                fids.insert(record.fid.0);
            }
        }
        Err(item) => {
            if which.unreadable {
                if let Some(fid) = item.fid {
                    fids.insert(fid.0);
                }
                if !arguments.json {
                    let fid = item.fid.map_or_else(|| "-".to_owned(), |fid| fid.to_string());
                    let written = writeln!(io::stdout().lock(), "{fid}\t{}", item.why);
                    trouble = trouble.take().or(written.err());
                }
            }
            match item.fid {
                Some(fid) => unreadable.add(fid, &item.why),
                None => unreadable.add_nameless(&item.why),
            }
        }
    };
    scan_ledger(ledger.as_ref(), take).await.context("reading the ledger")?;
    let printed = match trouble {
        Some(error) => Err(error),
        None if which.unreadable && !arguments.json => Ok(()),
        None => print(&fids, arguments.json),
    };
    match printed {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        printed => printed.context("writing to stdout")?,
    }
    if unreadable.files == 0 {
        return Ok(Exit::Clean);
    }
    let (files, example) = (unreadable.files, &unreadable.example);
    eprintln!("{files} items of the ledger cannot be read and prove nothing: {example}");
    eprintln!("`mogile2s3 fids --unreadable` lists them; `mogile2s3 migrate` takes their files.");
    Ok(Exit::Findings)
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
