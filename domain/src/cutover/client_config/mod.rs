//! What the clients' own configuration must say for S3: the texts to put there, and checks of what is there.
//!
//! The checks take parsed documents as plain values. Nothing here reads a file or asks a server.

mod context;
mod point_of_no_return;
mod rhino;
mod running;
mod texts;

#[cfg(test)]
mod tests;

pub use context::{ContextDocument, ResourceElement, TEMPORARY_KEY, check_context};
pub use point_of_no_return::refused_afterwards;
pub use rhino::{RhinoConfig, check_rhino};
pub use running::{
    AskedNode, RunningClient, RunningConfig, RunningSeen, check_running, read_running,
};
pub use texts::{ACCESS_KEY_HERE, ClientConfig, SECRET_KEY_HERE, StoreKeys, client_config};

use serde::Serialize;

/// How far a document or a running client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigState {
    /// It is as it must be behind the cut-over.
    Done,
    /// It is still as it was for MogileFS.
    NotYet,
    /// It fits neither store.
    Wrong,
    /// It cannot be said: a part of it is elsewhere, or the client did not answer.
    Unseen,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigChecked {
    /// How far it is.
    pub state: ConfigState,
    /// What was seen, a line each, with what to do where something is to be done.
    pub seen: Vec<String>,
}

impl ConfigState {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotYet => "not yet",
            Self::Wrong => "wrong",
            Self::Unseen => "unseen",
        }
    }
}

impl ConfigChecked {
    fn new(state: ConfigState, seen: Vec<String>) -> Self {
        Self { state, seen }
    }

    fn one(state: ConfigState, seen: impl Into<String>) -> Self {
        Self::new(state, vec![seen.into()])
    }
}
