//! The ledger. Its records as items: `fid` (N), `sha1`, `md5` and `bucket` (S) as s3migrate wrote
//! them, and our own `length` (N), `route` and `proof` (S), `migrated_at` (N, milliseconds since
//! the epoch).

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::{Ledger, LedgerError, Segment};
use domain::{
    ByteCount, ETag, Fid, LedgerItem, LedgerRecord, S3Bucket, Sha1, Timestamp, UnreadableItem,
};

use super::item::{Item, fid_of, key, keys, number, number_of, text, text_of};
use super::table::{Table, over_a_table};

/// [`Ledger`] in one `DynamoDB` table with the hash key `fid` (N).
pub struct DynamoLedger(Table);

over_a_table!(DynamoLedger);

#[async_trait]
impl Ledger for DynamoLedger {
    async fn record(&self, records: &[LedgerRecord]) -> Result<(), LedgerError> {
        let last: BTreeMap<_, _> = records.iter().map(|record| (record.fid, record)).collect();
        self.0.put(last.into_values().map(item_of).collect()).await
    }

    async fn read(&self, fids: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError> {
        let items = self.0.get(&keys(fids)).await?;
        Ok(items
            .iter()
            .filter_map(|item| self.0.understood(read(item).map_err(|unreadable| unreadable.why)))
            .collect())
    }

    async fn scan(
        &self,
        segment: Segment,
        each: &mut (dyn FnMut(LedgerItem) + Send),
    ) -> Result<(), LedgerError> {
        self.0.scan(segment, &mut |item| each(read(&item))).await
    }
}

/// Turns a record into an item.
fn item_of(record: &LedgerRecord) -> Item {
    let mut item = key(record.fid);
    let mut add = |name: &str, value: AttributeValue| item.insert(name.to_owned(), value);
    add("sha1", text(record.sha1));
    add("md5", text(&record.etag));
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

/// Reads a record from an item; the error says what is wrong with the item. Unknown attributes are
/// ignored. A proof of an unknown name counts as no proof.
fn read(item: &Item) -> LedgerItem {
    let fid = fid_of(item).map_err(|why| UnreadableItem { fid: None, why })?;
    let wrong = |name: &str| UnreadableItem {
        fid: Some(fid),
        why: format!("the item of fid {fid} has no usable `{name}`"),
    };
    let sha1 = text_of(item, "sha1").and_then(|hex| Sha1::from_hex(hex).ok());
    let bucket = text_of(item, "bucket").and_then(S3Bucket::new);
    Ok(LedgerRecord {
        fid,
        sha1: sha1.ok_or_else(|| wrong("sha1"))?,
        etag: ETag(text_of(item, "md5").ok_or_else(|| wrong("md5"))?.to_owned()),
        bucket: bucket.ok_or_else(|| wrong("bucket"))?,
        proof: text_of(item, "proof").and_then(|name| name.parse().ok()),
        route: text_of(item, "route").and_then(|name| name.parse().ok()),
        length: number_of(item, "length").map(ByteCount),
        migrated_at: number_of(item, "migrated_at").map(Timestamp),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::types::AttributeValue;
    use domain::{Proof, Route};

    use super::*;

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
            etag: ETag(MD5.to_owned()),
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
        assert_eq!(item_of(&record(None)), s3migrates_item());
    }

    #[test]
    fn ours_come_back_and_hold_theirs() {
        for &proof in Proof::ALL {
            let item = item_of(&record(Some(proof)));
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
            // Early versions of s3migrate wrote `md5` as BOOL false for a file whose PUT had
            // failed.
            item.insert(name.to_owned(), AttributeValue::Bool(false));
            let UnreadableItem { fid, why } = read(&item).expect_err("broken");
            assert_eq!(fid, Some(Fid(1)));
            assert!(why.contains("fid 1") && why.contains(name), "{why}");
        }
        let nameless = read(&Item::new()).expect_err("no fid");
        assert_eq!(nameless.fid, None);
    }
}
