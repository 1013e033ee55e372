//! The failures table. Its items: `fid` (N), `action`, `dkey`, `reason` and `detail` (S), `attempt`
//! (N), `failed_at` (N, milliseconds since the epoch), `doubted` (BOOL, true or absent). An
//! attribute without a value is absent. For each message about the file an item may also have `own
//! ID`, `ended ID` and `begun ID` (N), where ID is the queue's name for the message: see
//! [`MessageTries`].
//!
//! A doubt must survive all writes of other workers at the same time. So each failure is written by
//! one `UpdateItem` that never removes `doubted`. A `BatchWriteItem` would not do: it has no
//! conditions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::{FailureLog, LedgerError, Segment};
use domain::{
    FailureItem, FailureNote, FailureRecord, Fid, JobAction, MessageTries, Noted, Timestamp,
    UnreadableItem, limits,
};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::item::{Item, fid_of, key, keys, number, number_of, text, text_of};
use super::table::{Aliases, Table, over_a_table};

/// The most bytes that are kept of a text from outside. An item may have 400 KB, and DynamoDB
/// refuses a larger one.
const KEPT_BYTES: usize = 4 * 1024;

/// The most items of one call that are written at the same time.
const WRITES_AT_ONCE: usize = limits::LEDGER_BATCH;

/// The attribute that marks a failure as a verification's doubt.
const DOUBTED: &str = "doubted";

/// The attributes of [`MessageTries`], each with the message's name behind it.
const OWN: &str = "own";
const ENDED: &str = "ended";
const BEGUN: &str = "begun";

/// Every attribute of a record beside the key and the counts of messages.
const ATTRIBUTES: [&str; 7] =
    ["action", "dkey", "reason", "detail", "attempt", "failed_at", DOUBTED];

/// What a note writes beside the count of its delivery.
#[derive(Clone, Copy)]
enum Written {
    /// Every attribute of its record.
    All,
    /// Nothing.
    Delivery,
}

/// [`FailureLog`] in one `DynamoDB` table with the hash key `fid` (N).
pub struct DynamoFailureLog(Table);

over_a_table!(DynamoFailureLog);

#[async_trait]
impl FailureLog for DynamoFailureLog {
    async fn note(&self, notes: &[FailureNote]) -> Result<Vec<MessageTries>, LedgerError> {
        // Notes about one fid are written in their order, since the last one counts.
        let mut by_fid = BTreeMap::<Fid, Vec<usize>>::new();
        for (place, note) in notes.iter().enumerate() {
            by_fid.entry(note.record.fid).or_default().push(place);
        }
        let each = |places: Vec<usize>| async move {
            let mut tries = Vec::new();
            for place in places {
                tries.push((place, self.note_one(&notes[place]).await?));
            }
            Ok::<_, LedgerError>(tries)
        };
        let answers = stream::iter(by_fid.into_values().map(each)).buffer_unordered(WRITES_AT_ONCE);
        let mut by_place: Vec<_> = answers.try_concat().await?;
        by_place.sort_by_key(|(place, _)| *place);
        Ok(by_place.into_iter().map(|(_, tries)| tries).collect())
    }

    async fn clear(&self, fids: &[Fid]) -> Result<(), LedgerError> {
        self.0.delete(keys(fids)).await
    }

    async fn clear_undoubted(&self, fids: &[Fid]) -> Result<(), LedgerError> {
        let each = |key: Item| async move {
            let mut aliases = Aliases::default();
            let is_doubt = is_doubt(&mut aliases);
            let condition = format!("NOT ({is_doubt})");
            self.0.delete_if(key, condition, aliases).await.map(drop)
        };
        side_by_side(keys(fids)).try_for_each_concurrent(WRITES_AT_ONCE, each).await
    }

    async fn read(&self, fids: &[Fid]) -> Result<Vec<FailureItem>, LedgerError> {
        let items = self.0.get(&keys(fids)).await?;
        Ok(items.iter().map(|item| self.read_item(item)).collect())
    }

    async fn scan(&self, each: &mut (dyn FnMut(FailureItem) + Send)) -> Result<(), LedgerError> {
        let mut each = |item| each(self.read_item(&item));
        self.0.scan(Segment { number: 0, of: 1 }, &mut each).await
    }
}

impl DynamoFailureLog {
    /// Reads an item. One that cannot be read is logged, too.
    fn read_item(&self, item: &Item) -> FailureItem {
        let read = read(item).inspect_err(|why| self.0.log_unreadable(why));
        read.map_err(|why| UnreadableItem { fid: fid_of(item).ok(), why })
    }

    async fn note_one(&self, note: &FailureNote) -> Result<MessageTries, LedgerError> {
        if note.leaves_doubts_alone() {
            return self.note_beside_doubts(note).await;
        }
        let mut condition = None;
        if !note.record.doubted {
            // An older version wrote no `doubted`: its doubts show by action and reason, which this
            // write would replace. Such a record is written again with `doubted`.
            let mut aliases = Aliases::default();
            let is_doubt = is_doubt(&mut aliases);
            condition =
                Some((format!("attribute_exists(#{DOUBTED}) OR NOT ({is_doubt})"), aliases));
        }
        if let Some(item) = self.write(note, Written::All, condition).await? {
            return Ok(tries_of(&item, &note.message));
        }
        let record = FailureRecord { doubted: true, ..note.record.clone() };
        let item = self.write(&FailureNote { record, ..note.clone() }, Written::All, None).await?;
        Ok(tries_of(&item.unwrap_or_default(), &note.message))
    }

    /// Writes the record where there is no doubt, and else only counts the delivery.
    async fn note_beside_doubts(&self, note: &FailureNote) -> Result<MessageTries, LedgerError> {
        let mut aliases = Aliases::default();
        let condition = format!("NOT ({})", is_doubt(&mut aliases));
        let mut item = self.write(note, Written::All, Some((condition, aliases))).await?;
        if item.is_none() {
            let mut aliases = Aliases::default();
            let is_doubt = is_doubt(&mut aliases);
            item = self.write(note, Written::Delivery, Some((is_doubt, aliases))).await?;
        }
        if item.is_none() {
            // The doubt was cleared between the two.
            item = self.write(note, Written::All, None).await?;
        }
        Ok(tries_of(&item.unwrap_or_default(), &note.message))
    }

    /// Writes every attribute of the record, or none, and counts the delivery. `doubted` is written
    /// only where it is true, and never removed. Returns the item after the write; [`None`] where
    /// `condition` does not hold.
    async fn write(
        &self,
        FailureNote { message, record, what }: &FailureNote,
        written: Written,
        condition: Option<(String, Aliases)>,
    ) -> Result<Option<Item>, LedgerError> {
        let (condition, mut aliases) = condition.unzip();
        let Aliases { names, values } = aliases.get_or_insert_default();
        let mut item = item_of(record);
        let (mut set, mut add, mut remove) = (Vec::new(), Vec::new(), Vec::new());
        let attributes = match written {
            Written::All => &ATTRIBUTES[..],
            Written::Delivery => &[],
        };
        for &name in attributes {
            match item.remove(name) {
                Some(value) => {
                    set.push(format!("#{name} = :{name}"));
                    values.insert(format!(":{name}"), value);
                }
                None if name == DOUBTED => continue,
                None => remove.push(format!("#{name}")),
            }
            names.insert(format!("#{name}"), name.to_owned());
        }
        let mut counted = |kind: &str| {
            names.insert(format!("#{kind}"), of_message(kind, message));
            format!("#{kind}")
        };
        if *what == Noted::Begun {
            add.push(format!("{} :one", counted(BEGUN)));
        } else {
            set.push(format!("{} = :attempt", counted(ENDED)));
            values.insert(":attempt".to_owned(), number(record.attempt.into()));
            remove.push(counted(BEGUN));
        }
        if *what == Noted::Failed {
            add.push(format!("{} :one", counted(OWN)));
        }
        if !add.is_empty() {
            values.insert(":one".to_owned(), number(1));
        }
        let clauses = [("SET", set), ("ADD", add), ("REMOVE", remove)];
        let clauses = clauses.into_iter().filter(|(_, of)| !of.is_empty());
        let update: Vec<_> =
            clauses.map(|(verb, of)| format!("{verb} {}", of.join(", "))).collect();
        let aliases = aliases.unwrap_or_default();
        self.0.update(key(record.fid), update.join(" "), condition, aliases).await
    }
}

/// The attribute that holds one message's count of this kind.
fn of_message(kind: &str, message: &str) -> String {
    format!("{kind} {message}")
}

/// Reads the counts of one message's deliveries from an item.
fn tries_of(item: &Item, message: &str) -> MessageTries {
    let count = |kind| {
        let number = number_of(item, &of_message(kind, message)).unwrap_or_default();
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    MessageTries { own: count(OWN), ended: count(ENDED), begun: count(BEGUN) }
}

/// Reads the counts of every message's deliveries from an item.
fn messages_of(item: &Item) -> BTreeMap<String, MessageTries> {
    let names = item.keys().filter_map(|name| name.split_once(' '));
    let messages = names.filter(|(kind, _)| [OWN, ENDED, BEGUN].contains(kind));
    messages.map(|(_, message)| (message.to_owned(), tries_of(item, message))).collect()
}

/// The condition that an item is a doubt: by its attribute `doubted`, or by its action and reason
/// as in older records.
fn is_doubt(Aliases { names, values }: &mut Aliases) -> String {
    for name in [DOUBTED, "action", "reason"] {
        names.insert(format!("#{name}"), name.to_owned());
    }
    values.insert(":verify".to_owned(), text(JobAction::Verify));
    let reasons = FailureRecord::DOUBTS.into_iter().enumerate().map(|(number, reason)| {
        let alias = format!(":doubt{number}");
        values.insert(alias.clone(), text(reason));
        alias
    });
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    format!("attribute_exists(#{DOUBTED}) OR (#action = :verify AND #reason IN ({reasons}))")
}

fn side_by_side<T>(
    items: impl IntoIterator<Item = T>,
) -> impl Stream<Item = Result<T, LedgerError>> {
    stream::iter(items).map(Ok)
}

/// Turns a failure record into an item.
fn item_of(failure: &FailureRecord) -> Item {
    let mut item = key(failure.fid);
    let mut add = |name: &str, value: AttributeValue| item.insert(name.to_owned(), value);
    if let Some(action) = failure.action {
        add("action", text(action));
    }
    for (name, held) in
        [("dkey", &failure.dkey), ("reason", &failure.reason), ("detail", &failure.detail)]
    {
        if !held.is_empty() {
            add(name, text(&held[..held.floor_char_boundary(KEPT_BYTES)]));
        }
    }
    add("attempt", number(failure.attempt.into()));
    add("failed_at", number(failure.failed_at.0));
    if failure.doubted {
        add(DOUBTED, AttributeValue::Bool(true));
    }
    item
}

/// Reads a failure record from an item; the error says what is wrong with the item. Unknown
/// attributes are ignored. An action of an unknown name counts as no action.
fn read(item: &Item) -> Result<FailureRecord, String> {
    let fid = fid_of(item)?;
    let wrong = |name: &str| format!("the failure of fid {fid} has no usable `{name}`");
    let text = |name| match item.get(name) {
        None => Ok(String::new()),
        Some(value) => value.as_s().cloned().map_err(|_| wrong(name)),
    };
    let attempt = number_of(item, "attempt").and_then(|attempt| attempt.try_into().ok());
    Ok(FailureRecord {
        fid,
        action: text_of(item, "action").and_then(|name| name.parse().ok()),
        dkey: text("dkey")?,
        reason: text("reason")?,
        detail: text("detail")?,
        attempt: attempt.ok_or_else(|| wrong("attempt"))?,
        failed_at: Timestamp(number_of(item, "failed_at").ok_or_else(|| wrong("failed_at"))?),
        doubted: item.get(DOUBTED).is_some_and(|value| value.as_bool() == Ok(&true)),
        messages: messages_of(item),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use super::*;

    fn failure() -> FailureRecord {
        FailureRecord {
            fid: Fid(7),
            action: Some(JobAction::Migrate),
            dkey: "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed-mogilefs-prod-repo".to_owned(),
            reason: "no-replica".to_owned(),
            detail: "no replica gave the content".to_owned(),
            attempt: 3,
            failed_at: Timestamp(1_767_225_600_123),
            doubted: false,
            messages: BTreeMap::new(),
        }
    }

    #[test]
    fn the_item_of_a_failure() {
        let number = |number: &str| AttributeValue::N(number.to_owned());
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let item = [
            ("fid", number("7")),
            ("action", text("migrate")),
            ("dkey", text("2aae6c35c94fcfb415dbe95f408b9ce91ee846ed-mogilefs-prod-repo")),
            ("reason", text("no-replica")),
            ("detail", text("no replica gave the content")),
            ("attempt", number("3")),
            ("failed_at", number("1767225600123")),
        ];
        let mut item: HashMap<_, _> =
            item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(item_of(&failure()), item);
        assert_eq!(read(&item), Ok(failure()));
        let doubted = FailureRecord { doubted: true, ..failure() };
        assert_eq!(read(&item_of(&doubted)), Ok(doubted));
        item.insert("mood".to_owned(), text("bad"));
        item.insert("action".to_owned(), text("delete"));
        assert_eq!(read(&item), Ok(FailureRecord { action: None, ..failure() }));
        item.insert("own a-b".to_owned(), number("2"));
        item.insert("ended a-b".to_owned(), number("7"));
        item.insert("begun c".to_owned(), number("1"));
        let messages = BTreeMap::from([
            ("a-b".to_owned(), MessageTries { own: 2, ended: 7, begun: 0 }),
            ("c".to_owned(), MessageTries { own: 0, ended: 0, begun: 1 }),
        ]);
        assert_eq!(read(&item), Ok(FailureRecord { action: None, messages, ..failure() }));
    }

    #[test]
    fn what_there_is_nothing_to_say_of_is_left_out() {
        let empty = String::new();
        let silent = FailureRecord {
            action: None,
            dkey: empty.clone(),
            reason: empty.clone(),
            detail: empty,
            ..failure()
        };
        let item = item_of(&silent);
        let names: BTreeSet<_> = item.keys().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(["attempt", "failed_at", "fid"]));
        assert_eq!(read(&item), Ok(silent));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = format!("x{}", "é".repeat(1 << 20));
        let failure = FailureRecord { dkey: long.clone(), detail: long.clone(), ..failure() };
        let kept = read(&item_of(&failure)).expect("readable");
        for text in [kept.dkey, kept.detail] {
            assert_eq!(text.len(), KEPT_BYTES - 1);
            assert!(long.starts_with(&text));
        }
    }

    #[test]
    fn broken_items_are_told_by_their_fid() {
        for (name, value) in [
            ("attempt", AttributeValue::N("-1".to_owned())),
            ("attempt", AttributeValue::N("5000000000".to_owned())),
            ("failed_at", AttributeValue::S("yesterday".to_owned())),
            ("detail", AttributeValue::Bool(true)),
        ] {
            let mut item = item_of(&failure());
            item.insert(name.to_owned(), value);
            let why = read(&item).expect_err("broken");
            assert!(why.contains("fid 7") && why.contains(name), "{why}");
        }
    }
}
