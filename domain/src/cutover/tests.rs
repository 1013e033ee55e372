//! What moves in a store that is to be frozen, and what a freeze makes of it.

mod store;

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;

use self::store::*;
use super::*;
use crate::Fid;
use crate::cleanup::never;
use crate::ports::*;
use crate::store_state::StateChange;

#[test]
fn a_still_store_is_frozen_with_all_its_rows() {
    let store = Store::with(Vec::new());
    let Ok(Watched::Still(state)) = watched(&store, 600) else { panic!("it is still") };
    assert_eq!((state.content.rows, state.other.rows), (2, 2));
    assert_eq!(state.highest_fid, Some(Fid(4)));
    assert_eq!(state.buckets, ["repo:corpus"]);
    let rows = |rows: &std::collections::BTreeMap<String, u64>| format!("{rows:?}");
    assert_eq!(rows(&state.contentrepo.rows), r#"{"deleted": 1, "used": 1}"#);
    assert_eq!(state.contentrepo.last.as_deref(), Some("2"));
    assert_eq!(rows(&state.rhino.rows), r#"{"all": 3}"#);
    assert_eq!(store.sleeps.load(Ordering::Relaxed), 60, "a look each 10 seconds");
}

/// What happens in the window, and what the watch says of it.
#[test]
fn whatever_moves_in_the_window_is_seen() {
    use Movement::{ContentrepoRow, HighestFid, NodeRestarted, NodeWrites, RhinoRow, Uploads};
    let cases: [(&str, Happening, Watched); 10] = [
        (
            "an upload is opened",
            |held| held.uploads = 1,
            Watched::Moving(vec![Uploads { rows: 1, newest: None }]),
        ),
        (
            "a file is stored",
            |held| held.rows.push(content(5)),
            Watched::Moving(vec![HighestFid { before: Some(Fid(4)), now: Some(Fid(5)) }]),
        ),
        (
            "contentrepo has a new row",
            |held| held.objects.push(RepoStatus::Used),
            Watched::Moving(vec![ContentrepoRow("3".to_owned())]),
        ),
        (
            "rhino has a new row",
            |held| held.files.push(None),
            Watched::Moving(vec![RhinoRow("4".to_owned())]),
        ),
        (
            "contentrepo's node writes",
            |held| held.node.1 = 4,
            Watched::Moving(vec![NodeWrites { node: "http://a/v1".to_owned(), before: 3, now: 4 }]),
        ),
        (
            "contentrepo's node starts anew",
            |held| held.node = ("Tue", 0),
            Watched::Moving(vec![NodeRestarted("http://a/v1".to_owned())]),
        ),
        (
            "an upload is renamed",
            |held| held.rows[2] = content(3),
            Watched::Changed(vec![StateChange::Content, StateChange::OtherRows]),
        ),
        (
            "a file is purged",
            |held| drop(held.rows.remove(0)),
            Watched::Changed(vec![StateChange::Content]),
        ),
        (
            "an object is deleted",
            |held| held.objects[0] = RepoStatus::Deleted,
            Watched::Changed(vec![StateChange::Contentrepo]),
        ),
        (
            "an upload is cleaned up",
            |held| drop(held.rows.remove(2)),
            Watched::Changed(vec![StateChange::OtherRows]),
        ),
    ];
    for (what, happens, expected) in cases {
        for at in [1, 3] {
            let store = Store::with(vec![(at, happens)]);
            assert_eq!(watched(&store, 30).expect(what), expected, "{what}, at {at}");
        }
    }
}

/// What happens after a freeze: the changes that are seen, `!` where they break it.
#[test]
fn a_freeze_survives_what_has_no_content() {
    let cases: [(&str, Happening, &str); 13] = [
        ("nothing", |_| {}, ""),
        ("a late rename of an upload", |held| held.rows[2] = content(3), "!Content OtherRows"),
        ("a purge", |held| drop(held.rows.remove(1)), "!Content"),
        (
            "content is ingested again under a new fid",
            |held| {
                held.rows.remove(1);
                held.rows.push(row(9, &dkey(2, "repo")));
            },
            "!Content !FileStored",
        ),
        ("an upload begins", |held| held.uploads = 1, "!Uploads"),
        (
            "an upload of other content ends",
            |held| held.rows.push(row(9, &dkey(9, "trash"))),
            "OtherRows !FileStored",
        ),
        ("unfinished uploads are cleaned up", |held| drop(held.rows.remove(2)), "OtherRows"),
        ("an unmapped file goes", |held| drop(held.rows.remove(3)), "OtherRows LastFileDeleted"),
        ("an object is created", |held| held.objects.push(RepoStatus::Used), "!Contentrepo"),
        ("contentrepo's node writes", |held| held.node.1 = 4, "!NodeWrites"),
        ("contentrepo's node starts anew", |held| held.node = ("Tue", 0), ""),
        ("another server answers by the same name", |held| held.server = 2, "!Settings"),
        ("contentrepo is cut over", |held| held.repo_bucket = "corpus".to_owned(), ""),
    ];
    for (what, happens, expected) in cases {
        let store = Store::with(Vec::new());
        let before = state(&store).expect("a state");
        happens(&mut store.held.lock().expect("no panic"));
        let changes = state(&store).expect("a state").changes_since(&before);
        let shown = |change: &StateChange| {
            format!("{}{change:?}", if change.breaks_a_freeze() { "!" } else { "" })
        };
        let found: Vec<_> = changes.iter().map(shown).collect();
        assert_eq!(found.join(" "), expected, "{what}");
    }
}

#[test]
fn an_upload_that_was_open_all_the_time_is_no_stillness() {
    let store = Store::with(Vec::new());
    store.held.lock().expect("no panic").uploads = 1;
    let expected = Watched::Moving(vec![Movement::Uploads { rows: 1, newest: None }]);
    assert_eq!(watched(&store, 600).expect("an answer"), expected);
    assert_eq!(store.sleeps.load(Ordering::Relaxed), 0, "before anything is read");
}

/// Behind the last sleep the rows are read a second time, two a page.
#[test]
fn what_comes_in_the_second_reading_is_seen() {
    let opens: Happening = |held| held.uploads = 1;
    let stores: Happening = |held| held.objects.push(RepoStatus::Used);
    for happens in [opens, stores] {
        for page in 5..8 {
            let store = Store::with(Vec::new());
            store.in_page.lock().expect("no panic").replace((page, happens));
            let watched = watched(&store, 20).expect("an answer");
            assert!(!matches!(watched, Watched::Still(_)), "page {page}: {watched:?}");
        }
    }
}

#[test]
fn a_database_behind_its_trackers_is_no_evidence() {
    let (store, ahead) = (Store::with(Vec::new()), Store::with(Vec::new()));
    ahead.held.lock().expect("no panic").rows.push(content(5));
    let ports = FreezePorts { trackers: ahead, ..store.ports() };
    let buckets = map();
    let plan = FreezePlan { buckets: &buckets, window: Duration::from_secs(20), stop: never() };
    let watched = watch(&ports, &plan, &|_| {}, &|_| {}).now_or_never().expect("no wait");
    let expected = Watched::Moving(vec![Movement::TrackersAhead(Fid(5))]);
    assert_eq!(watched.expect("an answer"), expected);
}

#[test]
fn a_state_of_nothing_is_refused() {
    let cases: [(&str, Happening, &str); 4] = [
        ("no row", |held| held.rows.clear(), "has no rows"),
        ("no content", |held| drop(held.rows.drain(..2)), "none of the 2 rows"),
        (
            "another contentrepo",
            |held| held.repo_bucket = "blog".to_owned(),
            "contentrepo's database",
        ),
        ("another rhino", |held| held.files = vec![Some("blog".to_owned())], "rhino's database"),
    ];
    for (what, happens, expected) in cases {
        let store = Store::with(Vec::new());
        happens(&mut store.held.lock().expect("no panic"));
        let why = state(&store).expect_err(what).to_string();
        assert!(why.contains(expected), "{what}: {why}");
    }
}
