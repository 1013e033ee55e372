//! rhino's rows against contentrepo's, both in the order of their names' digests.

use super::kinds::Broken;
use super::records::{NameHash, NamedRow, RowIds, Side, Trouble};
use super::run::{Run, of_sort};
use super::sorting::Gathering;
use super::tables::ARTICLE_FILES;
use crate::Stopped;

/// What contentrepo has of one name. Where its collation is blind to nothing it has one row of each.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    sound: bool,
    broken: bool,
    purged: bool,
}

impl Run<'_> {
    /// Joins the rows by their names. `broken` are contentrepo's rows without a good object.
    pub(super) async fn join_article_files(
        &self,
        named: Gathering,
        broken: &RowIds,
        troubles: &mut Gathering,
    ) -> Result<(), Stopped> {
        let mut rows = named.finish().await.map_err(|error| of_sort(&error))?;
        let (mut name, mut known) = (None::<NameHash>, Known::default());
        while let Some(record) = rows.next_if(|_| true).await.map_err(|error| of_sort(&error))? {
            let row = NamedRow::of(&record);
            if name != Some(row.name) {
                (name, known) = (Some(row.name), Known::default());
            }
            match row.side {
                Side::Object if broken.contains(row.id) => known.broken = true,
                Side::Object => known.sound = true,
                Side::Purged => known.purged = true,
                Side::ArticleFile => self.judge(&row, known, troubles).await?,
            }
        }
        Ok(())
    }

    async fn judge(
        &self,
        row: &NamedRow,
        known: Known,
        troubles: &mut Gathering,
    ) -> Result<(), Stopped> {
        let kind = match known {
            Known { sound: true, .. } => {
                self.counts(ARTICLE_FILES, |counts| counts.sound += 1);
                return Ok(());
            }
            Known { broken: true, .. } => Broken::NoObject,
            Known { purged: true, .. } => Broken::Purged,
            Known { sound: false, broken: false, purged: false } => Broken::NoRow,
        };
        self.counts(ARTICLE_FILES, |counts| counts.add_broken(kind, row.id));
        self.observer.broken(1);
        let trouble =
            Trouble { id: row.id, kind, fid: None, length: None, print: row.name.print() };
        troubles.add(trouble.to_record()).await.map_err(|error| of_sort(&error))
    }
}
