//! What came of the passes and what they asked, a column for each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use indicatif::{HumanBytes, HumanCount};

use super::table::Table;
use super::{Asked, PassReport};
use crate::passes::{Account, Sample};

/// The classes of rows, in the words of the report. Of the others there are none in a rehearsal
/// that goes well.
const CLASSES: [(&str, &str); 8] = [
    ("by_copy", "migrated by copy"),
    ("by_mogile", "migrated from MogileFS"),
    ("already_there", "already there, proven"),
    ("proven_before", "proven before, passed over"),
    ("gone", "gone from MogileFS"),
    ("temporary", "temporary (.tmp)"),
    ("ignored", "in the ignored bucket"),
    ("other_domains", "of another domain"),
];

/// Reasons with their files.
type Samples = BTreeMap<String, Sample>;

/// What an account tells by reason.
type Told = fn(&Account) -> &Samples;

/// What is told by reason, under a title.
const REASONS: [(&str, Told); 3] = [
    ("rejected", |account| &account.rejected),
    ("failed", |account| &account.failed),
    ("worth a look", |account| &account.findings),
];

/// A cell of each pass.
fn cells(passes: &[PassReport], cell: impl Fn(&PassReport) -> String) -> Vec<String> {
    passes.iter().map(cell).collect()
}

/// A count, and the planted one where it is another.
fn told(count: u64, due: u64) -> String {
    if count == due {
        return HumanCount(count).to_string();
    }
    format!("{} (planted {})", HumanCount(count), HumanCount(due))
}

/// A count of an account as it was told, beside that which was due.
fn beside_due(passes: &[PassReport], count: impl Fn(&Account) -> u64) -> Vec<String> {
    cells(passes, |pass| told(count(&pass.account), count(&pass.due)))
}

pub(super) fn write_accounts(out: &mut impl fmt::Write, passes: &[PassReport]) -> fmt::Result {
    let mut table = Table::default();
    table.line("", cells(passes, |pass| pass.name.to_owned()));
    for (class, words) in CLASSES {
        let count = |account: &Account| account.classes.get(class).copied().unwrap_or_default();
        table.line(words, beside_due(passes, count));
    }
    for (title, samples) in REASONS {
        let accounts = passes.iter().flat_map(|pass| [&pass.account, &pass.due]);
        let reasons: BTreeSet<_> = accounts.flat_map(|account| samples(account).keys()).collect();
        for reason in reasons {
            let count = |account: &Account| samples(account).get(reason).map_or(0, |it| it.files);
            table.line(format!("{title}: {reason}"), beside_due(passes, count));
        }
    }
    table.line("exit code", beside_due(passes, |account| account.exit_code));
    table.line("time", cells(passes, |pass| format!("{:.1} s", pass.seconds)));
    let peak = |pass: &PassReport| {
        pass.peak_rss_bytes.map_or_else(|| "?".to_owned(), |peak| HumanBytes(peak).to_string())
    };
    table.line("peak memory", cells(passes, peak));

    let mut commands: Vec<_> = passes.iter().map(|pass| pass.command).collect();
    commands.dedup();
    writeln!(out, "\nWHAT CAME OF IT ({})", commands.join(", "))?;
    table.write(out)
}

pub(super) fn write_requests(out: &mut impl fmt::Write, passes: &[PassReport]) -> fmt::Result {
    let mut table = Table::default();
    table.line("", cells(passes, |pass| pass.name.to_owned()));
    let kinds: BTreeSet<_> = passes.iter().flat_map(|pass| pass.requests.keys()).collect();
    for kind in kinds {
        let cell = |pass: &PassReport| match pass.requests.get(kind) {
            None => "-".to_owned(),
            Some(Asked { asked, budget }) => {
                let over = if asked > budget { " OVER" } else { "" };
                format!("{} (budget {}){over}", HumanCount(*asked), HumanCount(*budget))
            }
        };
        table.line(kind, cells(passes, cell));
    }
    writeln!(out, "\nREQUESTS, as the world counted them")?;
    table.write(out)
}
