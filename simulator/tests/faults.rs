//! Every fault of the listeners on every kind of request: a run ends complete or with honest
//! failures, and the next one, without faults, completes it.

mod cli;

use std::time::Duration;

use simulator::fault::{Fault, Rule, Service};
use simulator::rehearsal::Stage;
use tokio::sync::Semaphore;

use cli::{is_honest, json, mogile2s3, stage, text};

/// Kinds of requests, in groups that are struck together: a world for each would take minutes.
const REQUESTS: [&[(Service, &str)]; 3] = [
    &[
        (Service::Tracker, "list_fids"),
        (Service::Tracker, "get_paths"),
        (Service::StorageNode, "GET"),
    ],
    &[(Service::S3, "LIST"), (Service::S3, "COPY"), (Service::S3, "PUT"), (Service::S3, "HEAD")],
    &[(Service::DynamoDb, "Scan"), (Service::DynamoDb, "BatchWriteItem")],
];

fn faults() -> Vec<Fault> {
    let refuse = |status, code: &str| Fault::Refuse { status, code: code.to_owned() };
    vec![
        Fault::RequestLost,
        Fault::AnswerLost,
        Fault::Hang,
        Fault::Delay(Duration::from_millis(30)),
        refuse(503, "SlowDown"),
        refuse(500, "InternalError"),
        refuse(400, "ThrottlingException"),
        refuse(403, "AccessDenied"),
        refuse(307, "TemporaryRedirect"),
        Fault::TruncateBody(7),
        Fault::HangInBody(7),
        Fault::Trickle(Duration::from_millis(1)),
        Fault::CorruptBody,
    ]
}

/// The world, with something to look at for every kind of request.
async fn world() -> Stage {
    let stage = stage(11, 14).await;
    // A PUT that is refused because of its own first effect is settled by a HEAD.
    let lost = Rule::once(Service::S3, "PUT", "", Fault::AnswerLost);
    stage.world.faults.add(Rule { skip: 3, ..lost });
    stage
}

async fn strike(requests: &[(Service, &str)], fault: Fault) {
    // Side by side, since most of the time is waiting; not all at once, or that is for each other.
    static SIDE_BY_SIDE: Semaphore = Semaphore::const_new(8);
    let _place = SIDE_BY_SIDE.acquire().await.expect("it stays open");
    let stage = world().await;
    let case = format!("{fault:?} on {requests:?}");
    for (service, operation) in requests {
        let rule = Rule::once(*service, operation, "", fault.clone());
        // Twice in a row, early: a retry meets it again.
        stage.world.faults.add(Rule { skip: u32::from(*operation == "COPY"), times: 2, ..rule });
    }
    let mut environment = stage.world.environment().clone();
    environment.insert("REQUEST_TIMEOUT_SECONDS", "1".to_owned());
    let migrate = async || {
        let output = mogile2s3(&environment, &["migrate", "--json", "--concurrency", "4"]).await;
        assert!(is_honest(&output), "{case}: {} {}", json(&output), text(&output.stderr));
        output
    };
    migrate().await;
    stage.world.faults.clear();
    let second = migrate().await;
    assert_eq!(second.status.code(), Some(0), "{case}: {}", json(&second));
    let judgement = stage.judge();
    assert!(judgement.is_content(), "{case}: {:?}", judgement.problems);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_on_every_request_is_survived_or_told() {
    let cases = faults()
        .into_iter()
        .flat_map(|fault| REQUESTS.map(|requests| tokio::spawn(strike(requests, fault.clone()))));
    for case in cases.collect::<Vec<_>>() {
        case.await.expect("no case fails");
    }
}
