//! `docs/IAM.md` has the rights that the adapters' calls need, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::page::root;

const PAGE: &str = include_str!("../../../docs/IAM.md");

/// Each call of an SDK, the policy that is the first to allow it, and the actions that IAM asks for
/// (Service Authorization Reference; batches of SQS are authorized as their single calls, and parts
/// and the target of a COPY as PUT).
const CALLS: &[(&str, &str, &[&str])] = &[
    ("get_object", "Read-only", &["s3:GetObject"]),
    ("head_object", "Read-only", &["s3:GetObject"]),
    ("list_objects_v2", "Read-only", &["s3:ListBucket"]),
    ("head_bucket", "Read-only", &["s3:ListBucket"]),
    ("get_bucket_encryption", "Read-only", &["s3:GetEncryptionConfiguration"]),
    ("get_bucket_lifecycle_configuration", "Read-only", &["s3:GetLifecycleConfiguration"]),
    ("get_bucket_ownership_controls", "Read-only", &["s3:GetBucketOwnershipControls"]),
    ("get_bucket_policy", "Read-only", &["s3:GetBucketPolicy"]),
    ("get_bucket_versioning", "Read-only", &["s3:GetBucketVersioning"]),
    ("get_object_lock_configuration", "Read-only", &["s3:GetBucketObjectLockConfiguration"]),
    ("get_bucket_replication", "Read-only", &["s3:GetReplicationConfiguration"]),
    ("get_public_access_block", "Read-only", &["s3:GetBucketPublicAccessBlock"]),
    ("batch_get_item", "Read-only", &["dynamodb:BatchGetItem"]),
    ("query", "Read-only", &["dynamodb:Query"]),
    ("scan", "Read-only", &["dynamodb:Scan"]),
    ("describe_table", "Read-only", &["dynamodb:DescribeTable"]),
    ("describe_continuous_backups", "Read-only", &["dynamodb:DescribeContinuousBackups"]),
    ("get_queue_attributes", "Read-only", &["sqs:GetQueueAttributes"]),
    ("get_queue_url", "Read-only", &["sqs:GetQueueUrl"]),
    ("list_event_source_mappings", "Read-only", &["lambda:ListEventSourceMappings"]),
    ("get_function_configuration", "Read-only", &["lambda:GetFunctionConfiguration"]),
    // Needs no permission, and is given even where a policy denies it (STS API reference).
    ("get_caller_identity", "Read-only", &[]),
    ("put_object", "Migrating", &["s3:PutObject"]),
    ("copy_object", "Migrating", &["s3:PutObject", "s3:GetObjectTagging", "s3:PutObjectTagging"]),
    ("create_multipart_upload", "Migrating", &["s3:PutObject"]),
    ("upload_part", "Migrating", &["s3:PutObject"]),
    ("complete_multipart_upload", "Migrating", &["s3:PutObject"]),
    ("abort_multipart_upload", "Migrating", &["s3:AbortMultipartUpload"]),
    ("delete_object", "Migrating", &["s3:DeleteObject", "s3:DeleteObjectVersion"]),
    ("list_object_versions", "Migrating", &["s3:ListBucketVersions"]),
    ("batch_write_item", "Migrating", &["dynamodb:BatchWriteItem"]),
    ("delete_item", "Migrating", &["dynamodb:DeleteItem"]),
    ("update_item", "Migrating", &["dynamodb:UpdateItem"]),
    // Two puts: a transaction is authorized as what it consists of (DynamoDB developer guide, "Using
    // IAM with DynamoDB transactions").
    ("transact_write_items", "Migrating", &["dynamodb:PutItem"]),
    ("receive_message", "Migrating", &["sqs:ReceiveMessage"]),
    ("send_message_batch", "Migrating", &["sqs:SendMessage"]),
    ("delete_message_batch", "Migrating", &["sqs:DeleteMessage"]),
    ("change_message_visibility_batch", "Migrating", &["sqs:ChangeMessageVisibility"]),
    ("invoke", "Migrating", &["lambda:InvokeFunction"]),
    ("create_bucket", "Provisioning", &["s3:CreateBucket"]),
    ("put_bucket_encryption", "Provisioning", &["s3:PutEncryptionConfiguration"]),
    ("put_bucket_lifecycle_configuration", "Provisioning", &["s3:PutLifecycleConfiguration"]),
    ("put_bucket_ownership_controls", "Provisioning", &["s3:PutBucketOwnershipControls"]),
    ("put_bucket_policy", "Provisioning", &["s3:PutBucketPolicy"]),
    ("put_public_access_block", "Provisioning", &["s3:PutBucketPublicAccessBlock"]),
    ("create_queue", "Provisioning", &["sqs:CreateQueue"]),
    ("set_queue_attributes", "Provisioning", &["sqs:SetQueueAttributes"]),
    ("create_table", "Provisioning", &["dynamodb:CreateTable"]),
    ("update_continuous_backups", "Provisioning", &["dynamodb:UpdateContinuousBackups"]),
    ("update_table", "Provisioning", &["dynamodb:UpdateTable"]),
];

/// Every call of a client of the SDK in a folder: `.s3.head_bucket()`, also over several lines.
fn calls_in(folder: &Path, calls: &mut BTreeSet<String>) {
    for entry in folder.read_dir().expect("readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            calls_in(&path, calls);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("readable");
        let dense: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        for client in
            [".client.", ".client().", "(client.", ".s3.", ".sqs.", ".dynamodb.", ".lambda."]
        {
            for (_, after) in dense.match_indices(client).map(|(at, _)| dense.split_at(at)) {
                let name = after[client.len()..].split_once('(').map(|(name, _)| name);
                let is_name =
                    |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || "_2v".contains(c));
                calls.extend(name.filter(is_name).map(str::to_owned));
            }
        }
    }
}

/// The statements of each policy, by its heading.
fn policies() -> BTreeMap<&'static str, Vec<Value>> {
    let sections = PAGE.split("\n## ").skip(1);
    let policy = |section: &'static str| {
        let (heading, text) = section.split_once('\n').expect("a heading");
        let (_, json) = text.split_once("```json\n").expect("a policy");
        let (json, _) = json.split_once("```").expect("its end");
        let policy: Value = serde_json::from_str(json).expect("JSON");
        (heading, policy["Statement"].as_array().expect("statements").clone())
    };
    sections.map(policy).collect()
}

fn list(statement: &Value, field: &str) -> Vec<String> {
    let list = statement[field].as_array().expect("a list").iter();
    list.map(|one| one.as_str().expect("text").to_owned()).collect()
}

#[test]
fn every_call_of_the_adapters_is_known() {
    let mut calls = BTreeSet::new();
    calls_in(&root().join("adapters/src"), &mut calls);
    // A client is cloned, and asked for nothing by that.
    calls.remove("clone");
    let known: BTreeSet<_> = CALLS.iter().map(|(call, ..)| (*call).to_owned()).collect();
    assert_eq!(calls, known, "give a new call its actions here, and its policy in docs/IAM.md");
}

#[test]
fn the_policies_have_what_the_calls_need_and_no_more() {
    for (heading, statements) in policies() {
        let needed = CALLS.iter().filter(|(_, policy, _)| *policy == heading);
        let needed: BTreeSet<_> =
            needed.flat_map(|(.., actions)| actions.iter().map(|it| (*it).to_owned())).collect();
        let actions = statements.iter().flat_map(|statement| list(statement, "Action"));
        assert_eq!(actions.collect::<BTreeSet<_>>(), needed, "{heading}");
    }
    assert_eq!(policies().len(), 3);
}

#[test]
fn every_statement_is_for_things_of_the_migration() {
    for statement in policies().into_values().flatten() {
        assert_eq!(statement["Effect"], "Allow");
        let resources = list(&statement, "Resource");
        // It cannot be narrowed to a queue (Service Authorization Reference, "AWS Lambda"). It only reads.
        if list(&statement, "Action") == ["lambda:ListEventSourceMappings"] {
            assert_eq!(resources, ["*"]);
            continue;
        }
        let named = ["corpus-prod", "mogile2s3-"];
        let is_named = |resource: &String| named.iter().any(|name| resource.contains(name));
        assert!(resources.iter().all(is_named), "{statement}");
        // Versions are what is left when files were deleted by mistake.
        if list(&statement, "Action").contains(&"s3:DeleteObjectVersion".to_owned()) {
            assert_eq!(resources, ["arn:aws:s3:::corpus-prod/mogile2s3-canary/*"]);
            assert_eq!(list(&statement, "Action").len(), 1);
        }
    }
}

/// Whoever could delete there, or write without a condition by the batch, could remove what was done.
#[test]
fn entries_of_the_journal_are_only_added() {
    const JOURNAL: &str = "arn:aws:dynamodb:REGION:ACCOUNT:table/mogile2s3-ledger-journal";
    let is_journal = |resource: &String| match resource.split_once('*') {
        None => resource == JOURNAL,
        Some((start, end)) => JOURNAL.starts_with(start) && JOURNAL.ends_with(end),
    };
    let all = policies();
    let actions = |heading: &str| {
        let statements = all[heading].iter();
        let of_journal = statements.filter(|it| list(it, "Resource").iter().any(is_journal));
        of_journal.flat_map(|statement| list(statement, "Action")).collect::<BTreeSet<_>>()
    };
    assert!(actions("Read-only").contains("dynamodb:Query"));
    assert_eq!(actions("Migrating"), BTreeSet::from(["dynamodb:PutItem".to_owned()]));
    for heading in ["Read-only", "Provisioning"] {
        let writes = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "DeleteTable"];
        for write in writes.map(|write| format!("dynamodb:{write}")) {
            assert!(!actions(heading).contains(&write), "{heading}: {write}");
        }
    }
}
