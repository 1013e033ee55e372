//! What `rekey` and `rekey scan` print.

use std::fmt::{self, Write};

use adapters::mogile::{delete_request, info_request, rename_request};
use domain::cleanup::{KeyScan, RekeyOutcome, Rekeying};
use indicatif::HumanCount;
use serde::Serialize;

use super::Report;
use super::sample::{write_sample, write_stopped};
use super::shell::{printable, quoted};
use super::table::{Table, write_sums};
use crate::exit::{Exit, Verdict};

/// A correction.
#[derive(Debug, Serialize)]
pub struct RekeyReport {
    #[serde(flatten)]
    rekeying: Rekeying,
    /// The statement that takes the change back. Where it is known which fid has the new key, also a
    /// tracker's line that shows that, and one that takes the change back.
    undo: Option<Vec<String>>,
    /// The journal's entry of the freeze that the change has ended.
    ended_freeze: Option<u64>,
    #[serde(flatten)]
    verdict: Verdict,
}

/// A search.
#[derive(Debug, Serialize)]
pub struct ScanReport {
    #[serde(flatten)]
    scan: KeyScan,
    #[serde(flatten)]
    verdict: Verdict,
}

impl RekeyReport {
    /// The way back is named where there is a new key. A tracker renames whatever file has the key: its
    /// line is only for where the trackers have this file under it.
    pub fn new(rekeying: Rekeying) -> Self {
        let verdict = verdict(&rekeying);
        let ways = match rekeying.outcome {
            RekeyOutcome::Changed | RekeyOutcome::CanBeChanged | RekeyOutcome::ReferredSince => 3,
            RekeyOutcome::Unsure | RekeyOutcome::Unseen | RekeyOutcome::Unasked => 1,
            RekeyOutcome::AlreadySo
            | RekeyOutcome::Right
            | RekeyOutcome::Duplicate
            | RekeyOutcome::NoRow
            | RekeyOutcome::OtherKey
            | RekeyOutcome::NotMigrated
            | RekeyOutcome::Unreadable
            | RekeyOutcome::Differ
            | RekeyOutcome::OtherLength
            | RekeyOutcome::OtherContent
            | RekeyOutcome::Taken
            | RekeyOutcome::StillReferred
            | RekeyOutcome::ContentRepoSilent
            | RekeyOutcome::NotChanged
            | RekeyOutcome::NotLookedAt => 0,
        };
        let to = rekeying.to.as_ref().filter(|_| ways > 0);
        let undo = to.map(|to| undo(&rekeying, to).into_iter().take(ways).collect());
        Self { rekeying, undo, ended_freeze: None, verdict }
    }

    /// The same, where the change has ended the freeze of this entry.
    pub fn with_ended_freeze(self, ended_freeze: Option<u64>) -> Self {
        Self { ended_freeze, ..self }
    }

    /// The same, where the journal could not be written behind it: the process ends with this code.
    pub fn unrecorded(rekeying: Rekeying, exit: Exit) -> Self {
        let report = Self::new(rekeying);
        let verdict = Verdict { exit, incomplete: true, ..report.verdict };
        Self { verdict, ..report }
    }
}

/// What ends otherwise than well is a gate that refused, unless something could not be reached.
fn verdict(rekeying: &Rekeying) -> Verdict {
    let refused = Verdict { exit: Exit::Refused, incomplete: false, differs: true };
    match rekeying.outcome {
        RekeyOutcome::Changed
        | RekeyOutcome::CanBeChanged
        | RekeyOutcome::AlreadySo
        | RekeyOutcome::Right => Verdict::of_checks(false, false),
        RekeyOutcome::Duplicate | RekeyOutcome::Unseen | RekeyOutcome::ReferredSince => {
            Verdict::of_checks(false, true)
        }
        RekeyOutcome::ContentRepoSilent
        | RekeyOutcome::NotChanged
        | RekeyOutcome::Unsure
        | RekeyOutcome::Unasked => Verdict::of_checks(true, false),
        RekeyOutcome::NotLookedAt => Verdict::of(rekeying.stopped.as_ref(), false),
        RekeyOutcome::NoRow
        | RekeyOutcome::OtherKey
        | RekeyOutcome::NotMigrated
        | RekeyOutcome::Unreadable
        | RekeyOutcome::Differ
        | RekeyOutcome::OtherLength
        | RekeyOutcome::OtherContent
        | RekeyOutcome::Taken
        | RekeyOutcome::StillReferred => refused,
    }
}

/// The largest number that contentrepo's column `size` holds. Larger sizes stand there as this one.
const LARGEST_SIZE: u64 = 2_147_483_647;

/// The statement that takes a change back; the tracker's line that shows whose the new key is, and the one
/// that takes it back.
fn undo(Rekeying { fid, domain, from, .. }: &Rekeying, to: &str) -> [String; 3] {
    let (namespace, old, new) = (literal(domain), literal(from), literal(to));
    let statement = format!(
        "UPDATE file SET dkey = {old} WHERE dmid = (SELECT dmid FROM domain WHERE namespace = \
         {namespace}) AND dkey = {new} AND fid = {fid};"
    );
    let [look, rename] = [info_request(domain, to), rename_request(domain, to, from)];
    [statement, for_a_tracker(&look), for_a_tracker(&rename)]
}

/// A text in a statement for MySQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The line by which a person sends a request to a tracker.
fn for_a_tracker(request: &str) -> String {
    format!("printf '%s\\r\\n' {} | nc TRACKER 7001", quoted(request))
}

/// What an operator does next.
fn advice(rekeying: &Rekeying) -> &'static str {
    match rekeying.outcome {
        RekeyOutcome::Changed | RekeyOutcome::AlreadySo => {
            "`mogile2s3 migrate` takes the file by its new key"
        }
        RekeyOutcome::CanBeChanged => "nothing was changed. To change the key: add --execute",
        RekeyOutcome::Right => {
            "the key is right, and nothing is to be done. `mogile2s3 migrate` takes the file"
        }
        RekeyOutcome::Duplicate => {
            "no row of contentrepo has the SHA-1 of its key, and the content is under the right one: delete \
             it by the line below, or leave it out of the migration by --exclude-file"
        }
        RekeyOutcome::NoRow => {
            "correct --fid or MOGILE_DOMAIN, or accept that the file was deleted"
        }
        RekeyOutcome::OtherKey => "correct --fid and --from: `mogile2s3 rekey scan` prints both",
        RekeyOutcome::NotMigrated => "correct BUCKETS, where the file is to be migrated",
        RekeyOutcome::Unreadable => {
            "start the storage nodes that the words name, then run this again. Only a device that is gone for \
             good may be marked as dead: MogileFS then forgets every file's replica on it. A class that \
             nobody has registered: `mogadm class add`"
        }
        RekeyOutcome::Differ => {
            "find out which replica is the right one, and take the others away on their storage nodes; \
             MogileFS's own `fsck` makes new ones. Then run this again"
        }
        RekeyOutcome::OtherLength => {
            "the content may be cut short: compare it with its source before you correct the row's length"
        }
        RekeyOutcome::OtherContent => "find out which content belongs here, and correct --to",
        RekeyOutcome::Taken => {
            "compare both files with their sources. Where the other one is the wrong one, correct its key \
             first"
        }
        RekeyOutcome::StillReferred => {
            "do not purge these objects: a purge deletes the key of --from in MogileFS, which is this very \
             file. A deleted object refers to it, too. Where this content is what the objects should have, \
             run the statements below in contentrepo's database, and at once this command again with \
             --execute: between the two contentrepo does not find the content. `SHOW CREATE TABLE objects` \
             first: any other column that is ON UPDATE is to be written to itself, as `timestamp` is"
        }
        RekeyOutcome::ContentRepoSilent => {
            "correct CONTENTREPO_DATABASE_URL or its account, then run this again"
        }
        RekeyOutcome::NotChanged | RekeyOutcome::NotLookedAt => {
            "mend what the words name, then run the same command again"
        }
        RekeyOutcome::Unsure => "run the same command again: it looks first",
        RekeyOutcome::Unasked => {
            "run the same command again: it looks whether the trackers have the new key, and whether \
             contentrepo refers to the old SHA-1"
        }
        RekeyOutcome::ReferredSince => {
            "where this content is what these objects should have, run the statements below in contentrepo's \
             database (`SHOW CREATE TABLE objects` first: any other column that is ON UPDATE is to be \
             written to itself, as `timestamp` is). Otherwise take the change back"
        }
        RekeyOutcome::Unseen => {
            "look what the trackers have under the new key. Where the change was made in another database, \
             take it back there by the statement below, and correct MOGILE_DATABASE_WRITE_URL"
        }
    }
}

impl RekeyReport {
    fn write_evidence(&self, out: &mut String) -> fmt::Result {
        let Rekeying { fid, domain, from, replicas, sha1, .. } = &self.rekeying;
        writeln!(out, "fid {fid} of the MogileFS domain `{}`, `{from}`", printable(domain))?;
        for replica in replicas {
            let name = printable(&replica.replica);
            match (&replica.sha1, &replica.length, &replica.error) {
                (Some(sha1), Some(length), _) => {
                    writeln!(out, "  {name}: {length} bytes, SHA-1 {sha1}")?;
                }
                (_, _, error) => {
                    let error = printable(error.as_deref().unwrap_or_default());
                    writeln!(out, "  {name}: CANNOT BE READ: {error}")?;
                }
            }
        }
        if let (Some(sha1), Some(to)) = (sha1, &self.rekeying.to) {
            writeln!(out, "Its content has SHA-1 {sha1}. Its key should be `{to}`.")?;
        }
        Ok(())
    }

    /// The statements that give contentrepo's rows the new SHA-1. Its readers go by size, too.
    fn write_corrections(&self, out: &mut String) -> fmt::Result {
        let Rekeying { referring, sha1, length, .. } = &self.rekeying;
        let (Some(sha1), Some(length)) = (sha1, length) else { return Ok(()) };
        let size = length.0.min(LARGEST_SIZE);
        for row in referring {
            let (id, old) = (&row.id, printable(&literal(&row.checksum)));
            writeln!(
                out,
                "    UPDATE objects SET checksum = '{sha1}', size = {size}, timestamp = timestamp WHERE \
                 id = {id} AND checksum = {old};"
            )?;
        }
        Ok(())
    }

    fn write_referring(&self, out: &mut String) -> fmt::Result {
        let Rekeying { referring, referring_rows, .. } = &self.rekeying;
        for row in referring {
            let bucket = row.bucket.as_deref().map_or_else(|| "no bucket".to_owned(), printable);
            let (key, uuid) = (printable(&row.key), printable(&row.uuid));
            writeln!(out, "  id {}, {bucket}, `{key}`, uuid {uuid}, {}", row.id, row.status)?;
        }
        let more = referring_rows.saturating_sub(referring.len() as u64);
        if more > 0 {
            writeln!(out, "  … and {} more", HumanCount(more))?;
        }
        Ok(())
    }
}

impl Report for RekeyReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        self.write_evidence(out)?;
        let Rekeying { outcome, why, stopped, domain, from, .. } = &self.rekeying;
        if let Some(stopped) = stopped {
            return write_stopped(out, stopped);
        }
        writeln!(out, "{}: {}", outcome.name().to_uppercase(), printable(why))?;
        self.write_referring(out)?;
        writeln!(out, "  → {}", advice(&self.rekeying))?;
        if *outcome == RekeyOutcome::Duplicate {
            let request = delete_request(domain, from);
            writeln!(out, "    {}", for_a_tracker(&request))?;
        }
        self.write_corrections(out)?;
        if let Some(entry) = self.ended_freeze {
            writeln!(
                out,
                "The freeze of entry {entry} of the journal has ended, because the key of a file changed or may \
                 have changed. Run `mogile2s3 freeze --means TEXT` again, then migrate and verify again"
            )?;
        }
        let Some(undo) = &self.undo else { return Ok(()) };
        let is_made = *outcome != RekeyOutcome::CanBeChanged;
        let words = if is_made { "The way back" } else { "The way back would be" };
        writeln!(out, "{words}, in MogileFS's database:")?;
        undo.iter().take(1).try_for_each(|statement| writeln!(out, "  {statement}"))?;
        if let [_, look, rename] = &undo[..] {
            let fid = self.rekeying.fid;
            writeln!(
                out,
                "or by a tracker, which renames whatever file has the key: only while the first line \
                 answers fid={fid}, send the second one\n  {look}\n  {rename}"
            )?;
        }
        Ok(())
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl ScanReport {
    /// A key that is wrong is a finding, and so is a file that cannot be judged.
    pub fn new(scan: KeyScan) -> Self {
        let differs = !scan.wrong_keys.is_empty()
            || scan.differing.files > 0
            || scan.unproven.files > 0
            || scan.more_dead_letters == Some(true);
        let verdict = Verdict::of(scan.stopped.as_ref(), differs);
        Self { scan, verdict }
    }

    fn adds_up(&self) -> bool {
        let KeyScan { wrong_keys, right, gone, differing, unproven, not_looked_at, .. } =
            &self.scan;
        let judged = wrong_keys.len() as u64 + right + gone + differing.files + unproven.files;
        judged + not_looked_at == self.scan.candidates
    }
}

impl Report for ScanReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let scan = &self.scan;
        writeln!(out, "Files that failed for their content, or were named:")?;
        let mut table = Table::new(out);
        for (name, count) in [
            ("in all", scan.candidates),
            ("with a wrong key", scan.wrong_keys.len() as u64),
            ("right", scan.right),
            ("gone, or not migrated", scan.gone),
            ("replicas differ", scan.differing.files),
            ("not proven", scan.unproven.files),
            ("not looked at", scan.not_looked_at),
        ] {
            if count > 0 || name == "in all" {
                table.count(name, count)?;
            }
        }
        write_sums(out, self.adds_up(), "files")?;
        if scan.more_dead_letters.is_none() {
            writeln!(out, "  (SQS_DLQ_URL is not set: no dead letters were looked at)")?;
        }
        if scan.more_dead_letters == Some(true) {
            writeln!(out, "There may be more dead letters than were looked at: run this again")?;
        }
        for wrong in &scan.wrong_keys {
            let (fid, key, sha1) = (wrong.fid, &wrong.key, wrong.sha1);
            writeln!(out, "fid {fid}, `{}`, has content with SHA-1 {sha1}:", printable(key))?;
            writeln!(out, "  mogile2s3 rekey --fid {fid} --from {} --to {sha1}", quoted(key))?;
        }
        if scan.differing.files > 0 {
            writeln!(out, "Their replicas have different content:")?;
            write_sample(out, "differing", &scan.differing)?;
        }
        if scan.unproven.files > 0 {
            writeln!(out, "Not every replica can be read, or it is of another length:")?;
            write_sample(out, "unproven", &scan.unproven)?;
        }
        scan.stopped.iter().try_for_each(|stopped| write_stopped(out, stopped))
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

#[cfg(test)]
mod tests;
