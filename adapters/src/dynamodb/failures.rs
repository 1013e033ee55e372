//! The failures table. Its items: `fid` (N), `action`, `dkey`, `reason` and `detail` (S), `attempt`
//! (N), `failed_at` (N, milliseconds since the epoch), `doubted` (BOOL, true or absent). What there
//! is nothing to say of is not there.
//!
//! A doubt must survive whatever other workers write at the same time. So each failure is one
//! `UpdateItem` that never takes `doubted` away, and not a part of a `BatchWriteItem`, which has no
//! conditions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::{FailureLog, LedgerError, Segment};
use domain::{FailureRecord, Fid, JobAction, Timestamp, limits};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::item::{Item, fid_of, key, keys, number, number_of, text, text_of};
use super::table::{Aliases, Table, over_a_table};

/// Of a text from outside so many bytes are kept: an item has 400 KB at the most, and one that is
/// larger would have its whole batch refused.
const KEPT_BYTES: usize = 4 * 1024;

/// Items of one call that are written at the same time.
const WRITES_AT_ONCE: usize = limits::LEDGER_BATCH;

/// The attribute of a verification's doubt.
const DOUBTED: &str = "doubted";

/// Every attribute beside the key.
const ATTRIBUTES: [&str; 7] =
    ["action", "dkey", "reason", "detail", "attempt", "failed_at", DOUBTED];

/// [`FailureLog`] in one `DynamoDB` table with the hash key `fid` (N).
pub struct DynamoFailureLog(Table);

over_a_table!(DynamoFailureLog);

#[async_trait]
impl FailureLog for DynamoFailureLog {
    async fn note(&self, failures: &[FailureRecord]) -> Result<(), LedgerError> {
        let mut last = BTreeMap::<Fid, FailureRecord>::new();
        for failure in failures {
            let mut failure = failure.clone();
            if let Some(earlier) = last.get(&failure.fid) {
                failure.keep_doubt_of(earlier);
            }
            last.insert(failure.fid, failure);
        }
        let each = |failure: FailureRecord| async move { self.note_one(&failure).await };
        side_by_side(last.into_values()).try_for_each_concurrent(WRITES_AT_ONCE, each).await
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

    async fn read(&self, fids: &[Fid]) -> Result<Vec<FailureRecord>, LedgerError> {
        let items = self.0.get(&keys(fids)).await?;
        Ok(items.iter().filter_map(|item| self.0.understood(read(item))).collect())
    }

    async fn scan(&self, each: &mut (dyn FnMut(FailureRecord) + Send)) -> Result<(), LedgerError> {
        let mut each = |item| self.0.understood(read(&item)).into_iter().for_each(&mut *each);
        self.0.scan(Segment { number: 0, of: 1 }, &mut each).await
    }
}

impl DynamoFailureLog {
    async fn note_one(&self, failure: &FailureRecord) -> Result<(), LedgerError> {
        if failure.doubted {
            return self.write(failure, None).await.map(drop);
        }
        // A record of a version that knew no `doubted` says it by its action and reason, which this
        // one takes away: then it is written as a doubt.
        let mut aliases = Aliases::default();
        let is_doubt = is_doubt(&mut aliases);
        let condition = format!("attribute_exists(#{DOUBTED}) OR NOT ({is_doubt})");
        if self.write(failure, Some((condition, aliases))).await? {
            return Ok(());
        }
        let doubted = FailureRecord { doubted: true, ..failure.clone() };
        self.write(&doubted, None).await.map(drop)
    }

    /// Writes every attribute but the key and `doubted`, which is written where it is true.
    async fn write(
        &self,
        failure: &FailureRecord,
        condition: Option<(String, Aliases)>,
    ) -> Result<bool, LedgerError> {
        let (condition, mut aliases) = condition.unzip();
        let Aliases { names, values } = aliases.get_or_insert_default();
        let mut item = item_of(failure);
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        for name in ATTRIBUTES {
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
        let mut update = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            update = format!("{update} REMOVE {}", remove.join(", "));
        }
        let aliases = aliases.unwrap_or_default();
        self.0.update(key(failure.fid), update, condition, aliases).await
    }
}

/// The condition that an item is a doubt, whether it says so by `doubted` or not.
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

/// A record as an item.
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

/// An item as a record, or what is wrong with it. Unknown attributes do not matter; an action of
/// an unknown name is none.
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
