//! How many calls went out, of which kind, and how they came out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A system that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// A MogileFS tracker.
    Tracker,
    /// A MogileFS storage node.
    StorageNode,
    /// Amazon S3.
    S3,
    /// Amazon DynamoDB.
    DynamoDb,
    /// Amazon SQS.
    Sqs,
    /// AWS Lambda.
    Lambda,
    /// A MySQL or MariaDB server.
    Mysql,
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tracker => "tracker",
            Self::StorageNode => "storage node",
            Self::S3 => "S3",
            Self::DynamoDb => "DynamoDB",
            Self::Sqs => "SQS",
            Self::Lambda => "Lambda",
            Self::Mysql => "MySQL",
        })
    }
}

/// How calls of one kind came out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Answered as hoped.
    pub ok: u64,
    /// Refused, failed or unanswered.
    pub failed: u64,
}

/// Counts of calls, by system and operation.
#[derive(Debug, Default)]
pub struct Calls(Mutex<BTreeMap<(System, &'static str), Outcomes>>);

impl Calls {
    /// Counts one call and hands its result on.
    pub fn count<T, E>(
        &self,
        system: System,
        operation: &'static str,
        result: Result<T, E>,
    ) -> Result<T, E> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outcomes = calls.entry((system, operation)).or_default();
        match result {
            Ok(_) => outcomes.ok += 1,
            Err(_) => outcomes.failed += 1,
        }
        result
    }

    /// All counts so far.
    #[must_use]
    pub fn all(&self) -> BTreeMap<(System, &'static str), Outcomes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
