//! What the commands print, for people and for machines: a file a command, in one small vocabulary.

// The vocabulary.
mod advice;
mod requests;
mod sample;
pub(crate) mod shell;
mod table;
mod types;

// A file a command: what it prints, its `--json`, and its verdict.
#[cfg(feature = "command-line")]
pub mod accept;
#[cfg(feature = "command-line")]
pub mod audit;
#[cfg(feature = "command-line")]
pub mod config;
#[cfg(feature = "command-line")]
pub mod cutover;
pub mod dlq;
pub mod doctor;
pub mod enqueue;
pub mod fids;
#[cfg(feature = "command-line")]
pub mod freeze;
#[cfg(feature = "command-line")]
pub mod intermediaries;
pub mod migrate;
pub mod plan;
pub mod provision;
#[cfg(feature = "command-line")]
pub mod references;
#[cfg(feature = "command-line")]
pub mod rekey;
#[cfg(feature = "command-line")]
pub mod runbook;
#[cfg(feature = "command-line")]
pub mod smoke;
#[cfg(feature = "command-line")]
pub mod status;
pub mod sync;
#[cfg(feature = "command-line")]
pub mod tmp;
#[cfg(feature = "command-line")]
pub mod verify;
pub mod work;

// What is reported while a run goes on.
mod failure_list;
pub mod list_file;
mod meter;
mod observers;
mod progress;
mod silences;

#[cfg(test)]
mod golden;

use std::fmt;
use std::io::{self, ErrorKind, Write};

use anyhow::Context;
use serde::Serialize;

use crate::exit::{Exit, Verdict};

#[cfg(feature = "command-line")]
pub use advice::advice_on_keys;
pub use advice::{advice_on, advice_on_settings};
pub use failure_list::{FailureList, FailureListEnd};
pub use meter::Counted;
pub use observers::Observers;
pub use progress::{Progress, Teller};
pub use requests::Cost;
pub use shell::quoted;
pub use silences::SilenceTeller;

/// The result of a command. Its fields are the `--json`: they include those of its [`Verdict`].
pub trait Report: Serialize {
    /// Writes it for people.
    fn write(&self, out: &mut String) -> fmt::Result;

    /// Says how the command ended, and with which exit code.
    fn verdict(&self) -> Verdict;
}

/// Prints a report on stdout: for people, or for machines as one line of JSON. Returns the exit code
/// that the report's verdict has.
pub fn print(report: &impl Report, json: bool) -> anyhow::Result<Exit> {
    print_while_read(report, json, "").map(|(exit, _)| exit)
}

/// Prints a report as [`print`] does, with `end` behind it. Returns also whether stdout is still read:
/// it is not behind `| head`, which is no failure. The verdict stands all the same.
pub fn print_while_read(
    report: &impl Report,
    json: bool,
    end: &str,
) -> anyhow::Result<(Exit, bool)> {
    let mut text = String::new();
    if json {
        text = serde_json::to_string(report)? + "\n";
    } else {
        report.write(&mut text)?;
        text = shell::printable_lines(&text);
    }
    text += end;
    let is_read = match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => false,
        written => {
            written.context("writing to stdout")?;
            true
        }
    };
    Ok((report.verdict().exit, is_read))
}
