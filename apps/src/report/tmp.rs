//! What `tmp list` and `tmp delete` print.

use std::fmt::{self, Write};

use adapters::mogile::rename_request;
use domain::cleanup::{Deletion, Listing, OnlyCopy};
use domain::summary::Sample;
use indicatif::HumanCount;
use serde::Serialize;

use super::Report;
use super::sample::{write_sample, write_stopped};
use super::shell::{printable, quoted};
use super::table::{Table, write_sums};
use crate::exit::Verdict;

/// The unfinished uploads.
#[derive(Debug, Serialize)]
pub struct ListReport {
    #[serde(flatten)]
    listing: Listing,
    #[serde(flatten)]
    verdict: Verdict,
}

/// What became of them.
#[derive(Debug, Serialize)]
pub struct DeleteReport {
    #[serde(flatten)]
    deletion: Deletion,
    domain: String,
    /// Whether `CONTENTREPO_DATABASE_URL` was given.
    asked_contentrepo: bool,
    /// Whether anything was to be deleted.
    executed: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

impl ListReport {
    /// Rows that cannot be read are findings: they may be unfinished uploads.
    pub fn new(listing: Listing) -> Self {
        let verdict = Verdict::of(listing.stopped.as_ref(), listing.unreadable.files > 0);
        Self { listing, verdict }
    }
}

impl DeleteReport {
    /// What stays is a finding, for whatever reason.
    pub fn new(deletion: Deletion, domain: &str, asked_contentrepo: bool, executed: bool) -> Self {
        let stays = deletion.unseen
            + deletion.too_young
            + deletion.not_looked_at
            + deletion.only_copies.len() as u64
            + deletion.undecided.files
            + deletion.unreadable.files
            + deletion.unsure.files
            + deletion.unreadable_rows.files;
        let differs = stays > 0;
        let verdict = match (&deletion.stopped, &deletion.contentrepo_failed) {
            (None, Some(_)) => Verdict::of_checks(true, differs),
            (stopped, _) => Verdict::of(stopped.as_ref(), differs),
        };
        let domain = domain.to_owned();
        Self { deletion, domain, asked_contentrepo, executed, verdict }
    }

    /// Whether each upload is in one class.
    fn adds_up(&self) -> bool {
        let all = &self.deletion;
        let classes = all.deleted.files
            + all.deletable.files
            + all.unseen
            + all.too_young
            + all.changed
            + all.only_copies.len() as u64
            + all.undecided.files
            + all.unreadable.files
            + all.unsure.files
            + all.not_looked_at;
        classes == all.temporary.files
    }

    fn write_classes(&self, out: &mut String) -> fmt::Result {
        let all = &self.deletion;
        writeln!(out, "Unfinished uploads, `{{uuid}}.tmp`:")?;
        let mut table = Table::of_buckets(out);
        table.tally("in the index", all.temporary)?;
        if self.executed {
            table.tally("deleted", all.deleted)?;
        }
        if !self.executed || all.deletable.files > 0 {
            table.tally("may be deleted", all.deletable)?;
        }
        for (name, count) in [
            ("not seen by a list before", all.unseen),
            ("seen less than 24 h ago", all.too_young),
            ("renamed or gone meanwhile", all.changed),
            ("only copies", all.only_copies.len() as u64),
            ("undecided", all.undecided.files),
            ("unreadable", all.unreadable.files),
            ("unsure", all.unsure.files),
            ("not looked at", all.not_looked_at),
        ] {
            if count > 0 {
                table.count(name, count)?;
            }
        }
        write_sums(out, self.adds_up(), "uploads")
    }

    fn write_kept(&self, out: &mut String) -> fmt::Result {
        let all = &self.deletion;
        write_only_copies(out, &self.domain, &all.only_copies)?;
        if all.undecided.files > 0 {
            writeln!(out, "KEPT: a bucket does not have their content, and may need it:")?;
            write_sample(out, "undecided", &all.undecided)?;
            if !self.asked_contentrepo {
                writeln!(
                    out,
                    "    → give CONTENTREPO_DATABASE_URL, where it is seen whether contentrepo needs it"
                )?;
            }
        }
        if let Some(why) = &all.contentrepo_failed {
            writeln!(out, "NOT ASKED: {}", printable(why))?;
            writeln!(
                out,
                "  → correct CONTENTREPO_DATABASE_URL or its account, then run this again"
            )?;
        }
        if all.unreadable.files > 0 {
            writeln!(out, "KEPT: what their content is cannot be said:")?;
            write_sample(out, "unreadable", &all.unreadable)?;
            writeln!(
                out,
                "    → start the storage nodes that the words name, or register the file's class (`mogadm class \
                 add`), then run this again. What has no good replica any more you may delete through a \
                 tracker yourself"
            )?;
        }
        if all.unsure.files > 0 {
            writeln!(out, "PERHAPS DELETED: the trackers gave no answer:")?;
            write_sample(out, "unsure", &all.unsure)?;
            writeln!(out, "    → run this again: those that are still there are looked at anew")?;
        }
        Ok(())
    }

    fn write_next(&self, out: &mut String) -> fmt::Result {
        let all = &self.deletion;
        if all.unseen > 0 {
            let count = HumanCount(all.unseen);
            writeln!(
                out,
                "{count} never seen by a list: run `mogile2s3 tmp list`, and a day later this again"
            )?;
        }
        if let Some(due) = all.due {
            let count = HumanCount(all.too_young);
            writeln!(out, "{count} may still be under way: run this again after {due}")?;
        }
        if !self.executed && all.deletable.files > 0 {
            writeln!(out, "Nothing was deleted. To delete what may be: add --execute")?;
        }
        all.stopped.iter().try_for_each(|stopped| write_stopped(out, stopped))
    }
}

impl Report for ListReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let listing = &self.listing;
        writeln!(out, "{} rows", HumanCount(listing.rows))?;
        Table::of_buckets(out).tally("unfinished uploads", listing.temporary)?;
        write_others(out, &listing.alike, &listing.unreadable)?;
        if listing.entries > 0 {
            let entries = HumanCount(listing.entries);
            writeln!(out, "The journal has their fids and keys (entries: {entries}).")?;
        }
        if let Some(due) = listing.due {
            writeln!(out, "Those that are still there after {due} are over:")?;
            writeln!(out, "  mogile2s3 tmp delete    (which deletes nothing without --execute)")?;
        }
        listing.stopped.iter().try_for_each(|stopped| write_stopped(out, stopped))
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl Report for DeleteReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        self.write_classes(out)?;
        self.write_kept(out)?;
        write_others(out, &self.deletion.alike, &self.deletion.unreadable_rows)?;
        self.write_next(out)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// Rows that no command of ours deletes.
fn write_others(out: &mut String, alike: &Sample, unreadable: &Sample) -> fmt::Result {
    if alike.files > 0 {
        writeln!(out, "Other keys that end in `.tmp`, which stay:")?;
        write_sample(out, "alike", alike)?;
    }
    if unreadable.files > 0 {
        writeln!(out, "Rows that cannot be read, and may be unfinished uploads:")?;
        write_sample(out, "unreadable-row", unreadable)?;
    }
    Ok(())
}

fn write_only_copies(out: &mut String, domain: &str, copies: &[OnlyCopy]) -> fmt::Result {
    if copies.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "KEPT: contentrepo refers to their content from a bucket that does not have it. A rename heals \
         that: send a line to a tracker, and press Ctrl-C after its answer"
    )?;
    for OnlyCopy { fid, key, sha1, length, belongs_at, taken } in copies {
        writeln!(out, "  fid {fid}, {length} bytes, SHA-1 {sha1}")?;
        for place in belongs_at.iter().filter(|place| !taken.contains(place)) {
            let line = quoted(&rename_request(domain, key, place));
            writeln!(out, "    printf '%s\\r\\n' {line} | nc TRACKER 7001")?;
        }
        if belongs_at.len() > taken.len() + 1 {
            writeln!(
                out,
                "    (one rename heals one of these keys: before it save the content, `mogfetch`, and store \
                 it under each of the others, `mogupload`)"
            )?;
        }
        for place in taken {
            let place = printable(place);
            writeln!(out, "    (`{place}` is taken: compare that file's content with this first)")?;
        }
        if belongs_at.is_empty() {
            writeln!(out, "    (contentrepo's row names no bucket: find out where it belongs)")?;
        }
    }
    Ok(())
}
