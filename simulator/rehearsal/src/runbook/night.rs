//! A night in which uploads grow old.

use std::time::SystemTime;

use anyhow::Context;
use domain::Timestamp;
use domain::journal::{Entry, Head, SealedEntry};
use stand_ins::embedded::{JOURNAL, LEDGER};
use stand_ins::world::dynamodb::{Fields, Item, number, text};

use crate::site::Site;

/// Writes the last entry of the journal again, as of a day and an hour ago: no flag of the commands changes
/// what they take for old.
pub(crate) async fn a_day_passes(world: &dyn Site) -> anyhow::Result<()> {
    let items = world.items(JOURNAL).await?;
    let numbered = |item: &Item| Fields(item).number("sequence").ok().flatten();
    let last = items.iter().max_by_key(|item| numbered(item)).context("a journal")?;
    let line = Fields(last).the_text("line").map_err(anyhow::Error::msg)?;
    let entry = Entry::parse(line)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let at = Timestamp(u64::try_from(now.as_millis())? - 25 * 3_600_000);
    let behind = entry.previous.map(|hash| Head { sequence: entry.sequence - 1, hash });
    let Entry { migration, sequence, by, writer, content, .. } = entry;
    let older = SealedEntry::new(&migration, behind, at, (&by, writer), content)?;
    let hash = older.hash.to_string();
    let key = |sequence| [text("migration", LEDGER), number("sequence", sequence)];
    let line = [text("line", &older.line), text("hash", &hash)];
    world.put(JOURNAL, key(sequence).into_iter().chain(line).collect()).await?;
    let head = [number("last", sequence), text("hash", &hash)];
    world.put(JOURNAL, key(0).into_iter().chain(head).collect()).await
}
