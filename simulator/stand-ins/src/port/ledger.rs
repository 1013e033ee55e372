//! The ledger, straight in DynamoDB's tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{Ledger, LedgerError, Segment};
use domain::{
    ByteCount, ETag, Fid, LedgerItem, LedgerRecord, S3Bucket, Sha1, Timestamp, UnreadableItem,
};
use dynoxide::Database;

use super::table::{Table, listed};
use super::{Call, PortFaults};
use crate::world::dynamodb::{Fields, Item, number, text};

/// [`Ledger`] over a table of `dynoxide`'s: hash key `fid`, and what s3migrate wrote beside it,
/// `sha1`, `md5` and `bucket`; of ours `length`, `route`, `proof` and `migrated_at`.
pub struct PortLedger(Table);

impl PortLedger {
    /// Over this table.
    #[must_use]
    pub const fn new(database: Database, table: String, faults: Arc<PortFaults>) -> Self {
        Self(Table::new(database, table, faults))
    }
}

#[async_trait]
impl Ledger for PortLedger {
    async fn record(&self, records: &[LedgerRecord]) -> Result<(), LedgerError> {
        let fids = listed(records.iter().map(|record| record.fid));
        let last: BTreeMap<Fid, &LedgerRecord> =
            records.iter().map(|record| (record.fid, record)).collect();
        let items: Vec<Item> = last.into_values().map(item_of).collect();
        self.0.ask_batch(Call::Record, &fids, &items, |items| self.0.put(items)).await
    }

    async fn read(&self, fids: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError> {
        let distinct: BTreeSet<Fid> = fids.iter().copied().collect();
        let keys: Vec<Item> =
            distinct.iter().map(|fid| Item::from([number("fid", fid.0)])).collect();
        let key = listed(fids.iter().copied());
        let items = self.0.ask(Call::Recall, &key, || self.0.get(&keys)).await?;
        Ok(items.iter().filter_map(|item| read(item).ok()).collect())
    }

    async fn scan(
        &self,
        segment: Segment,
        each: &mut (dyn FnMut(LedgerItem) + Send),
    ) -> Result<(), LedgerError> {
        let number = segment.number.to_string();
        let items = self.0.ask(Call::Scan, &number, || self.0.scan(segment)).await?;
        items.iter().map(read).for_each(each);
        Ok(())
    }
}

fn item_of(record: &LedgerRecord) -> Item {
    let mut item = Item::from([
        number("fid", record.fid.0),
        text("sha1", &record.sha1.to_string()),
        text("md5", &record.etag.0),
        text("bucket", record.bucket.as_str()),
    ]);
    item.extend(record.length.map(|length| number("length", length.0)));
    item.extend(record.migrated_at.map(|at| number("migrated_at", at.0)));
    item.extend(record.route.map(|route| text("route", route.name())));
    item.extend(record.proof.map(|proof| text("proof", proof.name())));
    item
}

/// The record of an item, or what is wrong with it.
fn read(item: &Item) -> LedgerItem {
    let fid = Fields(item).the_number("fid").ok().map(Fid);
    parse(item).map_err(|why| UnreadableItem { fid, why })
}

/// The record of an item, or what is wrong with it. Attributes that we do not know are others'.
fn parse(item: &Item) -> Result<LedgerRecord, String> {
    let fields = Fields(item);
    let (bucket, sha1) = (fields.the_text("bucket")?, fields.the_text("sha1")?);
    Ok(LedgerRecord {
        fid: Fid(fields.the_number("fid")?),
        sha1: Sha1::from_hex(sha1).map_err(|error| error.to_string())?,
        etag: ETag(fields.the_text("md5")?.to_owned()),
        bucket: S3Bucket::new(bucket).ok_or_else(|| format!("`{bucket}` is no bucket"))?,
        // A proof of an unknown name is none.
        proof: fields.text("proof")?.and_then(|name| name.parse().ok()),
        route: fields.text("route")?.and_then(|name| name.parse().ok()),
        length: fields.number("length")?.map(ByteCount),
        migrated_at: fields.number("migrated_at")?.map(Timestamp),
    })
}

#[cfg(test)]
mod tests {
    use domain::{ContentHasher, Proof, Route};
    use dynoxide::AttributeValue;

    use super::*;
    use crate::port::{PortFault, VirtualClock};
    use crate::world::dynamodb::{create_ledger_table, new_database};

    fn ledger() -> PortLedger {
        let database = new_database().unwrap();
        create_ledger_table(&database, "ledger").unwrap();
        PortLedger::new(database, "ledger".into(), Arc::new(PortFaults::instant()))
    }

    fn record(fid: u64, proof: Option<Proof>) -> LedgerRecord {
        let digests = ContentHasher::of(&fid.to_be_bytes());
        LedgerRecord {
            fid: Fid(fid),
            sha1: digests.sha1,
            etag: ETag("5eb63bbbe01eeed093cb22bb8f5acdc3".to_owned()),
            bucket: S3Bucket::new("new-repo").unwrap(),
            proof,
            route: proof.map(|_| Route::Copy),
            length: proof.map(|_| ByteCount(8)),
            migrated_at: proof.map(|_| Timestamp(1_767_225_600_123)),
        }
    }

    #[test]
    fn records_come_back_as_they_were_written() {
        let ledger = ledger();
        let mut records: Vec<_> = (1..=150).map(|fid| record(fid, Some(Proof::Copy))).collect();
        records.push(record(7, None));
        let asked = async {
            ledger.record(&records).await?;
            let fids: Vec<_> = (0..=150).map(Fid).chain([Fid(7)]).collect();
            let mut read = ledger.read(&fids).await?;
            let mut scanned = Vec::new();
            for number in 0..4 {
                let segment = Segment { number, of: 4 };
                ledger.scan(segment, &mut |item| scanned.push(item.expect("readable"))).await?;
            }
            records[6] = record(7, None);
            records.truncate(150);
            for found in [&mut read, &mut scanned] {
                found.sort_by_key(|record| record.fid);
                assert_eq!(*found, records);
            }
            Ok::<_, LedgerError>(())
        };
        VirtualClock::default().run(asked).unwrap().unwrap();
    }

    #[test]
    fn a_fault_leaves_nothing_half_or_all() {
        for (fault, written) in
            [(PortFault::RequestLost, 0), (PortFault::Busy, 2), (PortFault::AnswerLost, 4)]
        {
            let ledger = ledger();
            ledger.0.faults().strike(Call::Record, "3", fault, 1);
            let records: Vec<_> = (1..=4).map(|fid| record(fid, None)).collect();
            let answer = VirtualClock::default().run(ledger.record(&records)).unwrap();
            assert!(matches!(answer, Err(LedgerError::Unavailable { .. })), "{answer:?}");
            assert_eq!(ledger.0.scan(Segment { number: 0, of: 1 }).unwrap().len(), written);
        }
    }

    #[test]
    fn items_that_no_version_wrote() {
        let good = item_of(&record(3, Some(Proof::Head)));
        assert!(parse(&good).is_ok());
        for (name, value) in [
            ("sha1", AttributeValue::S("4CB6".into())),
            ("bucket", AttributeValue::S("No".into())),
            ("length", AttributeValue::N("-1".into())),
            ("md5", AttributeValue::N("1".into())),
        ] {
            let bad = good.iter().map(|(name, value)| (name.clone(), value.clone()));
            let bad = bad.chain([(name.to_owned(), value.clone())]).collect();
            assert!(parse(&bad).is_err(), "{name} {value:?}");
        }
    }
}
