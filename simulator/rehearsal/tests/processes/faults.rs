//! Every fault of the listeners on every kind of request: a run ends complete or with honest
//! failures, and the next one, without faults, completes it.

use std::time::Duration;

use rehearsal::planting::Expected;
use rehearsal::stage::Stage;
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::{Condition, Content as ObjectContent};
use stand_ins::world::mogile::{Content, DeviceId, Fid};
use tokio::sync::Semaphore;

use crate::cli::{is_honest, json, mogile2s3, stage, text};

/// Kinds of requests, in groups that are struck together: a world for each would take minutes.
const REQUESTS: [&[(Service, &str)]; 6] = [
    &[
        (Service::Mysql, "CONNECT"),
        (Service::Mysql, "SET"),
        (Service::Mysql, "PREPARE"),
        (Service::Mysql, "SELECT domain"),
        (Service::Mysql, "SELECT file"),
    ],
    &[
        (Service::Tracker, "list_fids"),
        (Service::Tracker, "get_paths"),
        (Service::StorageNode, "GET"),
    ],
    &[(Service::S3, "LIST"), (Service::S3, "COPY"), (Service::S3, "PUT"), (Service::S3, "HEAD")],
    &[(Service::S3, "GET"), (Service::S3, "DELETE")],
    &[(Service::S3, "CREATE_MULTIPART"), (Service::S3, "PART"), (Service::S3, "COMPLETE")],
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
        Fault::RefuseInside200 { code: "InternalError".to_owned(), carried_out: true },
        Fault::RefuseInside200 { code: "InternalError".to_owned(), carried_out: false },
        Fault::Unprocessed { processed: 1 },
    ]
}

/// The world, with something for every kind of request, and what it takes to mend it.
async fn world() -> (Stage, Vec<(Fid, DeviceId, Content)>) {
    let mut stage = stage(11, 14).await;
    // A PUT that is refused because of its own first effect is settled by a HEAD.
    let lost = Rule::once(Service::S3, "PUT", "", Fault::AnswerLost);
    stage.world.faults.add(Rule { skip: 3, ..lost });

    let plain = |file: &&Expected, synced| {
        file.synced == synced
            && file.hazard.is_none()
            && (1..1_000_000).contains(&file.file.content.length())
    };
    // An object without a checksum is settled by a GET.
    let file = stage.planted.expected.iter().find(|file| plain(file, false)).expect("one");
    let bytes = file.file.content.read().expect("in memory");
    let (s3, key) = (&stage.world.s3, &file.file.sha1);
    s3.plant_plain(file.bucket, key, bytes).expect("planted");
    // With its type and name, for some faults let it be replaced and some do not.
    let mut object = s3.get(file.bucket, key, &Condition::None).expect("it is there");
    object.attributes.content_type = file.headers.content_type.map(str::to_owned);
    object.attributes.content_disposition = file.headers.disposition.map(str::to_owned);
    s3.plant(file.bucket, key, object).expect("put back");

    // A corrupt copy that nothing can replace is taken away by a DELETE.
    let file = stage.planted.expected.iter().rfind(|file| plain(file, true)).expect("one");
    let (fid, bucket) = (Fid(file.fid), file.bucket);
    let wrong = ObjectContent::of(vec![0; 100]);
    let suffix = format!("{:010}.fid", file.fid);
    let is_of_file = |(of, key): &&(&str, String)| *of == bucket && key.ends_with(&suffix);
    let at = stage.planted.intermediaries.keys().find(is_of_file).expect("it is synced").clone();
    stage.world.s3.plant_plain(bucket, &at.1, wrong.bytes().clone()).expect("planted");
    stage.planted.intermediaries.insert(at, wrong);
    let devices = stage.world.devices.iter();
    let taken = devices
        .filter_map(|&device| Some((fid, device, stage.world.mogile.remove_replica(fid, device)?)));
    let taken = taken.collect();
    (stage, taken)
}

async fn strike(requests: &[(Service, &str)], fault: Fault) {
    // Side by side, since most of the time is waiting; not all at once, or that is for each other.
    static SIDE_BY_SIDE: Semaphore = Semaphore::const_new(8);
    let _place = SIDE_BY_SIDE.acquire().await.expect("it stays open");
    let (stage, taken) = world().await;
    let case = format!("{fault:?} on {requests:?}");
    for (service, operation) in requests {
        let rule = Rule::once(*service, operation, "", fault.clone());
        // Twice in a row, early: a retry meets it again.
        stage.world.faults.add(Rule { skip: u32::from(*operation == "COPY"), times: 2, ..rule });
    }
    let mut environment = stage.world.environment().clone();
    environment.insert("REQUEST_TIMEOUT_SECONDS", "1".to_owned());
    if requests.contains(&(Service::Tracker, "list_fids")) {
        // They list the index where there is no database.
        environment.remove("MOGILE_DATABASE_URL");
    }
    let migrate = async || {
        let output = mogile2s3(&environment, &["migrate", "--json", "--concurrency", "4"]).await;
        assert!(is_honest(&output), "{case}: {} {}", json(&output), text(&output.stderr));
        output
    };
    migrate().await;
    stage.world.faults.clear();
    for (fid, device, content) in taken {
        stage.world.mogile.set_replica(fid, device, content);
    }
    let second = migrate().await;
    assert_eq!(second.status.code(), Some(0), "{case}: {}", json(&second));
    let judgement = stage.judge();
    assert!(judgement.is_content(), "{case}: {:?}", judgement.problems);
}

/// With a thread for each case that is under way: while one makes its files, the worlds of the others
/// must answer within their second, and a session with the database takes eight answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn every_fault_on_every_request_is_survived_or_told() {
    let cases = faults()
        .into_iter()
        .flat_map(|fault| REQUESTS.map(|requests| tokio::spawn(strike(requests, fault.clone()))));
    for case in cases.collect::<Vec<_>>() {
        case.await.expect("no case fails");
    }
}
