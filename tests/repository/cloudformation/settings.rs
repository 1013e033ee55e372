//! The same settings as `provision` makes.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::blueprint::{QueueBlueprint, QueueChoices, Queues, TableBlueprint, TableNames, tables};
use domain::limits;
use serde_json::{Value, json};

use super::template::Stack;

/// The queues that `provision` would make for this function.
fn queues(function_time: Duration) -> Queues {
    let jobs = "mogile2s3-jobs".to_owned();
    let dead_letters = Queues::dead_letters_beside(&jobs);
    Queues::new(QueueChoices { jobs, dead_letters, function_time })
}

fn timeouts(stack: &Stack) -> Vec<u64> {
    let allowed = stack.parameter("FunctionTimeoutSeconds")["AllowedValues"].as_array();
    let allowed = allowed.expect("a list").iter();
    let number = |seconds: &Value| seconds.as_str().expect("text").parse().expect("a number");
    allowed.map(number).collect()
}

fn has_what_the_blueprint_says(queue: &Value, blueprint: &QueueBlueprint) {
    let made = &queue["Properties"];
    assert_eq!(made["QueueName"], json!(blueprint.name));
    assert_eq!(made["MessageRetentionPeriod"], json!(blueprint.retention.as_secs()));
    let visibility = blueprint.visibility.map(|time| json!(time.as_secs()));
    assert_eq!(made.get("VisibilityTimeout"), visibility.as_ref());
    let redrive = blueprint.redrive.as_ref().map(|redrive| {
        let target = "@DeadLetterQueue.Arn";
        json!({ "deadLetterTargetArn": target, "maxReceiveCount": redrive.deliveries })
    });
    assert_eq!(made.get("RedrivePolicy"), redrive.as_ref());
    // Whatever else is set would be a setting that `provision` does not make.
    let known = ["QueueName", "MessageRetentionPeriod", "VisibilityTimeout", "RedrivePolicy"];
    let fields = made.as_object().expect("properties").keys();
    assert!(fields.clone().all(|field| known.contains(&field.as_str())), "{made}");
}

#[test]
fn queues_are_those_of_the_blueprint() {
    let all = timeouts(&Stack::with(&[]));
    assert!(all.len() > 3, "{all:?}");
    for seconds in all {
        let stack = Stack::with(&[("FunctionTimeoutSeconds", &seconds.to_string())]);
        let time = Duration::from_secs(seconds);
        assert!(time <= limits::FUNCTION_TIME_MOST);
        let queues = queues(time);
        has_what_the_blueprint_says(&stack.resource("JobQueue"), &queues.jobs);
        has_what_the_blueprint_says(&stack.resource("DeadLetterQueue"), &queues.dead_letters);
        assert_eq!(stack.resource("Worker")["Properties"]["Timeout"], json!(seconds.to_string()));
    }
}

#[test]
fn a_batch_that_is_gathered_stays_invisible_so_much_longer() {
    for seconds in timeouts(&Stack::with(&[])) {
        let given = [("FunctionTimeoutSeconds", &*seconds.to_string()), ("BatchSize", "100")];
        let stack = Stack::with(&given);
        let time = Duration::from_secs(seconds);
        let window = &stack.resource("Jobs")["Properties"]["MaximumBatchingWindowInSeconds"];
        let window = window.as_u64().expect("seconds");
        assert!(window >= 1, "a batch above ten needs one");
        let visibility = limits::visibility(time).as_secs() + window;
        let made = stack.resource("JobQueue");
        assert_eq!(made["Properties"]["VisibilityTimeout"], json!(visibility));
    }
}

#[test]
fn defaults_and_bounds_are_those_of_provision() {
    let stack = Stack::with(&[]);
    let default = |name: &str| stack.parameter(name)["Default"].clone();
    assert_eq!(
        default("FunctionTimeoutSeconds"),
        json!(limits::FUNCTION_TIME.as_secs().to_string())
    );
    assert_eq!(default("MaximumConcurrency"), json!(20));
    let jobs_die = stack.parameter("OldestJobAlarmSeconds")["MaxValue"].as_u64();
    assert_eq!(jobs_die, Some(limits::JOB_RETENTION.as_secs()));
}

fn is_what_the_blueprint_says(table: &Value, blueprint: &TableBlueprint) {
    let made = &table["Properties"];
    assert_eq!(made["TableName"], json!(blueprint.name));
    assert_eq!(made["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(made["DeletionProtectionEnabled"], true);
    let recovery = json!({ "PointInTimeRecoveryEnabled": true });
    assert_eq!(made["PointInTimeRecoverySpecification"], recovery);
    let (mut schema, mut definitions) = (Vec::new(), Vec::new());
    let range = blueprint.key.range.iter().map(|column| (column, "RANGE"));
    for (column, role) in [(&blueprint.key.hash, "HASH")].into_iter().chain(range) {
        schema.push(json!({ "AttributeName": column.name, "KeyType": role }));
        let kind = column.kind.name();
        definitions.push(json!({ "AttributeName": column.name, "AttributeType": kind }));
    }
    assert_eq!(made["KeySchema"], json!(schema));
    assert_eq!(made["AttributeDefinitions"], json!(definitions));
    assert_eq!(made.as_object().expect("properties").len(), 6, "{made}");
}

#[test]
fn tables_are_those_of_the_blueprint() {
    let stack = Stack::with(&[("LedgerTable", "ledger")]);
    let ledger = "ledger".to_owned();
    let blueprints = tables(TableNames {
        failures: TableNames::failures_beside(&ledger),
        verifications: TableNames::verifications_beside(&ledger),
        journal: TableNames::journal_beside(&ledger),
        ledger,
    });
    let names = ["Ledger", "Failures", "Verifications", "Journal"];
    assert_eq!(blueprints.len(), names.len());
    for (name, blueprint) in names.into_iter().zip(&blueprints) {
        is_what_the_blueprint_says(&stack.resource(name), blueprint);
    }
}

#[test]
fn what_holds_data_outlives_the_stack() {
    let made = Stack::with(&[]).resources();
    let kinds = ["AWS::SQS::Queue", "AWS::DynamoDB::Table"];
    let of_data = |resource: &&Value| kinds.iter().any(|kind| resource["Type"] == *kind);
    let data: Vec<_> = made.values().filter(of_data).collect();
    assert_eq!(data.len(), 6);
    for resource in data {
        assert_eq!(resource["DeletionPolicy"], "Retain", "{resource}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{resource}");
    }
    // Buckets are not the stack's at all.
    assert!(!made.values().any(|resource| resource["Type"] == "AWS::S3::Bucket"));
}

#[test]
fn what_exists_is_named_and_not_made() {
    let (all, others) = (Stack::with(&[]), Stack::with(&[("QueuesAndTables", "existing")]));
    let names = |stack: &Stack| stack.resources().into_keys().collect::<BTreeSet<_>>();
    let made_by_it =
        ["DeadLetterQueue", "Failures", "JobQueue", "Journal", "Ledger", "Verifications"];
    let made_by_it: BTreeSet<_> = made_by_it.into_iter().map(str::to_owned).collect();
    assert_eq!(&names(&all) - &names(&others), made_by_it);
    // Nothing that is made refers to what is not.
    let text = json!(others.resources()).to_string();
    for name in &made_by_it {
        assert!(!text.contains(&format!("@{name}")), "{name}");
    }
    let source = |stack: &Stack| stack.resource("Jobs")["Properties"]["EventSourceArn"].clone();
    assert_eq!(source(&all), "@JobQueue.Arn");
    assert_eq!(source(&others), "arn:aws:sqs:us-east-1:123456789012:mogile2s3-jobs");
}

#[test]
fn the_output_is_an_env_file() {
    let output = Stack::with(&[]).output("Env");
    let lines: Vec<_> = output.as_str().expect("text").lines().collect();
    assert_eq!(
        lines,
        [
            "AWS_S3_REGION_NAME=us-east-1",
            "BUCKETS=a:corpus-prod,b:editorial-prod",
            "SQS_URL=https://sqs.us-east-1.amazonaws.com/123456789012/mogile2s3-jobs",
            "SQS_DLQ_URL=https://sqs.us-east-1.amazonaws.com/123456789012/mogile2s3-jobs-dead",
            "DYNAMODB_TABLE=mogile2s3-ledger",
            "DYNAMODB_FAILURES_TABLE=mogile2s3-ledger-failures",
            "DYNAMODB_VERIFICATIONS_TABLE=mogile2s3-ledger-verifications",
            "DYNAMODB_JOURNAL_TABLE=mogile2s3-ledger-journal",
            "LAMBDA_FUNCTION=mogile2s3-worker",
        ]
    );
}

#[test]
fn every_parameter_says_what_it_is() {
    for (name, parameter) in Stack::with(&[]).parameters() {
        let described = parameter["Description"].as_str().is_some_and(|text| text.len() > 10);
        assert!(described, "{name}");
    }
}

#[test]
fn a_new_ledger_can_be_warm_and_the_other_tables_stay_as_they_are() {
    let stack = Stack::with(&[("LedgerWarmWritesPerSecond", "10000")]);
    let warm = json!({ "ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 10_000 });
    assert_eq!(stack.resource("Ledger")["Properties"]["WarmThroughput"], warm);
    for table in ["Failures", "Verifications", "Journal"] {
        assert!(stack.resource(table)["Properties"].get("WarmThroughput").is_none(), "{table}");
    }
    // As DynamoDB makes it: nothing is asked for.
    let cold = Stack::with(&[]).resource("Ledger");
    assert!(cold["Properties"].get("WarmThroughput").is_none());
}

/// CloudFormation reads these patterns as Java does (user guide, "Regular expressions"), where a `[`
/// within a class opens another class: unescaped it spoils the whole template.
#[test]
fn allowed_patterns_are_those_of_java_too() {
    let stack = Stack::with(&[]);
    let mut seen = 0;
    for (name, parameter) in stack.parameters() {
        let Some(pattern) = parameter["AllowedPattern"].as_str() else { continue };
        seen += 1;
        let (mut in_class, mut escaped) = (false, false);
        for sign in pattern.chars() {
            match sign {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '[' => {
                    assert!(!in_class, "{name}: `[` within a class of {pattern}");
                    in_class = true;
                }
                ']' => {
                    assert!(in_class, "{name}: `]` without a class in {pattern}");
                    in_class = false;
                }
                _ => {}
            }
        }
        assert!(!in_class, "{name}: a class without its end in {pattern}");
    }
    assert!(seen > 10, "{seen}");
}
