//! Point-in-time recovery, which `dynoxide` does not know: only whether it is on.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use dynoxide::Database;
use dynoxide::actions::describe_table::DescribeTableRequest;
use http::Response;
use serde_json::{Value, json};

use crate::wire::listener::{Body, error_answer};

/// The tables that can be had again as they were.
#[derive(Debug, Default)]
pub(super) struct Recovery(Mutex<BTreeSet<String>>);

const JSON: &str = "application/x-amz-json-1.0";

impl Recovery {
    /// Whether it answers this operation.
    pub(super) fn knows(operation: &str) -> bool {
        matches!(operation, "DescribeContinuousBackups" | "UpdateContinuousBackups")
    }

    /// Answers a request for one of its operations.
    pub(super) fn answer(
        &self,
        database: &Database,
        operation: &str,
        body: &[u8],
    ) -> Response<Body> {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(table) = request["TableName"].as_str() else {
            return refusal("ValidationException", "TableName is missing");
        };
        let described = DescribeTableRequest { table_name: table.to_owned() };
        if database.describe_table(described).is_err() {
            return refusal("TableNotFoundException", &format!("Table not found: {table}"));
        }
        let mut on = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if operation == "UpdateContinuousBackups" {
            let wanted = &request["PointInTimeRecoverySpecification"];
            match wanted["PointInTimeRecoveryEnabled"].as_bool() {
                Some(true) => _ = on.insert(table.to_owned()),
                Some(false) => _ = on.remove(table),
                None => {
                    return refusal("ValidationException", "PointInTimeRecoveryEnabled is missing");
                }
            }
        }
        let status = if on.contains(table) { "ENABLED" } else { "DISABLED" };
        let told = json!({ "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": status },
        }});
        error_answer(200, JSON, told.to_string())
    }
}

fn refusal(code: &str, message: &str) -> Response<Body> {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
    error_answer(400, JSON, json!({ "__type": kind, "message": message }).to_string())
}
