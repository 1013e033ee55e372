//! The client in a process of its own, and what it used up.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::bare::{self, Order};
use crate::process;

/// The hidden first argument under which this binary runs another of its commands, and tells on a
/// last line of stdout what that used up.
pub const MEASURED: &str = "measured";

/// What a process used up.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time, user and system.
    pub cpu_seconds: f64,
    /// The most memory that was resident at once.
    pub peak_rss_bytes: u64,
}

/// A client's run.
#[derive(Debug)]
pub struct Run {
    /// What it used up.
    pub usage: Usage,
    /// How long it took, from its start to its end.
    pub took: Duration,
    /// Its summary.
    pub summary: Value,
}

/// Runs the command that follows in the arguments, and tells what this process used up for it.
pub fn measured(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let exit = if arguments.first().is_some_and(|first| first == bare::COMMAND) {
        bare::main(&arguments[1..])
    } else {
        apps::cli::main(arguments)
    };
    match Usage::of_this_process().and_then(|usage| Ok(serde_json::to_string(&usage)?)) {
        Ok(usage) => println!("{usage}"),
        Err(error) => eprintln!("error: what this process used up cannot be read: {error}"),
    }
    exit
}

/// Where types and names come from.
const CONTENT_REPO: &str = "CONTENTREPO_DATABASE_URL";

/// Runs `mogile2s3 migrate` in that world, whose contentrepo knows its files.
pub async fn migrate_with_types(environment: &BTreeMap<&str, String>) -> anyhow::Result<Run> {
    command(environment, &["migrate"]).await
}

/// Runs `mogile2s3 migrate` in that world, without types and names: its contentrepo knows no file.
pub async fn migrate(
    environment: &BTreeMap<&str, String>,
    arguments: &[&str],
) -> anyhow::Result<Run> {
    let mut environment = environment.clone();
    environment.remove(CONTENT_REPO);
    let run = command(&environment, &[&["migrate"], arguments].concat()).await?;
    ensure!(run.summary["failed"] == serde_json::json!({}), "files failed: {}", run.summary);
    Ok(run)
}

/// Runs a command of `mogile2s3` in that world, with `--json`. Errors where it does not end with 0.
pub async fn command(
    environment: &BTreeMap<&str, String>,
    arguments: &[&str],
) -> anyhow::Result<Run> {
    let all = [&[process::COMMAND], arguments, &["--json"]].concat();
    let words = arguments.join(" ");
    run(environment, &all, &[]).await.with_context(|| format!("`mogile2s3 {words}`"))
}

/// Runs the bare loop in that world.
pub async fn bare(
    environment: &BTreeMap<&str, String>,
    concurrency: u16,
    orders: &[Order],
) -> anyhow::Result<Run> {
    let orders = serde_json::to_vec(orders)?;
    let arguments = [bare::COMMAND, &concurrency.to_string()];
    run(environment, &arguments, &orders).await.context("the bare loop")
}

async fn run(
    environment: &BTreeMap<&str, String>,
    arguments: &[&str],
    input: &[u8],
) -> anyhow::Result<Run> {
    let begun = Instant::now();
    let passed_on = ["LD_PRELOAD", "MALLOC_ARENA_MAX", "TOKIO_WORKER_THREADS"];
    let mut child = Command::new(std::env::current_exe().context("finding this binary")?)
        .arg(MEASURED)
        .args(arguments)
        .env_clear()
        .envs(passed_on.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(environment)
        // Away from any .env file that lies about.
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .context("starting it")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input).await.context("telling it what to do")?;
    }
    let output = child.wait_with_output().await?;
    let took = begun.elapsed();
    ensure!(output.status.success(), "it ended with {}", output.status);
    let mut lines = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let usage = lines.next_back().context("it said nothing")?;
    let usage = serde_json::from_slice(usage).context("it did not say what it used up")?;
    let summary = lines.next_back().map(serde_json::from_slice).transpose()?.unwrap_or_default();
    Ok(Run { usage, took, summary })
}

impl Usage {
    /// As the kernel counts it (proc(5): `stat` in ticks, of which there are 100 a second, and
    /// `VmHWM` in `status`).
    fn of_this_process() -> io::Result<Self> {
        const TICKS_A_SECOND: f64 = 100.0;
        let unreadable = |what: &str| io::Error::other(format!("no {what} in /proc/self"));
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        // Behind the name, which may have blanks in it, come the third field and all others.
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
        let mut times = fields.split_whitespace().skip(11).map(str::parse::<f64>);
        let mut ticks = || times.next().and_then(Result::ok).ok_or_else(|| unreadable("CPU time"));
        let cpu_seconds = (ticks()? + ticks()?) / TICKS_A_SECOND;
        let status = std::fs::read_to_string("/proc/self/status")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        let peak = peak.ok_or_else(|| unreadable("VmHWM"))?;
        Ok(Self { cpu_seconds, peak_rss_bytes: peak * 1024 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_what_it_used_up() {
        let before = Usage::of_this_process().expect("on Linux");
        assert!(before.peak_rss_bytes > 1024 * 1024, "{before:?}");
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(60) {}
        let after = Usage::of_this_process().expect("on Linux");
        assert!(after.cpu_seconds > before.cpu_seconds, "{before:?} {after:?}");
    }
}
