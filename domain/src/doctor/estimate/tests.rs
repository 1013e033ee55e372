use super::*;
use crate::{Dkey, Fid, Sha1};

const SIZES: WriteSizes = WriteSizes {
    single_request_bytes: 100,
    part_bytes: 10,
    most_job_bytes: 300_000,
    route: RoutePolicy::Auto,
};

fn file(fid: u64, length: u64, bucket: &str) -> SourceFile {
    let dkey = Dkey::parse(&format!("{}-repo", Sha1::of(b"a"))).expect("a key");
    let bucket = S3Bucket::new(bucket).expect("a name");
    SourceFile::new(Fid(fid), dkey, ByteCount(length), bucket)
}

fn absent(files: &[SourceFile]) -> Vec<(&SourceFile, Arrival)> {
    files.iter().map(|file| (file, Arrival::NOWHERE)).collect()
}

#[test]
fn every_request_is_counted() {
    let needed = |files: &[SourceFile]| {
        let mut needed = RequestsNeeded::default();
        needed.add_page(&absent(files), SIZES);
        (needed.writes, needed.uploads, needed.parts, needed.lists, needed.job_batches)
    };
    let of_one: Vec<_> = (1..=11).map(|fid| file(fid, 100, "one")).collect();
    assert_eq!(needed(&[]), (0, 0, 0, 0, 0));
    // The bucket is asked for keys with a slash, and folder `0/000/000/` is listed.
    assert_eq!(needed(&of_one), (11, 0, 0, 2, 2));
    assert_eq!(needed(&[file(1, 0, "one"), file(1000, 1, "one")]), (2, 0, 0, 3, 1));
    assert_eq!(needed(&[file(1, 0, "one"), file(2, 1, "two")]), (2, 0, 0, 4, 1));
    assert_eq!(needed(&[file(1, 101, "one")]), (0, 1, 11, 2, 1));
    // 10,000 parts of 10 bytes do not hold it.
    assert_eq!(needed(&[file(1, 200_000, "one")]), (0, 1, 10_000, 2, 1));
    assert_eq!(needed(&[file(1, 200_001, "one")]), (0, 1, 9_524, 2, 1));
}

/// What is there: `F` an object with a SHA-1 at the final key, `f` one without; then `C` for a claim
/// in the ledger; `-` for neither. Then the writes, those refused, the looks, the uploads, all HEADs,
/// and the bytes that are read whole.
#[test]
fn what_is_there_is_looked_at_and_without_a_sha1_read() {
    for (length, there, expected) in [
        (100, "-", (1, 0, 0, 0, 0, 0)),
        (100, "C", (1, 0, 0, 0, 1, 0)),
        (100, "F", (1, 1, 0, 0, 1, 0)),
        (100, "f", (1, 1, 0, 0, 1, 100)),
        (100, "FC", (0, 0, 1, 0, 1, 0)),
        (100, "fC", (0, 0, 1, 0, 1, 100)),
        (101, "-", (0, 0, 0, 1, 1, 0)),
        (101, "C", (0, 0, 0, 1, 1, 0)),
        (101, "F", (0, 0, 1, 0, 1, 0)),
        (101, "f", (0, 0, 1, 0, 1, 101)),
        (101, "fC", (0, 0, 1, 0, 1, 101)),
    ] {
        let is_claimed = there.contains('C');
        let standing = if is_claimed { FileStanding::Claimed } else { FileStanding::New };
        let without_sha1 = there.contains('f');
        let at_final_key = without_sha1 || there.contains('F');
        let arrival = Arrival { at_final_key, without_sha1, standing, ..Arrival::NOWHERE };
        let (file, mut needed) = (file(1, length, "one"), RequestsNeeded::default());
        needed.add_page(&[(&file, arrival)], SIZES);
        let RequestsNeeded { writes, refused, looked_at, uploads, to_be_read, .. } = needed;
        let (heads, read) = (needed.heads(), to_be_read.bytes);
        let found = (writes, refused, looked_at, uploads, heads, read);
        assert_eq!(found, expected, "{length} {there}");
        assert_eq!(needed.files(), 1, "{length} {there}");
        let lines = costs(&needed, Pace::default(), &Prices::us_east_1());
        let is_get =
            |line: &&CostLine| line.stage == Stage::Migration && line.what.starts_with("GET");
        let gets = lines.iter().find(is_get).map_or(0, |line| line.count);
        assert_eq!(gets, u64::from(read > 0), "{length} {there}");
    }
}

/// The function's verification: a HEAD of each job's object, and of those in parts a GET.
#[test]
fn what_is_too_large_for_the_function_is_no_job_and_not_in_its_bill() {
    let (mut needed, sizes) =
        (RequestsNeeded::default(), WriteSizes { most_job_bytes: 200, ..SIZES });
    let mut files: Vec<_> = (1..=10).map(|fid| file(fid, 100, "one")).collect();
    files.extend([file(11, 200, "one"), file(12, 201, "one"), file(13, 300, "one")]);
    needed.add_page(&absent(&files), sizes);
    assert_eq!((needed.job_batches, needed.jobs_in_parts), (2, 1));
    assert_eq!(needed.without_job, Tally { files: 2, bytes: 501 });
    let lines = costs(&needed, Pace::default(), &Prices::us_east_1());
    let of = |what: &str| {
        let line =
            |line: &&CostLine| line.stage == Stage::Verification && line.what.starts_with(what);
        lines.iter().find(line).map(|line| line.count)
    };
    assert_eq!((of("HEAD"), of("GET"), of("verifications")), (Some(11), Some(1), Some(11)));
    assert_eq!((of("SQS"), of("calls"), of("ledger")), (Some(6), Some(2), Some(1)));
    assert_eq!(of("records"), Some(11), "each job's record");
}

#[test]
fn a_bucket_is_asked_for_its_slashes_once() {
    let mut needed = RequestsNeeded::default();
    needed.add_page(&absent(&[file(1, 1, "one")]), SIZES);
    let two = [file(2, 1, "one"), file(3, 1, "two")];
    needed.add_page(&absent(&two), SIZES);
    assert_eq!(needed.lists, 2 + 3);
}

#[test]
fn ten_million_files_cost_little_more_than_their_writes() {
    let needed = RequestsNeeded {
        writes: 10_000_000,
        lists: 10_002,
        by_mogile: Tally { files: 10_000_000, bytes: 0 },
        job_batches: 1_000_000,
        ..RequestsNeeded::default()
    };
    let lines = costs(&needed, Pace::default(), &Prices::us_east_1());
    let total = |stage| -> String {
        let of_stage = lines.iter().filter(|line| line.stage == stage);
        of_stage.map(|line| line.dollars).sum::<Dollars>().to_string()
    };
    let all = [Stage::Migration, Stage::Queue, Stage::Verification].map(total);
    assert_eq!(all, ["$56.40", "$3.07", "$13.33"]);
    assert!(lines.iter().all(|line| line.count > 0), "{lines:?}");
}

/// The route; what is there: `I` an intermediary, `F` an object at the final key, `-` neither, `?` for
/// a bucket that was not listed. Then the files by copy, from MogileFS and by no way, the looks at what is
/// there, all HEADs, the LISTs and the records.
#[test]
fn a_route_decides_what_is_written_and_listed() {
    for (route, there, expected) in [
        (RoutePolicy::Auto, "?", (0, 1, 0, 0, 0, 2, 1)),
        (RoutePolicy::Auto, "-", (0, 1, 0, 0, 0, 2, 1)),
        (RoutePolicy::Auto, "I", (1, 0, 0, 0, 0, 2, 1)),
        (RoutePolicy::Auto, "IF", (1, 0, 0, 0, 1, 2, 1)),
        (RoutePolicy::Copy, "?", (1, 0, 0, 0, 0, 2, 1)),
        (RoutePolicy::Copy, "-", (0, 0, 1, 0, 1, 2, 0)),
        (RoutePolicy::Copy, "F", (0, 0, 0, 1, 1, 2, 1)),
        (RoutePolicy::Mogile, "I", (0, 1, 0, 0, 0, 0, 1)),
        (RoutePolicy::Mogile, "?", (0, 1, 0, 0, 0, 0, 1)),
    ] {
        let intermediary = (there != "?").then(|| there.contains('I'));
        let at_final_key = there.contains('F');
        let arrival = Arrival { at_final_key, intermediary, ..Arrival::NOWHERE };
        let (file, mut needed) = (file(1, 7, "one"), RequestsNeeded::default());
        needed.add_page(&[(&file, arrival)], WriteSizes { route, ..SIZES });
        let lines = costs(&needed, Pace::default(), &Prices::us_east_1());
        let records = lines.iter().find(|line| line.what == "ledger records written");
        let found = (
            needed.by_copy.files,
            needed.by_mogile.files,
            needed.without_way.files,
            needed.looked_at,
            needed.heads(),
            needed.lists,
            records.map_or(0, |line| line.count),
        );
        assert_eq!(found, expected, "{route:?} {there}");
        assert_eq!(needed.files(), 1, "{route:?} {there}");
    }
}
