//! The recorded exchanges: what the client sends, and what it makes of the answers, from a script
//! to the letter and from the stand-in.

use std::sync::Arc;

use adapters::mogile::{TrackerError, TrackerIndex, Trackers};
use domain::ports::SourceIndex;
use domain::retry::{Classed, ErrorClass};
use domain::{ByteCount, Fid, IndexRow, StorageClass};
use stand_ins::wire::tracker;
use stand_ins::world::mogile::{self, Content, DeviceId, FileRow, MogileFs};
use tokio::net::TcpListener;

use super::client::{DOMAIN, trackers};
use super::scripted::{Scripted, callid, say};

const KEY: &str = "4cb62c588ecdb941e92cbb85cdcb282f0fec0c77-mogilefs-prod-repo";
const OTHER_KEY: &str = "4cb62d0000000000000000000000000000000000-mogilefs-prod-repo";

/// Carries one command out, and tells what came of it.
async fn told(trackers: &Trackers, command: &str) -> String {
    match command {
        "get_paths" => format!("{:?}", trackers.get_paths(DOMAIN, KEY).await),
        "get_domains" => format!("{:?}", trackers.get_domains().await),
        "classes" => format!("{:?}", trackers.classes_of(DOMAIN).await),
        "file_info" => format!("{:?}", trackers.file_info(DOMAIN, KEY).await),
        "list_fids" => format!("{:?}", trackers.list_fids(Fid(3), 1).await),
        "list_keys" => format!("{:?}", trackers.list_keys(DOMAIN, "4cb6", "", 3).await),
        "rename" => format!("{:?}", trackers.rename(DOMAIN, "a", "b").await),
        "delete" => format!("{:?}", trackers.delete(DOMAIN, "b").await),
        "noop" => {
            let answers = trackers.noop().await;
            format!("{:?}", answers.into_iter().map(|(_, answer)| answer).collect::<Vec<_>>())
        }
        command => panic!("{command} is no command of the client"),
    }
}

/// That a command sends this line, and makes this of the recorded answer: with its `callid` and
/// without, for the request had none when it was recorded.
async fn check(command: &'static str, request: &str, answer: String, wanted: &str) {
    for echo in [true, false] {
        let answer = answer.clone();
        let server = Scripted::tracker(move |_, request| {
            let and = if answer.ends_with(' ') { "" } else { "&" };
            let callid = format!("{and}callid={}", callid(request));
            say(format!("{answer}{}\r\n", if echo { callid } else { String::new() }))
        });
        let server = server.await;
        let got = told(&trackers(&[server.address]), command).await;
        assert_eq!(got, wanted, "{command}, callid {echo}");
        let sent = format!("{request}callid=1\r\n");
        assert_eq!(server.seen().requests, [sent], "{command}");
    }
}

#[tokio::test]
async fn every_recorded_exchange() {
    let paths = "OK path1=http://127.0.0.1:7500/dev1/0/000/000/0000000003.fid&paths=2\
                 &path2=http://127.0.0.2:7500/dev2/0/000/000/0000000003.fid";
    let info = format!(
        "OK length=5180&class=default&devids=1,2&fid=3&devcount=2&domain={DOMAIN}&key={KEY}"
    );
    let fids = format!(
        "OK fid_1_domain={DOMAIN}&fid_1_length=46394&fid_1_class=default&fid_1_devcount=2\
         &fid_count=1&fid_1_key={OTHER_KEY}&fid_1_fid=4"
    );
    let asked = format!("get_paths domain={DOMAIN}&key={KEY}&noverify=1&pathcount=10&");
    for (command, request, answer, wanted) in [
        (
            "get_paths",
            asked.clone(),
            paths.to_owned(),
            r#"Ok(["http://127.0.0.1:7500/dev1/0/000/000/0000000003.fid", "http://127.0.0.2:7500/dev2/0/000/000/0000000003.fid"])"#
                .to_owned(),
        ),
        ("get_paths", asked, "OK paths=0".to_owned(), "Ok([])".to_owned()),
        (
            "get_domains",
            "get_domains ".to_owned(),
            "OK domain2class1name=default&domain2=plos_repo&domain2class1mindevcount=2\
             &domain2class1hashtype=NONE&domain2class1replpolicy=MultipleHosts%28%29\
             &domain2classes=1&domains=2&domain1=other"
                .to_owned(),
            r#"Ok(["other", "plos_repo"])"#.to_owned(),
        ),
        (
            "classes",
            "get_domains ".to_owned(),
            "OK domain2class1name=default&domain2=plos_repo&domain2class1mindevcount=2\
             &domain2class1hashtype=NONE&domain2class1replpolicy=MultipleHosts%28%29\
             &domain2classes=1&domains=2&domain1=other"
                .to_owned(),
            r#"Ok([("default", 2)])"#.to_owned(),
        ),
        (
            "file_info",
            format!("file_info domain={DOMAIN}&key={KEY}&"),
            info,
            r#"Ok(FileInfo { fid: Fid(3), length: Some(ByteCount(5180)), class: "default", devcount: 2 })"#
                .to_owned(),
        ),
        (
            "list_fids",
            "list_fids from=3&to=1&".to_owned(),
            fids,
            format!(
                r#"Ok([ListedFile {{ fid: Fid(4), domain: "{DOMAIN}", key: Some("{OTHER_KEY}"), length: Some(ByteCount(46394)), class: Some("default"), replicas: Some(2) }}])"#
            ),
        ),
        (
            "list_fids",
            "list_fids from=3&to=1&".to_owned(),
            "OK fid_count=0".to_owned(),
            "Ok([])".to_owned(),
        ),
        (
            "list_keys",
            format!("list_keys domain={DOMAIN}&prefix=4cb6&after=&limit=3&"),
            format!("OK key_1={KEY}&next_after={KEY}&key_count=1"),
            format!(r#"Ok(["{KEY}"])"#),
        ),
        (
            "rename",
            format!("rename domain={DOMAIN}&from_key=a&to_key=b&"),
            "OK ".to_owned(),
            "Ok(())".to_owned(),
        ),
        (
            "delete",
            format!("delete domain={DOMAIN}&key=b&"),
            "OK ".to_owned(),
            "Ok(())".to_owned(),
        ),
        ("noop", "noop ".to_owned(), "OK ".to_owned(), "[Ok(())]".to_owned()),
    ] {
        check(command, &request, answer, &wanted).await;
    }
}

/// The kind and class of an error, and the words in it.
fn kind(error: &TrackerError) -> (&'static str, ErrorClass) {
    let kind = match error {
        TrackerError::Gone { .. } => "gone",
        TrackerError::Refused { .. } => "refused",
        TrackerError::Busy { .. } => "busy",
        TrackerError::Unreachable { .. } => "unreachable",
        TrackerError::Uncertain { .. } => "uncertain",
        TrackerError::BadAnswer { .. } => "bad answer",
    };
    (kind, error.class())
}

#[tokio::test]
async fn every_recorded_error() {
    use ErrorClass::{GiveUp, Retry};
    for (words, wanted, text) in [
        ("unknown_key unknown_key", ("gone", GiveUp), "does not know the key"),
        ("no_key no_key", ("refused", GiveUp), "no_key: no_key"),
        ("no_domain No+domain+provided", ("refused", GiveUp), "No domain provided"),
        (
            "unreg_domain Domain+name+invalid/not+found",
            ("refused", GiveUp),
            "Domain name invalid/not found",
        ),
        ("unknown_command Unknown+server+command", ("refused", GiveUp), "Unknown server command"),
        (
            "none_match No+keys+match+that+pattern+and+after-value+%28if+any%29.",
            ("refused", GiveUp),
            "after-value (if any).",
        ),
        (
            "after_mismatch Pattern+does+not+match+the+after-value%3F",
            ("refused", GiveUp),
            "the after-value?",
        ),
        (
            "key_exists Target+key+name+already+exists%3B+can%27t+overwrite.",
            ("refused", GiveUp),
            "Target key name already exists; can't overwrite.",
        ),
        ("no_temp_file No+tempfile+or+file+already+closed", ("refused", GiveUp), "no_temp_file"),
        ("size_mismatch Expected:+12%3B+actual:+11%3B+path:+x", ("refused", GiveUp), "actual: 11"),
        (
            "size_verify_error Expected:+11%3B+actual:+0+%28missing%29",
            ("refused", GiveUp),
            "actual: 0 (missing)",
        ),
        ("fid_in_use fid_in_use", ("refused", GiveUp), "fid_in_use"),
        ("unreg_class unreg_class", ("refused", GiveUp), "unreg_class"),
        ("no_devices No+devices+found+to+store+file", ("refused", GiveUp), "No devices found"),
        ("bad_params Invalid+parameters", ("refused", GiveUp), "Invalid parameters"),
        ("failure Operation+failed", ("busy", Retry), "failure: Operation failed"),
        ("db Database+error", ("busy", Retry), "Database error"),
    ] {
        for echo in [true, false] {
            let server = Scripted::tracker(move |_, request| {
                let callid = format!(" {}", callid(request));
                say(format!("ERR {words}{}\r\n", if echo { callid } else { String::new() }))
            });
            let server = server.await;
            let asked = trackers(&[server.address]).get_paths(DOMAIN, KEY).await;
            let error = asked.expect_err(words);
            assert_eq!(kind(&error), wanted, "{words}");
            assert!(error.to_string().contains(text), "{words}: {error}");
        }
    }
}

/// A stand-in with the recorded store: two hosts of one device each, fid 3 with 5180 bytes, fid 4
/// with 46394.
async fn recorded() -> (Arc<MogileFs>, Arc<Trackers>) {
    let mogile = Arc::new(MogileFs::default());
    for last in [1, 2] {
        mogile.add_device(mogile.add_host([127, 0, 0, last].into(), 7500));
    }
    let dmid = mogile.add_domain(DOMAIN);
    let devices = [DeviceId(1), DeviceId(2)];
    for (fid, key, length) in [(3, KEY, 5180), (4, OTHER_KEY, 46394)] {
        let content = Content::from(vec![b'x'; length]);
        mogile.store_as(mogile::Fid(fid), dmid, key, &content, &devices);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let trackers = Arc::new(trackers(&[listener.local_addr().expect("bound")]));
    tokio::spawn(tracker::serve(listener, Arc::clone(&mogile), Arc::default()));
    (mogile, trackers)
}

#[tokio::test]
async fn the_stand_in_is_understood() {
    let (mogile, trackers) = recorded().await;
    let mut paths = trackers.get_paths(DOMAIN, KEY).await.expect("it is there");
    paths.sort_unstable();
    let url = |n| format!("http://127.0.0.{n}:7500/dev{n}/0/000/000/0000000003.fid");
    assert_eq!(paths, [url(1), url(2)]);
    for (command, wanted) in [
        (
            "file_info",
            r#"Ok(FileInfo { fid: Fid(3), length: Some(ByteCount(5180)), class: "default", devcount: 2 })"#
                .to_owned(),
        ),
        (
            "list_fids",
            format!(
                r#"Ok([ListedFile {{ fid: Fid(4), domain: "{DOMAIN}", key: Some("{OTHER_KEY}"), length: Some(ByteCount(46394)), class: Some("default"), replicas: Some(2) }}])"#
            ),
        ),
        ("list_keys", format!(r#"Ok(["{KEY}", "{OTHER_KEY}"])"#)),
        ("noop", "[Ok(())]".to_owned()),
    ] {
        assert_eq!(told(&trackers, command).await, wanted, "{command}");
    }
    let behind = trackers.list_keys(DOMAIN, "4cb6", KEY, 3).await.expect("another");
    assert_eq!(behind, [OTHER_KEY]);
    assert_eq!(trackers.list_keys(DOMAIN, "4cb6", OTHER_KEY, 3).await.expect("the end"), [""; 0]);
    trackers.rename(DOMAIN, KEY, "b").await.expect("free");
    assert_eq!(mogile.row(mogile::Fid(3)).and_then(|row| row.dkey).as_deref(), Some("b"));
    trackers.delete(DOMAIN, "b").await.expect("it is there");
    assert_eq!(mogile.row_count(), 1);
}

#[tokio::test]
async fn the_stand_ins_refusals_are_understood() {
    let (_, trackers) = recorded().await;
    for (answer, wanted) in [
        (trackers.get_paths(DOMAIN, "x").await.map(drop), "gone"),
        (trackers.file_info(DOMAIN, "x").await.map(drop), "gone"),
        (trackers.delete(DOMAIN, "x").await, "gone"),
        (trackers.rename(DOMAIN, "x", "y").await, "gone"),
        (trackers.rename(DOMAIN, KEY, OTHER_KEY).await, "refused"),
        (trackers.delete("nowhere", KEY).await, "refused"),
        (trackers.get_paths("", KEY).await.map(drop), "refused"),
        (trackers.get_paths(DOMAIN, "").await.map(drop), "refused"),
        (trackers.list_keys(DOMAIN, "4cb6", "zz", 3).await.map(drop), "refused"),
    ] {
        assert_eq!(kind(&answer.expect_err(wanted)).0, wanted);
    }
}

#[tokio::test]
async fn a_row_of_nulls_does_not_end_the_index() {
    let (mogile, trackers) = recorded().await;
    let row = mogile.row(mogile::Fid(3)).expect("stored");
    mogile.plant(FileRow { fid: mogile::Fid(5), dkey: None, length: None, ..row });
    let index = TrackerIndex::new(trackers, DOMAIN.to_owned());
    let page = index.page(Fid(3), 10).await.expect("rows");
    let length = Some(ByteCount(46394));
    let row = |fid, dkey, length| IndexRow {
        fid,
        dkey,
        length,
        replicas: Some(2),
        storage_class: Some(StorageClass::Named("default".to_owned())),
    };
    let nulls = row(Fid(5), None, None);
    let wanted = [row(Fid(4), Some(OTHER_KEY.to_owned()), length), nulls.clone()];
    assert_eq!((&page.rows[..], page.next), (&wanted[..], Some(Fid(5))));
    assert_eq!(index.row(Fid(5)).await.expect("asked"), Some(nulls));
    assert_eq!(index.row(Fid(2)).await.expect("asked"), None);
}
