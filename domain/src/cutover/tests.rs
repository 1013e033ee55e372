//! What moves in a store that is to be frozen, and what a freeze makes of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;

use super::*;
use crate::cleanup::never;
use crate::ports::*;
use crate::store_state::{StateChange, StoreState};
use crate::{BucketMap, ByteCount, Fid, IndexRow, Sha1, StorageClasses, Timestamp};

/// A store and its clients. What happens to it happens during a sleep.
#[derive(Default)]
struct Store {
    held: Mutex<Held>,
    /// What is done in each sleep of the clock, by its number from 1 on.
    script: Mutex<Vec<(u64, Happening)>>,
    sleeps: AtomicU64,
    /// What is done when this page of the index is read, counted from 1 on.
    in_page: Mutex<Option<(u64, Happening)>>,
    pages: AtomicU64,
}

type Happening = fn(&mut Held);

#[derive(Clone, Default)]
struct Held {
    rows: Vec<IndexRow>,
    uploads: u64,
    objects: Vec<RepoStatus>,
    repo_bucket: String,
    files: Vec<Option<String>>,
}

impl Store {
    /// Two files, an upload that nobody finished, and a row of an ignored bucket.
    fn with(script: Vec<(u64, Happening)>) -> Arc<Self> {
        let held = Held {
            rows: vec![content(1), content(2), temporary(3), row(4, &dkey(4, "trash"))],
            uploads: 0,
            objects: vec![RepoStatus::Used, RepoStatus::Deleted],
            repo_bucket: "repo".to_owned(),
            files: vec![Some("repo".to_owned()), Some("else".to_owned()), None],
        };
        Arc::new(Self { held: Mutex::new(held), script: Mutex::new(script), ..Self::default() })
    }

    fn held(&self) -> Held {
        self.held.lock().expect("no panic").clone()
    }

    fn ports(self: &Arc<Self>) -> FreezePorts {
        FreezePorts {
            index: self.clone(),
            database: self.clone(),
            trackers: self.clone(),
            servers: vec!["db/mogile".to_owned()],
            content_repo: self.clone(),
            rhino: self.clone(),
            clock: self.clone(),
        }
    }
}

fn dkey(number: u64, bucket: &str) -> String {
    format!("{}-{bucket}", Sha1::of(&number.to_be_bytes()))
}

fn row(fid: u64, dkey: &str) -> IndexRow {
    let (dkey, length) = (Some(dkey.to_owned()), Some(ByteCount(fid)));
    IndexRow { fid: Fid(fid), dkey, length, replicas: Some(2), storage_class: None }
}

fn content(fid: u64) -> IndexRow {
    row(fid, &dkey(fid, "repo"))
}

fn temporary(fid: u64) -> IndexRow {
    row(fid, "0b5a2f1e-0000-4000-8000-000000000001.tmp")
}

#[async_trait]
impl SourceIndex for Store {
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError> {
        let number = self.pages.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some((_, happens)) =
            self.in_page.lock().expect("no panic").filter(|it| it.0 == number)
        {
            happens(&mut self.held.lock().expect("no panic"));
        }
        // Pages of two rows, however many are asked for.
        let rows = self.held().rows.into_iter().filter(|row| row.fid > after);
        let rows: Vec<_> = rows.take(limit.min(2)).collect();
        let next = rows.last().filter(|_| rows.len() == 2).map(|row| row.fid);
        Ok(RowPage { rows, next, ..RowPage::default() })
    }

    async fn row(&self, _fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        unreachable!("no row is asked for singly")
    }

    async fn count(&self) -> Result<Option<u64>, IndexError> {
        Ok(None)
    }

    fn domain(&self) -> &'static str {
        "plos_repo"
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        Ok(vec!["plos_repo".to_owned()])
    }

    async fn storage_classes(&self) -> Result<StorageClasses, IndexError> {
        Ok(StorageClasses::default())
    }
}

#[async_trait]
impl SurveyedDatabase for Store {
    async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
        Ok(DatabaseSurvey::default())
    }

    async fn server_time(&self) -> Result<Timestamp, DatabaseError> {
        Ok(Timestamp(0))
    }
}

#[async_trait]
impl MogileDatabase for Store {
    async fn highest_fid(&self) -> Result<Option<Fid>, DatabaseError> {
        Ok(self.held().rows.iter().map(|row| row.fid).max())
    }

    async fn uploads_under_way(&self) -> Result<UploadsUnderWay, DatabaseError> {
        Ok(UploadsUnderWay { rows: self.held().uploads, newest: None })
    }
}

#[async_trait]
impl ContentRepoDatabase for Store {
    async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError> {
        Ok(vec![RepoBucket { id: RowId(1), name: self.held().repo_bucket }])
    }

    async fn objects(&self, after: RowId, limit: usize) -> Result<Vec<RepoObject>, DatabaseError> {
        let rows = (1..).map(RowId).zip(self.held().objects);
        let rows = rows.filter(|(id, _)| *id > after).take(limit);
        Ok(rows.map(|(id, status)| object(id, status)).collect())
    }

    async fn metadata(&self, _: RowId, _: usize) -> Result<Vec<RepoMetadata>, DatabaseError> {
        unreachable!("a freeze reads no metadata")
    }

    async fn extent(&self) -> Result<RepoExtent, DatabaseError> {
        let mut extent = RepoExtent::default();
        for (id, status) in (1..).map(RowId).zip(self.held().objects) {
            extent.last = Some(id);
            *extent.rows.entry(status).or_default() += 1;
        }
        Ok(extent)
    }
}

fn object(id: RowId, status: RepoStatus) -> RepoObject {
    RepoObject {
        id,
        bucket: Some(RowId(1)),
        key: String::new(),
        checksum: String::new(),
        size: None,
        content_type: None,
        download_name: None,
        status,
        uuid: String::new(),
    }
}

#[async_trait]
impl RhinoDatabase for Store {
    async fn files(&self, _after: RowId, _limit: usize) -> Result<Vec<ArticleFile>, DatabaseError> {
        unreachable!("a freeze counts rhino's rows")
    }

    async fn rows_by_bucket(
        &self,
    ) -> Result<std::collections::BTreeMap<Option<String>, u64>, DatabaseError> {
        let mut rows = std::collections::BTreeMap::new();
        self.held().files.into_iter().for_each(|bucket| *rows.entry(bucket).or_default() += 1);
        Ok(rows)
    }

    async fn rows_between(&self, _: RowId, _: RowId) -> Result<u64, DatabaseError> {
        unreachable!("a freeze counts all rows")
    }

    async fn last(&self) -> Result<Option<RowId>, DatabaseError> {
        let rows = self.held().files.len();
        Ok((rows > 0).then_some(RowId(rows as i128)))
    }
}

#[async_trait]
impl Clock for Store {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    async fn sleep(&self, _time: Duration) {
        let number = self.sleeps.fetch_add(1, Ordering::Relaxed) + 1;
        for (at, happens) in self.script.lock().expect("no panic").iter() {
            if *at == number {
                happens(&mut self.held.lock().expect("no panic"));
            }
        }
    }
}

fn map() -> BucketMap {
    BucketMap::parse("repo:corpus", "trash").expect("valid")
}

fn watched(store: &Arc<Store>, window: u64) -> Result<Watched, FreezeTrouble> {
    let (buckets, window) = (map(), Duration::from_secs(window));
    let plan = FreezePlan { buckets: &buckets, window, stop: never() };
    watch(&store.ports(), &plan, &|_| {}, &|_| {}).now_or_never().expect("nothing to wait for")
}

fn state(store: &Arc<Store>) -> Result<StoreState, FreezeTrouble> {
    read_state(&store.ports(), &map(), &|_| {}).now_or_never().expect("nothing to wait for")
}

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
    use Movement::{ContentrepoRow, HighestFid, RhinoRow, Uploads};
    let cases: [(&str, Happening, Watched); 8] = [
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
    let cases: [(&str, Happening, &str); 10] = [
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
