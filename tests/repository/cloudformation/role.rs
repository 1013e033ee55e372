//! What the function may do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::template::Stack;

fn statements(stack: &Stack) -> BTreeMap<String, Value> {
    let role = stack.resource("WorkerRole");
    let policies = role["Properties"]["Policies"].as_array().expect("policies").clone();
    assert_eq!(policies.len(), 1);
    assert!(role["Properties"].get("ManagedPolicyArns").is_none(), "those grow by themselves");
    let statements = policies[0]["PolicyDocument"]["Statement"].as_array().expect("a list");
    let named = statements.iter().map(|statement| {
        (statement["Sid"].as_str().expect("a name").to_owned(), statement.clone())
    });
    named.collect()
}

const VPC: [(&str, &str); 2] = [("VpcId", "vpc-1"), ("SubnetIds", "subnet-1,subnet-2")];

#[test]
fn it_reaches_its_own_buckets_tables_and_queue_only() {
    let all = statements(&Stack::with(&[]));
    let resource = |name: &str| all[name]["Resource"].clone();
    let files = ["arn:aws:s3:::corpus-prod/*", "arn:aws:s3:::editorial-prod/*"];
    assert_eq!(resource("FilesInTheBuckets"), json!(files));
    let buckets = ["arn:aws:s3:::corpus-prod", "arn:aws:s3:::editorial-prod"];
    assert_eq!(resource("WhatIsInTheBuckets"), json!(buckets));
    // Versions are what is left when files were deleted by mistake.
    let canaries = buckets.map(|bucket| format!("{bucket}/mogile2s3-canary/*"));
    assert_eq!(resource("VersionsOfCanaries"), json!(canaries));
    let table = |name: &str| format!("arn:aws:dynamodb:us-east-1:123456789012:table/{name}");
    let tables = ["", "-failures", "-verifications"];
    let tables = tables.map(|end| table(&format!("mogile2s3-ledger{end}")));
    assert_eq!(resource("Tables"), json!(tables));
    assert_eq!(resource("Jobs"), "arn:aws:sqs:us-east-1:123456789012:mogile2s3-jobs");
    assert_eq!(resource("Logs"), "@WorkerLogs.Arn");
    let dead_letters = "arn:aws:sqs:us-east-1:123456789012:mogile2s3-jobs-dead";
    assert_eq!(resource("DeadLetters"), dead_letters);
    assert_eq!(all.len(), 7, "{all:?}");
    for (name, statement) in &all {
        assert!(!statement["Resource"].to_string().contains("\"*\""), "{name}");
        assert!(!statement["Action"].to_string().contains('*'), "{name}");
    }
}

#[test]
fn one_bucket_is_enough() {
    let one = [("Buckets", "a:corpus-prod"), ("BucketNames", "corpus-prod")];
    let all = statements(&Stack::with(&one));
    assert_eq!(all["FilesInTheBuckets"]["Resource"], json!(["arn:aws:s3:::corpus-prod/*"]));
    assert_eq!(all["WhatIsInTheBuckets"]["Resource"], json!(["arn:aws:s3:::corpus-prod"]));
}

#[test]
fn it_may_do_what_the_adapters_do() {
    let all = statements(&Stack::with(&[]));
    let actions = |name: &str| all[name]["Action"].clone();
    // PUT and parts; COPY (which reads its source as GET); If-Match reads, too; HEAD is a GET.
    let files = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"];
    assert_eq!(actions("FilesInTheBuckets"), json!(files));
    let looks = ["ListBucket", "GetBucketObjectLockConfiguration", "ListBucketVersions"];
    assert_eq!(actions("WhatIsInTheBuckets"), json!(looks.map(|action| format!("s3:{action}"))));
    assert_eq!(actions("VersionsOfCanaries"), "s3:DeleteObjectVersion");
    let tables = ["BatchGetItem", "BatchWriteItem", "DeleteItem", "Query", "Scan", "UpdateItem"];
    assert_eq!(actions("Tables"), json!(tables.map(|action| format!("dynamodb:{action}"))));
    let jobs = ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"];
    assert_eq!(actions("Jobs"), json!(jobs.map(|action| format!("sqs:{action}"))));
    assert_eq!(actions("DeadLetters"), "sqs:SendMessage");
}

#[test]
fn keys_are_for_those_who_name_them() {
    let keys = "arn:aws:kms:us-east-1:1:key/a,arn:aws:kms:us-east-1:1:key/b";
    let all = statements(&Stack::with(&[("KmsKeyArns", keys)]));
    let statement = &all["KeysOfTheBuckets"];
    assert_eq!(statement["Action"], json!(["kms:Decrypt", "kms:GenerateDataKey"]));
    assert_eq!(statement["Resource"], json!(keys.split(',').collect::<Vec<_>>()));
}

#[test]
fn network_interfaces_are_lambdas_and_not_the_codes() {
    let all = statements(&Stack::with(&VPC));
    assert_eq!(all["NetworkInterfaces"]["Effect"], "Allow");
    let denied = &all["NoNetworkInterfacesForTheCode"];
    assert_eq!(denied["Effect"], "Deny");
    let function = "arn:aws:lambda:us-east-1:123456789012:function:mogile2s3-worker";
    assert_eq!(denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"], function);
}
