//! Stores that are half cut over, that go on working meanwhile, and that have many rows of one content.

use super::*;
use crate::verify::references::group::{Group, ROWS_HELD};
use crate::verify::references::records::Wanted;
use crate::verify::references::sorting::Gathering;

#[test]
fn a_table_with_both_names_of_a_bucket_is_half_cut_over() {
    // contentrepo's rows of `repo` are renamed, all but one; rhino's are as they were.
    let mut world = sound();
    world.objects.push(object(2, 1, 1));
    let (summary, told) = world.with_extents().verified(false);
    let [both] = &summary.both_names[..] else { panic!("{summary:?}") };
    assert_eq!((both.client, &*both.old, both.rows_old), ("contentrepo", "repo", 1));
    assert_eq!((&*both.new, both.rows_new, told.len()), ("corpus", 1, 0));
    assert!(summary.differs(), "{summary:?}");
    let mut world = sound();
    world.files.push(file(2, "corpus", "a", "u1"));
    let (summary, told) = world.with_extents().verified(false);
    assert_eq!((summary.both_names[0].client, told.len()), ("rhino", 0), "{summary:?}");
    // contentrepo has the old name alone, so that the renamed row of rhino reads nothing.
    assert!(summary.half_cut_over == 1 && summary.differs(), "{summary:?}");
    // A new bucket that has no row yet is none of a cut-over.
    let (summary, _) = sound().with_extents().verified(false);
    assert!(summary.both_names.is_empty() && !summary.differs(), "{summary:?}");
}

#[test]
fn rhino_may_go_on_writing_and_deleting() {
    let mut world = sound();
    world.files.extend([file(2, "repo", "a", "u1"), file(3, "repo", "a", "u1")]);
    let mut world = world.with_extents();
    // While the buckets were listed the second row went, and two came.
    let mut later = world.files.clone();
    later.remove(1);
    later.extend([file(4, "repo", "a", "none"), file(5, "repo", "a", "none")]);
    world.files_later = Some(later.clone());
    // A row goes between its count and its reading.
    world.going.store(1, Ordering::Relaxed);
    let (summary, told) = world.verified(false);
    let files = summary.article_files.as_ref().expect("compared");
    assert_eq!((files.rows, files.counted, files.missed, files.since), (2, Some(2), 0, 2));
    assert!(told.is_empty() && !summary.is_incomplete() && !summary.differs(), "{summary:?}");
    // Rows that are there and are not given stay a lack.
    let world = World { hidden_files: 1, files_later: None, ..world };
    let (summary, _) = world.verified(false);
    let files = summary.article_files.as_ref().expect("compared");
    assert!(files.missed == 1 && summary.is_incomplete(), "{summary:?}");
}

#[test]
fn nothing_of_rhino_is_read_behind_its_last_row_of_the_start() {
    let mut world = sound();
    world.files.extend((2..40).map(|id| file(id, "repo", "a", "u1")));
    world.last = [Some(RowId(1)), Some(RowId(2))];
    // Two pages of contentrepo, and one of rhino.
    world.pages_left = Some(AtomicU64::new(3));
    let (summary, _) = world.verified(false);
    let files = summary.article_files.as_ref().expect("compared");
    assert_eq!((files.rows, files.since, &summary.stopped), (2, 37, &None));
    assert!(!summary.is_incomplete(), "{summary:?}");
}

#[test]
fn a_content_of_many_rows_is_not_kept_in_memory() {
    let rows = 3 * ROWS_HELD;
    let ids = |from: usize| from as i128 + 1..=(from + rows) as i128;
    let mut world = World { a_page: 1_000, ..sound() };
    // One content is there, and the last row of it has another size; one is not.
    world.objects = ids(0).map(|id| object(id, 0, 1)).collect();
    world.objects.extend(ids(rows).map(|id| object(id, 0, 2)));
    world.objects[rows - 1].size = Some(ByteCount(3));
    world.objects.push(object(2 * rows as i128 + 1, 0, 3));
    world.stored.insert(at("corpus", 3), stored(3));
    world.index.insert(format!("{}-repo", sha1(3)), Fid(33));
    let world = world.with_extents();
    let sorts = Sorts::default();
    let (summary, told) = verified_by(world.ports(&sorts), false);
    assert_eq!(summary.objects.sound, rows as u64);
    let kinds = ["wrong-size", "broken-before"].map(|kind| summary.objects.broken[kind].rows);
    assert_eq!(kinds, [1, rows as u64], "{:?}", summary.stopped);
    assert_eq!(told.iter().filter(|(table, ..)| *table == "objects").count(), rows + 1);
    assert_eq!(sorts.begun.load(Ordering::Relaxed), 8 + 2, "both are on disk");
    assert!(summary.adds_up() && world.heads.load(Ordering::Relaxed) == 2, "{summary:?}");

    let mut sorted = run(async {
        let mut gathering = Gathering::begin(&sorts).await.expect("room");
        for id in ids(0) {
            let wanted = Wanted { bucket: 0, sha1: sha1(1), id: RowId(id), size: None };
            gathering.add(wanted.to_record()).await.expect("room");
        }
        gathering.finish().await.expect("room")
    });
    let group = run(Group::next(&mut sorted, 0, &sorts)).expect("room").expect("rows");
    assert_eq!((group.rows, group.held()), (rows as u64, ROWS_HELD));
}
