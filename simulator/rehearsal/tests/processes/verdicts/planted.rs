//! One fault is planted in a world that is well: doctor names it, and its next step.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use stand_ins::embedded::{BUCKETS, QUEUE, VERIFICATIONS};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::{BucketSettings, Encryption, LifecycleRule};

use super::session::Session;

impl Session {
    fn set_up(&self, change: impl FnOnce(&mut BucketSettings)) {
        self.stage.world.s3.set_up(BUCKETS[0].1, change).expect("a bucket");
    }

    /// The doctor ends with this exit code, and says all these words.
    async fn doctor_names(&self, code: i32, words: &[&str]) -> String {
        let said = self.said(&["doctor"], code).await;
        for words in words {
            assert!(said.contains(words), "no `{words}` in: {said}");
        }
        said
    }

    /// How many checks are not good.
    async fn sick(&self, code: i32) -> usize {
        let said = self.said(&["doctor"], code).await;
        said.lines().filter(|line| ["BAD  ", "OUT  "].iter().any(|it| line.starts_with(it))).count()
    }
}

/// They cost, or hinder later, and lose no file.
#[tokio::test(flavor = "multi_thread")]
async fn what_costs_is_said_and_stops_nothing() {
    let session = Session::new(201, 4).await;
    let caution = |words: &str| format!("!    bucket {}: does not hold: {words}", BUCKETS[0].1);
    let facts = [
        "new objects are encrypted by S3's own keys",
        "new objects are not copied to another bucket",
        "it keeps no older versions",
    ]
    .map(caution);
    let said = session.doctor_names(0, &[]).await;
    assert!(facts.iter().all(|fact| !said.contains(fact)), "{said}");
    session.set_up(|bucket| {
        bucket.encryption = Some(Encryption::Kms);
        bucket.replicates_to = Some("arn:aws:s3:::far-away".to_owned());
    });
    session.stage.world.s3.configure(|options| options.versioned = true);
    let steps = ["Set SSE-S3 (AES256)", "`far-away`", "disable the rule", "expires noncurrent"];
    let steps = steps.map(|step| step.trim_matches('`'));
    let words: Vec<_> = facts.iter().map(String::as_str).chain(steps).collect();
    let said = session.doctor_names(0, &words).await;
    assert!(said.contains("The checks are good.") && said.contains("begin with `!`"), "{said}");
    let told = session.told(&["doctor"], 0).await;
    let checks = told["checks"].as_array().expect("a list");
    assert!(checks.iter().any(|check| check["health"] == "caution"), "{told}");
}

/// What is written there could not be taken away, canaries neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_locks_its_objects_gets_no_canaries() {
    let session = Session::new(202, 4).await;
    session.set_up(|bucket| bucket.locked_for_days = Some(30));
    let before = session.stage.world.s3.settings(BUCKETS[0].1).expect("a bucket");
    let canary = |bucket: &str| format!("bucket {bucket}: the answers to a PUT and a HEAD");
    let words = ["COMPLIANCE, 30 days", "Take the default retention away"];
    let said = session.doctor_names(1, &words).await;
    assert!(
        !said.contains(&canary(BUCKETS[0].1)) && said.contains(&canary(BUCKETS[1].1)),
        "{said}"
    );
    assert_eq!(session.stage.world.s3.settings(BUCKETS[0].1).expect("a bucket"), before);
}

/// What was denied here hid that the other setting was never looked at.
#[tokio::test(flavor = "multi_thread")]
async fn where_the_lock_is_not_known_no_canaries_are_written() {
    let session = Session::new(214, 4).await;
    let denied = |setting: &str| {
        let denied = Fault::Refuse { status: 403, code: "AccessDenied".to_owned() };
        let operation = Some(setting.to_owned());
        let rule = Rule { operation, ..Rule::always(Service::S3, denied) };
        session.stage.world.faults.add(rule);
    };
    let written = || {
        let counts = session.stage.world.faults.counts();
        ["PUT", "COPY", "PART"]
            .iter()
            .any(|it| counts.contains_key(&(Service::S3, (*it).to_owned())))
    };
    session.stage.world.s3.configure(|options| options.versioned = true);
    for (_, bucket) in BUCKETS {
        let locks = |bucket: &mut BucketSettings| bucket.locked_for_days = Some(30);
        session.stage.world.s3.set_up(bucket, locks).expect("a bucket");
    }
    // The policy may not be read, the lock may: the lock decides.
    denied("GET_POLICY");
    session.doctor_names(1, &["its settings can be read", "COMPLIANCE, 30 days"]).await;
    assert!(!written());
    // A rule that deletes files is seen without the policy, too.
    let expires = LifecycleRule {
        id: "theirs".to_owned(),
        enabled: true,
        expire_after_days: Some(30),
        ..LifecycleRule::default()
    };
    session.set_up(|bucket| bucket.lifecycle = vec![expires]);
    session.doctor_names(1, &["rule `theirs` deletes objects with keys of 40"]).await;
    session.mend();
    // Nobody knows whether it locks.
    denied("GET_OBJECT_LOCK");
    let words = ["No canaries are written here", "s3:GetBucketObjectLockConfiguration"];
    session.doctor_names(1, &words).await;
    assert!(!written());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_another_region_is_named_with_its_region() {
    let session = Session::new(203, 4).await;
    session.set_up(|bucket| bucket.region = "eu-west-1".to_owned());
    session.doctor_names(1, &["the bucket is in eu-west-1", "set the region eu-west-1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_afterwards_is_compared_with_the_profile() {
    let mut session = Session::new(204, 4).await;
    session.set("ACCESS_PROFILE", "private");
    session.doctor_names(0, &["only holders of AWS keys read it (all public access"]).await;
    // As S3 makes buckets.
    session.set("ACCESS_PROFILE", "public-policy");
    let words =
        ["BAD  bucket", "anybody can follow unsigned URLs", "--access-profile public-policy"];
    session.doctor_names(1, &words).await;
    session.said(&["provision", "--buckets-only", "--change-access"], 0).await;
    session.doctor_names(0, &["anybody can follow unsigned URLs (the policy lets"]).await;
    session.set_up(|bucket| bucket.encryption = Some(Encryption::Kms));
    session.doctor_names(1, &["which no anonymous reader can read"]).await;
    session.set_up(|bucket| bucket.encryption = None);
    session.set("ACCESS_PROFILE", "private");
    session.doctor_names(1, &["its policy lets anybody read", "delete-bucket-policy"]).await;
}

/// What the account blocks for all its buckets, no bucket's own settings show.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_without_keys_is_sent_to_each_bucket() {
    let mut session = Session::new(213, 4).await;
    let said = session.doctor_names(0, &[]).await;
    assert!(!said.contains("without AWS keys"), "nobody said who is to read: {said}");
    session.set("ACCESS_PROFILE", "private");
    let nothing = "a reader without AWS keys gets nothing";
    session.doctor_names(0, &[&format!("corpus-prod: {nothing} (S3 refused")]).await;
    // Another policy than `provision` writes, which all the same gives everything to everybody.
    session.set_up(|bucket| {
        let resource = format!("arn:aws:s3:::{}/*", BUCKETS[0].1);
        let statement = serde_json::json!({
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource,
        });
        bucket.policy = Some(serde_json::json!({ "Statement": [statement] }).to_string());
        bucket.public_access_block = None;
    });
    let bad = format!("BAD  bucket corpus-prod: does not hold: {nothing}");
    session.doctor_names(1, &[&bad, "aws s3api get-bucket-policy --bucket corpus-prod"]).await;

    session.set("ACCESS_PROFILE", "public-policy");
    session.set_up(|bucket| *bucket = BucketSettings::default());
    session.said(&["provision", "--buckets-only", "--change-access"], 0).await;
    let a_file = "a reader without AWS keys gets a file";
    let good = format!("ok   bucket corpus-prod: {a_file} (as those need it who follow");
    session.doctor_names(0, &[&good]).await;
    session.stage.world.s3.configure(|options| options.account_ignores_policies = true);
    let bad = format!("BAD  bucket corpus-prod: does not hold: {a_file}");
    session.doctor_names(1, &[&bad, "aws s3control get-public-access-block"]).await;
    session.reset("ACCESS_PROFILE");
    session.doctor_names(0, &[&format!("!    bucket corpus-prod: does not hold: {a_file}")]).await;
    session.stage.world.s3.configure(|options| options.account_ignores_policies = false);
    let objects = session.stage.world.s3.objects(BUCKETS[0].1).expect("a bucket");
    assert!(
        !objects.keys().any(|key| key.starts_with("mogile2s3-canary/")),
        "{:?}",
        objects.keys()
    );

    // Without canaries one of the files is asked for, as soon as there is one.
    let said = session.said(&["doctor", "--read-only"], 0).await;
    assert!(!said.contains("without AWS keys"), "{said}");
    session
        .stage
        .world
        .s3
        .plant_plain(BUCKETS[0].1, &"f".repeat(40), b"x".to_vec())
        .expect("planted");
    let said = session.said(&["doctor", "--read-only"], 0).await;
    assert!(said.contains(&good), "{said}");
}

/// Any policy but ours passed for one that lets readers in.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_policy_allows_is_decided_by_a_read() {
    let mut session = Session::new(215, 4).await;
    session.set("ACCESS_PROFILE", "public-policy");
    session.said(&["provision", "--buckets-only", "--change-access"], 0).await;
    let policy = |session: &Session, keys: &str| {
        let resource = format!("arn:aws:s3:::{}/{keys}", BUCKETS[0].1);
        let statement = serde_json::json!({
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource,
        });
        let policy = serde_json::json!({ "Statement": [statement] }).to_string();
        session.set_up(|bucket| bucket.policy = Some(policy));
    };
    let a_file = "a reader without AWS keys gets a file";
    policy(&session, "logs/*");
    let bad = format!("BAD  bucket corpus-prod: does not hold: {a_file}");
    session.doctor_names(1, &[&bad, "Add a statement that lets anybody get keys of 40"]).await;
    let said = session.said(&["doctor", "--read-only"], 0).await;
    assert!(said.contains(&format!("!    bucket corpus-prod: does not hold: {a_file}")), "{said}");
    policy(&session, "*");
    session.doctor_names(0, &[&format!("ok   bucket corpus-prod: {a_file}")]).await;
}

/// No certificate of S3 has such a name, and readers go by HTTPS.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_with_a_dot_in_its_name_is_a_caution_for_readers_of_urls() {
    let mut session = Session::new(216, 4).await;
    session.stage.world.s3.create_bucket("corpus.prod").expect("a new bucket");
    session.set("BUCKETS", format!("{}:corpus.prod", BUCKETS[0].0));
    let words = "!    bucket corpus.prod: does not hold: its unsigned URLs have a certificate";
    session.set("ACCESS_PROFILE", "public-policy");
    let said = session.run(&["doctor"]).await;
    assert!(said.contains(words), "{said}");
    session.set("ACCESS_PROFILE", "private");
    let said = session.run(&["doctor"]).await;
    assert!(!said.contains(words), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_forgets_or_sends_its_dead_letters_elsewhere_is_named() {
    let mut session = Session::new(205, 4).await;
    let sqs = &session.stage.world.sqs;
    let keep =
        |seconds: &str| BTreeMap::from([("MessageRetentionPeriod".to_owned(), seconds.to_owned())]);
    sqs.set_attributes(QUEUE, &keep("86400")).expect("set");
    let words = ["BAD  queue: does not hold: its messages are kept", "24 hours", "14 days"];
    session.doctor_names(1, &words).await;
    session.stage.world.sqs.set_attributes(QUEUE, &keep("345600")).expect("set");
    session.doctor_names(0, &["!    queue: does not hold: its messages are kept"]).await;
    session.stage.world.sqs.set_attributes(QUEUE, &keep("1209600")).expect("set");
    session.doctor_names(0, &["ok   queue: its messages are kept as long as SQS can"]).await;

    let other = "another-dead";
    let sqs = &session.stage.world.sqs;
    sqs.create_queue(other, &BTreeMap::new(), BTreeMap::new()).expect("made");
    let url = session.environment()["SQS_URL"].replace(QUEUE, other);
    session.set("SQS_DLQ_URL", url);
    let words = ["BAD  queue: does not hold: its dead letters go", "and SQS_DLQ_URL names"];
    session.doctor_names(1, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_another_key_is_named_with_both_keys() {
    let mut session = Session::new(206, 4).await;
    session.set("DYNAMODB_TABLE", VERIFICATIONS);
    for name in ["DYNAMODB_FAILURES_TABLE", "DYNAMODB_JOURNAL_TABLE"] {
        let right = session.environment().get(name).cloned();
        session.set(name, right.unwrap_or_else(|| stand_ins::embedded::JOURNAL.to_owned()));
    }
    let words =
        ["BAD  ledger: does not hold: its table has the key", "run (S) + fid (N), not fid (N)"];
    session.doctor_names(1, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_the_trackers_have_not_show_another_stores_database() {
    let mut session = Session::new(207, 4).await;
    session.doctor_names(0, &["ok   index: the trackers have its keys under the same fids"]).await;
    let other = Session::new(208, 4).await;
    session.set("MOGILE_DATABASE_URL", other.environment()["MOGILE_DATABASE_URL"].clone());
    let words = ["BAD  index: does not hold: the trackers have its keys", "Is MOGILE_DATABASE_URL"];
    session.doctor_names(1, &words).await;
}

/// The index and the table `host` are in the same database.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_one_check() {
    let mut session = Session::new(209, 4).await;
    let right = session.environment()["MOGILE_DATABASE_URL"].clone();
    session.set("MOGILE_DATABASE_URL", right.replace("//rehearsal:", "//nobody:"));
    session.doctor_names(1, &["BAD  index", "correct user and password"]).await;
    assert_eq!(session.sick(1).await, 1);
    session.set("MOGILE_DATABASE_URL", "mysql://reader:secret@127.0.0.1:1/mogile");
    assert_eq!(session.sick(3).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_content_types_cost_is_said() {
    let mut session = Session::new(210, 4).await;
    let words = "about $50 for ten million";
    let said = session.doctor_names(0, &[]).await;
    assert!(!said.contains(words), "{said}");
    session.set("CONTENTREPO_DATABASE_URL", "");
    session.doctor_names(0, &[words]).await;
}

/// As when the session of `aws sso login` is over: no address is to blame.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_gives_no_keys_is_to_be_renewed() {
    let mut session = Session::new(211, 4).await;
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("credentials");
    std::fs::write(&script, "#!/bin/sh\necho 'the session is over' >&2\nexit 255\n")
        .expect("written");
    let rights = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(&script, rights).expect("a program");
    let config = folder.path().join("config");
    let profile = format!("[profile ours]\ncredential_process = {}\n", script.display());
    std::fs::write(&config, profile).expect("written");
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        session.set(name, "");
    }
    session.set("AWS_CONFIG_FILE", config.display().to_string());
    session.set("AWS_PROFILE", "ours");
    for command in [&["doctor"][..], &["migrate"], &["status", "--queue-only"]] {
        let said = session.said(command, 2).await;
        assert!(said.contains("Sign in again (`aws sso login`"), "{command:?}: {said}");
        assert!(!said.contains("AWS_ENDPOINT_URL"), "{command:?}: {said}");
    }
    let asked = session.stage.world.faults.counts();
    assert!(!asked.keys().any(|(service, _)| *service == Service::S3), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_failures_at_all_is_no_limit() {
    let session = Session::new(212, 4).await;
    for given in ["0", "-1", "many"] {
        let said = session.said(&["migrate", &format!("--max-failures={given}")], 2).await;
        assert!(said.contains("give a whole number from 1 on"), "{given}: {said}");
    }
    session.said(&["migrate", "--max-failures", "1"], 0).await;
}
