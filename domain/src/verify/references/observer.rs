//! The progress of a comparison of references, and the rows that it names.

use super::kinds::Broken;
use crate::Fid;
use crate::ports::RowId;

/// A row that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedReference<'a> {
    /// `objects` or `articleFile`.
    pub table: &'static str,
    /// The row's id there.
    pub id: RowId,
    /// The name of its bucket, as the database has it.
    pub bucket: Option<&'a str>,
    /// `objkey` or `crepoKey`.
    pub key: Option<&'a str>,
    /// `uuid` or `crepoUuid`.
    pub uuid: Option<&'a str>,
    /// contentrepo's checksum.
    pub checksum: Option<&'a str>,
    /// What is wrong; [`None`] of a sound one.
    pub broken: Option<Broken>,
    /// The same in words.
    pub detail: &'a str,
    /// The file in MogileFS that has the content, where that is known.
    pub fid: Option<Fid>,
}

/// Observes a comparison of references.
pub trait ReferencesObserver: Send + Sync {
    /// This number of rows will be read.
    fn expect(&self, rows: u64);
    /// More rows were read.
    fn read(&self, rows: u64);
    /// More objects were listed.
    fn listed(&self, objects: u64);
    /// More rows turned out to be broken.
    fn broken(&self, rows: u64);
    /// A row is named: each broken one, and with [`lists_all`](super::ReferencesPlan::lists_all) each
    /// sound one too. Rows come by table, ascending by id.
    fn named(&self, row: &NamedReference<'_>);
}

/// Several observers of one comparison.
pub struct AllReferences<'a>(pub Vec<&'a dyn ReferencesObserver>);

impl ReferencesObserver for AllReferences<'_> {
    fn expect(&self, rows: u64) {
        self.0.iter().for_each(|observer| observer.expect(rows));
    }

    fn read(&self, rows: u64) {
        self.0.iter().for_each(|observer| observer.read(rows));
    }

    fn listed(&self, objects: u64) {
        self.0.iter().for_each(|observer| observer.listed(objects));
    }

    fn broken(&self, rows: u64) {
        self.0.iter().for_each(|observer| observer.broken(rows));
    }

    fn named(&self, row: &NamedReference<'_>) {
        self.0.iter().for_each(|observer| observer.named(row));
    }
}
