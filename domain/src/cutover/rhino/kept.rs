//! The ids of rows that bore a new name before, and keep it both ways.

use roaring::RoaringTreemap;

use super::refusal::RhinoRefusal;
use super::trouble::RhinoTrouble;
use crate::cutover::UnreadableJournal;
use crate::digest::Sha256;
use crate::journal::{ChainFault, Content, DataReader, Entry, KeptRows, StoredEntry};
use crate::limits;
use crate::ports::{Clock, Journal, RowId};
use crate::runbook::read_journal;

/// How the names of the journal's data begin that have such ids.
const DATA: &str = "rhino-kept";

/// Ids as bytes.
pub(super) fn bytes(ids: &RoaringTreemap) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ids.serialized_size());
    // Into memory it cannot fail.
    let _ = ids.serialize_into(&mut bytes);
    bytes
}

/// How the journal names these ids: by their digest, so that those of another try are other data.
pub(super) fn named(ids: &RoaringTreemap) -> KeptRows {
    let sha256 = Sha256::of(&bytes(ids));
    let data = format!("{DATA}-{}", &sha256.to_string()[..16]);
    KeptRows { data, sha256, rows: ids.len() }
}

/// Ids that are being gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    ids: RoaringTreemap,
}

impl Gathered {
    /// Adds an id. Refuses those that the journal could not keep.
    pub(super) fn add(&mut self, RowId(id): RowId) -> Result<(), RhinoRefusal> {
        let below = |_| RhinoRefusal::KeptBelowZero(id.to_string());
        self.ids.insert(u64::try_from(id).map_err(below)?);
        // To ask for the size costs time, and no bitmap grows faster than this.
        if self.ids.len().is_multiple_of(SIZED_EACH) { self.fits() } else { Ok(()) }
    }

    fn fits(&self) -> Result<(), RhinoRefusal> {
        let bytes = self.ids.serialized_size();
        if bytes > limits::KEPT_BITMAP_BYTES {
            return Err(RhinoRefusal::TooManyKept { bytes });
        }
        Ok(())
    }

    /// The ids, when the journal can keep them.
    pub(super) fn finish(self) -> Result<RoaringTreemap, RhinoRefusal> {
        self.fits().map(|()| self.ids)
    }
}

/// Ids between two looks at the size of their bitmap.
const SIZED_EACH: u64 = 65_536;

/// The kept ids of a range. Ids below 0 are never kept.
pub(super) fn of_range(ids: &RoaringTreemap, first: RowId, last: RowId) -> Vec<RowId> {
    let bound = |RowId(id): RowId| u64::try_from(id.max(0)).unwrap_or(u64::MAX);
    if last.0 < 0 {
        return Vec::new();
    }
    let mut from = ids.iter();
    from.advance_to(bound(first));
    from.take_while(|id| *id <= bound(last)).map(|id| RowId(id.into())).collect()
}

/// Reads the ids from the entries before the one of number `before`.
pub(super) async fn read(
    journal: &dyn Journal,
    clock: &dyn Clock,
    salt: u64,
    (kept, before): (&KeptRows, u64),
) -> Result<RoaringTreemap, RhinoTrouble> {
    let (mut reader, mut found, mut faults) = (DataReader::default(), None, Vec::new());
    let mut each = |stored: &StoredEntry, wrong: Vec<ChainFault>| {
        faults.extend(wrong);
        if stored.sequence >= before {
            return;
        }
        // A line that is no entry has a fault.
        if let Ok(Entry { content: Content::Data(data), .. }) = Entry::parse(&stored.line)
            && data.name == kept.data
        {
            match reader.take(data) {
                Ok(Some(bytes)) => found = Some(Ok(bytes)),
                Ok(None) => {}
                Err(error) => found = Some(Err(error)),
            }
        }
    };
    let end = read_journal(journal, clock, salt, &mut each).await;
    let end = end.map_err(UnreadableJournal::from)?;
    faults.extend(end.fault);
    if let Some(fault) = faults.into_iter().next() {
        return Err(UnreadableJournal::Changed(fault).into());
    }
    let Some(bytes) = found.transpose()? else {
        return Err(RhinoTrouble::Kept(format!("it has no data `{}`", kept.data)));
    };
    parse(&bytes, kept)
}

fn parse(bytes: &[u8], kept: &KeptRows) -> Result<RoaringTreemap, RhinoTrouble> {
    if Sha256::of(bytes) != kept.sha256 {
        return Err(RhinoTrouble::Kept(format!("the data `{}` is another one", kept.data)));
    }
    let ids = RoaringTreemap::deserialize_from(bytes);
    let ids = ids.map_err(|error| RhinoTrouble::Kept(format!("`{}`: {error}", kept.data)))?;
    if ids.len() != kept.rows {
        let (found, of) = (ids.len(), kept.rows);
        return Err(RhinoTrouble::Kept(format!("`{}` has {found} rows, of {of}", kept.data)));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn kept_ids_are_read_as_they_were_written(ids in prop::collection::btree_set(any::<u64>(), 0..300)) {
            let ids: RoaringTreemap = ids.into_iter().collect();
            let read = parse(&bytes(&ids), &named(&ids)).expect("read");
            prop_assert_eq!(read, ids);
        }
    }

    #[test]
    fn other_ids_are_not_taken_for_them() {
        let ids: RoaringTreemap = [1, 2, 3].into_iter().collect();
        let kept = named(&ids);
        let others: RoaringTreemap = [1, 2, 4].into_iter().collect();
        assert!(parse(&bytes(&others), &kept).is_err());
        assert_ne!(named(&others).data, kept.data);
        assert!(parse(&bytes(&ids), &KeptRows { rows: 4, ..kept }).is_err());
    }

    #[test]
    fn a_range_has_its_own_ids() {
        let ids: RoaringTreemap = [0, 5, 9, u64::MAX].into_iter().collect();
        let of = |first, last| of_range(&ids, RowId(first), RowId(last)).into_iter().map(|id| id.0);
        assert!(of(-9, -1).eq([]));
        assert!(of(-9, 5).eq([0, 5]));
        assert!(of(6, 9).eq([9]));
        assert!(of(10, i128::MAX).eq([u64::MAX.into()]));
    }

    /// Ids that lie far apart take about ten bytes and more each, those in a row hardly any.
    #[test]
    fn what_the_journal_cannot_keep_is_refused() {
        let gather = |step: u64| {
            let mut gathered = Gathered::default();
            (0..400_000_u64).try_for_each(|id| gathered.add(RowId((id * step).into())))?;
            gathered.finish()
        };
        assert_eq!(gather(1).map(|ids| ids.len()), Ok(400_000));
        assert!(matches!(gather(70_000), Err(RhinoRefusal::TooManyKept { .. })));
        let below = Gathered::default().add(RowId(-1));
        assert_eq!(below, Err(RhinoRefusal::KeptBelowZero("-1".to_owned())));
    }
}
