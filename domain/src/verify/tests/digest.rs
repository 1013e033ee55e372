//! The digest of the rows that were read.

use super::*;
use crate::store_state::RowsDigest;
use crate::verify::VerifyState;

/// The rows of mapped buckets, as a freeze counts them.
pub(super) fn content_of(rows: &[IndexRow]) -> RowsDigest {
    let mut content = RowsDigest::default();
    for row in rows {
        if matches!(AuditedRow::of(row, &map()), AuditedRow::File(_)) {
            content.add(row);
        }
    }
    content
}

/// A state of an earlier version has no digest: what goes on from it cannot say which rows were read.
#[test]
fn a_state_without_a_digest_gives_none() {
    let rows: Vec<_> = (1..=30)
        .map(|fid: u64| row(fid, Some(&format!("{}-repo", Sha1::of(&fid.to_be_bytes()))), Some(8)))
        .collect();
    let (world, without) = (World::new(Order::Binary, rows.clone()), "\"content\":null}");
    let (whole, kept) = verified_by(&world, &plan(NO_SAMPLE, 50));
    assert_eq!(whole.digest, Some(content_of(&rows)));
    let (state, _) = &kept.states[kept.states.len() / 2];
    let text = String::from_utf8(state.clone()).expect("JSON");
    let (before, _) = text.rsplit_once("\"content\":{").expect("a digest");
    for (json, digest) in [
        (text.clone(), whole.digest),
        (format!("{before}{without}"), None),
        (format!("{}}}", before.trim_end_matches(',')), None),
    ] {
        let resume = Some(VerifyState::read(json.as_bytes(), &map()).expect("a state"));
        let plan = VerifyPlan { resume, ..plan(NO_SAMPLE, 50) };
        let (summary, _) = verified_by(&world, &plan);
        assert_eq!((summary.files.files, summary.digest), (30, digest), "{json}");
    }
}
