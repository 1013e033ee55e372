use domain::BucketMap;
use domain::cutover::client_config::{
    ConfigState::{self, Done, NotYet, Wrong},
    check_rhino,
};

use super::*;

fn check(text: &str, state: ConfigState, words: &str) {
    let buckets =
        BucketMap::parse("repo:corpus-prod,edit:editorial-prod,same-name:same-name", "trash");
    let config = parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    let checked = check_rhino(&config, &buckets.expect("a map"));
    let seen = checked.seen.join("\n");
    assert_eq!(checked.state, state, "{text}\n{seen}");
    assert!(seen.contains(words), "{text}\n{seen}");
}

/// With these buckets, beside what else is in the file.
fn yaml(corpus: &str, secondary: &str, editorial: &str) -> String {
    format!(
        "prettyPrintJson: true\ncontentRepo:\n  corpus:\n    address: http://repo:8080/v1\n    bucket: {corpus}\n    \
         secondaryBuckets: {secondary}\n  editorial:\n    address: http://repo:8080/v1\n    bucket: {editorial}\n"
    )
}

#[test]
fn each_bucket_must_have_its_new_name() {
    check(&yaml("corpus-prod", "[]", "editorial-prod"), Done, "corpus-prod");
    check(&yaml("corpus-prod", "[editorial-prod, same-name]", "editorial-prod"), Done, "");
    check(&yaml("same-name", "", "same-name"), Done, "");
    check(&yaml("repo", "[edit]", "edit"), NotYet, "`repo`: write `corpus-prod`");
    // Some of them.
    check(&yaml("corpus-prod", "[edit]", "editorial-prod"), Wrong, "write `editorial-prod`");
    check(&yaml("repo", "[]", "editorial-prod"), Wrong, "write `corpus-prod`");
    // None of either.
    check(&yaml("corpus-prod", "[trash]", "editorial-prod"), Wrong, "IGNORE_BUCKETS");
    check(&yaml("corpus-prod", "[]", "other"), Wrong, "neither an old nor a new name");
    check(&yaml("Corpus-Prod", "[]", "editorial-prod"), Wrong, "neither an old nor a new name");
    check(&yaml("' corpus-prod'", "[]", "editorial-prod"), Wrong, "neither an old nor a new name");
    // What is no name.
    check(&yaml("", "[]", "editorial-prod"), Wrong, "no text `bucket`");
    check(&yaml("corpus-prod", "7", "editorial-prod"), Wrong, "no list");
    check(&yaml("corpus-prod", "[[corpus-prod]]", "editorial-prod"), Wrong, "no text");
    check("contentRepo:\n  editorial:\n    bucket: editorial-prod\n", Wrong, "is missing");
    check("contentRepo: 7\n", Wrong, "is missing");
}

#[test]
fn spelling_does_not_matter() {
    check(&format!("\u{feff}{}", yaml("\"corpus-prod\"", "", "'editorial-prod'")), Done, "");
    check(&yaml("corpus-prod # was: repo", "", "editorial-prod"), Done, "");
    check("{contentRepo: {corpus: {bucket: corpus-prod}}}", Done, "");
    check(
        &yaml("!!str corpus-prod", "!!set {editorial-prod, same-name}", "same-name"),
        Done,
        "same-name",
    );
    check(
        &yaml("corpus-prod", "\n      - editorial-prod\n      - repo", "same-name"),
        Wrong,
        "`repo`",
    );
    let shared = "repo: &repo\n  address: http://repo\n  bucket: repo\ncontentRepo:\n  corpus:\n    <<: *repo\n    \
                  bucket: corpus-prod\n  editorial:\n    <<: *repo\n";
    check(shared, Wrong, "`contentRepo.editorial.bucket` has the MogileFS name `repo`");
    check(
        &shared.replace("<<: *repo\n    bucket: corpus-prod", "bucket: corpus-prod\n    <<: *repo"),
        Wrong,
        "editorial",
    );
    check(&shared.replace("bucket: repo", "bucket: same-name"), Done, "corpus-prod");
}

#[test]
fn what_is_no_configuration_of_rhino_is_refused() {
    for (text, words) in [
        ("", "0 YAML documents"),
        ("a: [", "no YAML"),
        ("a: 1\n---\nb: 2\n", "2 YAML documents"),
        ("corpus: {bucket: corpus-prod}", "contentRepo"),
        ("just a text", "contentRepo"),
        ("contentRepo: 1\ncontentRepo: 2\n", "no YAML"),
    ] {
        let why = parse(text).expect_err(text);
        assert!(why.contains(words), "{text}: {why}");
    }
}
