//! What an operator decides about the gates: those to override, and whether a queue was used.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use domain::cutover::{Gate, NO_QUEUE};
use domain::journal::{
    ClientDatabase, Content, Evidence, EvidenceOutcome, GateOverridden, MigrationPlace,
};
use domain::limits;
use domain::runbook::JournalWriter;

use crate::config::{QUEUE, QueueSettings, not_nothing};
use crate::exit::UsageError;
use crate::journal::refused;
use crate::report::Teller;
use crate::report::cutover::{GateLine, Overriding};
use crate::report::quoted;

/// What can be given about the gates.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gates")]
pub(super) struct GateArguments {
    /// Begin although these gates are closed, separated by commas: `audit`, `verify` and `verified` where the other
    /// of `audit` and `verify` holds; `queue`; `freeze` where the content is as it was. Never where a file is
    /// missing or wrong and not accepted. The journal keeps it, with the reason
    #[arg(long = "override", value_name = "GATES", value_delimiter = ',')]
    #[arg(requires = "reason", conflicts_with = "revert")]
    overridden: Vec<String>,

    /// Why gates are overridden, in your words
    #[arg(long, value_name = "TEXT", requires = "overridden")]
    reason: Option<String>,

    /// How long both queues must be empty before anything is changed (30s, 2m). SQS counts approximately: a
    /// window below two minutes may miss messages. A way back does not look at queues
    #[arg(long, env = "QUEUE_WINDOW", default_value = "2m", value_name = "DURATION")]
    #[arg(value_parser = not_nothing)]
    queue_window: Duration,

    /// No queue was used: all files were migrated by `migrate` and verified without jobs. Without this flag
    /// `SQS_URL` and `SQS_DLQ_URL` must name the queues. The journal keeps it
    #[arg(long, conflicts_with = "revert")]
    no_queue: bool,

    #[command(flatten)]
    pub(super) queue: QueueSettings,
}

impl GateArguments {
    /// Errors where a gate does not exist, a reason is empty, or a queue is named that was not used.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        let all = Gate::NAMES;
        if let Some(name) = self.names().into_iter().find(|name| !all.contains(name)) {
            let all = all.join(", ");
            return Err(UsageError(format!("--override: `{name}` is no gate: they are {all}")));
        }
        if !self.overridden.is_empty() {
            let bytes = self.reason().len();
            if bytes == 0 || bytes > limits::LONGEST_REASON_BYTES {
                let most = limits::LONGEST_REASON_BYTES;
                return Err(UsageError(format!("--reason: give 1 to {most} bytes")));
            }
        }
        if self.no_queue && self.queue.is_named() {
            return Err(UsageError(format!(
                "--no-queue says that no queue was used, and {QUEUE} names one: leave out one of the two"
            )));
        }
        Ok(())
    }

    /// How long both queues must be empty.
    pub(super) const fn queue_window(&self) -> Duration {
        self.queue_window
    }

    pub(super) const fn says_no_queue(&self) -> bool {
        self.no_queue
    }

    /// Whether the operator overrides this gate, where it may be.
    pub(super) fn overrides(&self, gate: &str) -> bool {
        self.names().contains(gate)
    }

    fn names(&self) -> BTreeSet<&str> {
        let names = self.overridden.iter().map(|name| name.trim());
        names.filter(|name| !name.is_empty()).collect()
    }

    fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default().trim()
    }

    /// The flags that the next command needs too.
    pub(super) fn flags(&self) -> String {
        let mut flags = String::new();
        let names: Vec<_> = self.names().into_iter().collect();
        if !names.is_empty() {
            flags = format!(" --override {} --reason {}", names.join(","), quoted(self.reason()));
        }
        if self.no_queue {
            flags += " --no-queue";
        }
        if self.queue_window != limits::QUEUE_EMPTY_FOR {
            let window = humantime::format_duration(self.queue_window);
            flags = format!("{flags} --queue-window {window}");
        }
        flags
    }

    /// What becomes of each gate that is to be overridden and is closed.
    pub(super) fn decide(&self, gates: &[Gate]) -> Vec<Overriding> {
        let names = self.names();
        let closed = gates.iter().filter(|gate| !gate.is_open() && names.contains(gate.name()));
        let decided = closed.map(|gate| Overriding {
            gate: gate.name(),
            reason: self.reason().to_owned(),
            refusal: gate.may_be_overridden(gates).err().map(|why| why.to_string()),
        });
        decided.collect()
    }
}

/// Writes into the journal what the operator has decided, before the change begins.
pub(super) async fn journal_decisions(
    writer: &mut JournalWriter,
    database: ClientDatabase,
    gates: &[Gate],
    overrides: &[Overriding],
    no_queue: Option<&MigrationPlace>,
) -> anyhow::Result<()> {
    if let Some(place) = no_queue {
        let note = Some("--no-queue: the operator says that no queue was used".to_owned());
        let said = Evidence::new(NO_QUEUE, EvidenceOutcome::Clean, place.clone());
        let evidence = Evidence { note, ..said };
        let written = writer.append(Content::Evidence(Box::new(evidence))).await;
        written.map_err(refused)?;
    }
    for Overriding { gate, reason, .. } in overrides {
        let lines = gates.iter().filter(|it| it.name() == *gate);
        let found = lines.flat_map(|it| GateLine::new(it, database, false).found).collect();
        let (name, words) = ((*gate).to_owned(), reason.clone());
        let content = GateOverridden { database, gate: name, reason: words, found };
        let written = writer.append(Content::GateOverridden(Box::new(content))).await;
        let entry = written.map_err(refused)?.sequence;
        Teller::plain().say(&format!(
            "GATE OVERRIDDEN: `{gate}` is closed, and {database} is cut over by the operator's decision. Entry \
             {entry} of the journal has the reason: {reason}"
        ));
    }
    Ok(())
}
