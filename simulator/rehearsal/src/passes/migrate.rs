//! A pass by `mogile2s3 migrate`: from here, without a queue.

use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;

use super::{Account, Budget, CommandResult, Round, Runner};
use crate::process;
use crate::stage::Stage;

/// The way without a queue.
pub(super) struct Migrate;

#[async_trait]
impl Runner for Migrate {
    fn command(&self) -> &'static str {
        "mogile2s3 migrate"
    }

    async fn run(&self, stage: &Stage) -> anyhow::Result<CommandResult> {
        let ended = process::run(&["migrate", "--json"], &stage.environment()?).await?;
        let summary = serde_json::from_slice(&ended.stdout).with_context(|| {
            format!("`{}` gave no summary, exit code {}", self.command(), ended.code)
        })?;
        let account = Account::read(ended.code, &summary);
        Ok(CommandResult { account, peak_rss_bytes: ended.peak_rss_bytes })
    }

    fn budget(&self, stage: &Stage, round: Round, took: Duration) -> Budget {
        Budget::of_migrate(stage, round, took)
    }
}
