//! Two operators of one cut-over, rows that keep their names, and the flags of a careful run.

use std::process::Stdio;
use std::time::Duration;

use stand_ins::embedded::{BUCKETS, IGNORED_BUCKET};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::databases::{ArticleFileRow, Database};

use super::Case;
use crate::cli::{mogile2s3, rehearse, text};

/// A case whose contentrepo is cut over by ann.
async fn contentrepo_is_cut_over(case: &Case) {
    case.freeze().await;
    case.migrate_and_verify("cutover contentrepo").await;
    let (named, backup) = (named(), case.path("contentrepo.gz"));
    let cutover = format!("cutover contentrepo --execute {named} --backup {backup} --operator=ann");
    case.run(&cutover, 0).await;
}

fn rhino(case: &Case, operator: &str) -> String {
    let (named, backup) = (named(), case.path("rhino.gz"));
    format!("cutover rhino --execute {named} --backup {backup} --operator={operator}")
}

/// What the operators have decided about the gates.
fn named() -> String {
    format!("--left-behind {IGNORED_BUCKET} --override queue --reason tested")
}

fn signal(process: u32, signal: &str) {
    let kill = format!("kill -{signal} {process}");
    let sent = std::process::Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.expect("a shell").success());
}

/// ann is stopped within a statement, and holds the lock of operators. bob is refused, ends her session as the
/// refusal says, and brings the cut-over to its end. She wakes up, and writes nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_slept_across_a_take_over_changes_nothing_more() {
    let case = Case::new().await;
    contentrepo_is_cut_over(&case).await;
    let long = Fault::Delay(Duration::from_mins(1));
    case.world.faults.add(Rule::once(Service::Mysql, "UPDATE articleFile", "", long));
    let mut command = tokio::process::Command::from(rehearse());
    let arguments = rhino(&case, "ann");
    let ann = command.arg("mogile2s3").args(arguments.split_whitespace());
    let ann = ann.envs(&case.environment).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut ann = ann.kill_on_drop(true).spawn().expect("started");
    let process = ann.id().expect("it runs");
    while !case.world.faults.unspent().is_empty() {
        assert!(
            ann.try_wait().expect("it can be asked").is_none(),
            "it ended before its statement"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    signal(process, "STOP");

    let status = text(&mogile2s3(case.world.environment(), &["status"]).await.stdout);
    assert!(status.contains("began to change rhino's bucket names"), "{status}");
    assert!(status.contains("the index bucketName_index is MISSING"), "{status}");
    let refused = case.run(&rhino(&case, "bob"), 4).await;
    let (_, id) = refused.split_once("`KILL ").expect("the way on");
    let id = id.split('`').next().and_then(|id| id.parse().ok()).expect("the number of a session");
    assert!(case.world.mysql.kill(id), "{refused}");
    let done = case.run(&rhino(&case, "bob"), 0).await;
    assert!(done.contains("DONE: rhino has the S3 names"), "{done}");
    let after = case.dump();
    let journal = case.run("runbook export", 0).await;

    signal(process, "CONT");
    let ended = tokio::time::timeout(Duration::from_secs(30), ann.wait_with_output()).await;
    let ended = ended.expect("it ends").expect("waited for");
    let said = text(&ended.stderr) + &text(&ended.stdout);
    assert_eq!(ended.status.code(), Some(4), "{said}");
    assert!(said.contains("taken over by bob"), "{said}");
    assert_eq!(case.dump(), after, "every row and the index");
    assert_eq!(case.run("runbook export", 0).await, journal, "no entry of hers behind his");
}

/// A row bears an S3 name before the cut-over. It keeps it there and back, and the server is asked how busy it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_bears_an_s3_name_keeps_it_both_ways_in_an_online_run() {
    let case = Case::new().await;
    let planted = case.world.databases.plant(|rows| {
        rows.article_file(&ArticleFileRow {
            ingestion: 1,
            item: None,
            file_type: None,
            bucket: BUCKETS[0].1,
            key: "early",
            uuid: "b2d3a0c4-0000-4000-8000-000000000008",
            size: 1,
            name: "early",
        })
    });
    planted.expect("planted");
    let before = case.dump();
    contentrepo_is_cut_over(&case).await;
    let refused = case.run(&rhino(&case, "ann"), 4).await;
    assert!(refused.contains("With --keep-existing"), "{refused}");
    let short = Fault::Delay(Duration::from_millis(1));
    case.world.faults.add(Rule::once(Service::Mysql, "SHOW", "Threads_running", short));
    let done = case.run(&format!("{} --keep-existing --online", rhino(&case, "ann")), 0).await;
    assert!(done.contains("DONE: rhino has the S3 names"), "{done}");
    assert!(case.world.faults.unspent().is_empty(), "--online asks how busy the server is");
    case.run("cutover rhino --revert --execute --operator=ann", 0).await;
    let back = "cutover contentrepo --revert --execute --operator=ann";
    case.run(back, 0).await;
    assert_eq!(case.dump(), before, "the row has its S3 name, and the others their old ones");
    let kept = "SELECT bucketName FROM articleFile WHERE crepoKey = 'early'";
    let kept = case.world.databases.texts(Database::Rhino, kept).expect("a row");
    assert_eq!(kept, [[BUCKETS[0].1]]);
}
