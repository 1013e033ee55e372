//! `mogile2s3 fids`: which files the ledger has records of.

use clap::Args;
use domain::scan_ledger;
use domain::summary::Sample;
use domain::{LedgerItem, Reason};
use roaring::RoaringTreemap;

use crate::config::{AwsSettings, TimeSettings};
use crate::exit::{Exit, TroubleError};
use crate::report::fids::{FidsReport, Lines};
use crate::session::Session;

/// What can be given to `fids`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,

    /// Print the result as one JSON object
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
    /// List only files with a proven record, in any bucket. This includes files that BUCKETS sends
    /// to another bucket today, and files that a verification doubts
    #[arg(long)]
    proven: bool,

    /// List only files whose record is a claim of s3migrate, without a proof
    #[arg(long)]
    unproven: bool,

    /// List only files whose item cannot be read, each with the cause. Early versions of s3migrate
    /// left such items. They prove nothing, and `migrate` migrates their files
    #[arg(long)]
    unreadable: bool,
}

/// Prints the fids, ascending. Items that cannot be read are findings, whatever else is asked for.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let (session, which) = (Session::begin(arguments.json), arguments.which);
    let ledger = session.services(&arguments.aws, &arguments.time).ledger().await?;
    let (mut fids, mut unreadable) = (RoaringTreemap::new(), Sample::default());
    let mut lines = Lines::new(which.unreadable && !arguments.json);
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
            lines.add(item.fid, &item.why);
            match item.fid {
                Some(fid) => {
                    if which.unreadable {
                        fids.insert(fid.0);
                    }
                    unreadable.add(fid, &item.why);
                }
                None => unreadable.add_nameless(&item.why),
            }
        }
    };
    let scanned = scan_ledger(ledger.as_ref(), take).await;
    scanned.map_err(|error| TroubleError(Reason::from(&error)))?;
    FidsReport::new(fids, unreadable).print(arguments.json, lines)
}
