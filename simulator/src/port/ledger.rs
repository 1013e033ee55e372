//! The ledger, straight in DynamoDB's tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{Ledger, LedgerError, Segment, Timestamp};
use domain::{ByteCount, Fid, LedgerRecord, LegacyMd5, S3Bucket, Sha1};
use dynoxide::actions::batch_get_item::{BatchGetItemRequest, KeysAndAttributes};
use dynoxide::actions::batch_write_item::{BatchWriteItemRequest, PutRequest, WriteRequest};
use dynoxide::actions::scan::ScanRequest;
use dynoxide::{AttributeValue, Database, DynoxideError};

use super::{Call, Met, NoAnswer, PortFaults};

/// [`Ledger`] over a table of `dynoxide`'s: hash key `fid`, and what s3migrate wrote beside it,
/// `sha1`, `md5` and `bucket`; of ours `length`, `route`, `proof` and `migrated_at`.
pub struct PortLedger {
    database: Database,
    table: String,
    faults: Arc<PortFaults>,
}

/// An item as `dynoxide` takes it.
type Item = HashMap<String, AttributeValue>;

/// What one call writes at most, and reads.
const WRITES: usize = 25;
const READS: usize = 100;

/// Items of one page of a scan: few, so that there is more than one.
const SCANNED: usize = 20;

impl PortLedger {
    /// Over this table.
    #[must_use]
    pub const fn new(database: Database, table: String, faults: Arc<PortFaults>) -> Self {
        Self { database, table, faults }
    }

    fn write(&self, records: &[LedgerRecord]) -> Result<(), LedgerError> {
        // A batch with one key twice is refused whole.
        let last: BTreeMap<Fid, &LedgerRecord> =
            records.iter().map(|record| (record.fid, record)).collect();
        let items: Vec<Item> = last.into_values().map(item_of).collect();
        for batch in items.chunks(WRITES) {
            let put = |item: &Item| WriteRequest {
                put_request: Some(PutRequest { item: item.clone() }),
                delete_request: None,
            };
            let writes = batch.iter().map(put).collect();
            let request = BatchWriteItemRequest {
                request_items: HashMap::from([(self.table.clone(), writes)]),
                ..BatchWriteItemRequest::default()
            };
            self.database.batch_write_item(request).map_err(|error| self.refused(&error))?;
        }
        Ok(())
    }

    fn get(&self, fids: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError> {
        let distinct: Vec<Fid> =
            fids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let mut records = Vec::new();
        for batch in distinct.chunks(READS) {
            let keys = KeysAndAttributes {
                keys: batch.iter().map(|fid| HashMap::from([number("fid", fid.0)])).collect(),
                consistent_read: Some(true),
                ..KeysAndAttributes::default()
            };
            let request = BatchGetItemRequest {
                request_items: HashMap::from([(self.table.clone(), keys)]),
                ..BatchGetItemRequest::default()
            };
            let answer = self.database.batch_get_item(request);
            let answer = answer.map_err(|error| self.refused(&error))?;
            records.extend(answer.responses.values().flatten().filter_map(understood));
        }
        Ok(records)
    }

    fn scan_all(&self, segment: Segment) -> Result<Vec<LedgerRecord>, LedgerError> {
        let mut records = Vec::new();
        let mut start = None;
        loop {
            let request = ScanRequest {
                table_name: self.table.clone(),
                segment: Some(segment.number),
                total_segments: Some(segment.of),
                limit: Some(SCANNED),
                exclusive_start_key: start,
                ..ScanRequest::default()
            };
            let page = self.database.scan(request).map_err(|error| self.refused(&error))?;
            records.extend(page.items.iter().flatten().filter_map(understood));
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(records);
            }
        }
    }

    async fn ask<T: Send>(
        &self,
        call: Call,
        key: &str,
        act: impl FnOnce() -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        let met = self.faults.meet(call, key, async { act() }).await;
        met.answer().map_err(|why| self.unavailable(why))?
    }

    fn unavailable(&self, why: NoAnswer) -> LedgerError {
        LedgerError::Unavailable { table: self.table.clone(), cause: why.into() }
    }

    fn refused(&self, error: &DynoxideError) -> LedgerError {
        let table = self.table.clone();
        if matches!(error, DynoxideError::ResourceNotFoundException(_)) {
            return LedgerError::NoTable { table };
        }
        LedgerError::Refused { table, why: error.to_string() }
    }
}

#[async_trait]
impl Ledger for PortLedger {
    async fn record(&self, records: &[LedgerRecord]) -> Result<(), LedgerError> {
        let fids = listed(records.iter().map(|record| record.fid));
        match self.faults.meet(Call::Record, &fids, async { self.write(records) }).await {
            Met::Answer(answer) => answer,
            Met::AnswerLost(_) | Met::RequestLost => Err(self.unavailable(NoAnswer::Lost)),
            Met::Busy => {
                self.write(&records[..records.len() / 2])?;
                Err(self.unavailable(NoAnswer::Busy))
            }
        }
    }

    async fn read(&self, fids: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError> {
        self.ask(Call::Recall, &listed(fids.iter().copied()), || self.get(fids)).await
    }

    async fn scan(
        &self,
        segment: Segment,
        each: &mut (dyn FnMut(LedgerRecord) + Send),
    ) -> Result<(), LedgerError> {
        let number = segment.number.to_string();
        let records = self.ask(Call::Scan, &number, || self.scan_all(segment)).await?;
        records.into_iter().for_each(each);
        Ok(())
    }
}

fn listed(fids: impl Iterator<Item = Fid>) -> String {
    fids.map(|fid| fid.to_string()).collect::<Vec<_>>().join(" ")
}

fn number(name: &str, value: u64) -> (String, AttributeValue) {
    (name.to_owned(), AttributeValue::N(value.to_string()))
}

fn item_of(record: &LedgerRecord) -> Item {
    let text = |name: &str, value: &str| (name.to_owned(), AttributeValue::S(value.to_owned()));
    let mut item = Item::from([
        number("fid", record.fid.0),
        text("sha1", &record.sha1.to_string()),
        text("md5", &record.md5.0),
        text("bucket", record.bucket.as_str()),
    ]);
    item.extend(record.length.map(|length| number("length", length.0)));
    item.extend(record.migrated_at.map(|at| number("migrated_at", at.0)));
    item.extend(record.route.map(|route| text("route", route.name())));
    item.extend(record.proof.map(|proof| text("proof", proof.name())));
    item
}

/// The record of an item; an item that cannot be read proves nothing, and is passed over.
fn understood(item: &Item) -> Option<LedgerRecord> {
    parse(item).ok()
}

/// The record of an item, or what is wrong with it. Attributes that we do not know are others'.
fn parse(item: &Item) -> Result<LedgerRecord, String> {
    let text = |name: &str| match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text.as_str())),
        Some(other) => Err(format!("{name} is {other:?}, not a string")),
    };
    let number = |name: &str| match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::N(digits)) => {
            digits.parse::<u64>().map(Some).map_err(|error| format!("{name} `{digits}`: {error}"))
        }
        Some(other) => Err(format!("{name} is {other:?}, not a number")),
    };
    let missing = |name: &str| format!("it has no {name}");
    let fid = number("fid")?.ok_or_else(|| missing("fid"))?;
    let bucket = text("bucket")?.ok_or_else(|| missing("bucket"))?;
    let sha1 = text("sha1")?.ok_or_else(|| missing("sha1"))?;
    Ok(LedgerRecord {
        fid: Fid(fid),
        sha1: Sha1::from_hex(sha1).map_err(|error| error.to_string())?,
        md5: LegacyMd5(text("md5")?.ok_or_else(|| missing("md5"))?.to_owned()),
        bucket: S3Bucket::new(bucket).ok_or_else(|| format!("`{bucket}` is no bucket"))?,
        // A proof of an unknown name is none.
        proof: text("proof")?.and_then(|name| name.parse().ok()),
        route: text("route")?.and_then(|name| name.parse().ok()),
        length: number("length")?.map(ByteCount),
        migrated_at: number("migrated_at")?.map(Timestamp),
    })
}

#[cfg(test)]
mod tests {
    use domain::{ContentHasher, Proof, Route};

    use super::*;
    use crate::port::{PortFault, VirtualClock};
    use crate::wire::dynamodb::{create_ledger_table, new_database};

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
            md5: LegacyMd5::from(digests.md5),
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
                ledger.scan(segment, &mut |record| scanned.push(record)).await?;
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
            ledger.faults.strike(Call::Record, "3", fault, 1);
            let records: Vec<_> = (1..=4).map(|fid| record(fid, None)).collect();
            let answer = VirtualClock::default().run(ledger.record(&records)).unwrap();
            assert!(matches!(answer, Err(LedgerError::Unavailable { .. })), "{answer:?}");
            assert_eq!(ledger.scan_all(Segment { number: 0, of: 1 }).unwrap().len(), written);
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
