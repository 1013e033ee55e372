//! The real `mogile2s3 migrate`, in a process of its own.

use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::process::Command;

/// The hidden first argument under which this binary is `mogile2s3`: one binary is enough on a
/// machine that has nothing else.
pub const COMMAND: &str = "mogile2s3";

/// What a run said of itself.
#[derive(Debug)]
pub struct MigrateRun {
    /// Its exit code.
    pub exit_code: u64,
    /// Its summary.
    pub summary: Value,
}

impl MigrateRun {
    /// The files in one class.
    #[must_use]
    pub fn files(&self, class: &str) -> u64 {
        self.summary[class]["files"].as_u64().unwrap_or_default()
    }

    /// A count.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.summary[name].as_u64().unwrap_or_default()
    }

    /// The findings of one kind.
    #[must_use]
    pub fn found(&self, kind: &str) -> u64 {
        self.summary["findings"][kind]["files"].as_u64().unwrap_or_default()
    }
}

/// Runs it with these settings and no others; its progress goes to our stderr.
pub(super) async fn run(environment: &BTreeMap<&str, String>) -> anyhow::Result<MigrateRun> {
    let binary = std::env::current_exe().context("finding this binary")?;
    let passed_on = ["PATH", "TERM", "RUST_LOG", "RUST_BACKTRACE"];
    let output = Command::new(binary)
        .args([COMMAND, "migrate", "--json"])
        .env_clear()
        .envs(passed_on.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(environment)
        // Away from any .env file that lies about.
        .current_dir("/")
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("running `mogile2s3 migrate`")?;
    let Some(code) = output.status.code() else {
        bail!("`mogile2s3 migrate` was killed: {}", output.status);
    };
    let summary = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("`mogile2s3 migrate` gave no summary, exit code {code}"))?;
    Ok(MigrateRun { exit_code: u64::try_from(code)?, summary })
}
