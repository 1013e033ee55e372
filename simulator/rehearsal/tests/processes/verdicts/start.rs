//! Where going on would harm the files, nothing is begun.

use stand_ins::embedded::{BUCKETS, FAILURES, VERIFICATIONS};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::LifecycleRule;

use super::session::Session;

const COMMANDS: [&[&str]; 3] = [&["migrate"], &["sync"], &["enqueue", "migrate"]];

impl Session {
    /// Each of the commands that write to S3, or let others do so, ends with exit code 2, these words
    /// and the next step. Nothing is written, sent or recorded.
    async fn begins_nothing(&self, commands: &[&[&str]], words: &[&str]) {
        for command in commands {
            let said = self.said(command, 2).await;
            for words in words {
                assert!(said.contains(words), "{command:?}: no `{words}` in: {said}");
            }
            let told = self.told(command, 2).await;
            let is_told = told["stopped"].to_string().contains(words[0]);
            assert!(is_told && told["rows"] == 0, "{command:?}: {told}");
        }
        let counts = self.stage.world.faults.counts();
        let writes = ["PUT", "COPY", "SendMessageBatch", "BatchWriteItem"];
        let made: Vec<_> =
            counts.keys().filter(|(_, call)| writes.contains(&call.as_str())).collect();
        assert!(made.is_empty() && counts.keys().any(|(of, _)| *of == Service::S3), "{counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_deletes_files_gets_none() {
    let session = Session::new(221, 4).await;
    let rule = |prefix: &str| LifecycleRule {
        id: "theirs".to_owned(),
        enabled: true,
        prefix: prefix.to_owned(),
        expire_after_days: Some(30),
        ..LifecycleRule::default()
    };
    let s3 = &session.stage.world.s3;
    let set = |prefix: &str| {
        s3.set_up(BUCKETS[1].1, |bucket| bucket.lifecycle = vec![rule(prefix)]).expect("a bucket");
    };
    set("");
    let bucket =
        format!("bucket `{}` deletes objects by itself: lifecycle rule `theirs`", BUCKETS[1].1);
    session.begins_nothing(&COMMANDS, &[&bucket, "narrow it by a prefix"]).await;
    set("0/");
    session.begins_nothing(&[&["sync"]], &[&bucket, "is for keys of intermediaries"]).await;
    session.said(&["migrate"], 0).await;
    set("logs/");
    session.said(&["sync", "--again"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_locks_each_object_gets_only_what_cannot_be_wrong() {
    let session = Session::new(222, 4).await;
    let s3 = &session.stage.world.s3;
    s3.set_up(BUCKETS[0].1, |bucket| bucket.locked_for_days = Some(30)).expect("a bucket");
    let words = ["keeps each new object by Object Lock (COMPLIANCE, 30 days)", "--route mogile"];
    session.begins_nothing(&COMMANDS, &words).await;
    session.said(&["migrate", "--route", "mogile"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_another_key_is_told_before_the_first_write() {
    for setting in ["DYNAMODB_TABLE", "DYNAMODB_FAILURES_TABLE"] {
        let mut session = Session::new(223, 4).await;
        // Else their names follow the ledger's.
        session.set("DYNAMODB_FAILURES_TABLE", FAILURES);
        session.set("DYNAMODB_VERIFICATIONS_TABLE", VERIFICATIONS);
        session.set(setting, VERIFICATIONS);
        let key =
            format!("table `{VERIFICATIONS}` has the key run (S) + fid (N), and fid (N) is needed");
        session.begins_nothing(&COMMANDS, &[&key, "`mogile2s3 provision`"]).await;
    }
}

/// The run goes on, and says what it could not look at.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_may_not_read_settings_are_told_so() {
    let session = Session::new(224, 4).await;
    for setting in ["lifecycle", "object-lock"] {
        let denied = Fault::Refuse { status: 403, code: "AccessDenied".to_owned() };
        let target = Some(setting.to_owned());
        let rule = Rule { target, ..Rule::always(Service::S3, denied) };
        session.stage.world.faults.add(rule);
    }
    let said = session.said(&["migrate"], 0).await;
    let words = ["NOT LOOKED AT before the start", "    the lifecycle rules of `", "docs/IAM.md"];
    assert!(words.iter().all(|words| said.contains(words)), "{said}");
    for command in COMMANDS {
        let told = session.told(command, 0).await;
        let unseen = told["not_looked_at"].as_array().map_or(0, Vec::len);
        assert_eq!(unseen, 2 * BUCKETS.len(), "{command:?}: {told}");
    }
}
