//! What every [`Ledger`] promises.

use std::collections::{BTreeMap, BTreeSet};

use domain::ports::{Ledger, LedgerError, Segment};
use domain::{
    ByteCount, ContentHasher, ETag, Fid, LedgerItem, LedgerRecord, Proof, Route, S3Bucket,
    Timestamp,
};

use super::table::{Attribute, Table};

/// More records than one answer to a scan takes (1 MB).
const MANY: u64 = 6_000;

const SHA1: &str = "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed";
const MD5: &str = "5eb63bbbe01eeed093cb22bb8f5acdc3";

/// Checks every promise of the port on a ledger over this table, empty as yet.
///
/// # Panics
/// When a promise is not kept.
pub async fn holds(ledger: &dyn Ledger, table: &dyn Table) {
    nothing_is_there(ledger).await;
    every_shape_comes_back(ledger).await;
    the_last_of_several_counts(ledger).await;
    others_items(ledger, table).await;
    every_record_is_scanned(ledger).await;
}

/// Checks what a ledger without a table says.
///
/// # Panics
/// When a promise is not kept.
pub async fn missing_table_is_told(ledger: &dyn Ledger) {
    let answers = [
        ledger.record(&[ours(1)]).await,
        ledger.read(&[Fid(1)]).await.map(drop),
        ledger.scan(Segment { number: 0, of: 1 }, &mut |_| ()).await,
    ];
    for answer in answers {
        assert!(matches!(answer, Err(LedgerError::NoTable { .. })), "{answer:?}");
    }
}

async fn nothing_is_there(ledger: &dyn Ledger) {
    assert_eq!(scanned(ledger, 1).await, BTreeMap::new());
    assert_eq!(read(ledger, &[]).await, BTreeMap::new());
    assert_eq!(read(ledger, &[0, 1, u64::MAX]).await, BTreeMap::new());
    ledger.record(&[]).await.expect("nothing to do");
    assert_eq!(scanned(ledger, 3).await, BTreeMap::new());
}

async fn every_shape_comes_back(ledger: &dyn Ledger) {
    let routes = [Some(Route::Copy), Some(Route::Mogile), None];
    let proofs = Proof::ALL.iter().map(|proof| Some(*proof)).chain([None]);
    let shapes = proofs.flat_map(|proof| routes.map(|route| (proof, route)));
    let mut records: Vec<_> = (1..)
        .zip(shapes)
        .map(|(fid, (proof, route))| LedgerRecord { proof, route, ..ours(fid) })
        .collect();
    // As s3migrate wrote it, the least and the most that there can be, and an ETag for the MD5.
    records.push(s3migrates(100));
    records.push(LedgerRecord { length: Some(ByteCount(0)), ..ours(0) });
    records.push(LedgerRecord {
        length: Some(ByteCount(u64::MAX)),
        migrated_at: Some(Timestamp(u64::MAX)),
        etag: ETag(format!("{MD5}-10000")),
        ..ours(u64::MAX)
    });
    ledger.record(&records).await.expect("recorded");
    let fids: Vec<_> = records.iter().map(|record| record.fid.0).collect();
    assert_eq!(read(ledger, &fids).await, by_fid(&records));
}

async fn the_last_of_several_counts(ledger: &dyn Ledger) {
    let (first, last) = (s3migrates(200), ours(200));
    let between = (201..230).map(ours);
    let records: Vec<_> =
        [first.clone()].into_iter().chain(between).chain([last.clone()]).collect();
    ledger.record(&records).await.expect("recorded");
    assert_eq!(read(ledger, &[200]).await, by_fid(std::slice::from_ref(&last)));
    assert_eq!(read(ledger, &[200, 200, 229, 200]).await, by_fid(&[last, ours(229)]));

    // A record takes the place of an older one whole: nothing of that shows through.
    ledger.record(std::slice::from_ref(&first)).await.expect("recorded");
    assert_eq!(read(ledger, &[200]).await, by_fid(&[first]));
}

/// Attributes that we do not know do not matter, nor do items that cannot be read: they prove
/// nothing, and nothing else is lost by them.
async fn others_items(ledger: &dyn Ledger, table: &dyn Table) {
    use Attribute::{Number, Text};
    let theirs = |fid| {
        [("fid", Number(fid)), ("sha1", Text(SHA1)), ("md5", Text(MD5)), ("bucket", Text("corpus"))]
    };
    let with = |fid, name, value| {
        let others = theirs(fid).into_iter().filter(move |(other, _)| *other != name);
        others.chain([(name, value)]).collect::<Vec<_>>()
    };
    for item in [
        theirs(300).to_vec(),
        with(301, "checked_by", Text("somebody")),
        with(302, "proof", Text("trust me")),
        with(303, "sha1", Text("2aae")),
        with(304, "bucket", Text("No Bucket")),
        with(305, "md5", Number(5)),
        vec![("fid", Number(306))],
    ] {
        table.plant(&item).await.expect("planted");
    }
    let readable: Vec<_> = [300, 301, 302].map(s3migrates).to_vec();
    let fids: Vec<_> = (299..308).collect();
    assert_eq!(read(ledger, &fids).await, by_fid(&readable));
    assert_eq!(unreadable(ledger).await, (303..307).map(|fid| Some(Fid(fid))).collect());
    let scanned = scanned(ledger, 2).await;
    let scanned: Vec<_> = scanned.range(Fid(299)..Fid(308)).map(|(_, record)| record).collect();
    assert_eq!(scanned, readable.iter().collect::<Vec<_>>());

    // Each may be written over.
    let records: Vec<_> = (300..307).map(ours).collect();
    ledger.record(&records).await.expect("recorded");
    assert_eq!(read(ledger, &fids).await, by_fid(&records));
    assert!(unreadable(ledger).await.is_empty());
}

async fn every_record_is_scanned(ledger: &dyn Ledger) {
    let before = scanned(ledger, 1).await;
    let records: Vec<_> = (1_000..1_000 + MANY).map(ours).collect();
    ledger.record(&records).await.expect("recorded");
    let all: BTreeMap<_, _> = before.into_iter().chain(by_fid(&records)).collect();
    for segments in [1, 4, 7] {
        assert_eq!(scanned(ledger, segments).await, all, "in {segments} segments");
    }
    // Not a hundred to a call, and some that are not there among them.
    let fids: Vec<_> = (900..1_000 + MANY).step_by(3).collect();
    let wanted: BTreeSet<_> = fids.iter().map(|fid| Fid(*fid)).collect();
    let wanted = all.into_iter().filter(|(fid, _)| wanted.contains(fid)).collect();
    assert_eq!(read(ledger, &fids).await, wanted);
}

/// A record as ours are, with all there is.
#[must_use]
pub fn ours(fid: u64) -> LedgerRecord {
    let digests = ContentHasher::of(&fid.to_be_bytes());
    LedgerRecord {
        sha1: digests.sha1,
        etag: ETag(MD5.to_owned()),
        proof: Some(Proof::Copy),
        route: Some(Route::Copy),
        length: Some(ByteCount(fid / 2)),
        migrated_at: Some(Timestamp(1_767_225_600_123)),
        ..s3migrates(fid)
    }
}

/// A record as s3migrate's are.
///
/// # Panics
/// Never: its values are valid.
#[must_use]
pub fn s3migrates(fid: u64) -> LedgerRecord {
    LedgerRecord {
        fid: Fid(fid),
        sha1: domain::Sha1::from_hex(SHA1).expect("hex"),
        etag: ETag(MD5.to_owned()),
        bucket: S3Bucket::new("corpus").expect("a name"),
        proof: None,
        route: None,
        length: None,
        migrated_at: None,
    }
}

/// What a whole scan gives.
///
/// # Panics
/// When a segment cannot be scanned, or gives one fid two records.
pub async fn scanned(ledger: &dyn Ledger, segments: u32) -> BTreeMap<Fid, LedgerRecord> {
    let mut records = BTreeMap::new();
    for number in 0..segments {
        let mut each = |item: LedgerItem| {
            let Ok(record) = item else { return };
            let known = records.insert(record.fid, record.clone());
            assert!(known.is_none_or(|known| known == record), "two records: {record:?}");
        };
        ledger.scan(Segment { number, of: segments }, &mut each).await.expect("a whole segment");
    }
    records
}

/// The fids of the items that a scan gives as unreadable.
async fn unreadable(ledger: &dyn Ledger) -> BTreeSet<Option<Fid>> {
    let mut fids = BTreeSet::new();
    let mut each = |item: LedgerItem| fids.extend(item.err().map(|unreadable| unreadable.fid));
    ledger.scan(Segment { number: 0, of: 1 }, &mut each).await.expect("a whole segment");
    fids
}

async fn read(ledger: &dyn Ledger, fids: &[u64]) -> BTreeMap<Fid, LedgerRecord> {
    let fids: Vec<_> = fids.iter().copied().map(Fid).collect();
    let records = ledger.read(&fids).await.expect("an answer");
    let distinct = by_fid(&records);
    assert_eq!(distinct.len(), records.len(), "each once");
    distinct
}

fn by_fid(records: &[LedgerRecord]) -> BTreeMap<Fid, LedgerRecord> {
    records.iter().map(|record| (record.fid, record.clone())).collect()
}
