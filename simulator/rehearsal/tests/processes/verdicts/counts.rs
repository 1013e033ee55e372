//! Counts are for the eye: one that cannot be had stops nothing, and a watch goes on through
//! whatever fails.

use std::process::Stdio;
use std::time::Duration;

use stand_ins::fault::{Fault, Rule, Service};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::time::timeout;

use super::session::Session;
use crate::cli::rehearse;

#[tokio::test(flavor = "multi_thread")]
async fn status_says_that_the_database_was_not_counted() {
    let mut session = Session::migrated(51, 5).await;
    session.set("MOGILE_DATABASE_URL", "mysql://reader:secret@127.0.0.1:1/mogile");
    let said = session.said(&["status"], 3).await;
    assert!(said.contains("not counted: the index at `127.0.0.1:1/mogile`"), "{said}");
    assert!(said.contains(&format!("proven         {}\n", session.files().len())), "{said}");
    assert!(!said.contains("secret"), "{said}");
    let queue_only = session.said(&["status", "--queue-only"], 0).await;
    assert!(queue_only.contains("--queue-only leaves them out"), "{queue_only}");
    let told = session.told(&["status"], 3).await;
    assert!(told["uncounted"].is_string() && told["rows"].is_null(), "{told}");
}

/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_mins(2);

/// Reads on, until a line has these words.
async fn comes(lines: &mut Lines<BufReader<ChildStdout>>, words: &str) {
    let found = timeout(PATIENCE, async {
        loop {
            let line = lines.next_line().await.expect("text").expect("the watch goes on");
            if line.contains(words) {
                return;
            }
        }
    });
    found.await.unwrap_or_else(|_| panic!("no line has `{words}`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_survives_what_fails_and_says_when_it_is_over() {
    let mut session = Session::migrated(52, 5).await;
    // Away all the time, and no more than a count.
    session.set("MOGILE_DATABASE_URL", "mysql://reader:secret@127.0.0.1:1/mogile");
    let mut command = rehearse();
    command.args(["mogile2s3", "status", "--watch", "1"]).envs(session.environment());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let watch = tokio::process::Command::from(command).kill_on_drop(true).spawn();
    let mut watch = watch.expect("started");
    let mut lines = BufReader::new(watch.stdout.take().expect("piped")).lines();
    comes(&mut lines, "not counted").await;

    let denied = || Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned() };
    let faults = &session.stage.world.faults;
    for (service, fault, advice) in [
        (Service::Sqs, denied(), "→ mend what SQS names"),
        (Service::DynamoDb, denied(), "→ mend what DynamoDB names"),
        (Service::Sqs, Fault::RequestLost, "→ check the way to SQS"),
    ] {
        faults.add(Rule::always(service, fault));
        comes(&mut lines, "cannot look: ").await;
        comes(&mut lines, advice).await;
        faults.clear();
        comes(&mut lines, "in flight").await;
        comes(&mut lines, "proven ").await;
    }
    assert_eq!(watch.try_wait().expect("it can be asked"), None, "it has ended by itself");
    let process = watch.id().expect("it runs").to_string();
    let kill = tokio::process::Command::new("kill").args(["-INT", &process]).status().await;
    assert!(kill.expect("kill is there").success());
    timeout(PATIENCE, watch.wait()).await.expect("it ends").expect("it can be waited for");
}
