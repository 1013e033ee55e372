//! What a doctor finds: one check of one system each, and what to do where it is bad.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Reason;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it must be.
    Good,
    /// It stops nothing, and costs or hinders later: know it before the migration starts.
    Caution,
    /// Not as it must be: do not start.
    Bad,
    /// Nothing can be said, since it could not be reached.
    Unreachable,
}

/// What the worker function answers to `{"doctor": true}`: its own settings, and what it sees from where
/// it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionHealth {
    /// Its settings that are no secrets, by their variables. One that does not report them has none here.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// What it sees.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The system, by its name: `tracker 10.0.0.1:7001`, `bucket corpus-prod`.
    pub subject: String,
    /// What was checked, as a fact that should hold.
    pub fact: String,
    /// How it came out.
    pub health: Health,
    /// What was seen, and where it is bad what to do.
    pub detail: String,
    /// Why it is not good, where a port's error says so.
    #[serde(skip)]
    pub reason: Option<Reason>,
}

impl Check {
    /// A check of a fact that holds.
    pub fn good(subject: impl Into<String>, fact: &str, detail: impl Into<String>) -> Self {
        Self::new(subject, fact, Health::Good, detail)
    }

    /// A check of a fact that does not hold and stops no migration.
    pub fn caution(subject: impl Into<String>, fact: &str, detail: impl Into<String>) -> Self {
        Self::new(subject, fact, Health::Caution, detail)
    }

    /// A check of a fact that does not hold.
    pub fn bad(subject: impl Into<String>, fact: &str, detail: impl Into<String>) -> Self {
        Self::new(subject, fact, Health::Bad, detail)
    }

    /// A check of a fact that could not be seen.
    pub fn unreachable(subject: impl Into<String>, fact: &str, detail: impl Into<String>) -> Self {
        Self::new(subject, fact, Health::Unreachable, detail)
    }

    /// The same, where a port's error says why it is not good.
    #[must_use]
    pub fn because_of(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// The same, as the check of someone who looked from there.
    #[must_use]
    pub fn seen_by(self, observer: &str) -> Self {
        Self { subject: format!("{observer}: {}", self.subject), ..self }
    }

    fn new(
        subject: impl Into<String>,
        fact: &str,
        health: Health,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            subject: subject.into(),
            fact: fact.to_owned(),
            health,
            detail: detail.into(),
            reason: None,
        }
    }
}
