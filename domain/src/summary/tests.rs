//! Sums, samples and merges.

use super::*;
use crate::{Left, ReasonKind};

#[test]
fn a_row_without_a_class_is_noticed() {
    let intake = RowCounts { rows: 3, ..RowCounts::default() };
    let mut summary = Summary { intake, ..Summary::default() };
    summary.ends.add_proven(Some(Route::Copy), ByteCount(5));
    summary.ends.add_proven(None, ByteCount(7));
    assert!(!summary.adds_up());
    let reason = Reason::new(ReasonKind::NoReplica, "all of them");
    summary.ends.add_failed(Fid(9), &Failure { reason, left: Left::Nothing });
    assert!(summary.adds_up());
    assert!(!summary.is_clean(), "a failed file is left to do");
}

#[test]
fn a_sample_of_none_takes_nobodys_words() {
    let mut sample = Sample::default();
    sample.add(Fid(7), "seven");
    sample.merge(Sample::default());
    assert_eq!(sample.example, "seven");
    let mut merged = Sample::default();
    merged.merge(sample.clone());
    assert_eq!(merged, sample);
    merged.add_nameless("nobody");
    assert_eq!((merged.files, merged.example.as_str()), (2, "seven"));
}

#[test]
fn lengths_that_no_file_has_do_not_break_the_sums() {
    let mut tally = Tally::default();
    tally.add(ByteCount(u64::MAX));
    tally.add(ByteCount(1));
    tally.merge(tally);
    assert_eq!(tally, Tally { files: 4, bytes: u64::MAX });
}

#[test]
fn samples_name_the_lowest_and_count_all_in_any_order() {
    let add = |fids: &mut dyn Iterator<Item = u64>| {
        let mut intake = RowCounts::default();
        for fid in fids {
            let rejection = Rejection::NotContentAddressed(format!("key{fid}"));
            intake.add_rejected(Fid(fid), &rejection);
        }
        intake
    };
    let of = |intake: &RowCounts| intake.rejected["not-content-addressed"].clone();
    let sample = of(&add(&mut (0..25)));
    assert_eq!(sample, of(&add(&mut (0..25).rev())));
    for parts in [[0..7, 7..25], [7..25, 0..7], [0..25, 25..25], [25..25, 0..25]] {
        let mut merged = RowCounts::default();
        for mut part in parts {
            merged.merge(add(&mut part));
        }
        assert_eq!(sample, of(&merged));
    }
    assert_eq!((sample.files, sample.first_fids.len()), (25, limits::FIDS_NAMED));
    assert!(sample.example.contains("key0"));
}

#[test]
fn a_row_that_cannot_be_read_neither_hides_a_wrong_map_nor_makes_one() {
    let unreadable = Rejection::Unreadable("failure".to_owned());
    let mut intake = RowCounts { rows: 1, ..RowCounts::default() };
    intake.add_rejected(Fid(1), &unreadable);
    assert!(!intake.nothing_is_mapped(), "it may be in a bucket that is mapped");
    intake.rows += 1;
    intake.add_rejected(Fid(2), &Rejection::UnmappedBucket("other".to_owned()));
    assert!(intake.nothing_is_mapped());
}
