//! Processes that cannot start, and what they say.

use stand_ins::wire::lambda::Ended;

use super::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_set_up_wrong_says_what_is_wrong_and_keeps_secrets() {
    let stage = Stage::with(0).await;
    for (name, value, word) in [
        ("SQS_URL", None, "SQS_URL"),
        ("DYNAMODB_TABLE", None, "DYNAMODB_TABLE"),
        ("MOGILE_TRACKERS", Some("tracker1"), "tracker1"),
        ("BUCKETS", Some("a:Bad_Name"), "Bad_Name"),
        ("WORKER_CONCURRENCY", Some("many"), "WORKER_CONCURRENCY"),
    ] {
        let mut function = stage.function();
        let secret = function.environment["AWS_SECRET_ACCESS_KEY"].clone();
        match value {
            Some(value) => function.environment.insert(name.to_owned(), value.to_owned()),
            None => function.environment.remove(name),
        };
        let service = stage.start(function);
        let ended = service.invoke(&serde_json::json!({})).await.expect("started");
        assert!(matches!(ended, Ended::Crashed(_)), "{name}: {ended:?}");
        let said = || service.fleet().logs().lines().join("\n");
        let waited = async {
            while !said().contains("cannot start") {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(10), waited).await;
        assert!(waited.is_ok(), "{name}: {}", said());
        assert!(said().contains(word), "{name}: {}", said());
        assert!(!said().contains(&secret), "{name}: {}", said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_database_is_asked_even_where_one_is_named() {
    let stage = Stage::with(3).await;
    stage.enqueue_all();
    let mut function = stage.function();
    let nowhere = "mysql://reader:secret@127.0.0.1:1/mogilefs".to_owned();
    function.environment.insert("MOGILE_DATABASE_URL".to_owned(), nowhere);
    let service = stage.start(function);
    service.done(super::stage::PATIENCE).await.expect("done");
    stage.assert_whole();
}
