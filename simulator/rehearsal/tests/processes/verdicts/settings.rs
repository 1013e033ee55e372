//! Settings that are not those of the store end a command with exit code 2, before it says that
//! nothing was wrong with nothing.

use std::process::Stdio;

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
