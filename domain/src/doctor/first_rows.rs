//! The beginning of the index: whether its rows can be read, and are of the buckets that are mapped.

use super::examine::{BUCKETS_OF_FIRST_ROWS, FIRST_ROWS, failed};
use crate::ports::SourceIndex;
use crate::{BucketMap, Check, Fid, Rejection, RowClass, SourceFile, limits};

/// What was found at the index's beginning.
pub(super) struct FirstRows {
    /// The files among them that are to be migrated.
    pub(super) files: Vec<SourceFile>,
    /// How many rows of the domain were looked at.
    pub(super) rows: usize,
    /// Whether these are all that the index has.
    pub(super) is_whole_index: bool,
}

/// Pages at the beginning that are looked at for a file to migrate: 50,000 fids. The first may be of
/// another domain, or of buckets to be ignored.
const PAGES: usize = 50;

/// Checks the first rows, up to the first page that has a file to migrate.
pub(super) async fn examine_index(
    index: &dyn SourceIndex,
    buckets: &BucketMap,
    checks: &mut Vec<Check>,
) -> Option<FirstRows> {
    let (subject, fact) = ("index", "its rows can be read");
    let mut first = FirstRows { files: Vec::new(), rows: 0, is_whole_index: false };
    let (mut rejected, mut unmapped) = (Rejected::default(), Rejected::default());
    let mut after = Fid(0);
    for _ in 0..PAGES {
        let page = match index.page(after, limits::PAGE_ROWS).await {
            Ok(page) => page,
            Err(error) => {
                checks.push(failed(subject, fact, &error));
                return None;
            }
        };
        first.rows += page.rows.len();
        for row in page.rows {
            match row.classify(buckets) {
                RowClass::Source(file) => first.files.push(file),
                RowClass::Rejected(why @ Rejection::UnmappedBucket(_)) => {
                    unmapped.add(row.fid, &why);
                }
                RowClass::Rejected(why) => rejected.add(row.fid, &why),
                RowClass::Temporary | RowClass::Ignored => {}
            }
        }
        for row in page.unreadable {
            rejected.add(row.fid, &Rejection::Unreadable(row.why));
        }
        let Some(next) = page.next else {
            first.is_whole_index = true;
            break;
        };
        after = next;
        if !first.files.is_empty() {
            break;
        }
    }
    checks.push(match first.rows {
        0 if first.is_whole_index => {
            Check::bad(subject, fact, "it has no rows of this domain: check the domain")
        }
        0 => {
            let detail = format!(
                "none of the rows up to fid {after} is of this domain: where the domain is right, its files \
                 have higher fids"
            );
            Check::caution(subject, fact, detail)
        }
        rows => Check::good(subject, fact, format!("{rows} rows looked at")),
    });
    checks.push(match unmapped.first {
        None => Check::good(subject, BUCKETS_OF_FIRST_ROWS, "none is rejected"),
        Some(_) => Check::bad(subject, BUCKETS_OF_FIRST_ROWS, unmapped.said()),
    });
    checks.push(match rejected.first {
        None => Check::good(subject, FIRST_ROWS, "none is rejected"),
        // Any store may have a few. Where it is so of most, it is none of this kind.
        Some(_) if rejected.rows * 2 > first.rows => {
            Check::bad(subject, FIRST_ROWS, rejected.said())
        }
        Some(_) => {
            let said = rejected.said();
            let detail = format!("{said}. They are left behind and counted, and the others go on");
            Check::caution(subject, FIRST_ROWS, detail)
        }
    });
    Some(first)
}

/// Rows that are not migrated.
#[derive(Default)]
struct Rejected {
    rows: usize,
    first: Option<String>,
}

impl Rejected {
    fn add(&mut self, fid: Fid, why: &Rejection) {
        self.rows += 1;
        self.first.get_or_insert_with(|| format!("fid {fid}: {why}"));
    }

    fn said(&self) -> String {
        format!("{} are rejected; {}", self.rows, self.first.as_deref().unwrap_or_default())
    }
}
