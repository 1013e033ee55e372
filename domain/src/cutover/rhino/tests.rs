//! What hinders a change, and what a plan says.

use crate::ports::{IndexDefinition, RhinoFacts};

/// A server that hinders nothing.
pub(super) fn facts() -> RhinoFacts {
    let index = "KEY `bucketName_index` (`bucketName`)".to_owned();
    RhinoFacts {
        version: "8.4.3".to_owned(),
        changes_indexes_online: true,
        has_binlog: true,
        binlog_format: Some("ROW".to_owned()),
        binlog_row_image: Some("FULL".to_owned()),
        is_read_only: false,
        isolation: Some("REPEATABLE-READ".to_owned()),
        create_table: format!("CREATE TABLE `articleFile` (\n  {index}\n)"),
        index: Some(IndexDefinition(index)),
        index_can_return: true,
        lacks: Vec::new(),
        triggers: Some(Vec::new()),
    }
}
