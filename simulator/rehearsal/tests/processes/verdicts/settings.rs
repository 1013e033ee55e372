//! Settings that are not those of the store end a command with exit code 2, before it says that
//! nothing was wrong with nothing.

use std::process::Stdio;

use stand_ins::fault::{Fault, Service};

use super::session::Session;

const COMMANDS: [&[&str]; 3] = [&["migrate"], &["enqueue", "migrate"], &["plan"]];

/// Each command ends with 2, says these words, and has written nothing.
async fn are_refused(session: &Session, words: &[&str]) {
    let before = session.stage.world.faults.counts();
    for command in COMMANDS {
        let said = session.said(command, 2).await;
        for words in words {
            assert!(said.contains(words), "{command:?}: no `{words}` in: {said}");
        }
        assert!(!said.contains("Clean"), "{command:?}: {said}");
        let told = session.told(command, 2).await;
        assert_eq!(told["exit_code"], 2, "{command:?}: {told}");
        assert_eq!(told["incomplete"], true, "{command:?}: {told}");
        let stopped = told["stopped"].as_str().expect("words");
        assert!(stopped.contains(words[0]), "{command:?}: {told}");
    }
    session.nothing_was_written_since(&before);
    assert_eq!(session.jobs(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_is_not_there_is_an_error() {
    let mut session = Session::new(31, 5).await;
    session.set("MOGILE_DOMAIN", "plos_rpeo");
    let words = "MogileFS has no domain `plos_rpeo`; it has `plos_repo`, `other_domain`";
    are_refused(&session, &[words, "set MOGILE_DOMAIN"]).await;
}

/// An empty queue shows nothing of the settings; and a wrong domain says nothing of the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_and_doctor_name_a_domain_that_is_not_there() {
    let mut session = Session::new(39, 5).await;
    session.said(&["work", "--until-empty"], 0).await;
    session.set("MOGILE_DOMAIN", "plos_rpeo");
    let words = "MogileFS has no domain `plos_rpeo`; it has `plos_repo`";
    let said = session.said(&["work", "--until-empty"], 2).await;
    assert!(said.contains(words) && said.contains("set MOGILE_DOMAIN"), "{said}");
    let said = session.said(&["doctor"], 1).await;
    assert!(said.contains(words), "{said}");
    for other in ["correct BUCKETS", "start the database"] {
        assert!(!said.contains(other), "`{other}` is right: {said}");
    }
}

/// It would count nothing, and say that nothing is left.
#[tokio::test(flavor = "multi_thread")]
async fn status_of_a_domain_that_is_not_there_is_an_error() {
    let mut session = Session::migrated(37, 5).await;
    session.set("MOGILE_DOMAIN", "plos_rpeo");
    for watch in [&["status"][..], &["status", "--watch", "1"]] {
        let said = session.said(watch, 2).await;
        let words = ["MogileFS has no domain `plos_rpeo`; it has `plos_repo`", "set MOGILE_DOMAIN"];
        assert!(words.iter().all(|words| said.contains(words)), "{said}");
    }
    session.said(&["status", "--queue-only"], 0).await;
}

/// Without keys nothing is asked, and no address is to blame.
#[tokio::test(flavor = "multi_thread")]
async fn commands_without_aws_keys_say_where_to_put_them() {
    let mut session = Session::new(38, 5).await;
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        session.set(name, "");
    }
    session.set("AWS_EC2_METADATA_DISABLED", "true");
    let before = session.stage.world.faults.counts();
    for command in
        [&["migrate"][..], &["status", "--queue-only"], &["fids"], &["runbook", "note", "words"]]
    {
        let said = session.said(command, 2).await;
        let words = ["no AWS credentials were found", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"];
        assert!(words.iter().all(|words| said.contains(words)), "{command:?}: {said}");
        assert!(!said.contains("AWS_ENDPOINT_URL"), "{command:?}: {said}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let profiles = folder.path().join("config");
    let half = "[default]\nrole_arn = arn:aws:iam::123456789012:role/mover\n";
    std::fs::write(&profiles, half).expect("written");
    session.set("AWS_CONFIG_FILE", profiles.to_string_lossy());
    let said = session.said(&["fids"], 2).await;
    assert!(
        said.contains("cannot be used as they are configured") && said.contains("`default`"),
        "{said}"
    );
    assert!(session.stage.world.faults.counts_since(&before).is_empty());
}

/// The first alone was named, and then the next one.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_every_setting_that_is_missing() {
    let mut session = Session::new(40, 5).await;
    let names = [
        "MOGILE_TRACKERS",
        "BUCKETS",
        "DYNAMODB_TABLE",
        "AWS_S3_REGION_NAME",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ];
    for name in names {
        session.set(name, "");
    }
    session.set("AWS_EC2_METADATA_DISABLED", "true");
    session.set("RHINO_DATABASE_URL", "rhino");
    let said = session.said(&["doctor"], 2).await;
    for words in [
        "6 settings are missing or cannot be used",
        "MOGILE_TRACKERS is not set",
        "BUCKETS: no bucket is mapped",
        "DYNAMODB_TABLE is not set",
        "RHINO_DATABASE_URL: ",
        "no AWS region is set",
        "no AWS credentials were found",
        "-    ledger: not looked at, for want of a setting\n     DYNAMODB_TABLE is not set\n",
        // What is configured is looked at.
        "ok   index: MogileFS has the configured domain",
        "ok   storage nodes: MogileFS registers them",
        "ok   MogileFS's database",
    ] {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    session.reset("RHINO_DATABASE_URL");
    for name in &names[1..] {
        session.reset(name);
    }
    // Everything else is shown: AWS, and the index by its database.
    let said = session.said(&["doctor"], 2).await;
    for words in [
        "BAD  settings: does not hold",
        "     MOGILE_TRACKERS is not set: give HOST:PORT of each tracker",
        "-    trackers: not looked at, for want of a setting",
        "-    the files of MogileFS: not looked at",
        "ok   index: its rows can be read",
        "ok   bucket corpus-prod: its objects can be listed",
        "ok   ledger: ",
        "ok   failures: records can be written",
        "ok   queue: ",
        "1 settings are missing or cannot be used",
    ] {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    let told = session.told(&["doctor"], 2).await;
    assert_eq!((&told["incomplete"], &told["differs"]), (&true.into(), &true.into()), "{told}");
    assert_eq!(told["not_looked_at"][0]["subject"], "the files of MogileFS", "{told}");

    // A setting that is missing is configuration, also where something cannot be reached.
    session.strike(Service::S3, Fault::RequestLost);
    session.set("REQUEST_TIMEOUT_SECONDS", "1");
    let said = session.said(&["doctor", "--read-only"], 2).await;
    assert!(said.contains("OUT  bucket corpus-prod"), "{said}");
    session.mend();
    session.reset("MOGILE_TRACKERS");
    let said = session.said(&["doctor"], 0).await;
    assert!(said.contains("ok   settings: those that are needed are there"), "{said}");
}

/// The account, and neither its keys nor its policy.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_signed_up_is_configuration_in_every_service() {
    let session = Session::migrated(39, 5).await;
    for (service, code, command) in [
        (Service::S3, "NotSignedUp", &["migrate", "--again"][..]),
        (Service::Sqs, "OptInRequired", &["status"]),
        (Service::DynamoDb, "OptInRequired", &["fids"]),
        (Service::Sts, "SubscriptionRequiredException", &["runbook", "note", "words"]),
    ] {
        session.strike(service, Fault::Refuse { status: 403, code: code.to_owned() });
        let said = session.said(command, 2).await;
        for words in ["is not signed up for this service", "complete the account's registration"] {
            assert!(said.contains(words), "{service:?}: no `{words}` in: {said}");
        }
        assert!(!said.contains("AWS_SECRET_ACCESS_KEY"), "{service:?}: {said}");
        session.mend();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_s3_is_no_bucket_and_the_right_form_is_named() {
    let mut session = Session::new(40, 5).await;
    for (given, right) in [
        ("s3://corpus-prod/", true),
        ("s3://corpus-prod//", true),
        ("corpus-prod/", true),
        ("corpus-prod/files", false),
    ] {
        session.set("BUCKETS", format!("mogilefs-prod-repo:{given}"));
        for command in [&["migrate"][..], &["status"], &["provision", "--access-profile=private"]] {
            let said = session.said(command, 2).await;
            assert!(said.contains("BUCKETS: ") && said.contains(given), "{command:?}: {said}");
            let how = if right { "write `corpus-prod`, without" } else { "and no slash, such as" };
            assert!(said.contains(how), "{command:?}: {said}");
        }
    }
    session.reset("BUCKETS");
    let said = session.said(&["migrate", "--moved-from", "s3://old-one/"], 2).await;
    assert!(said.contains("--moved-from") && said.contains("write `old-one`"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_without_rows_is_an_error() {
    let mut session = Session::new(32, 5).await;
    session.stage.world.mogile.add_domain("empty");
    session.set("MOGILE_DOMAIN", "empty");
    let words = "the MogileFS domain `empty` has no rows";
    are_refused(&session, &[words, "`plos_repo`", "set MOGILE_DOMAIN"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_under_which_no_row_falls_is_an_error() {
    let mut session = Session::new(33, 5).await;
    session.set("BUCKETS", "mogilefs-prod-rpeo:corpus-prod,mogilefs-editorial:editorial-prod");
    let words = "is in a bucket that is mapped; mapped are";
    let mapped = ["`mogilefs-prod-rpeo`", "`mogilefs-editorial`"];
    are_refused(&session, &[words, mapped[0], mapped[1], "correct BUCKETS"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_exist_is_configuration_in_every_command() {
    let mut session = Session::new(34, 5).await;
    session.set("BUCKETS", "mogilefs-prod-repo:no-such-bucket,mogilefs-editorial:no-such-too");
    for command in [&["migrate"][..], &["enqueue", "migrate"]] {
        let said = session.said(command, 2).await;
        assert!(said.contains("does not exist") && said.contains("correct BUCKETS"), "{said}");
    }
}

/// As behind `| head -1`: the reader is gone before anything is written.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_read_enough_is_no_trouble() {
    let session = Session::new(36, 5).await;
    // What would go on for ever ends, too: nobody sees it any more.
    let watched = [&["status", "--watch", "1"][..], &["status", "--watch", "1", "--json"]];
    for arguments in [&["plan"][..], &["status"], &["--help"]].into_iter().chain(watched) {
        let mut command = crate::cli::rehearse();
        command.arg("mogile2s3").args(arguments).envs(session.environment());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = tokio::process::Command::from(command).spawn().expect("started");
        drop(process.stdout.take());
        let ended = process.wait_with_output().await.expect("waited for");
        let said = crate::cli::text(&ended.stderr);
        assert!(ended.status.code().is_some_and(|code| code < 2), "{arguments:?}: {said}");
        assert!(!said.contains("error"), "{arguments:?}: {said}");
    }
}

/// Its worker would take every file for deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_another_domain_takes_no_job() {
    let mut session = Session::new(35, 5).await;
    session.said(&["enqueue", "migrate"], 0).await;
    let jobs = session.jobs();
    session.set("MOGILE_DOMAIN", "other_domain");
    let said = session.said(&["work", "--until-empty"], 2).await;
    for words in ["`plos_repo`", "`other_domain`", "correct MOGILE_DOMAIN"] {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    assert_eq!(session.jobs(), jobs, "all of them are in the queue");
    session.reset("MOGILE_DOMAIN");
    session.said(&["work", "--until-empty"], 0).await;
    session.is_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_of_other_files_is_an_error() {
    let mut session = Session::new(34, 9).await;
    session.set("MOGILE_DOMAIN", "other_domain");
    are_refused(&session, &["is in a bucket that is mapped"]).await;
}
