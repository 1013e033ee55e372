//! What an operator lets pass although a gate refuses.

use serde::{Deserialize, Serialize};

use super::cutover::ClientDatabase;

/// An operator overrides a gate of a cut-over. The entry comes before the cut-over's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateOverridden {
    /// The database that is cut over.
    pub database: ClientDatabase,
    /// The gate's name.
    pub gate: String,
    /// The operator's reason, in words.
    pub reason: String,
    /// What the gate found, in the words of the report.
    pub found: Vec<String>,
}
