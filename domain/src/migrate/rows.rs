//! Reads the selected rows page by page: the files that `migrate` works on and `enqueue` sends.

use futures_util::{StreamExt, TryStreamExt, stream};
use roaring::RoaringTreemap;

use crate::journal::AcceptedFile;
use crate::ports::{
    Clock, IndexError, RowPage, SourceIndex, TypesAndNames, TypesError, UnreadableRow,
};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass};
use crate::{
    Acceptances, BucketMap, Fid, FileStanding, IndexRow, KnownFiles, Reason, Rejection, RowClass,
    RowCounts, SourceFile, limits,
};

/// Whether files that are already proven are selected, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Among {
    /// Only files without a proven ledger record.
    #[default]
    Pending,
    /// All files, proven or not (`--again`).
    Again,
}

/// The rows that a run takes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Whether files that are already proven are selected, too.
    pub among: Among,
    /// Only these fids. [`None`] takes all.
    pub only: Option<RoaringTreemap>,
    /// The fids of `only` that were given as part of a range. They may be missing from the index,
    /// since MogileFS's fids have gaps. Every other fid of `only` must have a row.
    pub in_ranges: RoaringTreemap,
    /// Fids that are left out.
    pub without: RoaringTreemap,
    /// The files that an operator accepts by name. Their rows need no work where they name no content;
    /// files are tried all the same.
    pub accepted: Acceptances,
    /// The first fid that is taken. It is for going on with an interrupted run whose earlier rows
    /// are done. It does not replace a second run over all rows: MogileFS may add a row with a
    /// smaller fid after that page was read.
    pub from: Fid,
}

impl Selection {
    /// Whether the selection reads every row of the index.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.only.is_none() && self.from.0 <= 1
    }
}

/// A row that cannot be migrated as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its number.
    pub fid: Fid,
    /// Its key, if it has one.
    pub dkey: Option<String>,
    /// Why it cannot be migrated.
    pub why: Rejection,
}

/// One page of the selected rows, in their classes.
#[derive(Debug, Default)]
pub struct Page {
    /// The files to be worked on, ascending by fid.
    pub files: Vec<SourceFile>,
    /// The fids of those files whose final key is looked at before anything is written, because an
    /// object is expected there.
    pub look_first: RoaringTreemap,
    /// The rows that cannot be migrated as they stand.
    pub rejected: Vec<RejectedRow>,
    /// Fids that were named one by one and have no row in the index.
    pub absent: RoaringTreemap,
    /// The counts of this page's rows.
    pub intake: RowCounts,
    /// The number of those files of which contentrepo has no row; 0 where it is not asked.
    pub without_row: u64,
    /// Every selected row up to this fid is in this page or an earlier one, and the next page
    /// begins behind it. [`None`] on the last page.
    pub next: Option<Fid>,
}

/// Reads the rows of a selection from the index. It keeps no state between pages.
pub struct Rows<'a> {
    index: &'a dyn SourceIndex,
    clock: &'a dyn Clock,
    buckets: &'a BucketMap,
    selection: &'a Selection,
    known: &'a KnownFiles,
    /// The fids that were named one by one.
    each: RoaringTreemap,
    /// What is said of the files' types and names, where that is known.
    types: Option<&'a dyn TypesAndNames>,
    /// Accepted files that are not taken.
    left_out: Option<&'a Acceptances>,
}

/// A page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Its rows could not be read.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The types and names of its files could not be read back.
    #[error(transparent)]
    Types(#[from] TypesError),
}

impl Classed for PageError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Index(error) => error.class(),
            Self::Types(error) => error.class(),
        }
    }
}

impl From<&PageError> for Reason {
    fn from(error: &PageError) -> Self {
        match error {
            PageError::Index(error) => error.into(),
            PageError::Types(error) => error.into(),
        }
    }
}

impl<'a> Rows<'a> {
    /// Reads the rows of `index` that `selection` takes. With [`Among::Pending`] it passes over
    /// files that are proven according to `known`.
    #[must_use]
    pub fn new(
        index: &'a dyn SourceIndex,
        clock: &'a dyn Clock,
        buckets: &'a BucketMap,
        selection: &'a Selection,
        known: &'a KnownFiles,
    ) -> Self {
        let each = selection.only.as_ref().map(|only| only - &selection.in_ranges);
        let each = each.unwrap_or_default();
        Self { index, clock, buckets, selection, known, each, types: None, left_out: None }
    }

    /// The same, and each file with its type and name.
    #[must_use]
    pub fn with_types(self, types: Option<&'a dyn TypesAndNames>) -> Self {
        Self { types, ..self }
    }

    /// The same, without these accepted files: they are counted, and not taken.
    #[must_use]
    pub fn leaving_out(self, accepted: &'a Acceptances) -> Self {
        Self { left_out: Some(accepted), ..self }
    }

    /// Whether an operator accepts that the file never gets to S3, as its row is today.
    pub(crate) fn is_accepted(&self, file: &SourceFile) -> bool {
        is_accepted(&self.selection.accepted, file, self.buckets)
    }

    /// Whether files that are done are taken all the same.
    pub(crate) const fn takes_again(&self) -> bool {
        matches!(self.selection.among, Among::Again)
    }

    /// The fid to give to the first call of [`page`](Self::page).
    #[must_use]
    pub const fn begin(&self) -> Fid {
        Fid(self.selection.from.0.saturating_sub(1))
    }

    /// Returns the next selected rows behind `after`. A page may be empty without being the last
    /// one; only [`Page::next`] says which is the last.
    pub async fn page(&self, after: Fid) -> Result<Page, PageError> {
        let mut page = self.page_of_index(after).await?;
        if let Some(types) = self.types {
            let files: Vec<_> = page.files.iter().map(|file| file.dkey.clone()).collect();
            let said = retried(self.clock, after.0, || types.of(&files)).await?;
            for (file, said) in page.files.iter_mut().zip(said) {
                page.without_row += u64::from(said.is_none());
                file.type_and_name = said.unwrap_or_default();
            }
        }
        Ok(page)
    }

    async fn page_of_index(&self, after: Fid) -> Result<Page, IndexError> {
        let Some(only) = &self.selection.only else { return self.whole_page(after).await };
        let Some(first) = first_behind(only, after) else { return Ok(Page::default()) };
        let end = first.saturating_add(limits::PAGE_ROWS as u64);
        if only.range_cardinality(first..end) >= limits::DENSE_FIDS {
            self.named_page(only, first).await
        } else {
            self.named_rows(only, first).await
        }
    }

    async fn whole_page(&self, after: Fid) -> Result<Page, IndexError> {
        let read = self.read(after).await?;
        let mut page = Page { next: read.next, ..Page::default() };
        page.intake.other_domains = read.other_domains;
        read.rows.into_iter().for_each(|row| self.take(row, &mut page));
        read.unreadable.into_iter().for_each(|row| self.reject_unreadable(row, &mut page));
        Ok(page)
    }

    /// For named fids that lie close together: reads a page of the index and drops the rows that
    /// are not named.
    async fn named_page(&self, only: &RoaringTreemap, first: u64) -> Result<Page, IndexError> {
        let read = self.read(Fid(first.saturating_sub(1))).await?;
        let last = read.next.map_or(u64::MAX, |next| next.0);
        let mut page = Page { absent: self.must_be_there(first, last), ..Page::default() };
        for row in read.rows.into_iter().filter(|row| only.contains(row.fid.0)) {
            page.absent.remove(row.fid.0);
            self.take(row, &mut page);
        }
        for row in read.unreadable.into_iter().filter(|row| only.contains(row.fid.0)) {
            page.absent.remove(row.fid.0);
            self.reject_unreadable(row, &mut page);
        }
        page.end(only, last);
        Ok(page)
    }

    /// For named fids that lie far apart: looks each row up by itself.
    async fn named_rows(&self, only: &RoaringTreemap, first: u64) -> Result<Page, IndexError> {
        let mut named = only.iter();
        named.advance_to(first);
        let named: Vec<_> = named.take(limits::ROWS_LOOKED_UP).collect();
        let last = named.last().copied().unwrap_or(first);
        let rows: Vec<_> = stream::iter(named)
            .map(|fid| retried(self.clock, fid, move || self.row(Fid(fid))))
            .buffered(limits::LOOKUPS_AT_ONCE)
            .try_collect()
            .await?;
        let mut page = Page { absent: self.must_be_there(first, last), ..Page::default() };
        for row in rows {
            match row {
                Ok(Some(row)) => {
                    page.absent.remove(row.fid.0);
                    self.take(row, &mut page);
                }
                Ok(None) => {}
                Err(row) => {
                    page.absent.remove(row.fid.0);
                    self.reject_unreadable(row, &mut page);
                }
            }
        }
        page.end(only, last);
        Ok(page)
    }

    /// One row, or why it cannot be read while others can.
    async fn row(&self, fid: Fid) -> Result<Result<Option<IndexRow>, UnreadableRow>, IndexError> {
        match self.index.row(fid).await {
            Err(IndexError::UnreadableRow { at: _, fid, why }) => {
                Ok(Err(UnreadableRow { fid, why }))
            }
            row => row.map(Ok),
        }
    }

    async fn read(&self, after: Fid) -> Result<RowPage, IndexError> {
        retried(self.clock, after.0, || self.index.page(after, limits::PAGE_ROWS)).await
    }

    /// The fids from `first` to `last`, both included, that were named one by one.
    fn must_be_there(&self, first: u64, last: u64) -> RoaringTreemap {
        let mut each = self.each.iter();
        each.advance_to(first);
        each.take_while(|fid| *fid <= last).collect()
    }

    /// Counts a row that the index cannot give. Nobody knows whether it is a file.
    fn reject_unreadable(&self, row: UnreadableRow, page: &mut Page) {
        let intake = &mut page.intake;
        intake.rows += 1;
        if self.selection.without.contains(row.fid.0) {
            intake.excluded += 1;
            return;
        }
        let why = Rejection::Unreadable(row.why);
        intake.add_rejected(row.fid, &why);
        page.rejected.push(RejectedRow { fid: row.fid, dkey: None, why });
    }

    /// Puts a row into its class.
    fn take(&self, row: IndexRow, page: &mut Page) {
        let intake = &mut page.intake;
        intake.rows += 1;
        let class = row.classify(self.buckets);
        if self.selection.without.contains(row.fid.0) {
            intake.excluded += 1;
            intake.excluded_files += u64::from(matches!(class, RowClass::Source(_)));
            return;
        }
        match class {
            RowClass::Source(file)
                if self.left_out.is_some_and(|all| is_accepted(all, &file, self.buckets)) =>
            {
                intake.accepted_rows += 1;
            }
            RowClass::Source(file) => self.take_file(file, page),
            RowClass::Temporary => intake.temporary += 1,
            RowClass::Ignored => intake.ignored += 1,
            RowClass::Rejected(why) => {
                let (accepted, key) = (&self.selection.accepted, row.dkey.as_deref());
                if accepted.of_row(row.fid, key, why.name(), self.buckets).is_accepted() {
                    intake.accepted_rows += 1;
                    return;
                }
                intake.add_rejected(row.fid, &why);
                page.rejected.push(RejectedRow { fid: row.fid, dkey: row.dkey, why });
            }
        }
    }
}

impl Rows<'_> {
    fn take_file(&self, file: SourceFile, page: &mut Page) {
        let standing = self.known.standing(&file);
        match (self.selection.among, standing) {
            (Among::Pending, FileStanding::Proven) => {
                page.intake.proven_before.add(file.length);
                return;
            }
            (Among::Pending, FileStanding::New) => {}
            (_, FileStanding::OfAnother) => page.intake.proven_as_another.add(file.length),
            (Among::Again, _) | (Among::Pending, FileStanding::Claimed) => {
                page.look_first.insert(file.fid.0);
            }
        }
        if self.known.unreadable.contains(file.fid.0) {
            page.intake.unreadable_failures.add(file.length);
        }
        if self.known.found_whole.contains(file.fid.0) {
            page.look_first.insert(file.fid.0);
        }
        page.files.push(file);
    }
}

impl Page {
    /// Ends a page of named fids. Each named fid up to `last` is in this page or counted as absent,
    /// except the gaps of ranges.
    fn end(&mut self, only: &RoaringTreemap, last: u64) {
        for fid in &self.absent {
            self.intake.absent.add(Fid(fid), "the index has no row of this domain with this fid");
        }
        self.next = first_behind(only, Fid(last)).map(|_| Fid(last));
    }
}

fn is_accepted(accepted: &Acceptances, file: &SourceFile, buckets: &BucketMap) -> bool {
    // Nearly no file is: only of those that are the key is put together.
    accepted.find(file.fid).is_some() && {
        let key = file.dkey.to_string();
        accepted.of_row(file.fid, Some(&key), AcceptedFile::MISSING, buckets).is_accepted()
    }
}

fn first_behind(fids: &RoaringTreemap, after: Fid) -> Option<u64> {
    let mut behind = fids.iter();
    behind.advance_to(after.0.checked_add(1)?);
    behind.next()
}
