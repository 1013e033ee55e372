//! What happens while `rekey` is at it.

use std::process::Stdio;
use std::time::Duration;

use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::databases::Status;
use tokio::process::Child;

use super::{Case, OLD, key};
use crate::cli::text;

/// A `rekey --execute` that has made such a request.
async fn begun(case: &Case, service: Service, operation: &str) -> Child {
    let (fid, from) = (case.fid.to_string(), key(OLD));
    let mut command = crate::cli::rehearse();
    command.args(["mogile2s3", "rekey", "--execute", "--fid", &fid, "--from", &from]);
    command.args(["--operator", "ann"]).envs(&case.environment);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("started");
    while !case.world.faults.counts().contains_key(&(service, operation.to_owned())) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    run
}

/// Its rows had been read by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_comes_before_the_change_is_seen() {
    let case = Case::new().await;
    let slow = Fault::Delay(Duration::from_secs(2));
    case.strike(Service::DynamoDb, "TransactWriteItems", slow);
    let run = begun(&case, Service::DynamoDb, "TransactWriteItems").await;
    case.refer(2, OLD, Status::InUse);
    let output = run.wait_with_output().await.expect("waited for");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("STILL-REFERRED") && said.contains("10.1371/2"), "{said}");
    assert_eq!(case.key_now(), Some(key(OLD)));
    assert_eq!(case.journal().await[1]["outcome"], "still-referred");
}

/// While the replicas are read: nothing is begun by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_reading_and_changes_nothing() {
    let case = Case::new().await;
    case.world.faults.add(Rule::always(Service::StorageNode, Fault::Hang));
    let run = begun(&case, Service::StorageNode, "GET").await;
    let kill = format!("kill -INT {}", run.id().expect("it runs"));
    let killed = std::process::Command::new("sh").args(["-c", &kill]).status();
    assert!(killed.expect("a shell").success());
    let ended = tokio::time::timeout(Duration::from_secs(10), run.wait_with_output()).await;
    let output = ended.expect("it ends at once").expect("waited for");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("STOPPED: interrupted"), "{said}");
    assert_eq!((case.key_now(), case.entries()), (Some(key(OLD)), 0));
}
