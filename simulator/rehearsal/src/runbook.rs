//! The whole runbook by the real commands, each story in a world of its own: to its end, back again, and with a
//! file that no replica gives any more.

pub(crate) mod clients;
pub(crate) mod night;
mod operator;
pub(crate) mod people;
mod snapshot;
pub(crate) mod stories;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::scenarios::Scenario;
use crate::stage::Options;

pub(crate) use self::operator::Operator;
pub use self::operator::Typed;

/// The name of the first story.
pub(crate) const TO_THE_END: &str = "to the end: the applications read every file from S3";

/// Files of each story's corpus.
const FILES: usize = 40;

/// A story, and the commands that were typed.
#[derive(Debug, Default, Serialize)]
pub struct Story {
    /// How it ended.
    #[serde(flatten)]
    pub(super) scenario: Scenario,
    /// The commands, in their order.
    pub(super) commands: Vec<Typed>,
    /// The rows of both applications whose content was read at the end, as the applications read it.
    pub(super) rows_read: u64,
    /// What `runbook status` printed in the end, where it was asked.
    #[serde(skip)]
    pub(super) check_list: String,
    /// The world in the end, where two worlds are to be compared.
    #[serde(skip)]
    pub(super) end: BTreeSet<String>,
    /// What `doctor` printed, where it was asked.
    #[serde(skip)]
    pub(super) doctor: String,
}

impl Story {
    /// Whether a server failed during a command with this beginning.
    pub(super) fn met_a_fault(&self, begin: &str) -> bool {
        self.commands.iter().any(|typed| typed.met_a_fault() && typed.command.starts_with(begin))
    }

    /// Whether it ended as it must.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.scenario.problems.is_empty()
    }
}

/// Tells all stories at the same time: most of their time is waiting.
pub async fn tell(options: &Options) -> Vec<Story> {
    let seed = options.seed;
    let begun = || Operator::begin(seed, FILES);
    let (to_the_end, back, accepted) = tokio::join!(
        stories::to_the_end(TO_THE_END, begun(), seed),
        stories::back(begun()),
        stories::accepted(begun()),
    );
    vec![to_the_end, back, accepted]
}
