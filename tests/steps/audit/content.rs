//! The digest of the rows that the audit read: the freeze has the same, or the audit is of other content.

use domain::audit::AuditedRow;
use domain::store_state::RowsDigest;
use domain::{Fid, limits};

use super::stage::Stage;

/// Each row of the index by itself, as a freeze counts content and other rows.
fn by_rows(stage: &Stage) -> RowsDigest {
    stage.with(None, async |ports, plan| {
        let page = ports.index.page(Fid(0), limits::PAGE_ROWS).await.expect("a page");
        let mut content = RowsDigest::default();
        for row in &page.rows {
            if matches!(AuditedRow::of(row, plan.buckets), AuditedRow::File(_)) {
                content.add(row);
            }
        }
        content
    })
}

#[test]
fn the_digest_of_an_audit_is_that_of_the_rows_of_mapped_buckets() {
    let mut stage = Stage::new();
    for fid in 1..=3 {
        stage.file(fid);
    }
    let three = stage.audit(None).content;
    assert_eq!((three, three.rows), (by_rows(&stage), 3));
    // An unfinished upload, an ignored bucket, a stray key: none of them is content.
    stage.store(7, "b2d3a0c4-0000-4000-8000-000000000001.tmp");
    stage.store(8, &format!("{}-trash", super::sha1(8)));
    stage.store(9, "stray");
    assert_eq!(stage.audit(None).content, three);
    // An accepted file is content, and so is the upload that gets its name late.
    stage.accept_file(3);
    assert_eq!(stage.audit(None).content, three);
    stage.file(10);
    let four = stage.audit(None).content;
    assert!(four != three && four == by_rows(&stage), "{four}");
    // Excluded rows are not counted: such an audit is no evidence.
    stage.excluded = vec![10];
    assert_eq!(stage.audit(None).content, three);
}
