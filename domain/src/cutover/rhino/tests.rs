//! Ranges, counts, and what a trouble says.

use std::collections::BTreeSet;

use proptest::prelude::*;
use roaring::RoaringTreemap;

use super::execute::range_of;
use super::verify::{self, Counts};
use super::{IndexSight, Reached, RhinoTrouble};
use crate::journal::{Direction, NameRename, NamesBefore};
use crate::limits;
use crate::ports::{
    BackupRow, ChangeError, DatabaseError, IndexDefinition, RhinoFacts, RowId, ServerSession,
};
use crate::runbook::{JournalTrouble, TakenOver};
use crate::server_ids::ServerIds;

/// A server that hinders nothing.
pub(super) fn facts() -> RhinoFacts {
    let index = "KEY `bucketName_index` (`bucketName`)".to_owned();
    RhinoFacts {
        version: "8.4.3".to_owned(),
        ids: ServerIds::default(),
        changes_indexes_online: true,
        has_binlog: true,
        binlog_format: Some("ROW".to_owned()),
        binlog_row_image: Some("FULL".to_owned()),
        is_read_only: false,
        isolation: Some("REPEATABLE-READ".to_owned()),
        create_table: format!("CREATE TABLE `articleFile` (\n  {index}\n)"),
        index: Some(IndexDefinition(index)),
        index_can_return: true,
        lacks: Vec::new(),
        triggers: Some(Vec::new()),
    }
}

fn row(id: i128) -> BackupRow {
    BackupRow { id: RowId(id), name: None }
}

/// Takes ranges of these sizes, each behind the one before it, up to the id `last`.
fn ranges(
    ids: &BTreeSet<i128>,
    last: i128,
    kept: &RoaringTreemap,
    sizes: &[usize],
) -> Vec<(i128, i128, usize, Vec<RowId>)> {
    let (mut after, mut all) = (i128::MIN, Vec::new());
    for size in sizes.iter().cycle() {
        let behind = ids.iter().copied().filter(|id| *id > after).take(*size);
        let page: Vec<_> = behind.filter(|id| *id <= last).map(row).collect();
        let Some((range, number, kept)) = range_of(&page, kept) else { return all };
        all.push((range.first.0, range.last.0, number, kept));
        after = range.last.0;
    }
    all
}

proptest! {
    /// Whatever the sizes and gaps are.
    #[test]
    fn every_id_is_in_exactly_one_range(
        ids in prop::collection::btree_set(any::<i64>().prop_map(i128::from), 0..80),
        near in prop::collection::btree_set(-20_i128..60, 0..40),
        last in any::<i64>(),
        sizes in prop::collection::vec(1_usize..9, 1..6),
        keeps in prop::collection::vec(any::<bool>(), 120),
    ) {
        let ids: BTreeSet<_> = ids.into_iter().chain(near).collect();
        let kept = ids.iter().zip(&keeps).filter(|(_, keeps)| **keeps);
        let kept: RoaringTreemap = kept.filter_map(|(id, _)| u64::try_from(*id).ok()).collect();
        let ranges = ranges(&ids, last.into(), &kept, &sizes);
        let mut seen = Vec::new();
        for (first, last, number, kept_there) in &ranges {
            let inside: Vec<_> = ids.range(*first..=*last).copied().collect();
            prop_assert_eq!(inside.len(), *number);
            let wanted = inside.iter().filter(|id| u64::try_from(**id).is_ok_and(|id| kept.contains(id)));
            prop_assert!(kept_there.iter().map(|id| id.0).eq(wanted.copied()));
            seen.extend(inside);
        }
        let all: Vec<_> = ids.range(..=i128::from(last)).copied().collect();
        prop_assert_eq!(seen, all);
    }
}

#[test]
fn a_range_has_no_more_kept_rows_than_a_statement_takes() {
    let ids: BTreeSet<_> = (1..=25_000_i128).collect();
    let kept: RoaringTreemap = (1..=25_000).collect();
    let ranges = ranges(&ids, 25_000, &kept, &[50_000]);
    let ends: Vec<_> = ranges.iter().map(|(first, last, ..)| (*first, *last)).collect();
    assert_eq!(ends, [(1, 10_000), (10_001, 20_000), (20_001, 25_000)]);
    assert!(ranges.iter().all(|(.., kept)| kept.len() <= limits::KEPT_ROWS));
}

fn counts(rows: &[(&str, u64)]) -> Counts {
    rows.iter().map(|(name, rows)| (Some((*name).to_owned()), *rows)).collect()
}

#[test]
fn the_counts_behind_a_change_follow_from_those_of_before() {
    let rename = |from: &str, to: &str| NameRename { id: None, from: from.into(), to: to.into() };
    let names = NamesBefore {
        renames: vec![rename("a", "x"), rename("b", "y"), rename("gone", "z")],
        rows: [("a".to_owned(), 3), ("x".to_owned(), 2), ("b".to_owned(), 1), ("t".to_owned(), 9)]
            .into(),
        nameless: 4,
        last: Some("19".to_owned()),
        index: None,
        create_table: None,
        kept: None,
    };
    let mut forth = counts(&[("t", 9), ("x", 5), ("y", 1)]);
    forth.insert(None, 4);
    assert_eq!(verify::expected(&names, Direction::ToS3), forth);
    let back = verify::expected(&names, Direction::ToMogile);
    assert_eq!(
        verify::without(forth.clone(), &counts(&[("x", 4), ("y", 1)]))[&Some("x".into())],
        1
    );
    assert_eq!(verify::differences(&back, &back), []);
    let differences = verify::differences(&forth, &back);
    let said: Vec<_> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 4, "{said:?}");
    assert_eq!(said[0], "\"a\" has 3 rows, and must have 0");
}

#[test]
fn a_trouble_says_how_far_the_change_is_and_what_goes_on_with_it() {
    let reached = |direction, index| Reached { direction, renamed: 7, of: 9, index };
    let at = || "db:3306/rhino".to_owned();
    for (direction, index, words) in [
        (
            Direction::ToS3,
            IndexSight::Missing,
            "is MISSING; `mogile2s3 cutover rhino` goes on, `mogile2s3 cutover rhino --revert` takes it back",
        ),
        (
            Direction::ToMogile,
            IndexSight::Unknown,
            "MAY BE MISSING; `mogile2s3 cutover rhino --revert` goes on",
        ),
        (Direction::ToS3, IndexSight::There, "the index bucketName_index is there"),
        (Direction::ToS3, IndexSight::None, "never had the index"),
    ] {
        let said = reached(direction, index).to_string();
        assert!(said.starts_with("7 of 9 rows") && said.contains(words), "{said}");
    }
    let half_way = |why: RhinoTrouble| RhinoTrouble::HalfWay {
        reached: reached(Direction::ToS3, IndexSight::Missing),
        why: Box::new(why),
    };
    let taken_over = TakenOver { sequence: 8, own: None, by: "eve".to_owned(), at: None };
    let locked = ChangeError::Locked { at: at(), holder: ServerSession::default() };
    let unread = DatabaseError::Unavailable { at: at(), cause: "down".into() };
    for (why, is_taken_over) in [
        (RhinoTrouble::Journal(JournalTrouble::TakenOver(taken_over)), true),
        (RhinoTrouble::Change(locked), true),
        (RhinoTrouble::Change(ChangeError::SessionLost { at: at() }), false),
        (RhinoTrouble::Database(unread), false),
    ] {
        let trouble = half_way(why);
        assert_eq!(trouble.is_taken_over(), is_taken_over, "{trouble}");
        assert!(trouble.to_string().contains("is MISSING"), "{trouble}");
    }
}
