//! Which rows a run takes: named ones, near and far, excluded ones, those from a fid on.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::engine::{Quiet, RunPlan, migrate_run, never};
use domain::migrate::{Among, Rows, Selection};
use domain::ports::{IndexError, RowPage, SourceIndex};
use domain::{
    BucketMap, Coverage, Fid, IndexRow, RowCounts, Stopped, StorageClasses, Summary, limits,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use roaring::RoaringTreemap;

use super::{files, plan, rows, run, tally};
use crate::common::World;

/// Everything but what a test is about.
fn only(each: impl IntoIterator<Item = u64>) -> Selection {
    Selection { only: Some(each.into_iter().collect()), ..Selection::default() }
}

fn take(world: &World, selection: Selection) -> Summary {
    run(world, &RunPlan { selection, ..plan() })
}

#[test]
fn fids_that_lie_far_apart_are_looked_up_one_by_one() {
    let world = World::instant();
    let all = files(&world, 40, None);
    let (first, last) = (all[0].fid.0, all[39].fid.0);
    let summary = take(&world, only([first, last, 5_000, 1 << 40]));
    let asked = "row 4, domains 1, replicas 2, open 2, put 2, list 2, record 2, recall 1, \
                 readfailures 1";
    assert_eq!(world.calls(), asked);
    assert_eq!((summary.ends.by_mogile, summary.intake.rows), (tally(2), 2));
    let absent = &summary.intake.absent;
    assert_eq!((absent.files, &absent.first_fids[..]), (2, &[Fid(5_000), Fid(1 << 40)][..]));
    assert!(!summary.is_clean(), "what was asked for is not there");
    assert_eq!(summary.counted_before, None, "there is nothing to compare with the whole");

    let summary = take(&world, only([first, last]));
    assert_eq!(summary.intake, RowCounts { proven_before: tally(2), ..rows(2) });
    assert!(summary.is_clean());
    let again = Selection { among: Among::Again, ..only([first]) };
    assert_eq!(take(&world, again).ends.already_there, tally(1));
}

#[test]
fn fids_that_lie_close_together_are_read_by_the_page() {
    let world = World::instant();
    let all = files(&world, 150, None);
    let last = all[149].fid.0;
    // Every other one of them, and a range that reaches beyond all.
    let every_other = (1..=last).step_by(2);
    let range: RoaringTreemap = (last - 9..=last + 500).collect();
    let mut selection = only(every_other.clone().chain(range.iter()));
    selection.in_ranges = &range - &every_other.clone().collect::<RoaringTreemap>();
    let summary = take(&world, selection);
    let expected = every_other.chain(last - 9..=last).collect::<BTreeSet<_>>().len() as u64;
    assert_eq!((summary.ends.by_mogile, summary.intake.rows), (tally(expected), expected));
    let calls = world.calls();
    assert!(calls.starts_with("page 2, ") && !calls.contains("row"), "{calls}");
    assert!(summary.is_clean(), "a range may reach where nothing is: {summary:?}");
}

#[test]
fn a_selection_without_a_row_is_no_clean_run() {
    let world = World::instant();
    let last = files(&world, 10, None)[9].fid.0;
    let range: RoaringTreemap = (last + 1..last + 5_000).collect();
    let selection = Selection { in_ranges: range.clone(), only: Some(range), ..<_>::default() };
    let summary = take(&world, selection);
    assert!(!summary.is_clean(), "{summary:?}");
    let stopped = summary.stopped.expect("a reason").to_string();
    assert!(stopped.contains("no row of the MogileFS domain `plos_repo`"), "{stopped}");
}

#[test]
fn what_is_excluded_is_counted_and_left_alone() {
    let world = World::instant();
    let all = files(&world, 10, None);
    let without: RoaringTreemap = all[2..5].iter().map(|file| file.fid.0).collect();
    let summary = take(&world, Selection { without: without.clone(), ..Selection::default() });
    assert_eq!((summary.ends.by_mogile, summary.intake.excluded), (tally(7), 3));
    assert!(summary.is_clean() && summary.intake.rows == 10, "{summary:?}");
    let named = Selection { without, ..only(all[..4].iter().map(|file| file.fid.0)) };
    let summary = take(&world, named);
    let intake = RowCounts { proven_before: tally(2), excluded: 2, excluded_files: 2, ..rows(4) };
    assert_eq!(summary.intake, intake, "also where they were named");
}

/// What is excluded is no reason to take a map that fits nothing for the right one, and no reason to
/// refuse one that fits.
#[test]
fn what_is_excluded_hides_no_wrong_map() {
    let world = World::instant();
    let all = files(&world, 10, None);
    let buckets = BucketMap::parse("other:other-bucket", "repo").expect("good settings");
    let without: RoaringTreemap = [all[0].fid.0].into_iter().collect();
    let selection = Selection { without, ..Selection::default() };
    let summary = run(&world, &RunPlan { buckets, selection, ..plan() });
    assert!(matches!(summary.stopped, Some(Stopped::Misconfigured(_))), "{summary:?}");

    let without = all.iter().map(|file| file.fid.0).collect();
    let summary = take(&world, Selection { without, ..Selection::default() });
    assert!(summary.is_clean() && summary.intake.excluded == 10, "{summary:?}");
}

#[test]
fn an_interrupted_reader_goes_on_where_it_was() {
    let world = World::instant();
    let all = files(&world, 20, None);
    let summary = take(&world, Selection { from: all[12].fid, ..Selection::default() });
    assert_eq!((summary.ends.by_mogile, summary.intake.rows), (tally(8), 8));
    assert_eq!(summary.counted_before, None);
}

#[test]
fn any_selection_gives_each_of_its_rows_once_however_it_is_read() {
    let world = World::instant();
    // Rows with gaps of all sizes between them.
    for file in files(&world, 1_500, None) {
        if file.fid.0.is_multiple_of(7) || file.fid.0 % 500 > 400 {
            world.port.mogile.delete("plos_repo", &file.dkey.to_string()).expect("it is there");
        }
    }
    let there = |fid: u64| (1..=1_500).contains(&fid) && !fid.is_multiple_of(7) && fid % 500 <= 400;
    for seed in 0..40 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let one_in = [1, 2, 10, 100][random.random_range(0..4)];
        let each: RoaringTreemap = (1..=2_000).filter(|_| random.random_ratio(1, one_in)).collect();
        let start = random.random_range(1..2_000);
        let in_ranges: RoaringTreemap = (start..start + random.random_range(1..900)).collect();
        let selection = Selection {
            only: Some(&each | &in_ranges),
            in_ranges: &in_ranges - &each,
            without: (1..=2_000).filter(|_| random.random_ratio(1, 5)).collect(),
            from: Fid(random.random_range(0..600)),
            ..Selection::default()
        };
        let proven: RoaringTreemap = (1..=2_000).filter(|_| random.random_ratio(1, 3)).collect();
        let known = known(&world, &proven);
        let takes = |fid: u64| selection.only.as_ref().is_some_and(|only| only.contains(fid));
        let behind = |fid: &u64| *fid >= selection.from.0;
        let wanted: Vec<_> = (1..=3_000)
            .filter(|&fid| there(fid) && takes(fid) && behind(&fid))
            .filter(|&fid| !selection.without.contains(fid) && !proven.contains(fid))
            .collect();
        let missing = each.iter().filter(|&fid| behind(&fid) && !there(fid)).count() as u64;

        let (ports, buckets) = (world.port.ports(), plan().buckets);
        let (index, clock) = (ports.index.as_ref(), ports.clock.as_ref());
        let feed = Rows::new(index, clock, &buckets, &selection, &known);
        let read = async {
            let (mut fids, mut intake, mut next) = (vec![], rows(0), Some(feed.begin()));
            while let Some(after) = next {
                let page = feed.page(after).await.expect("without faults it answers");
                assert!(page.files.len() <= limits::PAGE_ROWS);
                assert!(page.next.is_none_or(|next| next > after), "it goes on");
                fids.extend(page.files.iter().map(|file| file.fid.0));
                intake.merge(page.intake);
                next = page.next;
            }
            (fids, intake)
        };
        let (fids, intake) = world.run(read);
        assert_eq!(fids, wanted, "seed {seed}");
        assert_eq!((intake.absent.files, intake.files()), (missing, fids.len() as u64), "{seed}");
    }
}

/// These fids of the index are proven, as what they are.
fn known(world: &World, proven: &RoaringTreemap) -> domain::KnownFiles {
    let mut builder = domain::ProvenFilesBuilder::default();
    for row in world.port.mogile.rows_after(stand_ins::world::mogile::Fid(0), usize::MAX) {
        let key = row.dkey.as_deref().and_then(domain::Dkey::parse);
        if let Some(key) = key.filter(|_| proven.contains(row.fid.0)) {
            let bucket = domain::S3Bucket::new(crate::common::BUCKET).expect("a name");
            builder.add(Fid(row.fid.0), &bucket, &key.sha1);
        }
    }
    domain::KnownFiles { proven: builder.build(), ..<_>::default() }
}

/// An index whose counts are these, one after the other.
struct Counts(Arc<dyn SourceIndex>, Mutex<Vec<u64>>);

#[async_trait]
impl SourceIndex for Counts {
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError> {
        self.0.page(after, limit).await
    }

    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        self.0.row(fid).await
    }

    fn domain(&self) -> &str {
        self.0.domain()
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        self.0.domains().await
    }

    async fn storage_classes(&self) -> Result<StorageClasses, IndexError> {
        self.0.storage_classes().await
    }

    async fn count(&self) -> Result<Option<u64>, IndexError> {
        Ok(Some(self.1.lock().expect("one thread").remove(0)))
    }
}

#[test]
fn what_was_read_is_compared_with_what_the_index_counts() {
    for (counts, coverage, is_clean) in [
        (&[5][..], Coverage::Equal, true),
        (&[3], Coverage::More(2), true),
        (&[7, 5], Coverage::Deleted(2), true),
        (&[7, 6], Coverage::Missing(1), false),
        (&[7, 9], Coverage::Missing(2), false),
    ] {
        let world = World::instant();
        files(&world, 5, None);
        let mut ports = world.port.ports();
        ports.index = Arc::new(Counts(ports.index, Mutex::new(counts.to_vec())));
        let summary = world.run(migrate_run(&ports, &plan(), never(), &Quiet));
        assert_eq!((summary.coverage(), summary.is_clean()), (coverage, is_clean), "{counts:?}");
        assert_eq!(summary.ends.by_mogile, tally(5), "{counts:?}");
    }
}
