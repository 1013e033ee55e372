//! For any rows, records, passes and doubts the classes are the differences of these sets.

use std::collections::{BTreeMap, BTreeSet};

use domain::Proof;
use domain::audit::FileVerdict;
use domain::summary::Sample;
use proptest::prelude::*;

use super::adds_up;
use super::stage::{RUN, Stage, sha1};

#[derive(Debug, Clone, Copy)]
enum Recorded {
    Nothing,
    Proven,
    Claimed,
    OtherContent,
    OtherBucket,
    Unreadable,
}

fn recorded() -> impl Strategy<Value = Recorded> {
    use Recorded::{Claimed, Nothing, OtherBucket, OtherContent, Proven, Unreadable};
    prop_oneof![
        1 => Just(Nothing),
        3 => Just(Proven),
        1 => Just(Claimed),
        1 => Just(OtherContent),
        1 => Just(OtherBucket),
        1 => Just(Unreadable),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_classes_are_the_differences_of_the_sets(
        files in prop::collection::btree_map(
            1_u64..70_000,
            (recorded(), any::<bool>(), any::<bool>(), any::<bool>()),
            1..12,
        ),
        named: bool,
    ) {
        let stage = Stage::new();
        let mut expected: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for (&fid, &(recorded, passed, doubted, has_row)) in &files {
            if has_row {
                stage.file(fid);
            }
            match recorded {
                Recorded::Nothing => {}
                Recorded::Proven => stage.proven(fid),
                Recorded::Claimed => stage.record(fid, "new-repo", sha1(fid), None),
                Recorded::OtherContent => {
                    stage.record(fid, "new-repo", sha1(fid + 100_000), Some(Proof::Put));
                }
                Recorded::OtherBucket => stage.record(fid, "new-corpus", sha1(fid), Some(Proof::Put)),
                Recorded::Unreadable => stage.unreadable(fid),
            }
            if passed {
                stage.passed(fid);
            }
            if doubted {
                stage.doubt(fid);
            }
            if has_row {
                let verdict = match recorded {
                    Recorded::Nothing | Recorded::Unreadable => FileVerdict::WithoutRecord,
                    Recorded::Claimed => FileVerdict::Claimed,
                    Recorded::OtherContent | Recorded::OtherBucket => FileVerdict::OfAnother,
                    Recorded::Proven if doubted => FileVerdict::Doubted,
                    Recorded::Proven if named && !passed => FileVerdict::WithoutPass,
                    Recorded::Proven => FileVerdict::Whole,
                };
                expected.entry(format!("{verdict:?}")).or_default().insert(fid);
            }
        }
        prop_assume!(!expected.is_empty());
        let run = named.then_some(RUN);
        let summary = stage.audit(run);
        adds_up(&summary, "any");
        let found = |name: &str| expected.get(name).map_or(0, |fids| fids.len() as u64);
        let named_in = |sample: &Sample| sample.first_fids.iter().map(|fid| fid.0).collect();
        prop_assert_eq!(summary.whole, found("Whole"));
        for (name, sample) in [
            ("WithoutRecord", &summary.without_record),
            ("Claimed", &summary.claimed),
            ("OfAnother", &summary.of_another),
            ("Doubted", &summary.doubted),
            ("WithoutPass", &summary.without_pass),
        ] {
            prop_assert_eq!(sample.files, found(name), "{}", name);
            let fids: BTreeSet<u64> = named_in(sample);
            let all = expected.get(name).cloned().unwrap_or_default();
            prop_assert_eq!(fids, all.into_iter().take(10).collect::<BTreeSet<_>>(), "{}", name);
        }
        let listed = stage.list(run);
        let lines: BTreeMap<u64, String> = expected
            .iter()
            .flat_map(|(name, fids)| fids.iter().map(|fid| (*fid, name.clone())))
            .collect();
        prop_assert_eq!(listed, lines);
    }
}
