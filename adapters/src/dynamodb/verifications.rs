//! The verifications table. Its items: `run` (S, `{run}#{fid mod 64}`) and `fid` (N), which are the
//! key, `sha1`, `bucket` and `sight` (S), `length` (N), `verified_at` (N, milliseconds since the
//! epoch).
//!
//! A run's records are spread over 64 partition keys: DynamoDB takes 1,000 writes a second to one
//! (developer guide, "Designing partition keys"), and ten million files want more.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use domain::ports::{LedgerError, VerificationLog};
use domain::{S3Bucket, Sha1, Verification, VerifiedFile};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::item::{Item, fid_of, number, text, text_of};
use super::table::{Range, Table, over_a_table};

/// The number of partition keys over which one run is spread.
const SHARDS: u64 = 64;

/// The partition keys that are read at once. A page of each is in memory, ten times as large as it comes:
/// of all 64 that would be more than the fingerprints of a million files.
const SHARDS_AT_ONCE: usize = 8;

/// [`VerificationLog`] in one `DynamoDB` table with the hash key `run` (S) and the range key `fid`
/// (N).
pub struct DynamoVerificationLog(Table);

over_a_table!(DynamoVerificationLog);

#[async_trait]
impl VerificationLog for DynamoVerificationLog {
    async fn record(&self, verifications: &[Verification]) -> Result<(), LedgerError> {
        let last: BTreeMap<_, _> =
            verifications.iter().map(|one| ((one.run.as_str(), one.fid), one)).collect();
        self.0.put(last.into_values().map(item_of).collect()).await
    }

    async fn verified(
        &self,
        run: &str,
        each: &mut (dyn FnMut(VerifiedFile) + Send),
    ) -> Result<(), LedgerError> {
        let each = &Mutex::new(each);
        let shards = stream::iter(0..SHARDS).map(|shard| async move {
            let mut take = |item: Item| {
                if let Some(file) = self.0.understood(read(&item)) {
                    let mut each = each.lock().unwrap_or_else(PoisonError::into_inner);
                    (*each)(file);
                }
            };
            let hash = ("run", text(key_of(run, shard)));
            let range = Range { hash, above: None, wanted: &["fid", "bucket", "sha1"] };
            self.0.query(shard, range, &mut take).await
        });
        shards.buffer_unordered(SHARDS_AT_ONCE).try_collect().await
    }
}

/// The partition key `{run}#{number}` of one part of a run's records.
fn key_of(run: &str, shard: u64) -> String {
    format!("{run}#{shard}")
}

/// Reads the verified file from an item. An item that cannot be read is no pass.
fn read(item: &Item) -> Result<VerifiedFile, String> {
    let fid = fid_of(item)?;
    let wrong = |name: &str| format!("the verification of fid {fid} has no usable `{name}`");
    let bucket = text_of(item, "bucket").and_then(S3Bucket::new);
    let sha1 = text_of(item, "sha1").and_then(|hex| Sha1::from_hex(hex).ok());
    Ok(VerifiedFile {
        fid,
        bucket: bucket.ok_or_else(|| wrong("bucket"))?,
        sha1: sha1.ok_or_else(|| wrong("sha1"))?,
    })
}

/// Turns a verification into an item.
fn item_of(one: &Verification) -> Item {
    let item = [
        ("run", text(key_of(&one.run, one.fid.0 % SHARDS))),
        ("fid", number(one.fid.0)),
        ("sha1", text(one.sha1)),
        ("bucket", text(&one.bucket)),
        ("sight", text(one.sight)),
        ("length", number(one.length.0)),
        ("verified_at", number(one.verified_at.0)),
    ];
    item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<HashMap<_, _>>()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use domain::{ByteCount, Fid, Sight, Timestamp};

    use super::*;

    #[test]
    fn the_item_of_a_verification() {
        let sha1 = "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed";
        let item = item_of(&Verification {
            run: "2026-01-01".to_owned(),
            fid: Fid(7),
            sha1: Sha1::from_hex(sha1).expect("hex"),
            bucket: S3Bucket::new("corpus-prod").expect("a name"),
            length: ByteCount(9),
            sight: Sight::Download,
            verified_at: Timestamp(1_767_225_600_123),
        });
        let number = |number: &str| AttributeValue::N(number.to_owned());
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let expected = [
            ("run", text("2026-01-01#7")),
            ("fid", number("7")),
            ("sha1", text(sha1)),
            ("bucket", text("corpus-prod")),
            ("sight", text("download")),
            ("length", number("9")),
            ("verified_at", number("1767225600123")),
        ];
        let expected = expected.into_iter().map(|(name, value)| (name.to_owned(), value));
        assert_eq!(item, expected.collect::<Item>());
    }

    #[test]
    fn a_run_is_spread_over_its_keys_and_shares_none() {
        for (run, shard, key) in [("", 0, "#0"), ("one", 63, "one#63"), ("one#6", 3, "one#6#3")] {
            assert_eq!(key_of(run, shard), key);
        }
    }

    #[test]
    fn an_item_without_its_content_is_no_pass() {
        let one = |name: &str| {
            let mut item = Item::from([
                ("fid".to_owned(), number(7)),
                ("bucket".to_owned(), text("corpus-prod")),
                ("sha1".to_owned(), text("2aae6c35c94fcfb415dbe95f408b9ce91ee846ed")),
            ]);
            item.remove(name);
            read(&item)
        };
        assert!(one("").is_ok());
        for name in ["fid", "bucket", "sha1"] {
            assert!(one(name).is_err(), "{name}");
        }
    }
}
