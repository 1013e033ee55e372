use super::gate::why_not;
use super::*;
use crate::Timestamp;
use crate::cutover::{Cutovers, Run as CutoverRun, Standing};
use crate::journal::{ClientDatabase, CutoverBegun, Direction, NameRename, NamesBefore};

/// `F` a cut-over that is done, `f` one under way, `B` a way back under way.
fn standing(what: &str) -> Standing {
    let run = |direction, done| CutoverRun {
        sequence: 1,
        at: Timestamp(1),
        by: "an operator".to_owned(),
        begun: CutoverBegun::new(
            ClientDatabase::Contentrepo,
            direction,
            "",
            NamesBefore {
                renames: vec![NameRename {
                    id: None,
                    from: "repo".to_owned(),
                    to: "new-repo".to_owned(),
                }],
                ..NamesBefore::default()
            },
        ),
        range: None,
        index_dropped: false,
        done,
    };
    let (forth, back) = (|done| run(Direction::ToS3, done), run(Direction::ToMogile, None));
    match what {
        "F" => Standing { forth: Some(forth(Some(2))), ..Standing::default() },
        "f" => Standing { forth: Some(forth(None)), ..Standing::default() },
        "FB" => Standing { forth: Some(forth(Some(2))), back: Some(back), taken_back: None },
        "taken back" => Standing { taken_back: Some(9), ..Standing::default() },
        _ => Standing::default(),
    }
}

#[test]
fn only_behind_both_cut_overs_and_for_their_buckets() {
    let check = |contentrepo: &str, rhino: &str, buckets: &str, words: Option<&str>| {
        let buckets = BucketMap::parse(buckets, "").expect("a map");
        let cutovers = Cutovers {
            contentrepo: standing(contentrepo),
            rhino: standing(rhino),
            ..Cutovers::default()
        };
        let why = why_not(&cutovers, &buckets);
        match (&why, words) {
            (None, None) => {}
            (Some(why), Some(words)) => assert!(why.contains(words), "{why}"),
            _ => panic!("{contentrepo} {rhino} {buckets:?}: {why:?}"),
        }
    };
    check("F", "F", "repo:new-repo", None);
    check("F", "F", "repo:new-repo,same-name:same-name", None);
    check("", "", "repo:new-repo", Some("contentrepo is not done"));
    check("F", "", "repo:new-repo", Some("rhino is not done"));
    check("f", "F", "repo:new-repo", Some("begun and is not done"));
    check("F", "f", "repo:new-repo", Some("begun and is not done"));
    check("FB", "F", "repo:new-repo", Some("being taken back"));
    check("F", "FB", "repo:new-repo", Some("being taken back"));
    check("F", "taken back", "repo:new-repo", Some("taken back (entry 9)"));
    check("taken back", "F", "repo:new-repo", Some("taken back (entry 9)"));
    // Another map than the one that was cut over.
    check("F", "F", "repo:other-repo", Some("repo:other-repo"));
    check("F", "F", "repo:new-repo,more:more-repo", Some("more:more-repo"));
}

#[test]
fn each_reason_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> =
        KeptIntermediary::ALL.iter().map(|kept| kept.name()).collect();
    assert_eq!(names.len(), KeptIntermediary::ALL.len());
}
