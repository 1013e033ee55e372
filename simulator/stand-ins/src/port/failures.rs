//! The failures table, straight in DynamoDB's tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{FailureLog, LedgerError, Segment};
use domain::{
    FailureItem, FailureNote, FailureRecord, Fid, MessageTries, Timestamp, UnreadableItem,
};
use dynoxide::{AttributeValue, Database};

use super::table::{Table, listed};
use super::{Call, PortFaults};
use crate::world::dynamodb::{Fields, Item, number, text};

/// So many bytes of each text are kept.
const KEPT_BYTES: usize = 4 * 1024;

/// [`FailureLog`] over a table of `dynoxide`'s: hash key `fid`, and `action`, `dkey`, `reason`,
/// `detail`, `attempt` and `failed_at`; texts that are empty are not there.
pub struct PortFailures(Table);

impl PortFailures {
    /// Over this table.
    #[must_use]
    pub const fn new(database: Database, table: String, faults: Arc<PortFaults>) -> Self {
        Self(Table::new(database, table, faults))
    }
}

impl PortFailures {
    /// Reads and writes with nothing between them.
    fn note_all(&self, notes: &[FailureNote]) -> Result<Vec<MessageTries>, LedgerError> {
        let fids: Vec<_> = notes.iter().map(|note| note.record.fid).collect();
        let there = self.0.get(&keys(&fids))?;
        let there = there.iter().filter_map(understood);
        let mut last: BTreeMap<_, _> = there.map(|record| (record.fid, record)).collect();
        let mut all = Vec::new();
        for note in notes {
            let FailureNote { message, record, what } = note;
            let (mut record, attempt) = (record.clone(), record.attempt);
            if let Some(earlier) = last.remove(&record.fid) {
                if note.leaves_doubts_alone() && earlier.doubts_the_proof() {
                    record = earlier;
                } else {
                    record.keep_doubt_of(&earlier);
                    record.messages = earlier.messages;
                }
            }
            let tries = record.messages.entry(message.clone()).or_default();
            *tries = tries.and(*what, attempt);
            all.push(*tries);
            last.insert(record.fid, record);
        }
        self.0.put(&last.values().map(item_of).collect::<Vec<_>>())?;
        Ok(all)
    }
}

#[async_trait]
impl FailureLog for PortFailures {
    async fn note(&self, notes: &[FailureNote]) -> Result<Vec<MessageTries>, LedgerError> {
        let fids = listed(notes.iter().map(|note| note.record.fid));
        self.0.ask_batch(Call::NoteFailures, &fids, notes, |notes| self.note_all(notes)).await
    }

    async fn clear(&self, fids: &[Fid]) -> Result<(), LedgerError> {
        let (key, keys) = (listed(fids.iter().copied()), keys(fids));
        self.0.ask_batch(Call::ClearFailures, &key, &keys, |keys| self.0.delete(keys)).await
    }

    async fn clear_undoubted(&self, fids: &[Fid]) -> Result<(), LedgerError> {
        let (key, keys) = (listed(fids.iter().copied()), keys(fids));
        let clear = |keys: &[Item]| {
            let mut found = self.0.get(keys)?;
            found.retain(|item| understood(item).is_none_or(|record| !record.doubts_the_proof()));
            let keys =
                found.iter().map(|item| Item::from([("fid".to_owned(), item["fid"].clone())]));
            self.0.delete(&keys.collect::<Vec<_>>())
        };
        self.0.ask_batch(Call::ClearFailures, &key, &keys, clear).await
    }

    async fn read(&self, fids: &[Fid]) -> Result<Vec<FailureItem>, LedgerError> {
        let (key, keys) = (listed(fids.iter().copied()), keys(fids));
        let items = self.0.ask(Call::ReadFailures, &key, || self.0.get(&keys)).await?;
        Ok(items.iter().map(item_read).collect())
    }

    async fn scan(&self, each: &mut (dyn FnMut(FailureItem) + Send)) -> Result<(), LedgerError> {
        let whole = Segment { number: 0, of: 1 };
        let items = self.0.ask(Call::ScanFailures, "", || self.0.scan(whole)).await?;
        items.iter().map(item_read).for_each(each);
        Ok(())
    }
}

fn keys(fids: &[Fid]) -> Vec<Item> {
    let distinct: BTreeSet<Fid> = fids.iter().copied().collect();
    distinct.into_iter().map(|fid| Item::from([number("fid", fid.0)])).collect()
}

fn item_of(failure: &FailureRecord) -> Item {
    let mut item = Item::from([
        number("fid", failure.fid.0),
        number("attempt", failure.attempt.into()),
        number("failed_at", failure.failed_at.0),
    ]);
    item.extend(failure.action.map(|action| text("action", action.name())));
    item.extend(failure.doubted.then(|| ("doubted".to_owned(), AttributeValue::BOOL(true))));
    for (message, MessageTries { own, ended, begun }) in &failure.messages {
        for (kind, count) in [("own", own), ("ended", ended), ("begun", begun)] {
            item.extend(
                (*count > 0).then(|| number(&format!("{kind} {message}"), (*count).into())),
            );
        }
    }
    let texts = [("dkey", &failure.dkey), ("reason", &failure.reason), ("detail", &failure.detail)];
    let told = texts.into_iter().filter(|(_, value)| !value.is_empty());
    item.extend(told.map(|(name, value)| text(name, beginning(value))));
    item
}

/// A message may be larger than an item can be.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(KEPT_BYTES)]
}

fn item_read(item: &Item) -> FailureItem {
    let fid = || Fields(item).the_number("fid").ok().map(Fid);
    parse(item).map_err(|why| UnreadableItem { fid: fid(), why })
}

/// The record of an item; one that cannot be read is passed over.
fn understood(item: &Item) -> Option<FailureRecord> {
    parse(item).ok()
}

fn parse(item: &Item) -> Result<FailureRecord, String> {
    let fields = Fields(item);
    let told = |name| Ok::<_, String>(fields.text(name)?.unwrap_or_default().to_owned());
    let attempt = u32::try_from(fields.the_number("attempt")?);
    Ok(FailureRecord {
        fid: Fid(fields.the_number("fid")?),
        // An action of an unknown name is none that is known.
        action: fields.text("action")?.and_then(|name| name.parse().ok()),
        dkey: told("dkey")?,
        reason: told("reason")?,
        detail: told("detail")?,
        attempt: attempt.map_err(|error| format!("attempt: {error}"))?,
        failed_at: Timestamp(fields.the_number("failed_at")?),
        doubted: item.get("doubted") == Some(&AttributeValue::BOOL(true)),
        messages: messages_of(item),
    })
}

fn messages_of(item: &Item) -> BTreeMap<String, MessageTries> {
    let mut messages = BTreeMap::<String, MessageTries>::new();
    for (name, value) in item {
        let AttributeValue::N(count) = value else { continue };
        let (Some((kind, message)), Ok(count)) = (name.split_once(' '), count.parse()) else {
            continue;
        };
        let tries = messages.entry(message.to_owned()).or_default();
        match kind {
            "own" => tries.own = count,
            "ended" => tries.ended = count,
            "begun" => tries.begun = count,
            _ => {}
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{PortFault, VirtualClock};
    use crate::world::dynamodb::{create_failures_table, new_database};
    use domain::{JobAction, Noted};

    fn log() -> PortFailures {
        let database = new_database().unwrap();
        create_failures_table(&database, "failures").unwrap();
        PortFailures::new(database, "failures".into(), Arc::new(PortFaults::instant()))
    }

    fn failure(fid: u64, attempt: u32) -> FailureRecord {
        FailureRecord {
            fid: Fid(fid),
            action: fid.is_multiple_of(2).then_some(JobAction::Verify),
            dkey: if fid == 3 { String::new() } else { format!("key of {fid}") },
            reason: "no-replica".to_owned(),
            detail: "no replica gave the content".to_owned(),
            attempt,
            failed_at: Timestamp(1_767_225_600_123),
            doubted: fid.is_multiple_of(5),
            messages: BTreeMap::new(),
        }
    }

    fn note(fid: u64, attempt: u32) -> FailureNote {
        let record = failure(fid, attempt);
        FailureNote { message: format!("m{fid}"), record, what: Noted::Failed }
    }

    /// A failure that was noted so many times, the last at this delivery.
    fn noted(fid: u64, own: u32, attempt: u32) -> FailureRecord {
        let tries = MessageTries { own, ended: attempt, begun: 0 };
        let messages = BTreeMap::from([(format!("m{fid}"), tries)]);
        FailureRecord { messages, ..failure(fid, attempt) }
    }

    #[test]
    fn the_last_failure_of_each_file_stays_until_it_is_cleared() {
        let log = log();
        let asked = async {
            let failures: Vec<_> = (1..=30).map(|fid| note(fid, 1)).collect();
            log.note(&failures).await?;
            log.note(&[note(7, 2), note(7, 3)]).await?;
            log.clear(&[Fid(1), Fid(99), Fid(1)]).await?;
            let read = log.read(&[Fid(1), Fid(7), Fid(3), Fid(7)]).await?;
            let read: Vec<_> = read.into_iter().flatten().collect();
            let mut all = Vec::new();
            log.scan(&mut |failure| all.extend(failure)).await?;
            Ok::<_, LedgerError>((read, all))
        };
        let (mut read, mut all) = VirtualClock::default().run(asked).unwrap().unwrap();
        read.sort_by_key(|failure: &FailureRecord| failure.fid);
        assert_eq!(read, [noted(3, 1, 1), noted(7, 3, 3)]);
        all.sort_by_key(|failure| failure.fid);
        let expected = (2..=30).map(|fid| if fid == 7 { noted(7, 3, 3) } else { noted(fid, 1, 1) });
        assert_eq!(all, expected.collect::<Vec<_>>());
    }

    #[test]
    fn a_fault_leaves_nothing_half_or_all() {
        for (fault, left) in
            [(PortFault::RequestLost, 4), (PortFault::Busy, 2), (PortFault::AnswerLost, 0)]
        {
            let log = log();
            let failures: Vec<_> = (1..=4).map(|fid| note(fid, 1)).collect();
            let fids: Vec<_> = (1..=4).map(Fid).collect();
            let answer = VirtualClock::default().run(async {
                log.note(&failures).await?;
                log.0.faults().strike(Call::ClearFailures, "2", fault, 1);
                log.clear(&fids).await
            });
            assert!(matches!(answer.unwrap(), Err(LedgerError::Unavailable { .. })));
            assert_eq!(log.0.scan(Segment { number: 0, of: 1 }).unwrap().len(), left);
        }
    }

    #[test]
    fn items_that_no_version_wrote() {
        let good = item_of(&failure(2, 1));
        assert_eq!(parse(&good), Ok(failure(2, 1)));
        for (name, value) in [
            ("attempt", AttributeValue::N("-1".into())),
            ("failed_at", AttributeValue::S("yesterday".into())),
            ("detail", AttributeValue::BOOL(true)),
        ] {
            let mut bad = good.clone();
            bad.insert(name.to_owned(), value);
            assert!(parse(&bad).is_err(), "{name}");
        }
    }
}
