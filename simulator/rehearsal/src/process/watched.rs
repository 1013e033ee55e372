//! A command whose words on stderr are read while it runs.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr};
use tokio::time::{Instant, timeout_at};

use super::command;

/// A command that runs. Dropping it kills it.
pub(crate) struct Watched {
    /// As an operator would type it.
    told: String,
    child: Child,
    stderr: tokio::io::Lines<BufReader<ChildStderr>>,
    /// All lines so far.
    said: Vec<String>,
}

impl Watched {
    /// Starts `mogile2s3` with these settings and no others.
    pub(crate) fn start(
        arguments: &[&str],
        environment: &BTreeMap<&'static str, String>,
    ) -> anyhow::Result<Self> {
        let told = format!("mogile2s3 {}", arguments.join(" "));
        let mut child = command(arguments, environment)?
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting `{told}`"))?;
        let stderr = child.stderr.take().context("a process without stderr")?;
        Ok(Self { told, child, stderr: BufReader::new(stderr).lines(), said: Vec::new() })
    }

    /// Waits until it has said these words, and whether it did by then.
    pub(crate) async fn says(&mut self, words: &str, by: Instant) -> anyhow::Result<bool> {
        while !self.has_said(words) {
            match timeout_at(by, self.stderr.next_line()).await {
                Ok(Ok(Some(line))) => self.said.push(line),
                Ok(Ok(None)) | Err(_) => return Ok(false),
                Ok(Err(error)) => return Err(error).context("reading what a command says"),
            }
        }
        Ok(true)
    }

    /// Whether it has said these words by now.
    pub(crate) fn has_said(&self, words: &str) -> bool {
        self.said.iter().any(|line| line.contains(words))
    }

    /// Waits for its end; gives its exit code and its summary.
    pub(crate) async fn end(mut self, within: Duration) -> anyhow::Result<(i32, Value)> {
        let by = Instant::now() + within;
        let stdout = self.child.stdout.take().context("a process without stdout")?;
        let read = async {
            let mut bytes = Vec::new();
            tokio::io::copy(&mut BufReader::new(stdout), &mut bytes).await?;
            std::io::Result::Ok(bytes)
        };
        // Both are read until they end, or it would wait for a reader.
        let said = async { while let Ok(Some(_)) = self.stderr.next_line().await {} };
        let both = async { tokio::join!(read, said).0 };
        let Ok(summary) = timeout_at(by, both).await else {
            bail!("`{}` has not ended within {} s", self.told, within.as_secs());
        };
        let status = self.child.wait().await?;
        let Some(code) = status.code() else { bail!("`{}` was killed: {status}", self.told) };
        let summary = serde_json::from_slice(&summary?)
            .with_context(|| format!("`{}` gave no summary", self.told))?;
        Ok((code, summary))
    }
}
