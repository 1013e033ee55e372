//! The verifications table. Its items: `run` (S) and `fid` (N), which are the key, `sha1`, `bucket`
//! and `sight` (S), `length` (N), `verified_at` (N, milliseconds since the epoch).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use domain::Verification;
use domain::ports::{LedgerError, VerificationLog};
use roaring::RoaringTreemap;

use super::item::{Item, fid_of, number, text};
use super::table::{Table, over_a_table};

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

    async fn verified(&self, run: &str) -> Result<RoaringTreemap, LedgerError> {
        let mut fids = RoaringTreemap::new();
        let mut each = |item| {
            if let Some(fid) = self.0.understood(fid_of(&item)) {
                fids.insert(fid.0);
            }
        };
        self.0.query(("run", text(key_of(run))), "fid", &mut each).await?;
        Ok(fids)
    }
}

/// A run's name as it stands in keys, which cannot be empty: `-` stands for the empty one, and
/// another hyphen before each name that begins with one.
fn key_of(run: &str) -> Cow<'_, str> {
    if run.is_empty() || run.starts_with('-') { format!("-{run}").into() } else { run.into() }
}

/// A verification as an item.
fn item_of(one: &Verification) -> Item {
    let item = [
        ("run", text(key_of(&one.run))),
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
    use domain::{ByteCount, Fid, S3Bucket, Sha1, Sight, Timestamp};

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
            ("run", text("2026-01-01")),
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
    fn no_two_runs_share_a_key_and_none_is_empty() {
        for (run, key) in [("", "-"), ("-", "--"), ("-x", "--x"), ("x", "x"), ("x-", "x-")] {
            assert_eq!(key_of(run), key);
        }
    }
}
