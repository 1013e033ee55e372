//! A real command in a process of its own, and the memory that it takes.

mod watched;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::sleep;

pub(super) use watched::Watched;

/// The hidden first argument under which this binary is `mogile2s3`: one binary is enough on a
/// machine that has nothing else.
pub const COMMAND: &str = "mogile2s3";

/// The hidden first argument under which this binary is the Lambda function.
pub const FUNCTION: &str = "bootstrap";

/// The hidden first argument under which this binary is a tracker with a storage node.
pub const TRACKER: &str = "tracker";

/// A process that has ended by itself.
pub(super) struct Ended {
    pub(super) code: u64,
    pub(super) stdout: Vec<u8>,
    /// The most memory that was resident at once, where the system tells.
    pub(super) peak_rss_bytes: Option<u64>,
}

/// A process that has ended by itself, and whose words nobody saw meanwhile.
pub(super) struct Captured {
    pub(super) code: u64,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Between two looks at a process's memory: the system keeps the peak, so that only what comes
/// between the last look and the end is missed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs `mogile2s3` with these settings and no others; its progress goes to our stderr.
pub(super) async fn run(
    arguments: &[&str],
    environment: &BTreeMap<&str, String>,
) -> anyhow::Result<Ended> {
    let child = command(arguments, environment)?
        .spawn()
        .with_context(|| format!("starting `{COMMAND} {}`", arguments.join(" ")))?;

    let process = child.id();
    let mut peak_rss_bytes = None;
    let mut output = std::pin::pin!(child.wait_with_output());
    let output = loop {
        tokio::select! {
            output = &mut output => break output?,
            () = sleep(LOOK_EVERY) => {
                peak_rss_bytes = peak_rss_bytes.max(process.and_then(peak_of));
            }
        }
    };
    let Some(code) = output.status.code() else {
        bail!("`{COMMAND} {}` was killed: {}", arguments.join(" "), output.status);
    };
    Ok(Ended { code: u64::try_from(code)?, stdout: output.stdout, peak_rss_bytes })
}

/// Runs `mogile2s3` with these settings and no others, beside other commands: its progress is kept.
pub(super) async fn captured(
    arguments: &[&str],
    environment: &BTreeMap<&'static str, String>,
) -> anyhow::Result<Captured> {
    let told = format!("{COMMAND} {}", arguments.join(" "));
    let output = command(arguments, environment)?.stderr(Stdio::piped()).output();
    let output = output.await.with_context(|| format!("running `{told}`"))?;
    let Some(code) = output.status.code() else {
        bail!("`{told}` was killed: {}", output.status);
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    Ok(Captured { code: u64::try_from(code)?, stdout, stderr })
}

/// `mogile2s3` with these settings and no others, to be started.
fn command(arguments: &[&str], environment: &BTreeMap<&str, String>) -> anyhow::Result<Command> {
    let binary = std::env::current_exe().context("finding this binary")?;
    let passed_on = ["PATH", "TERM", "RUST_LOG", "RUST_BACKTRACE"];
    let mut command = Command::new(binary);
    command
        .arg(COMMAND)
        .args(arguments)
        .env_clear()
        .envs(passed_on.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(environment)
        // Away from any .env file that lies about.
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    Ok(command)
}

/// Runs a command that has to end well; gives its summary.
pub(super) async fn clean(
    arguments: &[&str],
    environment: &BTreeMap<&'static str, String>,
) -> anyhow::Result<Value> {
    let ended = run(arguments, environment).await?;
    let (told, said) = (arguments.join(" "), String::from_utf8_lossy(&ended.stdout));
    ensure!(ended.code == 0, "`{COMMAND} {told}` ended with exit code {}: {said}", ended.code);
    serde_json::from_str(&said).with_context(|| format!("`{COMMAND} {told}` gave no summary"))
}

/// Linux keeps the peak of the resident set as `VmHWM`, in KiB (proc(5)).
fn peak_of(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_of_this_process_is_told() {
        let peak = peak_of(std::process::id()).expect("Linux tells it");
        assert!((1 << 20..1 << 40).contains(&peak), "{peak}");
        assert_eq!(peak_of(u32::MAX), None);
    }
}
