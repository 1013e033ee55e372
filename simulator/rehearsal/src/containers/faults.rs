//! Servers that fail in the middle of a command.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use stand_ins::world::databases::Database;
use tokio::time::sleep;

use super::servers::Servers;
use crate::site::{Failure, Site};

/// A failure, once in a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// The tracker's container is killed, and started again.
    TrackerKilled,
    /// LocalStack does nothing for a while.
    LocalstackPaused,
    /// MySQL is killed at the command's begin, and started again.
    MysqlKilled,
    /// The same while rhino's index is away.
    MysqlKilledInCutover,
}

impl Fault {
    /// The fault of a command.
    fn of(command: &str) -> Option<Self> {
        let is = |words: &str| command.starts_with(words);
        if is("sync ") {
            Some(Self::TrackerKilled)
        } else if command == "migrate" {
            Some(Self::LocalstackPaused)
        } else if is("enqueue migrate") {
            Some(Self::MysqlKilled)
        } else if is("cutover rhino") && command.contains("--execute") {
            Some(Self::MysqlKilledInCutover)
        } else {
            None
        }
    }
}

/// The commands that must meet a fault.
pub(super) const STRUCK: [&str; 3] = ["sync ", "migrate", "cutover rhino"];

/// How long a command runs before the fault, where nothing else says when: it has begun its work.
const BEGUN: Duration = Duration::from_millis(300);

/// How long a killed server is away.
const AWAY: Duration = Duration::from_secs(3);

/// How long LocalStack is paused.
const PAUSED: Duration = Duration::from_secs(20);

/// The change of rhino's names must begin within this.
const PATIENCE: Duration = Duration::from_mins(1);

/// The faults of a story.
#[derive(Debug, Default)]
pub struct Faults {
    is_on: bool,
    struck: Mutex<BTreeSet<Fault>>,
}

impl Faults {
    /// All of them, or none.
    pub fn new(is_on: bool) -> Self {
        Self { is_on, struck: Mutex::default() }
    }

    /// The fault that befalls a command now: each one once.
    fn next(&self, command: &str) -> Option<Fault> {
        let fault = Fault::of(command).filter(|_| self.is_on)?;
        let mut struck = self.struck.lock().unwrap_or_else(PoisonError::into_inner);
        struck.insert(fault).then_some(fault)
    }
}

impl Servers {
    /// Strikes while a command runs.
    pub(super) async fn strike(&self, command: &str) -> anyhow::Result<Option<Failure>> {
        let Some(fault) = self.faults.next(command) else { return Ok(None) };
        let down = match fault {
            Fault::TrackerKilled => {
                sleep(BEGUN).await;
                self.tracker.kill().await?;
                let down = Instant::now();
                sleep(AWAY).await;
                self.tracker.start().await?;
                self.mogile.answers().await?;
                down
            }
            Fault::LocalstackPaused => {
                sleep(BEGUN).await;
                self.localstack.pause().await?;
                let down = Instant::now();
                sleep(PAUSED).await;
                self.localstack.unpause().await?;
                down
            }
            Fault::MysqlKilled => {
                sleep(BEGUN).await;
                self.restart_mysql().await?
            }
            Fault::MysqlKilledInCutover => {
                self.index_is_away().await?;
                self.restart_mysql().await?
            }
        };
        Ok(Some(Failure { down, may_come_late: fault == Fault::MysqlKilled }))
    }

    /// Returns when it was down.
    async fn restart_mysql(&self) -> anyhow::Result<Instant> {
        self.mysql.kill().await?;
        let down = Instant::now();
        sleep(AWAY).await;
        self.mysql.start().await?;
        super::servers::root_in(self.mysql.port, "").await?;
        Ok(down)
    }

    /// Waits until rhino's index is dropped.
    async fn index_is_away(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let index = "SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'rhino' \
                     AND TABLE_NAME = 'articleFile' AND INDEX_NAME = 'bucketName_index'";
        loop {
            let found =
                self.texts(Database::Rhino, index).await.context("looking for the index")?;
            if found.first().and_then(|row| row.first()).is_some_and(|count| count == "0") {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!("rhino's index was not seen to be away: no server was killed");
            }
            sleep(Duration::from_millis(2)).await;
        }
    }
}
