//! Broken rows are read once more, ascending by id: a record on disk has no room for names. A row that is
//! not the same any more is no finding.

use super::kinds::Broken;
use super::observer::NamedReference;
use super::records::Trouble;
use super::run::{Run, of_database, of_sort};
use super::sorting::{Gathering, InOrder};
use super::tables::{Class, Row, Table};
use crate::Stopped;
use crate::ports::RowId;

/// Names all rows of a table that have a trouble; with the plan's word for it the sound ones, too. Pages
/// without such a row are passed over.
pub(super) async fn name_rows(
    run: &Run<'_>,
    table: &dyn Table,
    troubles: Gathering,
    last: Option<RowId>,
) -> Result<(), Stopped> {
    let mut troubles = troubles.finish().await.map_err(|error| of_sort(&error))?;
    let mut next = next_trouble(&mut troubles).await?;
    let mut after = RowId::START;
    loop {
        match next {
            Some(trouble) if !run.plan.lists_all => after = RowId(trouble.id.0 - 1),
            None if !run.plan.lists_all => return Ok(()),
            Some(_) | None => {}
        }
        let page = table.page(after).await.map_err(|error| of_database(&error))?;
        let Some(end) = page.last().map(|row| row.id) else { break };
        after = end;
        for row in page.iter().filter(|row| last.is_some_and(|last| row.id <= last)) {
            while let Some(gone) = next.filter(|trouble| trouble.id < row.id) {
                count_changed(run, table, &gone);
                next = next_trouble(&mut troubles).await?;
            }
            match next.filter(|trouble| trouble.id == row.id) {
                Some(trouble) => {
                    name_broken(run, table, row, &trouble);
                    next = next_trouble(&mut troubles).await?;
                }
                None if run.plan.lists_all => name_sound(run, table, row),
                None => {}
            }
        }
        if last.is_none_or(|last| end >= last) {
            break;
        }
    }
    while let Some(gone) = next {
        count_changed(run, table, &gone);
        next = next_trouble(&mut troubles).await?;
    }
    Ok(())
}

async fn next_trouble(troubles: &mut InOrder) -> Result<Option<Trouble>, Stopped> {
    let record = troubles.next_if(|_| true).await.map_err(|error| of_sort(&error))?;
    Ok(record.and_then(|record| Trouble::of(&record)))
}

fn count_changed(run: &Run<'_>, table: &dyn Table, trouble: &Trouble) {
    run.counts(table.name(), |counts| counts.count_changed(trouble.kind, trouble.id));
}

fn name_broken(run: &Run<'_>, table: &dyn Table, row: &Row, trouble: &Trouble) {
    let is_same = match row.class {
        Class::Broken(kind) => kind == trouble.kind,
        Class::Object(_) | Class::Reference(_) => row.class.print() == trouble.print,
        Class::Ignored | Class::Purged => false,
    };
    if !is_same {
        count_changed(run, table, trouble);
        return;
    }
    let (detail, at) = (detail(row, trouble), address(row));
    let name = named(table, row, Some(trouble.kind), &detail, None);
    if let Some(place) = run.plan.allowed.find(&run.plan.buckets, &name) {
        run.count_allowed(place);
    }
    // Of a content that MogileFS has not, or whose object is right, there is nothing to migrate.
    let fid = trouble.fid.filter(|_| trouble.kind.is_mended_by_migrate());
    run.counts(table.name(), |counts| {
        let sample = counts.broken.entry(trouble.kind.name()).or_default();
        sample.describe(fid.map(|fid| fid.0), format_args!("row {} ({at}): {detail}", row.id));
    });
    run.observer.named(&NamedReference { fid, ..name });
}

fn name_sound(run: &Run<'_>, table: &dyn Table, row: &Row) {
    if matches!(row.class, Class::Object(_) | Class::Reference(_)) {
        run.observer.named(&named(table, row, None, "", None));
    }
}

fn named<'a>(
    table: &dyn Table,
    row: &'a Row,
    broken: Option<Broken>,
    detail: &'a str,
    fid: Option<crate::Fid>,
) -> NamedReference<'a> {
    NamedReference {
        table: table.name(),
        id: row.id,
        bucket: row.bucket.as_deref(),
        key: row.key.as_deref(),
        uuid: row.uuid.as_deref(),
        checksum: row.checksum.as_deref(),
        broken,
        detail,
        fid,
    }
}

/// How an operator finds the row by its columns.
fn address(row: &Row) -> String {
    let of = |column: &Option<String>| match column {
        Some(text) => format!("`{text}`"),
        None => "NULL".to_owned(),
    };
    format!("bucket {}, key {}, uuid {}", of(&row.bucket), of(&row.key), of(&row.uuid))
}

/// What is wrong, in words.
fn detail(row: &Row, trouble: &Trouble) -> String {
    let checksum = row.checksum.as_deref().unwrap_or_default();
    let size = match row.class {
        Class::Object(wanted) => wanted.size.map_or_else(String::new, |size| size.to_string()),
        Class::Ignored | Class::Purged | Class::Reference(_) | Class::Broken(_) => String::new(),
    };
    let length = trouble.length.map_or_else(String::new, |length| length.to_string());
    let fid = trouble.fid.map_or_else(String::new, |fid| fid.to_string());
    match trouble.kind {
        Broken::ByMigration => {
            format!(
                "no object of content {checksum} is in its S3 bucket; MogileFS has it as fid {fid}"
            )
        }
        Broken::Before => {
            format!(
                "no object of content {checksum} is in its S3 bucket, and MogileFS does not have it"
            )
        }
        Broken::Lost if fid.is_empty() => format!(
            "no object of content {checksum} is in its S3 bucket, MogileFS does not have it, and the row is newer than \
             the freeze"
        ),
        Broken::Lost => format!(
            "no object of content {checksum} is in its S3 bucket, MogileFS does not have it, and the ledger says that \
             S3 had it as fid {fid}"
        ),
        Broken::Undecided => format!(
            "no object of content {checksum} is in its S3 bucket, and nothing shows whether it ever was there"
        ),
        Broken::Accepted => format!(
            "no object of content {checksum} is in its S3 bucket; its file, fid {fid}, is accepted by name"
        ),
        Broken::Missing => format!("no object of content {checksum} is in its S3 bucket"),
        Broken::WrongObject => {
            let size = if size.is_empty() { "no size that can be believed" } else { &size };
            format!("the object of content {checksum} has {length} bytes, the row says {size}")
        }
        Broken::Archived => format!("the object of content {checksum} is in an archive"),
        Broken::Unseen => format!("S3 does not say whether it has content {checksum}"),
        Broken::WrongSize => {
            format!("the row says {size} bytes; content {checksum} has {length} and is there")
        }
        Broken::NoChecksum => format!("its checksum `{checksum}` is no SHA-1"),
        Broken::OtherKey => format!(
            "its checksum `{checksum}` is not the key of its object, which has small letters and no white space"
        ),
        Broken::NoBucket => "its bucket is NULL, or not in the table `buckets`".to_owned(),
        Broken::UnmappedBucket => {
            "its bucket is neither in BUCKETS nor in IGNORE_BUCKETS".to_owned()
        }
        Broken::UnknownStatus => "its status is none of 0, 1 and 2".to_owned(),
        Broken::NoRow => "contentrepo has no row of this bucket, key and uuid".to_owned(),
        Broken::Purged => "contentrepo has purged the row of this bucket, key and uuid".to_owned(),
        Broken::NullColumn => "a column by which it names contentrepo's row is NULL".to_owned(),
        Broken::NoObject => "contentrepo has its row, whose own reference is broken".to_owned(),
    }
}
