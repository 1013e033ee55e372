//! The layers hold: crates depend on each other only as the design allows, and the domain on
//! nothing that could reach outside.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Which crates of the workspace each may depend on.
const EDGES: [(&str, &[&str]); 7] = [
    ("domain", &[]),
    ("adapters", &["domain"]),
    ("apps", &["adapters", "domain"]),
    ("stand-ins", &["domain"]),
    // It judges by the corpus alone: no rule of the code under test may reach it.
    ("oracle", &[]),
    ("rehearsal", &["adapters", "apps", "domain", "oracle", "stand-ins"]),
    ("tests", &["adapters", "apps", "domain", "oracle", "rehearsal", "stand-ins"]),
];

/// What the domain may use from outside: none of these opens a socket or reads a clock.
const OF_DOMAIN: [&str; 13] = [
    "async-trait",
    "bytes",
    // Hex and base64, strict.
    "data-encoding",
    "futures-util",
    // Times as people read them; it looks at a clock only where it is asked to.
    "humantime",
    // What a client of S3 compares with an ETag; nothing here is proven by it.
    "md-5",
    "roaring",
    "serde",
    // Bucket policies are JSON.
    "serde_json",
    "sha1",
    "sha2",
    "thiserror",
    "uuid",
];

fn workspace() -> Metadata {
    MetadataCommand::new().no_deps().exec().expect("cargo metadata")
}

/// The names of a package's dependencies, tests' own aside.
fn dependencies(package: &Package) -> BTreeSet<&str> {
    let used = package.dependencies.iter().filter(|used| used.kind != DependencyKind::Development);
    used.map(|used| used.name.as_str()).collect()
}

#[test]
fn no_crate_depends_on_one_above_it() {
    let workspace = workspace();
    let allowed: BTreeMap<_, _> = EDGES.into_iter().collect();
    let members: BTreeSet<_> =
        workspace.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(members, allowed.keys().copied().collect(), "every crate has its place");
    for package in &workspace.packages {
        let allowed = allowed[package.name.as_str()];
        // Tests of a lower crate must not reach above it either.
        let used = package.dependencies.iter().map(|used| used.name.as_str());
        for used in used.filter(|used| members.contains(used)) {
            assert!(allowed.contains(&used), "{} must not depend on {used}", package.name);
        }
    }
}

/// An oracle that imports the code under test proves nothing.
#[test]
fn the_oracle_shares_nothing_with_what_it_judges() {
    let workspace = workspace();
    let mut reached = BTreeSet::from(["oracle"]);
    let mut open = vec!["oracle"];
    while let Some(name) = open.pop() {
        let package = workspace.packages.iter().find(|package| package.name.as_str() == name);
        let new = package.map(dependencies).unwrap_or_default();
        open.extend(new.into_iter().filter(|name| reached.insert(name)));
    }
    for judged in ["domain", "adapters", "apps"] {
        assert!(!reached.contains(judged), "the oracle must not reach {judged}: {reached:?}");
    }
}

/// The first picture in `docs/ARCHITECTURE.md` is of these edges.
#[test]
fn the_picture_of_the_crates_is_true() {
    let page = include_str!("../../docs/ARCHITECTURE.md");
    let picture = page.split("```mermaid\n").nth(1).and_then(|rest| rest.split("```").next());
    let drawn = picture.expect("a picture").lines().filter_map(|line| line.split_once(" --> "));
    let drawn: BTreeSet<_> = drawn.map(|(from, to)| (from.trim(), to.trim())).collect();
    let edges = EDGES.iter().flat_map(|(from, to)| to.iter().map(move |to| (*from, *to)));
    assert_eq!(drawn, edges.collect());
}

#[test]
fn the_domain_uses_nothing_that_reaches_outside() {
    let workspace = workspace();
    let domain = workspace.packages.iter().find(|package| package.name.as_str() == "domain");
    let used = dependencies(domain.expect("there is a domain"));
    let strangers: Vec<_> = used.iter().filter(|used| !OF_DOMAIN.contains(used)).collect();
    assert!(strangers.is_empty(), "not on the domain's list: {strangers:?}");
}

#[test]
fn mains_are_thin() {
    for package in &workspace().packages {
        for target in package.targets.iter().filter(|target| target.is_bin()) {
            let lines =
                std::fs::read_to_string(&target.src_path).expect("readable").lines().count();
            assert!(lines <= 35, "{} has {lines} lines", target.src_path);
        }
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let folder = |package: &Package| package.manifest_path.parent().map(ToOwned::to_owned);
    let mut folders: Vec<_> = workspace().packages.iter().filter_map(folder).collect();
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().expect("readable").flatten() {
            let path = entry.path().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension() == Some("rs") {
                let lines = std::fs::read_to_string(&path).expect("readable").lines().count();
                assert!(lines <= 400, "{path} has {lines} lines: is it one thing?");
            }
        }
    }
}
