//! Items of the ledger that cannot be read, as early versions of s3migrate left them.

use dynoxide::AttributeValue;
use stand_ins::embedded::LEDGER;
use stand_ins::world::dynamodb::{self, Item};

use super::session::Session;
use crate::cli::text;

/// A store that is not migrated, with such items of some files; gives their fids.
async fn with_unreadable() -> (Session, Vec<u64>) {
    let session = Session::new(41, 5).await;
    let fids: Vec<_> = session.plain().take(2).map(|file| file.fid).collect();
    for file in session.plain().take(2) {
        let item = Item::from([
            dynamodb::number("fid", file.fid),
            dynamodb::text("sha1", &file.file.sha1),
            ("md5".to_owned(), AttributeValue::BOOL(false)),
            dynamodb::text("bucket", file.bucket),
        ]);
        session.put(LEDGER, item);
    }
    (session, fids)
}

#[tokio::test(flavor = "multi_thread")]
async fn fids_says_that_items_cannot_be_read() {
    let (session, fids) = with_unreadable().await;
    for arguments in [&["fids"][..], &["fids", "--proven"], &["fids", "--unproven", "--json"]] {
        let output = session.ended(arguments, 1).await;
        let stderr = text(&output.stderr);
        assert!(stderr.contains("2 items of the ledger cannot be read"), "{stderr}");
        let listed = text(&output.stdout);
        let listed = listed.split("\"unreadable\"").next().unwrap_or_default();
        assert!(fids.iter().all(|fid| !listed.contains(&fid.to_string())), "{listed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fids_lists_what_cannot_be_read_with_its_cause() {
    let (session, fids) = with_unreadable().await;
    let output = session.ended(&["fids", "--unreadable"], 1).await;
    let listed = text(&output.stdout);
    let mut lines: Vec<_> = listed.lines().collect();
    lines.sort_unstable();
    let expected =
        fids.iter().map(|fid| format!("{fid}\tthe item of fid {fid} has no usable `md5`"));
    assert_eq!(lines, expected.collect::<Vec<_>>());
    let listed = session.told(&["fids", "--unreadable"], 1).await;
    assert_eq!(listed["fids"], serde_json::json!(fids));
}

#[tokio::test(flavor = "multi_thread")]
async fn status_counts_what_cannot_be_read() {
    let (session, _) = with_unreadable().await;
    let said = session.said(&["status"], 0).await;
    assert!(said.contains("2 items: `mogile2s3 fids --unreadable` lists them"), "{said}");
    let told = session.told(&["status"], 0).await;
    assert_eq!(told["ledger"]["unreadable"]["files"], 2, "{told}");
    assert_eq!(told["proven"], 0, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_migrated_and_can_be_read_then() {
    let (session, _) = with_unreadable().await;
    let told = session.told(&["migrate"], 0).await;
    assert_eq!(told["exit_code"], 0, "{told}");
    session.is_content();
    session.ended(&["fids"], 0).await;
    let again = session.told(&["migrate"], 0).await;
    assert_eq!(again["proven_before"]["files"], session.files().len(), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_that_fids_prints_list_and_take_what_cannot_be_read() {
    let (session, fids) = with_unreadable().await;
    let said = session.said(&["fids"], 1).await;
    let listed = session.follow(&said, "fids --unreadable", 1).await;
    assert!(fids.iter().all(|fid| listed.contains(&format!("{fid}\t"))), "{listed}");
    let status = session.said(&["status"], 0).await;
    let same = session.follow(&status, "fids --unreadable", 1).await;
    assert!(fids.iter().all(|fid| same.contains(&format!("{fid}\t"))), "{same}");
    session.follow(&said, "migrate", 0).await;
    session.said(&["fids"], 0).await;
}
