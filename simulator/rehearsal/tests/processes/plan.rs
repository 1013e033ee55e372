//! `plan`: what it counts beforehand is what a migration asks for, and its price.

mod alike;
mod clients;
mod compared;
mod queued;
mod replicas;

use rehearsal::hazard::Hazards;
use rehearsal::stage::{Options, Stage};
use serde_json::{Value, json};
use stand_ins::embedded::FAILURES;
use stand_ins::fault::Service;
use stand_ins::world::bucket::Condition;
use stand_ins::world::dynamodb::{create_ledger_table, number, put, text as of_text};

use crate::cli::{mogile2s3, text};

/// A world with about so many files and nothing wrong with any of them. A few go in parts.
async fn clean(files: usize) -> Stage {
    let options = Options { seed: 41, files, folder: None, hazards: Hazards::None };
    Stage::set(&options).await.expect("a world")
}

async fn told(stage: &Stage, more: &[(&'static str, String)], arguments: &[&str]) -> Value {
    let mut environment = stage.world.environment().clone();
    environment.extend(more.iter().cloned());
    let output = mogile2s3(&environment, &[arguments, &["--json"]].concat()).await;
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    crate::cli::json(&output)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_planned_is_what_is_asked_for() {
    let by_trackers = [("MOGILE_DATABASE_URL", String::new())];
    for index in [&[][..], &by_trackers] {
        let stage = clean(250).await;
        let planned = told(&stage, index, &["plan"]).await["requests_needed"].clone();
        let run = told(&stage, index, &["migrate"]).await;
        let [copied, put] = ["by_copy", "by_mogile"].map(|class| run[class]["files"].as_u64());
        assert!(copied > Some(50) && put > Some(50), "{run}");
        for field in ["writes", "uploads", "parts", "lists"] {
            assert!(planned[field].as_u64() > Some(0), "{field}: {planned}");
        }
        is_what_was_asked_for(&planned, &run);
    }
}

/// Whether the requests of a run are the planned ones.
fn is_what_was_asked_for(planned: &Value, run: &Value) {
    let of = |kind: &str, end: &str| run["requests"][kind][end].as_u64().unwrap_or_default();
    // A HEAD that finds nothing is one, too.
    let asked = |kind: &str| of(kind, "ok") + of(kind, "failed") + of(kind, "absent");
    let planned_of = |field: &str| planned[field].as_u64().expect("a number");
    for (planned_of, kinds) in [
        (planned_of("writes"), &["S3 COPY", "S3 PUT"][..]),
        (planned_of("uploads"), &["S3 CREATE_MULTIPART"]),
        (planned_of("uploads"), &["S3 COMPLETE"]),
        (planned_of("parts"), &["S3 PART"]),
        (planned_of("lists"), &["S3 LIST"]),
        (
            planned_of("uploads")
                + planned_of("refused")
                + planned_of("looked_at")
                + planned_of("looked_for"),
            &["S3 HEAD"],
        ),
        (planned["to_be_read"]["files"].as_u64().expect("a number"), &["S3 GET"]),
    ] {
        let counted: u64 = kinds.iter().map(|kind| asked(kind)).sum();
        assert_eq!(planned_of, counted, "{kinds:?}: {planned} {run}");
    }
}

/// The sums of the files of all buckets, by class. What is left by bucket is what the bill has.
fn arrived(plan: &Value) -> [u64; 5] {
    let left = &plan["arrived"]["requests_left"];
    let billed = ["writes", "uploads", "looked_at"].map(|field| left[field].as_u64());
    let billed: u64 = billed.into_iter().flatten().sum();
    let buckets = plan["arrived"]["buckets"].as_object().expect("buckets");
    let of_buckets = buckets.values().filter_map(|bucket| bucket["left"]["files"].as_u64());
    assert_eq!(of_buckets.sum::<u64>(), billed, "{plan}");
    let classes = ["at_final_key", "intermediary_only", "absent", "proven", "synced"];
    classes.map(|class| {
        let buckets = plan["arrived"]["buckets"].as_object().expect("buckets");
        buckets.values().map(|bucket| bucket[class]["files"].as_u64().expect("a number")).sum()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_is_what_is_asked_for() {
    let stage = clean(250).await;
    let plan = async |more: &[_]| told(&stage, more, &["plan", "--list-buckets"]).await;
    let files = stage.planted.expected.len() as u64;
    let synced = stage.planted.expected.iter().filter(|file| file.synced).count() as u64;

    // Nothing is migrated yet.
    let before = plan(&[]).await;
    assert_eq!(arrived(&before), [0, synced, files - synced, 0, synced], "{before}");
    assert_eq!(before["arrived"]["requests_left"], before["requests_needed"]);
    let counts = &stage.world.faults.counts();
    let lists = counts.get(&(Service::S3, "LIST".to_owned())).copied();
    // The settings of both buckets are read, too, one LIST of each among them.
    assert_eq!(before["arrived"]["lists"].as_u64().map(|it| it + 2), lists, "{counts:?}");

    // Some are, with the ledger's proof.
    let some = stage.planted.expected.iter().step_by(3).map(|file| file.fid.to_string());
    let some: Vec<_> = some.collect();
    told(&stage, &[], &["migrate", "--fids", &some.join(",")]).await;
    let half = plan(&[]).await;
    let there = some.len() as u64;
    let [at_final_key, _, _, proven, still_synced] = arrived(&half);
    assert_eq!((at_final_key, proven, still_synced), (there, there, synced), "{half}");
    assert_eq!(half["arrived"]["ledger_items"].as_u64(), Some(there), "{half}");
    assert_eq!(half["requests_needed"], before["requests_needed"]);
    let run = told(&stage, &[], &["migrate"]).await;
    is_what_was_asked_for(&half["arrived"]["requests_left"], &run);

    // All are, and another ledger has no proof of any: s3migrate's claims of a few.
    create_ledger_table(&stage.world.database, "other").expect("a table");
    for file in stage.planted.expected.iter().step_by(5) {
        let record = [
            number("fid", file.fid),
            of_text("sha1", &file.file.sha1),
            of_text("bucket", file.bucket),
            of_text("md5", "e"),
        ];
        put(&stage.world.database, "other", record.into_iter().collect()).expect("written");
    }
    // With two objects no SHA-1 is stored, as of s3migrate's own: one is claimed, the other not.
    for file in &stage.planted.expected[..2] {
        let objects = stage.world.s3.objects(file.bucket).expect("a bucket");
        let content = objects[&file.file.sha1].content.bytes().clone();
        stage.world.s3.delete(file.bucket, &file.file.sha1, &Condition::None).expect("deleted");
        stage.world.s3.plant_plain(file.bucket, &file.file.sha1, content).expect("planted");
    }
    let other =
        [("DYNAMODB_TABLE", "other".to_owned()), ("DYNAMODB_FAILURES_TABLE", FAILURES.to_owned())];
    let claimed = plan(&other).await;
    assert_eq!(arrived(&claimed), [files, 0, 0, 0, synced], "{claimed}");
    let left = &claimed["arrived"]["requests_left"];
    assert!(left["refused"].as_u64() > Some(50) && left["looked_at"].as_u64() > Some(50), "{left}");
    assert_eq!((&left["uploads"], &left["parts"]), (&json!(0), &json!(0)), "{left}");
    // What was uploaded in parts has a composite SHA-1, which proves nothing either.
    let in_parts = before["requests_needed"]["uploads"].as_u64().expect("a number");
    let whole = left["to_be_read"]["files"].as_u64().expect("a number");
    assert!((in_parts + 1..=in_parts + 2).contains(&whole), "{left}");
    let run = told(&stage, &other, &["migrate"]).await;
    is_what_was_asked_for(left, &run);

    // Now nothing is left.
    let after = plan(&[]).await;
    assert_eq!(arrived(&after), [files, 0, 0, files, synced], "{after}");
    assert_eq!((&after["costs_left"], &after["exit_code"]), (&json!([]), &json!(0)), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_asked_for_and_what_is_not_there_is_said() {
    let stage = clean(60).await;
    let said = async |more: &[(&'static str, &str)], arguments: &[&str], code: i32| {
        let mut environment = stage.world.environment().clone();
        environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let output = mogile2s3(&environment, arguments).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    };
    let no_keys = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let planned = said(&no_keys, &["plan"], 0).await;
    assert!(planned.contains("S3 was not looked at"), "{planned}");
    assert!(!stage.world.faults.counts().keys().any(|(service, _)| *service == Service::S3));
    let refused = said(&no_keys, &["plan", "--list-buckets"], 2).await;
    assert!(refused.contains("no AWS credentials were found"), "{refused}");

    // Neither table nor bucket is made yet.
    let buckets = "mogilefs-prod-repo:not-made";
    let more = [("DYNAMODB_TABLE", "not-made"), ("BUCKETS", buckets)];
    let planned = said(&more, &["plan", "--list-buckets"], 1).await;
    for words in ["Bucket `not-made` does not exist yet.", "No ledger was read"] {
        assert!(planned.contains(words), "{words}: {planned}");
    }

    let away = ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1");
    let planned = said(&[away], &["plan", "--list-buckets"], 3).await;
    for words in ["WHAT IS IN S3 IS UNKNOWN: ", "`mogile2s3 doctor`", "What it costs by"] {
        assert!(planned.contains(words), "{words}: {planned}");
    }

    // A file whose object was lost since.
    said(&[], &["migrate"], 0).await;
    let lost = &stage.planted.expected[0];
    stage.world.s3.delete(lost.bucket, &lost.file.sha1, &Condition::None).expect("deleted");
    let planned = said(&[], &["plan", "--list-buckets"], 1).await;
    let command = format!("`mogile2s3 migrate --again --fids {}`", lost.fid);
    for words in ["PROVEN AND ABSENT: ", &command] {
        assert!(planned.contains(words), "{words}: {planned}");
    }
    said(&[], &["migrate", "--again", "--fids", &lost.fid.to_string()], 0).await;
    let planned = said(&[], &["plan", "--list-buckets"], 0).await;
    assert!(planned.contains("Nothing of it is left"), "{planned}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_has_its_price() {
    let stage = clean(60).await;
    let plan = told(&stage, &[], &["plan"]).await;
    let (writes, line) = (&plan["requests_needed"]["writes"], &plan["costs"][0]);
    assert_eq!((&line["count"], &line["unit"]), (writes, &json!("s3-write")), "{plan}");
    let millionths = writes.as_u64().expect("a number") * 5;
    let dollars = json!(format!("0.{millionths:06}"));
    assert_eq!((&line["dollars"], &plan["prices"]), (&dollars, &json!("us-east-1, 2026-11")));

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("prices.json");
    let own = include_str!("../../../../domain/prices.json").replace("\"5.00\"", "\"100000\"");
    std::fs::write(&file, own.replace("us-east-1", "eu-west-1")).expect("written");
    let file = file.to_str().expect("a path");
    let output = mogile2s3(stage.world.environment(), &["plan", "--prices", file]).await;
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}");
    let words = ["the prices of eu-west-1", "COPY or PUT", "x $100000.00 a million"];
    for words in words {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }

    std::fs::write(file, "{\"region\": 1}").expect("written");
    for (file, words) in [(file, "is no table of prices: "), ("/nowhere", "cannot be read: ")] {
        let output = mogile2s3(stage.world.environment(), &["plan", "--prices", file]).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("--prices: `") && said.contains(words), "{said}");
    }
}
