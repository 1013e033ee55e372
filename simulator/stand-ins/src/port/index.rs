//! MogileFS's index, straight from its tables.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{IndexError, KeyRanges, KeyedRow, OtherRow, RowPage, SourceIndex};
use domain::{ByteCount, Fid, IndexRow, StorageClass, StorageClasses};

use super::{Call, PortFaults};
use crate::world::mogile::{self, FileRow, MogileFs, Refusal};

/// [`SourceIndex`] over [`MogileFs`], for one of its domains.
pub struct PortIndex {
    mogile: Arc<MogileFs>,
    domain: String,
    faults: Arc<PortFaults>,
}

impl PortIndex {
    /// For one domain's rows.
    #[must_use]
    pub const fn new(mogile: Arc<MogileFs>, domain: String, faults: Arc<PortFaults>) -> Self {
        Self { mogile, domain, faults }
    }

    async fn ask<T>(
        &self,
        call: Call,
        key: impl ToString + Send,
        answer: impl FnOnce() -> T + Send,
    ) -> Result<T, IndexError> {
        let effect = async {
            // The state would show a domain that is not there as an empty one.
            match self.mogile.file_info(&self.domain, "") {
                Err(why @ (Refusal::UnregisteredDomain | Refusal::NoDomain)) => {
                    Err(IndexError::Refused { at: self.domain.clone(), why: why.to_string() })
                }
                _ => Ok(answer()),
            }
        };
        let met = self.faults.meet(call, &key.to_string(), effect).await;
        met.answer()
            .map_err(|why| IndexError::Unavailable { at: self.domain.clone(), cause: why.into() })?
    }

    fn dmid(&self) -> Option<mogile::Dmid> {
        let domains = self.mogile.domain_rows().into_iter();
        domains.into_iter().find(|(_, name)| *name == self.domain).map(|(dmid, _)| dmid)
    }

    fn is_ours(&self, row: &FileRow) -> bool {
        self.mogile.domain_name(row.dmid).is_some_and(|name| name == self.domain)
    }
}

#[async_trait]
impl SourceIndex for PortIndex {
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError> {
        self.ask(Call::Page, after, || {
            let all = self.mogile.rows_after(mogile::Fid(after.0), limit.max(1));
            let next = all.last().map(|row| Fid(row.fid.0));
            let (ours, others): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|row| self.is_ours(row));
            let other = |row: FileRow| OtherRow { fid: Fid(row.fid.0), dkey: row.dkey };
            let of_others: Vec<_> = others.into_iter().map(other).collect();
            RowPage {
                other_domains: of_others.len() as u64,
                of_others,
                rows: ours.into_iter().map(row_of).collect(),
                next,
                ..RowPage::default()
            }
        })
        .await
    }

    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        self.ask(Call::Row, fid, || {
            self.mogile.row(mogile::Fid(fid.0)).filter(|row| self.is_ours(row)).map(row_of)
        })
        .await
    }

    fn domain(&self) -> &str {
        &self.domain
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        let met = self.faults.meet(Call::Domains, "", async { self.mogile.domain_names() }).await;
        met.answer()
            .map_err(|why| IndexError::Unavailable { at: self.domain.clone(), cause: why.into() })
    }

    async fn storage_classes(&self) -> Result<StorageClasses, IndexError> {
        self.ask(Call::StorageClasses, &self.domain, || {
            let classes = self.mogile.classes(&self.domain).into_iter();
            let classes = classes.map(|(id, class)| (class_of(id), u64::from(class.mindevcount)));
            classes.collect()
        })
        .await
    }

    async fn count(&self) -> Result<Option<u64>, IndexError> {
        self.ask(Call::Count, &self.domain, || {
            let all = self.mogile.rows_after(mogile::Fid(0), usize::MAX);
            Some(all.iter().filter(|row| self.is_ours(row)).count() as u64)
        })
        .await
    }
}

#[async_trait]
impl KeyRanges for PortIndex {
    async fn rows_between(
        &self,
        from: Option<&str>,
        end: Option<&str>,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, IndexError> {
        self.ask(Call::RowsBetween, from.unwrap_or_default(), || {
            let rows =
                self.dmid().map(|dmid| self.mogile.rows_by_key(dmid, from, end, limit.max(1)));
            let rows = rows.into_iter().flatten();
            rows.map(row_of).map(KeyedRow::Read).collect()
        })
        .await
    }

    async fn rows_without_key(
        &self,
        after: Fid,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, IndexError> {
        self.ask(Call::RowsBetween, after, || {
            let rows = self.mogile.rows_after(mogile::Fid(after.0), usize::MAX).into_iter();
            let rows = rows.filter(|row| self.is_ours(row) && row.dkey.is_none());
            rows.take(limit.max(1)).map(row_of).map(KeyedRow::Read).collect()
        })
        .await
    }
}

fn row_of(row: FileRow) -> IndexRow {
    let (length, replicas) = (row.length.map(ByteCount), Some(row.devids.len() as u64));
    let storage_class = Some(class_of(row.classid));
    IndexRow { fid: Fid(row.fid.0), dkey: row.dkey, length, replicas, storage_class }
}

/// The tables have numbers, and no names.
fn class_of(id: mogile::ClassId) -> StorageClass {
    StorageClass::Numbered(id.0.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::VirtualClock;
    use crate::world::mogile::{Content, DeviceId};

    #[test]
    fn pages_show_one_domain_and_count_the_others() {
        let mogile = Arc::new(MogileFs::default());
        let (ours, other) = (mogile.add_domain("ours"), mogile.add_domain("other"));
        for (number, dmid) in [ours, other, ours, other, other, ours].into_iter().enumerate() {
            mogile.store(dmid, &format!("k{number}"), &Content::from("x"), &[DeviceId(1)]);
        }
        let faults = Arc::new(PortFaults::instant());
        let index = PortIndex::new(Arc::clone(&mogile), "ours".into(), Arc::clone(&faults));
        let nowhere = PortIndex::new(mogile, "nowhere".into(), faults);
        let asked = async {
            let (mut after, mut fids, mut others) = (Fid(0), Vec::new(), 0);
            loop {
                let page = index.page(after, 2).await?;
                fids.extend(page.rows.iter().map(|row| row.fid.0));
                others += page.other_domains;
                let Some(next) = page.next else { break };
                after = next;
            }
            assert_eq!((fids, others), (vec![1, 3, 6], 3));
            assert_eq!(index.count().await?, Some(3));
            assert_eq!(index.row(Fid(2)).await?, None);
            assert_eq!(index.row(Fid(3)).await?.and_then(|row| row.dkey).as_deref(), Some("k2"));
            let refused = nowhere.page(Fid(0), 2).await;
            assert!(matches!(refused, Err(IndexError::Refused { .. })), "{refused:?}");
            Ok::<_, IndexError>(())
        };
        VirtualClock::default().run(asked).unwrap().unwrap();
    }
}
