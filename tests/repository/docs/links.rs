//! What the pages name is there: pages, files, folders.

use super::page::{pages, root};

/// The targets of a page's links.
fn links(page: &str) -> impl Iterator<Item = &str> {
    page.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// What a page has in single back quotes.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    page.split('`').skip(1).step_by(2).filter(|text| !text.contains('\n'))
}

#[test]
fn links_lead_to_files_of_this_repository() {
    let mut followed = 0;
    for (path, page) in pages() {
        for link in links(&page).filter(|link| !link.starts_with("https://")) {
            let file = link.split('#').next().unwrap_or_default();
            let folder = root().join(&path).parent().expect("a folder").to_owned();
            assert!(folder.join(file).exists(), "{}: nothing is at `{link}`", path.display());
            followed += 1;
        }
    }
    assert!(followed >= 15, "a test of {followed} links");
}

#[test]
fn files_that_the_pages_name_exist() {
    let folders = ["adapters/", "apps/", "docker/", "docs/", "domain/", "simulator/", "tests/"];
    let mut named = 0;
    for (path, page) in pages() {
        for text in quoted(&page) {
            let first = text.split_whitespace().next().unwrap_or_default();
            if folders.iter().any(|folder| first.starts_with(folder)) {
                assert!(root().join(first).exists(), "{}: there is no `{first}`", path.display());
                named += 1;
            }
        }
    }
    assert!(named > 30, "a test of {named} names");
}

/// A newcomer reads it to its end.
#[test]
fn the_readme_is_short() {
    let lines = include_str!("../../../README.md").lines().count();
    assert!(lines <= 120, "README.md has {lines} lines");
}
