use std::sync::Arc;

use serde::Serialize;

use super::gate::{CleanupRefusal, require_right_clock};
use crate::journal::{Content, SeenRow};
use crate::migrate::require_domain;
use crate::ports::{Clock, Journal, RowPage, ServiceTime, SourceIndex};
use crate::retried::retried;
use crate::runbook::JournalWriter;
use crate::summary::{Sample, Stopped};
use crate::{Fid, IndexRow, Misconfigured, Reason, Tally, Timestamp, limits};

/// The unfinished uploads that MogileFS has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// The domain's rows.
    pub rows: u64,
    /// The unfinished uploads among them, `{uuid}.tmp`.
    pub temporary: Tally,
    /// Rows whose keys look like those of unfinished uploads and are none. No command deletes them.
    pub alike: Sample,
    /// Rows that the index cannot give. Nobody knows whether they are unfinished uploads.
    pub unreadable: Sample,
    /// The entries of the journal that say which ones were seen.
    pub entries: u64,
    /// The moment from which `tmp delete` may take those that are still there; [`None`] where none was
    /// seen.
    pub due: Option<Timestamp>,
    /// Why not all rows were read.
    pub stopped: Option<Stopped>,
}

/// Reads the whole index, and writes the fid and the key of each unfinished upload into the journal.
///
/// Each entry stands by itself: what was written before a listing ended early was seen. Memory holds
/// the rows of one page and of one entry.
pub async fn list_temporary(
    index: &dyn SourceIndex,
    (journal, service): (Arc<dyn Journal>, &dyn ServiceTime),
    clock: &Arc<dyn Clock>,
    by: (String, u64),
) -> Result<Listing, CleanupRefusal> {
    let salt = by.1;
    require_right_clock(&**clock, service, salt).await?;
    let writer = JournalWriter::open(journal, Arc::clone(clock), by).await?;
    let domain = index.domain().to_owned();
    let mut scribe = Scribe { writer, clock: &**clock, service, salt, domain, rows: Vec::new() };
    let mut listing = Listing::default();
    let mut rows = AllRows::new(index, &**clock);
    loop {
        let page = match rows.next().await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            Err(stopped) => {
                listing.stopped = Some(stopped);
                break;
            }
        };
        listing.rows += (page.rows.len() + page.unreadable.len()) as u64;
        listing.count_others(&page);
        for row in page.rows {
            if let Some(key) = row.temporary_key() {
                listing.temporary.add(row.length.unwrap_or_default());
                scribe.rows.push(SeenRow { fid: row.fid, key: key.to_owned() });
            }
            if scribe.rows.len() >= limits::SEEN_ROWS {
                scribe.write(&mut listing).await?;
            }
        }
    }
    scribe.write(&mut listing).await?;
    Ok(listing)
}

impl Listing {
    fn count_others(&mut self, page: &RowPage) {
        count_others(page, &mut self.alike, &mut self.unreadable);
    }
}

/// Counts the rows of a page that are alike, and those that cannot be read.
pub(super) fn count_others(page: &RowPage, alike: &mut Sample, unreadable: &mut Sample) {
    let key = |row: &IndexRow| Some((row.fid, row.key_like_temporary()?.to_owned()));
    for (fid, key) in page.rows.iter().filter_map(key) {
        alike.add(fid, format_args!("`{key}`"));
    }
    for row in &page.unreadable {
        unreadable.add(row.fid, &row.why);
    }
}

/// Writes what was seen.
struct Scribe<'a> {
    writer: JournalWriter,
    clock: &'a dyn Clock,
    service: &'a dyn ServiceTime,
    salt: u64,
    domain: String,
    rows: Vec<SeenRow>,
}

impl Scribe<'_> {
    async fn write(&mut self, listing: &mut Listing) -> Result<(), CleanupRefusal> {
        if self.rows.is_empty() {
            return Ok(());
        }
        // The entry's time is the one from which the day counts. A long listing takes hours.
        require_right_clock(self.clock, self.service, self.salt).await?;
        let rows = std::mem::take(&mut self.rows);
        self.writer.append(Content::TemporarySeen { domain: self.domain.clone(), rows }).await?;
        listing.entries += 1;
        listing.due = Some(self.clock.now().after(limits::UPLOAD_OVER_AFTER));
        Ok(())
    }
}

/// Reads the whole index, page by page.
pub(super) struct AllRows<'a> {
    index: &'a dyn SourceIndex,
    clock: &'a dyn Clock,
    after: Option<Fid>,
    begun: bool,
    rows: u64,
    other_domains: u64,
}

impl<'a> AllRows<'a> {
    pub(super) const fn new(index: &'a dyn SourceIndex, clock: &'a dyn Clock) -> Self {
        Self { index, clock, after: Some(Fid(0)), begun: false, rows: 0, other_domains: 0 }
    }

    /// The next page; [`None`] behind the last one. Errors also when the domain does not exist, or has
    /// no row: then a setting is wrong.
    pub(super) async fn next(&mut self) -> Result<Option<RowPage>, Stopped> {
        if !self.begun {
            require_domain(self.index, self.clock).await?;
            self.begun = true;
        }
        let Some(after) = self.after else {
            return if self.rows > 0 { Ok(None) } else { Err(self.empty().await) };
        };
        let read = || self.index.page(after, limits::PAGE_ROWS);
        let page = retried(self.clock, after.0, read).await;
        let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        self.after = page.next;
        self.rows += (page.rows.len() + page.unreadable.len()) as u64;
        self.other_domains += page.other_domains;
        Ok(Some(page))
    }

    async fn empty(&self) -> Stopped {
        let known = retried(self.clock, 0, || self.index.domains()).await;
        let domain = self.index.domain().to_owned();
        match known {
            Ok(known) => Stopped::Misconfigured(Misconfigured::EmptyDomain {
                domain,
                known,
                other_domains: self.other_domains,
            }),
            Err(error) => Stopped::Trouble(Reason::from(&error)),
        }
    }
}
