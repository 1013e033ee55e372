//! What is sorted on disk: references as records of a few bytes. The order of the bytes is the order in
//! which they are compared.

use roaring::RoaringTreemap;

use super::kinds::Broken;
use crate::ports::{RECORD_BYTES, RowId, SortRecord};
use crate::{ByteCount, Fid, Sha1};

/// The digest of a bucket, a key and a uuid, by which rhino names a row of contentrepo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NameHash(pub(super) Sha1);

impl NameHash {
    /// Each part stands behind its length, so that no other three parts have the same bytes.
    pub(super) fn of(bucket: &str, key: &str, uuid: &str) -> Self {
        let mut bytes = Vec::with_capacity(24 + bucket.len() + key.len() + uuid.len());
        for part in [bucket, key, uuid] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        Self(Sha1::of(&bytes))
    }

    /// To see whether a row is still the one that was read.
    pub(super) fn print(&self) -> u64 {
        first_eight(&self.0)
    }
}

/// An object that a row of contentrepo refers to. Sorted by bucket and SHA-1, as buckets are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The number of its S3 bucket.
    pub(super) bucket: u16,
    pub(super) sha1: Sha1,
    pub(super) id: RowId,
    /// The size that the row has, where that can be believed.
    pub(super) size: Option<ByteCount>,
}

impl Wanted {
    pub(super) fn to_record(self) -> SortRecord {
        let mut out = Writer::new();
        out.put(&self.bucket.to_be_bytes());
        out.put(self.sha1.as_bytes());
        out.put(&id_bytes(self.id));
        out.put(&self.size.map_or(u64::MAX, |size| size.0).to_be_bytes());
        out.record
    }

    pub(super) fn of(record: &SortRecord) -> Self {
        let mut read = Reader(record);
        let bucket = u16::from_be_bytes(read.take());
        let (sha1, id) = (Sha1::from_bytes(read.take()), id_of(read.take()));
        let size = u64::from_be_bytes(read.take());
        let size = Some(ByteCount(size)).filter(|size| size.0 != u64::MAX);
        Self { bucket, sha1, id, size }
    }

    /// Whether both refer to one content in one bucket.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        (self.bucket, self.sha1) == (other.bucket, other.sha1)
    }

    /// To see whether a row is still the one that was read.
    pub(super) fn print(&self) -> u64 {
        let record = Self { id: RowId(0), ..*self }.to_record();
        first_eight(&Sha1::of(&record))
    }
}

/// A row of contentrepo or rhino by its name. Of one name, contentrepo's come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NamedRow {
    pub(super) name: NameHash,
    pub(super) side: Side,
    pub(super) id: RowId,
}

/// Whose row it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// contentrepo's, of an object that is in use or deleted.
    Object,
    /// contentrepo's, purged.
    Purged,
    /// rhino's.
    ArticleFile,
}

impl NamedRow {
    pub(super) fn to_record(self) -> SortRecord {
        let mut out = Writer::new();
        out.put(self.name.0.as_bytes());
        out.put(&[self.side as u8]);
        out.put(&id_bytes(self.id));
        out.record
    }

    pub(super) fn of(record: &SortRecord) -> Self {
        let mut read = Reader(record);
        let name = NameHash(Sha1::from_bytes(read.take()));
        let side = match read.take() {
            [0] => Side::Object,
            [1] => Side::Purged,
            _ => Side::ArticleFile,
        };
        Self { name, side, id: id_of(read.take()) }
    }
}

/// What is wrong with a row. Sorted by its id, to be named when the rows are read once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) id: RowId,
    pub(super) kind: Broken,
    /// The file in MogileFS that has the content.
    pub(super) fid: Option<Fid>,
    /// The length of the object that is there.
    pub(super) length: Option<ByteCount>,
    /// Of the row as it was read first.
    pub(super) print: u64,
}

impl Trouble {
    pub(super) fn to_record(self) -> SortRecord {
        let mut out = Writer::new();
        out.put(&id_bytes(self.id));
        let place = Broken::ALL.iter().position(|kind| *kind == self.kind);
        out.put(&[place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)]);
        out.put(&self.fid.map_or(0, |fid| fid.0).to_be_bytes());
        out.put(&self.length.map_or(u64::MAX, |length| length.0).to_be_bytes());
        out.put(&self.print.to_be_bytes());
        out.record
    }

    pub(super) fn of(record: &SortRecord) -> Option<Self> {
        let mut read = Reader(record);
        let id = id_of(read.take());
        let [place] = read.take();
        let kind = *Broken::ALL.get(usize::from(place))?;
        let fid = Some(u64::from_be_bytes(read.take())).filter(|fid| *fid != 0).map(Fid);
        let length = Some(u64::from_be_bytes(read.take())).filter(|length| *length != u64::MAX);
        let print = u64::from_be_bytes(read.take());
        Some(Self { id, kind, fid, length: length.map(ByteCount), print })
    }
}

/// A set of row ids, which may be below zero.
#[derive(Debug, Default)]
pub(super) struct RowIds {
    from_zero: RoaringTreemap,
    below: RoaringTreemap,
}

impl RowIds {
    pub(super) fn insert(&mut self, id: RowId) {
        let (set, place) = match u64::try_from(id.0) {
            Ok(place) => (&mut self.from_zero, place),
            Err(_) => (&mut self.below, u64::try_from(-id.0).unwrap_or(u64::MAX)),
        };
        set.insert(place);
    }

    pub(super) fn contains(&self, id: RowId) -> bool {
        match u64::try_from(id.0) {
            Ok(place) => self.from_zero.contains(place),
            Err(_) => self.below.contains(u64::try_from(-id.0).unwrap_or(u64::MAX)),
        }
    }
}

/// The bytes of an id: a column of integers holds a little more than 64 bits of different ones.
const ID_BYTES: usize = 9;

fn id_bytes(id: RowId) -> [u8; ID_BYTES] {
    let place = id.0 - RowId::START.0;
    let mut bytes = [0; ID_BYTES];
    bytes.copy_from_slice(&place.to_be_bytes()[16 - ID_BYTES..]);
    bytes
}

fn id_of(bytes: [u8; ID_BYTES]) -> RowId {
    let mut place = [0; 16];
    place[16 - ID_BYTES..].copy_from_slice(&bytes);
    RowId(i128::from_be_bytes(place) + RowId::START.0)
}

fn first_eight(sha1: &Sha1) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&sha1.as_bytes()[..8]);
    u64::from_be_bytes(bytes)
}

struct Writer {
    record: SortRecord,
    at: usize,
}

impl Writer {
    const fn new() -> Self {
        Self { record: [0; RECORD_BYTES], at: 0 }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.record[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (bytes, rest) = self.0.split_at(N);
        self.0 = rest;
        let mut taken = [0; N];
        taken.copy_from_slice(bytes);
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids() -> impl Strategy<Value = RowId> {
        prop_oneof![
            any::<i64>().prop_map(|id| RowId(id.into())),
            any::<u64>().prop_map(|id| RowId(id.into())),
            Just(RowId(i64::MIN.into())),
            Just(RowId(u64::MAX.into())),
        ]
    }

    fn sha1s() -> impl Strategy<Value = Sha1> {
        any::<[u8; 20]>().prop_map(Sha1::from_bytes)
    }

    proptest! {
        #[test]
        fn records_keep_what_they_were_made_of(
            bucket: u16, sha1 in sha1s(), id in ids(), number in 0..u64::MAX, print: u64,
            some: bool, kind in prop::sample::select(Broken::ALL),
        ) {
            let size = some.then_some(ByteCount(number));
            let wanted = Wanted { bucket, sha1, id, size };
            prop_assert_eq!(Wanted::of(&wanted.to_record()), wanted);
            for side in [Side::Object, Side::Purged, Side::ArticleFile] {
                let named = NamedRow { name: NameHash(sha1), side, id };
                prop_assert_eq!(NamedRow::of(&named.to_record()), named);
            }
            let fid = some.then_some(Fid(number.max(1)));
            let trouble = Trouble { id, kind, fid, length: size, print };
            prop_assert_eq!(Trouble::of(&trouble.to_record()), Some(trouble));
        }

        #[test]
        fn records_are_in_the_order_of_their_ids(one in ids(), other in ids()) {
            let of = |id| id_bytes(id);
            prop_assert_eq!(of(one).cmp(&of(other)), one.cmp(&other));
        }

        #[test]
        fn three_parts_are_never_three_others(
            one in prop::array::uniform3("[ab]{0,2}"), other in prop::array::uniform3("[ab]{0,2}"),
        ) {
            let of = |[bucket, key, uuid]: &[String; 3]| NameHash::of(bucket, key, uuid);
            prop_assert_eq!(of(&one) == of(&other), one == other);
        }

        #[test]
        fn sets_have_the_ids_that_were_put_in(put in prop::collection::vec(ids(), 0..20), other in ids()) {
            let mut set = RowIds::default();
            for id in &put {
                set.insert(*id);
            }
            prop_assert!(put.iter().all(|id| set.contains(*id)));
            prop_assert_eq!(set.contains(other), put.contains(&other));
        }
    }
}
