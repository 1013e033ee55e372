//! `mogile2s3 provision` in a process of its own, against a world that is up.

use std::collections::BTreeMap;

use serde_json::Value;
use stand_ins::embedded::{BUCKETS, DEAD_LETTERS, EmbeddedWorld, LEDGER, QUEUE};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::{LifecycleRule, OWNER_ENFORCED, PublicAccessBlock, S3World};
use stand_ins::world::dynamodb;

use crate::cli::{json, mogile2s3, text};

/// A world, and settings for it that name buckets of which one is missing.
async fn world() -> (EmbeddedWorld, BTreeMap<&'static str, String>) {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let mut environment = world.environment().clone();
    environment.insert("BUCKETS", format!("a:{},b:made-new", BUCKETS[0].1));
    environment.insert("DYNAMODB_TABLE", "provisioned".to_owned());
    for beside in
        ["DYNAMODB_FAILURES_TABLE", "DYNAMODB_VERIFICATIONS_TABLE", "DYNAMODB_JOURNAL_TABLE"]
    {
        environment.remove(beside);
    }
    (world, environment)
}

/// What came of each thing and setting: `bucket made-new/ownership` → `changed`.
fn outcomes(report: &Value) -> BTreeMap<String, String> {
    let things = report["things"].as_array().expect("a list").iter();
    let named = things.map(|entry| {
        let thing = entry["thing"].as_str().expect("a thing");
        let setting = entry["setting"].as_str().map(|setting| format!("/{setting}"));
        let outcome = entry["outcome"].as_str().expect("an outcome").to_owned();
        (format!("{thing}{}", setting.unwrap_or_default()), outcome)
    });
    named.collect()
}

/// Those that are not just found as they must be.
fn unusual(report: &Value) -> BTreeMap<String, String> {
    let mut outcomes = outcomes(report);
    outcomes.retain(|_, outcome| outcome != "found");
    outcomes
}

fn told(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(thing, outcome)| ((*thing).to_owned(), (*outcome).to_owned())).collect()
}

const BUCKETS_ONLY: &[&str] = &["provision", "--json", "--buckets-only", "--access-profile"];

fn with<'a>(profile: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [BUCKETS_ONLY, &[profile], more].concat()
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_the_second_run_has_nothing_to_do() {
    let (world, environment) = world().await;
    let before = world.s3.settings(BUCKETS[0].1);
    let dry = mogile2s3(&environment, &with("contentrepo-legacy", &["--dry-run"])).await;
    assert_eq!(dry.status.code(), Some(0), "{}", text(&dry.stderr));
    let existing = BUCKETS[0].1;
    let planned = [
        (&*format!("bucket {existing}/ownership"), "would-change"),
        (&format!("bucket {existing}/public access blocked"), "would-change"),
        (&format!("bucket {existing}/policy"), "would-change"),
        (&format!("bucket {existing}/stale uploads"), "would-change"),
        ("bucket made-new", "would-make"),
    ];
    assert_eq!(unusual(&json(&dry)), told(&planned));
    assert_eq!(world.s3.settings(existing), before);
    assert!(!world.s3.buckets().contains(&"made-new".to_owned()));
    let counts = world.faults.counts();
    let writes = |name: &str| name.starts_with("PUT_") || name == "CREATE_BUCKET";
    assert!(!counts.keys().any(|(_, name)| writes(name)), "{counts:?}");

    let first = mogile2s3(&environment, &with("contentrepo-legacy", &[])).await;
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stdout));
    assert_eq!(unusual(&json(&first)).len(), 9, "{}", text(&first.stdout));
    let second = mogile2s3(&environment, &with("contentrepo-legacy", &[])).await;
    assert_eq!(second.status.code(), Some(0), "{}", text(&second.stdout));
    assert_eq!(unusual(&json(&second)), told(&[]));
}

#[tokio::test]
async fn each_profile_makes_its_bucket() {
    for (profile, ownership, blocked, public) in [
        ("private", OWNER_ENFORCED, PublicAccessBlock::ALL, false),
        ("contentrepo-legacy", "BucketOwnerPreferred", PublicAccessBlock::default(), true),
        (
            "public-policy",
            OWNER_ENFORCED,
            PublicAccessBlock {
                block_public_policy: false,
                restrict_public_buckets: false,
                ..PublicAccessBlock::ALL
            },
            true,
        ),
    ] {
        let (world, environment) = world().await;
        let run = mogile2s3(&environment, &with(profile, &[])).await;
        assert_eq!(run.status.code(), Some(0), "{profile}: {}", text(&run.stdout));
        for bucket in [BUCKETS[0].1, "made-new"] {
            let made = world.s3.settings(bucket).expect("it is there");
            assert_eq!(made.ownership.as_deref(), Some(ownership), "{profile}");
            assert_eq!(made.public_access_block, Some(blocked), "{profile}");
            assert_eq!(made.policy.is_some(), public, "{profile}");
            let aborts: Vec<_> = made.lifecycle.iter().map(|rule| rule.abort_after_days).collect();
            assert_eq!(aborts, [Some(7)], "{profile}");
        }
        let acl = world.s3.check_acl("made-new", Some("public-read"));
        assert_eq!(acl.is_ok(), profile == "contentrepo-legacy", "{profile}: {acl:?}");
    }
}

fn rule(id: &str, days: i32) -> LifecycleRule {
    let prefix = "tmp/".to_owned();
    let expire_after_days = Some(days);
    LifecycleRule {
        id: id.to_owned(),
        enabled: true,
        prefix,
        expire_after_days,
        ..LifecycleRule::default()
    }
}

/// A bucket with an object, a policy of somebody and a rule that deletes files.
fn inhabit(s3: &S3World, bucket: &str) {
    s3.plant_plain(bucket, "0/000/000/0000000001.fid", "bytes").expect("the bucket is there");
    let policy = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:PutObject",
        "Resource":"*","Condition":{}}}"#;
    s3.put_policy(bucket, policy.to_owned()).expect("taken");
    s3.set_up(bucket, |settings| settings.lifecycle.push(rule("theirs", 30))).expect("set up");
}

#[tokio::test]
async fn what_others_set_up_is_told_and_left() {
    let (world, environment) = world().await;
    let bucket = BUCKETS[0].1;
    inhabit(&world.s3, bucket);
    let before = world.s3.settings(bucket).expect("it is there");

    let left = mogile2s3(&environment, &with("public-policy", &[])).await;
    assert_eq!(left.status.code(), Some(1), "{}", text(&left.stdout));
    let mut unusual_of_it = unusual(&json(&left));
    unusual_of_it.retain(|thing, _| thing.contains(bucket));
    let wanted = [
        (&*format!("bucket {bucket}/policy"), "left"),
        (&format!("bucket {bucket}/public access blocked"), "left"),
        (&format!("bucket {bucket}/rules for objects"), "left"),
        (&format!("bucket {bucket}/stale uploads"), "changed"),
    ];
    assert_eq!(unusual_of_it, told(&wanted));
    let after = world.s3.settings(bucket).expect("it is there");
    assert_eq!(after.policy, before.policy);
    assert_eq!(after.public_access_block, before.public_access_block);
    // Our rule stands beside theirs.
    assert_eq!(after.lifecycle.len(), 2);
    assert_eq!(after.lifecycle[0], rule("theirs", 30));

    let on_purpose = mogile2s3(&environment, &with("public-policy", &["--change-access"])).await;
    assert_eq!(on_purpose.status.code(), Some(1), "{}", text(&on_purpose.stdout));
    let after = world.s3.settings(bucket).expect("it is there");
    assert!(!after.public_access_block.expect("told").block_public_policy);
    assert_eq!(after.policy, before.policy, "never overwritten");
}

#[tokio::test]
async fn a_bucket_of_somebody_else_or_elsewhere_is_a_clear_refusal() {
    let (world, mut environment) = world().await;
    world.s3.plant_foreign_bucket("theirs");
    world.s3.create_bucket("far").expect("new");
    world.s3.set_up("far", |settings| settings.region = "eu-west-1".to_owned()).expect("set up");
    environment.insert("BUCKETS", "a:theirs,b:far,c:made-new".to_owned());
    let run = mogile2s3(&environment, &with("private", &[])).await;
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    let all = outcomes(&json(&run));
    assert_eq!(all["bucket theirs"], "refused");
    assert_eq!(all["bucket far"], "refused");
    // They do not keep the others from being made.
    assert_eq!(all["bucket made-new"], "made");
    let said = text(&run.stdout);
    assert!(said.contains("another account's"), "{said}");
    assert!(said.contains("set the region eu-west-1"), "{said}");
}

#[tokio::test]
async fn without_a_profile_the_three_are_explained() {
    let (_world, environment) = world().await;
    let run = mogile2s3(&environment, &["provision"]).await;
    assert_eq!(run.status.code(), Some(2));
    for profile in ["private", "contentrepo-legacy", "public-policy"] {
        assert!(text(&run.stderr).contains(profile), "{}", text(&run.stderr));
    }
    for wrong in [
        &["provision", "--access-profile", "open"][..],
        &["provision", "--access-profile", "private", "--queue-name", "jobs.fifo"],
        &["provision", "--access-profile", "private", "--function-timeout-seconds", "901"],
        &["provision", "--access-profile", "private", "--dead-letter-queue-name", "mogile2s3-jobs"],
    ] {
        let run = mogile2s3(&environment, wrong).await;
        assert_eq!(run.status.code(), Some(2), "{wrong:?}: {}", text(&run.stderr));
    }
}

#[tokio::test]
async fn faults_that_pass_are_survived_and_what_lasts_is_told() {
    let refuse = |status, code: &str| Fault::Refuse { status, code: code.to_owned() };
    for fault in [
        refuse(503, "SlowDown"),
        refuse(409, "OperationAborted"),
        refuse(500, "InternalError"),
        Fault::RequestLost,
        Fault::AnswerLost,
    ] {
        let (world, environment) = world().await;
        let operations =
            ["CREATE_BUCKET", "PUT_LIFECYCLE", "HEAD_BUCKET", "GET_PUBLIC_ACCESS_BLOCK"];
        for operation in operations {
            world.faults.add(Rule::once(Service::S3, operation, "made-new", fault.clone()));
        }
        let run = mogile2s3(&environment, &with("private", &[])).await;
        assert_eq!(run.status.code(), Some(0), "{fault:?}: {}", text(&run.stdout));
        let made = world.s3.settings("made-new").expect("it is there");
        assert_eq!(made.lifecycle.len(), 1, "{fault:?}");
    }
    let (world, environment) = world().await;
    world.faults.add(Rule::always(Service::S3, refuse(503, "SlowDown")));
    let run = mogile2s3(&environment, &with("private", &[])).await;
    assert_eq!(run.status.code(), Some(3), "{}", text(&run.stdout));
    assert!(!text(&run.stdout).contains("rehearsal-secret"), "no secret is told");
    // A table is not begun where buckets only are wanted.
    assert!(dynamodb::items(&world.database, "provisioned").is_err());
}

const ALL: &[&str] = &["provision", "--json", "--access-profile", "private"];

#[tokio::test]
async fn queues_and_tables_are_made_once() {
    let (world, environment) = world().await;
    let fresh = ["--queue-name", "fresh", "--function-timeout-seconds", "60"];
    let dry = mogile2s3(&environment, &[ALL, &fresh, &["--dry-run"]].concat()).await;
    assert_eq!(dry.status.code(), Some(0), "{}", text(&dry.stdout));
    let would_make: Vec<_> = unusual(&json(&dry))
        .into_iter()
        .filter_map(|(thing, outcome)| (outcome == "would-make").then_some(thing))
        .collect();
    let things = [
        "bucket made-new",
        "queue fresh",
        "queue fresh-dead",
        "table provisioned",
        "table provisioned-failures",
        "table provisioned-journal",
        "table provisioned-verifications",
    ];
    assert_eq!(would_make, things);
    assert!(world.sqs.settings("fresh").is_err());

    let first = mogile2s3(&environment, &[ALL, &fresh].concat()).await;
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stdout));
    let made = world.sqs.attributes("fresh").expect("it is there");
    assert_eq!(made["MessageRetentionPeriod"], "1209600");
    assert_eq!(made["VisibilityTimeout"], "360");
    assert!(made["RedrivePolicy"].contains("fresh-dead"), "{}", made["RedrivePolicy"]);
    let dead = world.sqs.attributes("fresh-dead").expect("it is there");
    assert_eq!(dead["MessageRetentionPeriod"], "1209600");
    assert!(dynamodb::items(&world.database, "provisioned-verifications").is_ok());
    let settings = &json(&first)["settings"];
    assert!(settings["SQS_URL"].as_str().is_some_and(|url| url.ends_with("/fresh")), "{settings}");
    assert!(settings["SQS_DLQ_URL"].as_str().is_some_and(|url| url.ends_with("/fresh-dead")));
    assert_eq!(settings["DYNAMODB_FAILURES_TABLE"], "provisioned-failures");

    // With the settings that it printed, no name has to be given again.
    let mut environment = environment;
    for name in ["SQS_URL", "SQS_DLQ_URL", "DYNAMODB_FAILURES_TABLE"] {
        environment.insert(name, settings[name].as_str().expect("told").to_owned());
    }
    let same = ["--function-timeout-seconds", "60"];
    let second = mogile2s3(&environment, &[ALL, &same].concat()).await;
    assert_eq!(second.status.code(), Some(0), "{}", text(&second.stdout));
    assert_eq!(unusual(&json(&second)), told(&[]));
    assert!(outcomes(&json(&second)).contains_key("queue fresh-dead"));
}

#[tokio::test]
async fn what_is_too_weak_is_strengthened_and_what_is_otherwise_is_told() {
    let (world, mut environment) = world().await;
    environment.insert("DYNAMODB_TABLE", LEDGER.to_owned());
    let raised = mogile2s3(&environment, ALL).await;
    assert_eq!(raised.status.code(), Some(0), "{}", text(&raised.stdout));
    let mut outcomes = unusual(&json(&raised));
    outcomes.retain(|thing, _| !thing.starts_with("bucket"));
    let queue = world.sqs.attributes(QUEUE).expect("it is there");
    assert_eq!(queue["VisibilityTimeout"], "720");
    assert_eq!(outcomes[&format!("queue {QUEUE}/visibility")], "changed");
    assert_eq!(outcomes[&format!("table {LEDGER}/point-in-time recovery")], "changed");
    assert_eq!(outcomes[&format!("table {LEDGER}/deletion protection")], "changed");

    // A second run, with other dead letters wanted: they are not led elsewhere in silence.
    let other = [ALL, &["--dead-letter-queue-name", "others"]].concat();
    let left = mogile2s3(&environment, &other).await;
    assert_eq!(left.status.code(), Some(1), "{}", text(&left.stdout));
    assert_eq!(unusual(&json(&left))[&format!("queue {QUEUE}/dead letters")], "left");
    let queue = world.sqs.attributes(QUEUE).expect("it is there");
    assert!(queue["RedrivePolicy"].contains(DEAD_LETTERS), "{}", queue["RedrivePolicy"]);
}

#[tokio::test]
async fn what_was_just_made_is_waited_for() {
    let (world, environment) = world().await;
    let not_yet = |code: &str| Fault::Refuse { status: 400, code: code.to_owned() };
    let slow = [
        (Service::DynamoDb, "UpdateContinuousBackups", "ContinuousBackupsUnavailableException"),
        (Service::Sqs, "CreateQueue", "QueueDeletedRecently"),
        (Service::Sqs, "GetQueueAttributes", "QueueDoesNotExist"),
    ];
    for (service, operation, code) in slow {
        // More often than a request is tried.
        let rule = Rule::once(service, operation, "", not_yet(code));
        world.faults.add(Rule { times: 6, ..rule });
    }
    let run = mogile2s3(&environment, &[ALL, &["--queue-name", "fresh"]].concat()).await;
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stdout));
}

#[tokio::test]
async fn what_is_printed_is_an_env_file() {
    let (_world, environment) = world().await;
    let run = mogile2s3(&environment, &["provision", "--access-profile", "private"]).await;
    let said = text(&run.stdout);
    let settings: Vec<_> = said.lines().filter(|line| !line.starts_with("# ")).collect();
    let names: Vec<_> =
        settings.iter().map(|line| line.split_once('=').expect("NAME=value").0).collect();
    let wanted = [
        "AWS_S3_REGION_NAME",
        "BUCKETS",
        "ACCESS_PROFILE",
        "SQS_URL",
        "SQS_DLQ_URL",
        "DYNAMODB_TABLE",
        "DYNAMODB_FAILURES_TABLE",
        "DYNAMODB_VERIFICATIONS_TABLE",
        "DYNAMODB_JOURNAL_TABLE",
    ];
    assert_eq!(names, wanted, "{said}");
}
