//! AWS Lambda: the function's real main in processes of its own, each with a Runtime API to
//! itself, the event source mapping that feeds them from a queue, and the API by which others invoke
//! it.

mod environment;
mod fleet;
mod invoke_api;
mod logs;
mod mapping;
mod runtime_api;
mod service;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use crate::embedded::EmbeddedWorld;

pub use fleet::{Counts, Fleet};
pub use invoke_api::{Invocable, InvokeApi};
pub use logs::Logs;
pub use mapping::{Mapping, MappingCounts};
pub use runtime_api::FunctionError;
pub use service::LambdaService;

/// A function as it is deployed.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The program of each of its processes.
    pub program: PathBuf,
    /// That program's arguments.
    pub arguments: Vec<OsString>,
    /// The variables it has beside those that Lambda sets.
    pub environment: BTreeMap<String, String>,
    /// Its memory; what takes more is killed.
    pub memory_mb: u64,
    /// What takes longer is killed.
    pub time_limit: Duration,
    /// Nothing, but where a kill without warning is wanted: the function takes itself to have so
    /// much more time than it has.
    pub deadline_told_later_by: Duration,
    /// Processes that run at once, at most; an invocation beyond them is throttled.
    pub concurrency: usize,
    /// A process that was idle for so long is shut down.
    pub idle_limit: Duration,
}

impl Function {
    /// The function of a world, with the usual limits: all that it needs to know is in the world's
    /// environment.
    pub fn of_world(
        world: &EmbeddedWorld,
        program: PathBuf,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let environment = world.environment().iter();
        Self {
            name: "mogile2s3".to_owned(),
            program,
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: environment
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            memory_mb: 256,
            time_limit: Duration::from_mins(2),
            deadline_told_later_by: Duration::ZERO,
            concurrency: 20,
            idle_limit: Duration::from_mins(5),
        }
    }

    fn arn(&self) -> String {
        format!("arn:aws:lambda:us-east-1:000000000000:function:{}", self.name)
    }
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The function answered.
    Answer(Bytes),
    /// It told of an error, and goes on.
    Error(FunctionError),
    /// Its process ended by itself.
    Crashed(FunctionError),
    /// It was killed at its time limit.
    TimedOut,
    /// It was killed for its memory.
    OutOfMemory,
    /// It was not begun: too much is running, or the event is too large.
    Throttled,
}

#[cfg(test)]
mod tests;
