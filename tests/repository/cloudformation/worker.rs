//! The function, what feeds it, and what watches it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::template::Stack;

fn environment(stack: &Stack) -> Value {
    stack.resource("Worker")["Properties"]["Environment"]["Variables"].clone()
}

#[test]
fn its_environment_has_all_settings_and_no_secret() {
    let stack = Stack::with(&[("MogileStorageHosts", "10.0.0.0/8"), ("IgnoreBuckets", "trash")]);
    let environment = environment(&stack);
    let settings = environment.as_object().expect("variables");
    let names: BTreeSet<_> = settings.keys().map(String::as_str).collect();
    let wanted = BTreeSet::from([
        "BUCKETS",
        "DYNAMODB_FAILURES_TABLE",
        "DYNAMODB_TABLE",
        "DYNAMODB_VERIFICATIONS_TABLE",
        "IGNORE_BUCKETS",
        "MOGILE_DOMAIN",
        "MOGILE_NODE_CONNECTIONS",
        "MOGILE_STORAGE_HOSTS",
        "MOGILE_TRACKERS",
        "MOGILE_TRACKER_CONNECTIONS",
        "RUST_LOG",
        "SQS_DLQ_URL",
        "SQS_URL",
        "WORKER_CONCURRENCY",
    ]);
    assert_eq!(names, wanted, "no database, no key");
    assert_eq!(settings["BUCKETS"], "a:corpus-prod,b:editorial-prod");
    let url = "https://sqs.us-east-1.amazonaws.com/123456789012/mogile2s3-jobs";
    assert_eq!(settings["SQS_URL"], url);
    assert_eq!(settings["SQS_DLQ_URL"], format!("{url}-dead"));
}

#[test]
fn storage_hosts_that_nobody_names_are_not_narrowed() {
    // As where the setting is not given.
    assert!(environment(&Stack::with(&[])).get("MOGILE_STORAGE_HOSTS").is_none());
    assert!(environment(&Stack::with(&[])).get("IGNORE_BUCKETS").is_none());
}

#[test]
fn only_failed_jobs_come_back() {
    let jobs = Stack::with(&[]).resource("Jobs")["Properties"].clone();
    assert_eq!(jobs["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert_eq!(jobs["ScalingConfig"]["MaximumConcurrency"], 20);
    assert_eq!(jobs["Enabled"], true);
    assert_eq!(Stack::with(&[("Running", "no")]).resource("Jobs")["Properties"]["Enabled"], false);
}

#[test]
fn a_batch_above_ten_has_a_window_and_no_other() {
    let stack = Stack::with(&[]);
    let sizes = stack.parameter("BatchSize")["AllowedValues"].as_array().expect("a list");
    for size in sizes.iter().map(|size| size.as_u64().expect("a number")) {
        let jobs = Stack::with(&[("BatchSize", &size.to_string())]).resource("Jobs");
        let window = &jobs["Properties"]["MaximumBatchingWindowInSeconds"];
        let gathers = window.as_u64().expect("seconds") > 0;
        assert_eq!(gathers, size > 10, "{size}");
    }
}

#[test]
fn every_alarm_tells_the_topic_and_no_other() {
    let alarms = |given: &[(&str, &str)]| {
        let made = Stack::with(given).resources().into_values();
        let alarms = made.filter(|it| it["Type"] == "AWS::CloudWatch::Alarm");
        alarms.map(|alarm| alarm["Properties"].clone()).collect::<Vec<_>>()
    };
    let topic = "arn:aws:sns:us-east-1:1:ops";
    let told = alarms(&[("AlarmTopicArn", topic)]);
    assert_eq!(told.len(), 5);
    for alarm in told {
        assert_eq!(alarm["AlarmActions"], json!([topic]), "{alarm}");
        assert!(alarm["AlarmDescription"].as_str().is_some_and(|text| text.len() > 20));
    }
    assert!(alarms(&[]).iter().all(|alarm| alarm.get("AlarmActions").is_none()));
}

#[test]
fn dead_letters_and_age_are_watched_on_the_right_queue() {
    let stack = Stack::with(&[("QueueName", "jobs")]);
    let queue = |alarm: &str| stack.resource(alarm)["Properties"]["Dimensions"][0]["Value"].clone();
    assert_eq!(queue("DeadLettersAlarm"), "jobs-dead");
    assert_eq!(queue("OldestJobAlarm"), "jobs");
    let metrics = &stack.resource("NoProgressAlarm")["Properties"]["Metrics"];
    for metric in metrics.as_array().expect("a list").iter().skip(1) {
        assert_eq!(metric["MetricStat"]["Metric"]["Dimensions"][0]["Value"], "jobs", "{metric}");
    }
}

/// The description names these products, and they are what MogileFS has to bear.
#[test]
fn the_connections_to_mogilefs_are_those_of_the_description() {
    let stack = Stack::with(&[]);
    let default = |name: &str| stack.parameter(name)["Default"].as_u64().expect("a number");
    let processes = default("MaximumConcurrency");
    let products = ["TrackerConnections", "NodeConnections"].map(|name| {
        let product = processes * default(name);
        let described = stack.parameter(name)["Description"].as_str().expect("text");
        assert!(described.contains(&format!("{product} by default")), "{name}: {described}");
        product
    });
    let text = format!("by default {} and {}.", products[0], products[1]);
    let description = stack.description();
    assert!(description.contains(&text), "{description}");
    assert!(products[0] <= 40, "a tracker has few query workers, and contentrepo needs them too");
    let given = [("TrackerConnections", "3"), ("NodeConnections", "5"), ("WorkerConcurrency", "7")];
    let settings = environment(&Stack::with(&given));
    assert_eq!(settings["MOGILE_TRACKER_CONNECTIONS"], 3);
    assert_eq!(settings["MOGILE_NODE_CONNECTIONS"], 5);
    assert_eq!(settings["WORKER_CONCURRENCY"], 7);
}

#[test]
fn jobs_in_flight_stay_within_what_sqs_takes() {
    let stack = Stack::with(&[]);
    let sizes = stack.parameter("BatchSize")["AllowedValues"].as_array().expect("a list").clone();
    let largest = sizes.iter().filter_map(Value::as_u64).max().expect("a size");
    let processes = stack.parameter("MaximumConcurrency")["MaxValue"].as_u64().expect("a number");
    // Amazon SQS developer guide, "Quotas": about 120,000 of a standard queue.
    assert!(largest * processes < 120_000, "{largest} x {processes}");
    assert_eq!(largest, 100, "less would cost requests");
}

#[test]
fn no_job_is_sent_before_the_function_has_its_rights() {
    let stack = Stack::with(&[]);
    assert_eq!(stack.resource("Jobs")["DependsOn"], "WorkerRole");
    // The right to the queue is a part of the role, not a policy that could come later.
    let role = stack.resource("WorkerRole")["Properties"]["Policies"].to_string();
    assert!(role.contains("sqs:ReceiveMessage"), "{role}");
    assert!(!stack.resources().values().any(|it| it["Type"] == "AWS::IAM::Policy"));
}
