//! What changes while an audit runs, and rows that it is not given.

use std::sync::Arc;

use async_trait::async_trait;
use domain::audit::{AuditPorts, Comparison};
use domain::ports::{IndexError, Ledger, LedgerError, RowPage, Segment, SourceIndex};
use domain::{Coverage, Fid, IndexRow, LedgerItem, LedgerRecord, StorageClasses};
use stand_ins::world::mogile::{self, Content};

use super::stage::sha1;
use super::two_files;
use crate::common::content;

#[test]
fn a_row_written_since_the_index_was_read_is_no_record_without_one() {
    let stage = two_files();
    stage.proven(9);
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
    assert_eq!((summary.without_row.records, summary.without_row.ingested_since), (1, 1));
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
        let index = CountsMore(ports.index);
        let ports = AuditPorts { index: &index, ..*ports };
        Comparison::make(&ports, plan, &|_| ()).await.summary().clone()
    });
    assert_eq!(summary.coverage(), Coverage::Missing(1));
    assert_eq!(stage.audit(None).coverage(), Coverage::Equal);
}

/// An index that lost its last row.
struct CountsMore<'a>(&'a dyn SourceIndex);

#[async_trait]
impl SourceIndex for CountsMore<'_> {
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError> {
        self.0.page(after, limit).await
    }

    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        self.0.row(fid).await
    }

    async fn count(&self) -> Result<Option<u64>, IndexError> {
        Ok(self.0.count().await?.map(|rows| rows + 1))
    }

    fn domain(&self) -> &str {
        self.0.domain()
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        self.0.domains().await
    }

    async fn storage_classes(&self) -> Result<StorageClasses, IndexError> {
        self.0.storage_classes().await
    }
}
