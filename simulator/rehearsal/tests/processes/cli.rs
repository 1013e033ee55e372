//! The commands in processes of their own, against a world that is up.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Output};

use rehearsal::hazard::Hazards;
use rehearsal::stage::{Options, Stage};
use serde_json::Value;

/// The binary under test.
pub fn rehearse() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.env_clear().current_dir("/");
    command
}

/// It is also `mogile2s3`, under a hidden first argument.
pub async fn mogile2s3(environment: &BTreeMap<&str, String>, arguments: &[&str]) -> Output {
    let mut command = rehearse();
    command.arg("mogile2s3").args(arguments).envs(environment);
    // Waited for on the side: the world that it talks to runs on these threads.
    tokio::process::Command::from(command).kill_on_drop(true).output().await.expect("started")
}

/// Writes a line where it is seen: what is printed by a test that passes is swallowed.
pub fn say(line: &str) {
    // A closed standard error is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What was printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What was printed on stdout, as JSON.
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {} {}", text(&output.stdout), text(&output.stderr))
    })
}

/// A world with so many files, and nothing wrong with them that a run does not heal.
pub async fn stage(seed: u64, files: usize) -> Stage {
    let options = Options { seed, files, folder: None, hazards: Hazards::Mild };
    Stage::set(&options).await.expect("a world")
}

/// Whether a run's exit code says what its summary says.
pub fn is_honest(output: &Output) -> bool {
    let summary = json(output);
    let trouble =
        ["failed", "rejected"].iter().any(|class| summary[class] != serde_json::json!({}));
    let code = if summary["stopped"].is_null() { i32::from(trouble) } else { 3 };
    output.status.code() == Some(code)
}
