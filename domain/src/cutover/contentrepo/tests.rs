use super::*;
use crate::BucketMap;
use crate::ports::RepoBucket;

fn found(names: &[&str]) -> Vec<RepoBucket> {
    let bucket = |(id, name): (i128, &&str)| RepoBucket { id: RowId(id), name: (*name).to_owned() };
    (1..).zip(names).map(bucket).collect()
}

/// contentrepo's buckets, numbered from 1, under `repo:corpus,blog:blog,x:y` with `old` ignored; then the plan,
/// or the refusals.
#[test]
fn names_are_compared_byte_for_byte() {
    let map = BucketMap::parse("repo:corpus,blog:blog,x:new", "old").expect("a map");
    for (names, expected) in [
        (&["repo"][..], "1:repo>corpus absent:blog,x"),
        (&["old", "repo", "blog", "x"], "2:repo>corpus 4:x>new same:blog"),
        (&["blog"], "same:blog absent:repo,x"),
        (&["repo", "blog", "x", "CORPUS "], "Unmapped(4)"),
        (&["repo", "corpus"], "BearsNewName(2)"),
        (&["corpus"], "BearsNewName(1)"),
        (&["corpus", "Repo"], "BearsNewName(1) Unmapped(2)"),
        (&["Repo"], "NothingMapped Unmapped(1)"),
        (&["repo "], "NothingMapped Unmapped(1)"),
        (&["old"], "NothingMapped"),
        (&[], "NothingMapped"),
        (&["repo", "corpus "], "Unmapped(2) Collision(2)"),
    ] {
        let words = match plan_contentrepo(&found(names), &map) {
            Ok(plan) => shown(&plan),
            Err(refusals) => refusals.iter().map(refusal).collect::<Vec<_>>().join(" "),
        };
        assert_eq!(words, expected, "{names:?}");
    }
}

#[test]
fn a_name_that_differs_by_case_alone_is_worth_a_note() {
    let map = BucketMap::parse("repo:corpus", "Corpus").expect("a map");
    let plan = plan_contentrepo(&found(&["repo", "Corpus"]), &map).expect("a plan");
    assert_eq!(plan.alike.len(), 1, "{plan:?}");
    assert_eq!(plan.renames.len(), 1, "{plan:?}");
}

fn shown(plan: &RepoPlan) -> String {
    let rename = |it: &BucketRename| format!("{}:{}>{}", it.id, it.from, it.to);
    let mut words: Vec<_> = plan.renames.iter().map(rename).collect();
    let same: Vec<_> = plan.same.iter().map(|bucket| bucket.name.clone()).collect();
    for (name, all) in [("same", same), ("absent", plan.absent.clone())] {
        if !all.is_empty() {
            words.push(format!("{name}:{}", all.join(",")));
        }
    }
    words.join(" ")
}

fn refusal(refusal: &RepoRefusal) -> String {
    match refusal {
        RepoRefusal::NothingMapped { .. } => "NothingMapped".to_owned(),
        RepoRefusal::Unmapped(bucket) => format!("Unmapped({})", bucket.id),
        RepoRefusal::BearsNewName { bucket, .. } => format!("BearsNewName({})", bucket.id),
        RepoRefusal::Collision { with, .. } => format!("Collision({})", with.id),
        RepoRefusal::NoBackup
        | RepoRefusal::OtherBackup(_)
        | RepoRefusal::Overtaken
        | RepoRefusal::UnderWayBack(_)
        | RepoRefusal::RhinoFirst
        | RepoRefusal::NothingToTakeBack
        | RepoRefusal::OtherDatabase { .. }
        | RepoRefusal::OtherMap { .. }
        | RepoRefusal::NotTheSame { .. }
        | RepoRefusal::Unusable => panic!("no plan says that: {refusal}"),
    }
}
