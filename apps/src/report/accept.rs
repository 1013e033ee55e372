//! What `audit accept` prints.

use std::fmt::{self, Write};

use domain::accept::{Accepting, Ending, RefusalKind, RefusedFile};
use domain::journal::{AcceptedFile, TriedReplica};
use domain::{Acceptance, Acceptances, Fid};
use indicatif::HumanCount;
use serde::Serialize;

use super::Report;
use super::sample::write_stopped;
use super::shell::{fids, printable};
use super::table::{Table, write_sums};
use crate::exit::Verdict;

/// Files that are accepted, or not.
#[derive(Debug, Serialize)]
pub struct AcceptReport {
    #[serde(flatten)]
    accepting: Accepting,
    /// The operator's reason.
    reason: String,
    /// Whether anything was to be written.
    executed: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Acceptances that are taken back, or not.
#[derive(Debug, Serialize)]
pub struct EndReport {
    #[serde(flatten)]
    ending: Ending,
    /// Whether anything was to be written.
    executed: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

/// What is accepted.
#[derive(Debug, Serialize)]
pub struct AcceptedReport {
    domain: String,
    accepted: Vec<Acceptance>,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Refused files that are printed; `--json` has all.
const REFUSED_SHOWN: usize = 100;

impl AcceptReport {
    /// A file that is refused is a finding.
    pub fn new(accepting: Accepting, reason: String, executed: bool) -> Self {
        let verdict = Verdict::of(accepting.stopped.as_ref(), !accepting.refused.is_empty());
        Self { accepting, reason, executed, verdict }
    }

    fn write_evidence(&self, out: &mut String) -> fmt::Result {
        for file in &self.accepting.files {
            writeln!(out, "{}", words(file))?;
            for TriedReplica { replica, why, .. } in &file.replicas {
                let name = if why.contains(replica) { "" } else { &format!("{replica}: ") };
                writeln!(out, "    {}", printable(&format!("{name}{why}")))?;
            }
        }
        Ok(())
    }

    fn write_end(&self, out: &mut String) -> fmt::Result {
        let Accepting { files, refused, entries, .. } = &self.accepting;
        if !refused.is_empty() {
            return writeln!(
                out,
                "NOTHING IS ACCEPTED: take the files above out of --fids, or mend them, then run this again."
            );
        }
        let count = HumanCount(files.len() as u64);
        if files.is_empty() {
            return writeln!(out, "Nothing is to be written: the journal has all of them.");
        }
        if !self.executed {
            return writeln!(
                out,
                "{count} files may be accepted: {}. Nothing was written.\n  → to accept them: add --execute",
                printable(&self.reason)
            );
        }
        let entries: Vec<_> = entries.iter().map(ToString::to_string).collect();
        writeln!(
            out,
            "{count} files are accepted: {}. Entries of the journal: {}.\n  → `mogile2s3 audit` counts them as \
             accepted",
            printable(&self.reason),
            entries.join(", ")
        )
    }
}

impl Report for AcceptReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let all = &self.accepting;
        self.write_evidence(out)?;
        write_refused(out, &all.refused)?;
        writeln!(out, "Files that were named:")?;
        let mut table = Table::new(out);
        let accepted = if all.entries.is_empty() { "may be accepted" } else { "accepted" };
        for (name, count) in [
            ("in all", all.named),
            (accepted, all.files.len() as u64),
            ("accepted before", all.accepted_before.len() as u64),
            ("refused", all.refused.len() as u64),
            ("not looked at", all.not_looked_at),
        ] {
            if count > 0 || name == "in all" {
                table.count(name, count)?;
            }
        }
        write_sums(out, all.adds_up(), "files")?;
        match &all.stopped {
            Some(stopped) => {
                writeln!(out, "NOTHING IS ACCEPTED:")?;
                write_stopped(out, stopped)
            }
            None => self.write_end(out),
        }
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl EndReport {
    /// A file that was not accepted is a finding.
    pub fn new(ending: Ending, executed: bool) -> Self {
        let verdict = Verdict::of_checks(false, !ending.refused.is_empty());
        Self { ending, executed, verdict }
    }
}

impl Report for EndReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let Ending { ended, refused, .. } = &self.ending;
        write_refused(out, refused)?;
        let (count, list) = (HumanCount(ended.len() as u64), fids(ended));
        if !refused.is_empty() {
            return writeln!(
                out,
                "NOTHING WAS WRITTEN: take the files above out of --fids, then run this again."
            );
        }
        if !self.executed {
            return writeln!(
                out,
                "{count} acceptances would end: fids {list}. Nothing was written.\n  → to end them: add --execute"
            );
        }
        writeln!(
            out,
            "{count} acceptances are ended: fids {list}. These files must be in S3 again."
        )
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl AcceptedReport {
    /// What is accepted is no finding.
    pub fn new(domain: &str, accepted: &Acceptances) -> Self {
        let verdict = Verdict::of_checks(false, false);
        Self { domain: domain.to_owned(), accepted: accepted.iter().cloned().collect(), verdict }
    }
}

impl Report for AcceptedReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        for Acceptance { file, reason, entry, by, at, is_proven_since, .. } in &self.accepted {
            let (reason, by) = (printable(reason), printable(by));
            writeln!(out, "{}", words(file))?;
            writeln!(out, "    {reason} (entry {entry}, {at}, {by})")?;
            if *is_proven_since {
                writeln!(out, "    OVER: the ledger has proven its content since")?;
            }
        }
        let over = self.accepted.iter().filter(|one| one.is_proven_since);
        let over: Vec<_> = over.map(|one| one.file.fid).collect();
        writeln!(
            out,
            "{} files of the MogileFS domain `{}` are accepted by the journal. `mogile2s3 audit` tries their \
             replicas again.",
            HumanCount((self.accepted.len() - over.len()) as u64),
            printable(&self.domain)
        )?;
        if over.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "{} acceptances are over. To take them out of this list:\n  mogile2s3 audit accept --end --fids {} \
             --reason 'proven since' --execute",
            HumanCount(over.len() as u64),
            fids(&over)
        )
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// A file in one line.
fn words(AcceptedFile { fid, key, class, bucket, replicas, .. }: &AcceptedFile) -> String {
    let key =
        key.as_deref().map_or_else(|| "no key".to_owned(), |key| format!("`{}`", printable(key)));
    let of = bucket.as_deref().map(|bucket| format!(" for `{}`", printable(bucket)));
    let of = of.unwrap_or_default();
    format!("fid {fid}, {key}{of}, {class}, {} replicas tried", replicas.len())
}

fn write_refused(out: &mut String, refused: &[RefusedFile]) -> fmt::Result {
    for RefusedFile { fid, kind, why } in refused.iter().take(REFUSED_SHOWN) {
        writeln!(
            out,
            "REFUSED fid {fid}, {kind}: {}\n  → {}",
            printable(why),
            advice(*fid, *kind)
        )?;
    }
    match refused.len().saturating_sub(REFUSED_SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "… and {} more, which --json names", HumanCount(more as u64)),
    }
}

/// What an operator does next.
fn advice(fid: Fid, kind: RefusalKind) -> String {
    let words = match kind {
        RefusalKind::NoRow => {
            "correct --fids or MOGILE_DOMAIN. A file without a row blocks nothing"
        }
        RefusalKind::UnreadableRow => {
            "register the row's class with `mogadm class add`, or set MOGILE_DATABASE_URL, where the row can be \
             read"
        }
        RefusalKind::BlocksNothing | RefusalKind::Proven => "take it out of --fids",
        RefusalKind::UnmappedBucket => "add its bucket to BUCKETS or to IGNORE_BUCKETS",
        RefusalKind::ContentInS3 | RefusalKind::GoodReplica => {
            return format!("`mogile2s3 migrate --fids {fid}` takes it");
        }
        RefusalKind::WrongObject => {
            "readers of its key get that object. Find out who wrote it and delete it, then run this again; or \
             restore the content in MogileFS: `mogile2s3 migrate` then replaces the object"
        }
        RefusalKind::GoodWithoutLength => {
            "store the content again in MogileFS under the same key, which writes a length. Then `mogile2s3 \
             migrate`"
        }
        RefusalKind::ReplicaNotAsked => {
            "start the storage nodes that the words name, then run this again. Mark a device as dead in MogileFS \
             only if it is gone for good: MogileFS then forgets every file's replica on it. --with-unreachable \
             accepts the file without that replica, and the journal says so"
        }
        RefusalKind::KeyUnknown => {
            "`mogile2s3 doctor` compares the database with the trackers: is MOGILE_DATABASE_URL the database of \
             MOGILE_TRACKERS?"
        }
        RefusalKind::NotGiven => {
            "a class that nobody has registered: `mogadm class add`, then run this again"
        }
        RefusalKind::ObjectNotSeen => {
            "restore the object from its archive, or allow these keys to read it, then run this again"
        }
        RefusalKind::NotAccepted => "`mogile2s3 audit accept --list` prints what is accepted",
    };
    words.to_owned()
}
