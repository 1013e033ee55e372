//! One comparison, while it goes on: the tables are read, joined, and what is broken is named.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use roaring::RoaringTreemap;

use super::allowed::AllowedCounts;
use super::look::{Looks, patience};
use super::naming::name_rows;
use super::objects::{Compared, ObjectsJoin};
use super::observer::ReferencesObserver;
use super::records::{NamedRow, RowIds, Side, Trouble};
use super::sorting::Gathering;
use super::summary::{ReferencesSummary, TableCounts};
use super::tables::{ARTICLE_FILES, ArticleFiles, Class, Mapped, OBJECTS, Objects, Row, Table};
use super::{ReferencesPlan, ReferencesPorts};
use crate::ports::{DatabaseError, IndexError, RhinoDatabase, RowId, SortError, StoreError};
use crate::retried::retried;
use crate::verify::settings::require_domain;
use crate::{Misconfigured, Reason, Stopped};

/// The comparison, with its counts.
pub(super) struct Run<'a> {
    pub(super) ports: ReferencesPorts<'a>,
    pub(super) plan: &'a ReferencesPlan,
    pub(super) observer: &'a dyn ReferencesObserver,
    summary: Mutex<ReferencesSummary>,
    /// The places of the allowed names that were found.
    allowed: Mutex<RoaringTreemap>,
}

/// The last row of each table at the start. Rows that came since are not judged.
struct Extents {
    objects: Option<RowId>,
    article_files: Option<RowId>,
}

/// Where the rows of one reading go.
struct Gathered {
    /// Objects that must be there, by bucket and SHA-1.
    wanted: Gathering,
    /// Rows by their names.
    named: Gathering,
    /// What is wrong with a row by itself, by its id.
    troubles: Gathering,
    /// The rows of which something is.
    broken: RowIds,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        ports: ReferencesPorts<'a>,
        plan: &'a ReferencesPlan,
        observer: &'a dyn ReferencesObserver,
    ) -> Self {
        let summary = ReferencesSummary {
            mogile_asked: ports.mogile.is_some(),
            allowed: AllowedCounts { names: plan.allowed.len(), ..AllowedCounts::default() },
            article_files: ports.rhino.map(|_| TableCounts::default()),
            ..ReferencesSummary::default()
        };
        Self { ports, plan, observer, summary: Mutex::new(summary), allowed: Mutex::default() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ReferencesSummary> {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn into_summary(self) -> ReferencesSummary {
        self.summary.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares everything. Errors with what ends it early.
    pub(super) async fn whole(&self) -> Result<(), Stopped> {
        let ReferencesPorts { content_repo, rhino, mogile, clock, .. } = self.ports;
        if let Some(mogile) = mogile {
            require_domain(mogile.index, clock).await?;
        }
        let mapped = Mapped::new(&self.plan.buckets);
        // rhino's rows are written behind those of contentrepo that they name.
        let extents = self.extents().await?;
        let names = retried(clock, 0, || content_repo.buckets()).await;
        let names = names.map_err(|error| of_database(&error))?;
        let names = names.into_iter().map(|bucket| (bucket.id, bucket.name)).collect();
        let objects = Objects { database: content_repo, clock, mapped: &mapped, names };

        let mut gathered = self.begin().await?;
        self.read(&objects, extents.objects, &mut gathered).await?;
        self.count_missed_objects().await?;
        self.require_rows("contentrepo", OBJECTS)?;
        let Gathered { wanted, named, troubles, broken } = gathered;
        let compared = self.compare(&mapped, wanted, Compared { troubles, broken }).await?;
        name_rows(self, &objects, compared.troubles, extents.objects).await?;

        let Some(rhino) = rhino else {
            self.state().compare_names(&self.plan.buckets);
            return Ok(());
        };
        let files = ArticleFiles { database: rhino, clock, mapped: &mapped };
        let rest = self.begin().await?;
        let mut gathered = Gathered { named, ..rest };
        self.read_article_files(rhino, &files, extents.article_files, &mut gathered).await?;
        self.require_rows("rhino", ARTICLE_FILES)?;
        self.state().compare_names(&self.plan.buckets);
        let Gathered { named, mut troubles, .. } = gathered;
        self.join_article_files(named, &compared.broken, &mut troubles).await?;
        name_rows(self, &files, troubles, extents.article_files).await?;
        self.count_stale();
        Ok(())
    }

    /// Counts a broken row whose name, at this place, is allowed.
    pub(super) fn count_allowed(&self, place: u64) {
        self.state().allowed.rows += 1;
        self.allowed.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
    }

    /// Allowed names that are of no broken row. All rows are named by now.
    fn count_stale(&self) {
        let found = self.allowed.lock().unwrap_or_else(PoisonError::into_inner).len();
        let allowed = &mut self.state().allowed;
        allowed.stale = allowed.names.saturating_sub(found);
    }

    async fn begin(&self) -> Result<Gathered, Stopped> {
        let begin = async || {
            let begun = Gathering::begin(self.ports.sorts).await;
            begun.map_err(|error| of_sort(&error))
        };
        let (wanted, named, troubles) = (begin().await?, begin().await?, begin().await?);
        Ok(Gathered { wanted, named, troubles, broken: RowIds::default() })
    }

    async fn extents(&self) -> Result<Extents, Stopped> {
        let ReferencesPorts { content_repo, rhino, clock, .. } = self.ports;
        let trouble = |error: DatabaseError| of_database(&error);
        let mut article_files = None;
        if let Some(rhino) = rhino {
            article_files = retried(clock, 0, || rhino.last()).await.map_err(trouble)?;
        }
        let extent = content_repo.extent().await.map_err(trouble)?;
        let counted: u64 = extent.rows.values().sum();
        self.counts(OBJECTS, |counts| counts.counted = Some(counted));
        self.observer.expect(counted);
        Ok(Extents { objects: extent.last, article_files })
    }

    /// contentrepo's rows that were counted and not read. Rows that went meanwhile are none of them.
    async fn count_missed_objects(&self) -> Result<(), Stopped> {
        let missed = |counts: &TableCounts| {
            counts.counted.unwrap_or_default().saturating_sub(counts.rows + counts.since)
        };
        if self.counts(OBJECTS, |counts| missed(counts)) == 0 {
            return Ok(());
        }
        let extent = self.ports.content_repo.extent().await;
        let now: u64 = extent.map_err(|error| of_database(&error))?.rows.values().sum();
        self.counts(OBJECTS, |counts| {
            counts.counted = counts.counted.map(|before| before.min(now));
            counts.missed = missed(counts);
        });
        Ok(())
    }

    /// Reads rhino's rows up to the last one of the start. They are counted directly before: hours of listing
    /// have passed since the start, and rows went.
    async fn read_article_files(
        &self,
        rhino: &dyn RhinoDatabase,
        files: &ArticleFiles<'_>,
        last: Option<RowId>,
        into: &mut Gathered,
    ) -> Result<(), Stopped> {
        let trouble = |error: DatabaseError| of_database(&error);
        let start = last.unwrap_or(RowId::START);
        let counted = rhino.rows_between(RowId::START, start).await.map_err(trouble)?;
        let read_before = self.counts(OBJECTS, |counts| counts.rows + counts.since);
        self.observer.expect(read_before + counted);
        self.read(files, last, into).await?;
        let rows = self.counts(ARTICLE_FILES, |counts| counts.rows);
        let counted = if rows < counted {
            let now = rhino.rows_between(RowId::START, start).await.map_err(trouble)?;
            now.min(counted)
        } else {
            counted
        };
        let since = rhino.rows_between(start, RowId::END).await.map_err(trouble)?;
        self.counts(ARTICLE_FILES, |counts| {
            counts.counted = Some(counted);
            counts.missed = counted.saturating_sub(rows);
            counts.since = since;
        });
        Ok(())
    }

    /// Gives the counts of the table of this name.
    pub(super) fn counts<T>(&self, table: &str, with: impl FnOnce(&mut TableCounts) -> T) -> T {
        let mut state = self.state();
        if table == OBJECTS {
            with(&mut state.objects)
        } else {
            with(state.article_files.get_or_insert_default())
        }
    }

    /// Reads a table. Rows behind `last` came since and are not judged: of contentrepo's table they are read,
    /// because others may name them.
    async fn read(
        &self,
        table: &dyn Table,
        last: Option<RowId>,
        into: &mut Gathered,
    ) -> Result<(), Stopped> {
        let mut after = RowId::START;
        loop {
            let page = table.page(after).await.map_err(|error| of_database(&error))?;
            let Some(end) = page.last().map(|row| row.id) else { return Ok(()) };
            if end <= after || !page.is_sorted_by_key(|row| row.id) {
                return Err(out_of_order(table, end, after));
            }
            after = end;
            self.observer.read(page.len() as u64);
            for row in page {
                let is_judged = last.is_some_and(|last| row.id <= last);
                self.take(table, &row, is_judged, into).await.map_err(|error| of_sort(&error))?;
            }
            if table.ends_at_last() && last.is_none_or(|last| end >= last) {
                return Ok(());
            }
        }
    }

    async fn take(
        &self,
        table: &dyn Table,
        row: &Row,
        is_judged: bool,
        into: &mut Gathered,
    ) -> Result<(), SortError> {
        if let Some(name) = row.name {
            let side = if row.class == Class::Purged { Side::Purged } else { Side::Object };
            into.named.add(NamedRow { name, side, id: row.id }.to_record()).await?;
        }
        if !is_judged {
            self.counts(table.name(), |counts| counts.since += 1);
            return Ok(());
        }
        let bucket = row.bucket.as_deref().map(|bucket| self.plan.buckets.repo_bucket(bucket));
        let is_mapped = bucket.is_some_and(|bucket| bucket.mogile_bucket().is_some());
        self.counts(table.name(), |counts| {
            counts.rows += 1;
            counts.count_name(row.bucket.as_deref(), is_mapped);
            match row.class {
                Class::Ignored => counts.ignored += 1,
                Class::Purged => counts.purged += 1,
                Class::Broken(kind) => counts.add_broken(kind, row.id),
                Class::Object(_) | Class::Reference(_) => {}
            }
        });
        match row.class {
            Class::Ignored | Class::Purged => Ok(()),
            Class::Object(wanted) => into.wanted.add(wanted.to_record()).await,
            Class::Reference(name) => {
                let named = NamedRow { name, side: Side::ArticleFile, id: row.id };
                into.named.add(named.to_record()).await
            }
            Class::Broken(kind) => {
                self.observer.broken(1);
                into.broken.insert(row.id);
                let (fid, length, print) = (None, None, row.class.print());
                let trouble = Trouble { id: row.id, kind, fid, length, print };
                into.troubles.add(trouble.to_record()).await
            }
        }
    }

    /// Errors where nothing is to be compared.
    fn require_rows(&self, client: &'static str, table: &str) -> Result<(), Stopped> {
        let (rows, others) = self.counts(table, |counts| {
            (counts.rows, counts.ignored + counts.purged + counts.all_broken())
        });
        if rows > others {
            return Ok(());
        }
        let mapped = self.plan.buckets.to_string();
        Err(Stopped::Misconfigured(Misconfigured::NoReferences { client, rows, mapped }))
    }

    async fn compare(
        &self,
        mapped: &Mapped<'_>,
        wanted: Gathering,
        into: Compared,
    ) -> Result<Compared, Stopped> {
        let looks = Looks {
            objects: self.ports.objects,
            index: self.ports.mogile.map(|mogile| mogile.rows),
            clock: self.ports.clock,
            pairs: &mapped.pairs,
            patience: patience(self.ports.clock, self.plan.wait),
            heads: AtomicU64::new(0),
            unlisted: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            known: AtomicU64::new(0),
        };
        let wanted = wanted.finish().await.map_err(|error| of_sort(&error))?;
        ObjectsJoin::new(self, looks, into).await?.compare(wanted).await
    }
}

fn out_of_order(table: &dyn Table, end: RowId, after: RowId) -> Stopped {
    let why = format!("rows up to id {end} where it was asked for rows behind id {after}");
    of_database(&DatabaseError::BadAnswer { at: table.name().to_owned(), why })
}

pub(super) fn of_database(error: &DatabaseError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}

pub(super) fn of_sort(error: &SortError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}

pub(super) fn of_store(error: &StoreError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}

pub(super) fn of_index(error: &IndexError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}
