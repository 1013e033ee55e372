//! Ledger records as `DynamoDB` items: `fid` (N), `sha1`, `md5` and `bucket` (S) as s3migrate
//! wrote them, and our own `length` (N), `route` and `proof` (S), `migrated_at` (N, milliseconds
//! since the epoch).

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::Timestamp;
use domain::{ByteCount, Fid, LedgerRecord, LegacyMd5, S3Bucket, Sha1};

type Item = HashMap<String, AttributeValue>;

/// The key of a fid's item.
pub(super) fn key(fid: Fid) -> Item {
    HashMap::from([("fid".to_owned(), number(fid.0))])
}

/// A record as an item.
pub(super) fn of(record: &LedgerRecord) -> Item {
    let mut item = key(record.fid);
    let mut add = |name: &str, value: AttributeValue| item.insert(name.to_owned(), value);
    add("sha1", text(record.sha1));
    add("md5", text(&record.md5.0));
    add("bucket", text(&record.bucket));
    if let Some(proof) = record.proof {
        add("proof", text(proof));
    }
    if let Some(route) = record.route {
        add("route", text(route));
    }
    if let Some(length) = record.length {
        add("length", number(length.0));
    }
    if let Some(time) = record.migrated_at {
        add("migrated_at", number(time.0));
    }
    item
}

/// An item as a record, or what is wrong with it. Unknown attributes do not matter; a proof of an
/// unknown name is none.
pub(super) fn read(item: &Item) -> Result<LedgerRecord, String> {
    let fid = number_of(item, "fid").ok_or("an item without a fid")?;
    let wrong = |name: &str| format!("the item of fid {fid} has no usable `{name}`");
    let sha1 = text_of(item, "sha1").and_then(|hex| Sha1::from_hex(hex).ok());
    let bucket = text_of(item, "bucket").and_then(S3Bucket::new);
    Ok(LedgerRecord {
        fid: Fid(fid),
        sha1: sha1.ok_or_else(|| wrong("sha1"))?,
        md5: LegacyMd5(text_of(item, "md5").ok_or_else(|| wrong("md5"))?.to_owned()),
        bucket: bucket.ok_or_else(|| wrong("bucket"))?,
        proof: text_of(item, "proof").and_then(|name| name.parse().ok()),
        route: text_of(item, "route").and_then(|name| name.parse().ok()),
        length: number_of(item, "length").map(ByteCount),
        migrated_at: number_of(item, "migrated_at").map(Timestamp),
    })
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn text(text: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

fn number_of(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Proof, Route};

    const SHA1: &str = "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed";
    const MD5: &str = "5eb63bbbe01eeed093cb22bb8f5acdc3";

    fn s3migrates_item() -> Item {
        HashMap::from([
            ("fid".to_owned(), AttributeValue::N("1".to_owned())),
            ("sha1".to_owned(), AttributeValue::S(SHA1.to_owned())),
            ("md5".to_owned(), AttributeValue::S(MD5.to_owned())),
            ("bucket".to_owned(), AttributeValue::S("corpus-1".to_owned())),
        ])
    }

    fn record(proof: Option<Proof>) -> LedgerRecord {
        LedgerRecord {
            fid: Fid(1),
            sha1: Sha1::from_hex(SHA1).expect("hex"),
            md5: LegacyMd5(MD5.to_owned()),
            bucket: S3Bucket::new("corpus-1").expect("a name"),
            proof,
            route: proof.map(|_| Route::Copy),
            length: proof.map(|_| ByteCount(7)),
            migrated_at: proof.map(|_| Timestamp(1_700_000_000_123)),
        }
    }

    #[test]
    fn s3migrates_items_are_claims_without_proof() {
        assert_eq!(read(&s3migrates_item()), Ok(record(None)));
        assert_eq!(of(&record(None)), s3migrates_item());
    }

    #[test]
    fn ours_come_back_and_hold_theirs() {
        for &proof in Proof::ALL {
            let item = of(&record(Some(proof)));
            assert_eq!(read(&item), Ok(record(Some(proof))));
            assert!(s3migrates_item().iter().all(|(name, value)| item.get(name) == Some(value)));
        }
    }

    #[test]
    fn unknown_attributes_and_names_do_not_matter() {
        let mut item = s3migrates_item();
        item.insert("checked_by".to_owned(), AttributeValue::Bool(true));
        item.insert("proof".to_owned(), AttributeValue::S("trust me".to_owned()));
        assert_eq!(read(&item), Ok(record(None)));
    }

    #[test]
    fn broken_items_are_told_by_their_fid() {
        for name in ["sha1", "md5", "bucket"] {
            let mut item = s3migrates_item();
            item.insert(name.to_owned(), AttributeValue::N("9".to_owned()));
            let why = read(&item).expect_err("broken");
            assert!(why.contains("fid 1") && why.contains(name), "{why}");
        }
    }
}
