//! What `fids` prints.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};

use anyhow::Context;
use domain::Fid;
use domain::summary::Sample;
use roaring::RoaringTreemap;
use serde::{Serialize, Serializer};

use crate::exit::{Exit, Verdict};

/// The fids that the ledger has. There may be millions of them: they are written one after another,
/// and no text has them all.
#[derive(Debug, Serialize)]
pub struct FidsReport {
    #[serde(serialize_with = "one_by_one")]
    fids: RoaringTreemap,
    /// Items of the ledger that cannot be read, whatever was asked for.
    unreadable: Sample,
    #[serde(flatten)]
    verdict: Verdict,
}

fn one_by_one<S: Serializer>(fids: &RoaringTreemap, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(fids)
}

/// Lines that are printed while the ledger is read: one for each item that cannot be read.
pub struct Lines {
    are_asked_for: bool,
    trouble: Option<io::Error>,
}

impl Lines {
    /// No lines where none are asked for.
    pub const fn new(are_asked_for: bool) -> Self {
        Self { are_asked_for, trouble: None }
    }

    /// Prints a fid, `-` where it is not known, and what is wrong with its item.
    pub fn add(&mut self, fid: Option<Fid>, why: &impl Display) {
        if self.are_asked_for && self.trouble.is_none() {
            let fid = fid.map_or_else(|| "-".to_owned(), |fid| fid.to_string());
            self.trouble = writeln!(io::stdout().lock(), "{fid}\t{why}").err();
        }
    }
}

impl FidsReport {
    /// Items that cannot be read are findings.
    pub fn new(fids: RoaringTreemap, unreadable: Sample) -> Self {
        let verdict = Verdict::of_checks(false, unreadable.files > 0);
        Self { fids, unreadable, verdict }
    }

    /// Prints the fids, except where `lines` were asked for in their place.
    pub fn print(&self, json: bool, lines: Lines) -> anyhow::Result<Exit> {
        let printed = match lines {
            Lines { trouble: Some(error), .. } => Err(error),
            Lines { are_asked_for: true, .. } => Ok(()),
            Lines { .. } => self.write(&mut BufWriter::new(io::stdout().lock()), json),
        };
        match printed {
            // The reader has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            printed => printed.context("writing to stdout")?,
        }
        if self.unreadable.files > 0 {
            let Sample { files, example, .. } = &self.unreadable;
            eprintln!("{files} items of the ledger cannot be read and prove nothing: {example}");
            eprintln!(
                "`mogile2s3 fids --unreadable` lists them; `mogile2s3 migrate` migrates their files."
            );
        }
        Ok(self.verdict.exit)
    }

    fn write(&self, out: &mut impl Write, json: bool) -> io::Result<()> {
        if json {
            serde_json::to_writer(&mut *out, self)?;
            writeln!(out)?;
        } else {
            for fid in &self.fids {
                writeln!(out, "{fid}")?;
            }
        }
        out.flush()
    }
}
