//! What changes while an audit runs, and rows that it is not given.

use std::sync::Arc;

use async_trait::async_trait;
use domain::audit::{AuditPorts, Comparison};
use domain::ports::{
    IndexError, Ledger, LedgerError, RowPage, Segment, SourceIndex, UnreadableRow,
};
use domain::{Coverage, Fid, IndexRow, LedgerItem, LedgerRecord, Proof, StorageClasses};
use stand_ins::world::mogile::{self, Content};

use super::stage::sha1;
use super::two_files;
use crate::common::content;

#[test]
fn a_row_written_since_the_index_was_read_is_no_record_without_one() {
    let stage = two_files();
    stage.proven(9);
    // An older record has the same content: the new row names it.
    stage.record(7, "new-repo", sha1(9), Some(Proof::Put));
    let mogile = Arc::clone(&stage.world.port.mogile);
    let (dmid, devices) = (stage.world.dmid, stage.world.devices);
    let store = move || {
        let (key, bytes) = (format!("{}-repo", sha1(9)), Content::from(content(9, 10)));
        mogile.store_as(mogile::Fid(9), dmid, &key, &bytes, &devices[..2]);
    };
    let summary = stage.with(None, async |ports, plan| {
        let ledger = StoresMeanwhile { inner: ports.ledger, store: &store };
        let ports = AuditPorts { ledger: &ledger, ..*ports };
        Comparison::make(&ports, plan, &|_| ()).await.summary().clone()
    });
    let found = &summary.without_row;
    assert_eq!((found.records, found.ingested_since, found.content_of_another_row), (2, 1, 1));
    let why = summary.why_withdrawn_is_incomplete();
    assert!(why.is_some_and(|why| why.contains("stored while the audit ran")));
    assert!(!summary.differs(), "{summary:?}");
}

/// A ledger that a file is ingested before.
struct StoresMeanwhile<'a> {
    inner: &'a dyn Ledger,
    store: &'a (dyn Fn() + Sync),
}

#[async_trait]
impl Ledger for StoresMeanwhile<'_> {
    async fn record(&self, _: &[LedgerRecord]) -> Result<(), LedgerError> {
        panic!("an audit writes nothing")
    }

    async fn read(&self, _: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError> {
        panic!("an audit reads it whole")
    }

    async fn scan(
        &self,
        segment: Segment,
        each: &mut (dyn FnMut(LedgerItem) + Send),
    ) -> Result<(), LedgerError> {
        (self.store)();
        self.inner.scan(segment, each).await
    }
}

#[test]
fn rows_that_the_index_counts_and_does_not_give_are_missing() {
    let stage = two_files();
    let summary = stage.with(None, async |ports, plan| {
        let index = OddIndex { inner: ports.index, counts_more: 1, unreadable: None };
        let ports = AuditPorts { index: &index, ..*ports };
        Comparison::make(&ports, plan, &|_| ()).await.summary().clone()
    });
    assert_eq!(summary.coverage(), Coverage::Missing(1));
    assert_eq!(stage.audit(None).coverage(), Coverage::Equal);
}

#[test]
fn withdrawn_objects_are_not_known_where_an_excluded_row_cannot_be_read() {
    let mut stage = two_files();
    stage.proven(7);
    stage.excluded.push(5);
    let summary = stage.with(None, async |ports, plan| {
        let index = OddIndex { inner: ports.index, counts_more: 0, unreadable: Some(Fid(5)) };
        let ports = AuditPorts { index: &index, ..*ports };
        Comparison::make(&ports, plan, &|_| ()).await.summary().clone()
    });
    assert_eq!((summary.excluded, summary.excluded_unreadable, summary.rejections()), (1, 1, 0));
    let why = summary.why_withdrawn_is_incomplete();
    assert!(why.is_some_and(|why| why.starts_with("1 rows of the index cannot be read")));
}

/// An index that lost its last row, or cannot give one.
struct OddIndex<'a> {
    inner: &'a dyn SourceIndex,
    counts_more: u64,
    unreadable: Option<Fid>,
}

#[async_trait]
impl SourceIndex for OddIndex<'_> {
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError> {
        let mut page = self.inner.page(after, limit).await?;
        // It is the last row, and comes once.
        let unreadable = self.unreadable.filter(|fid| *fid > after && page.next.is_none());
        let row = |fid| UnreadableRow { fid, why: "odd".to_owned() };
        page.unreadable.extend(unreadable.map(row));
        Ok(page)
    }

    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        self.inner.row(fid).await
    }

    async fn count(&self) -> Result<Option<u64>, IndexError> {
        Ok(self.inner.count().await?.map(|rows| rows + self.counts_more))
    }

    fn domain(&self) -> &str {
        self.inner.domain()
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        self.inner.domains().await
    }

    async fn storage_classes(&self) -> Result<StorageClasses, IndexError> {
        self.inner.storage_classes().await
    }
}
