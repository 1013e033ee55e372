//! A pass by `mogile2s3 migrate`: from here, without a queue.

use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;

use super::{Account, Budget, CommandResult, Round, Runner};
use crate::process;
use crate::stage::Stage;

/// Who lists the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// MogileFS's database, as in production.
    Mysql,
    /// The trackers, where no database is set.
    Trackers,
}

/// The way without a queue.
pub(super) struct Migrate(pub(super) Index);

#[async_trait]
impl Runner for Migrate {
    fn command(&self) -> &'static str {
        "mogile2s3 migrate"
    }

    async fn run(&self, stage: &Stage) -> anyhow::Result<CommandResult> {
        let environment = match self.0 {
            Index::Mysql => stage.environment()?,
            Index::Trackers => {
                let troubles = stage.planted.troubles.iter().filter(|it| it.is_of_listings());
                let rules = troubles.filter_map(|trouble| trouble.rule());
                rules.for_each(|rule| stage.world.faults.add(rule));
                stage.environment_by_trackers()?
            }
        };
        let ended = process::run(&["migrate", "--json"], &environment).await?;
        let summary = serde_json::from_slice(&ended.stdout).with_context(|| {
            format!("`{}` gave no summary, exit code {}", self.command(), ended.code)
        })?;
        let account = Account::read(ended.code, &summary);
        Ok(CommandResult { account, peak_rss_bytes: ended.peak_rss_bytes })
    }

    fn budget(&self, stage: &Stage, round: Round, took: Duration) -> Budget {
        Budget::of_migrate(stage, round, self.0, took)
    }
}
