//! A world with a corpus in it, for the real commands to work on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use oracle::state::MogileState;
use oracle::{Expectation, Judgement};
use stand_ins::embedded::EmbeddedWorld;
use tokio::net::TcpSocket;

use crate::corpus::{self, CorpusFile};
use crate::end_state::{end_state, expectation, ledger_of, mogile_state};
use crate::hazard::Hazards;
use crate::planting::{self, Planted};
use crate::progress::Progress;
use crate::runbook::night::a_day_passes;
use crate::runbook::people::ingest;
use crate::site::Site;

/// What is to be rehearsed.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the corpus, its hazards and their places come from.
    pub seed: u64,
    /// Files of a seeded corpus.
    pub files: usize,
    /// A folder whose files are the corpus instead.
    pub folder: Option<PathBuf>,
    /// What is to be wrong with it.
    pub hazards: Hazards,
}

/// A world with a corpus in it.
pub struct Stage {
    /// The world.
    pub world: EmbeddedWorld,
    /// What was planted in it.
    pub planted: Planted,
    /// MogileFS as it was planted.
    pub before: MogileState,
    hazards: Hazards,
    /// A port on which nobody listens, kept so that nobody else does: a tracker that is down.
    down: TcpSocket,
}

/// What hangs is given up after so many seconds: a rehearsal does not wait as long as production, but
/// longer than a busy machine lets a request wait.
const PATIENCE_SECONDS: u64 = 8;

impl Stage {
    /// Starts a world and plants the corpus.
    pub async fn set(options: &Options) -> anyhow::Result<Self> {
        Self::set_with(options, Progress::start()).await
    }

    /// The same for a small corpus with which nothing is wrong, beside a stage that shows its progress.
    pub(super) async fn set_aside(seed: u64, files: usize) -> anyhow::Result<Self> {
        let options = Options { seed, files, folder: None, hazards: Hazards::None };
        Self::set_with(&options, Progress::hidden()).await
    }

    async fn set_with(options: &Options, progress: Progress) -> anyhow::Result<Self> {
        progress.begin("making the corpus", None);
        let corpus = read_corpus(options)?;
        let world = EmbeddedWorld::start().await.context("starting the world")?;
        progress.begin("planting", Some(corpus.len()));
        let step = || progress.step();
        let planted = planting::plant(&world, corpus, options.hazards, options.seed, &step);
        let planted = planted.context("planting the corpus")?;
        progress.begin("looking at what was planted", None);
        let before = mogile_state(&world);
        let down = TcpSocket::new_v4()?;
        down.bind((std::net::Ipv4Addr::LOCALHOST, 0).into()).context("binding a loopback port")?;
        progress.end();
        Ok(Self { world, planted, before, hazards: options.hazards, down })
    }

    /// The settings under which a command meets all that was planted, and does not wait for ever.
    pub fn environment(&self) -> anyhow::Result<BTreeMap<&'static str, String>> {
        let mut environment = self.world.environment().clone();
        if self.hazards == Hazards::All {
            let trackers = environment.entry("MOGILE_TRACKERS").or_default();
            *trackers = format!("{trackers},{}", self.down.local_addr()?);
            environment.insert("REQUEST_TIMEOUT_SECONDS", PATIENCE_SECONDS.to_string());
        }
        Ok(environment)
    }

    /// Sets a setting otherwise than the world says.
    pub(crate) fn set_environment(&mut self, name: &'static str, value: String) {
        self.world.set_environment(name, value);
    }

    /// The same settings without MogileFS's database: the trackers list the index.
    pub fn environment_by_trackers(&self) -> anyhow::Result<BTreeMap<&'static str, String>> {
        let mut environment = self.environment()?;
        environment.remove("MOGILE_DATABASE_URL");
        Ok(environment)
    }

    /// People ingest files by contentrepo's API, and the oracle knows of them.
    pub async fn ingest(&mut self, files: usize) -> anyhow::Result<()> {
        ingest(&self.world, &mut self.planted, &mut self.before, files).await
    }

    /// contentrepo and rhino start with the configuration for S3, or with their old one.
    pub fn clients_start(&self, on_s3: bool) -> anyhow::Result<()> {
        Site::clients_start(&self.world, on_s3)
    }

    /// A day passes for the last entry of the journal.
    pub async fn a_day_passes(&self) -> anyhow::Result<()> {
        a_day_passes(&self.world).await
    }

    /// Asks the oracle.
    #[must_use]
    pub fn judge(&self) -> Judgement {
        oracle::judge(&expectation(&self.planted, &self.before), &end_state(&self.world))
    }

    /// Asks the oracle of a world in which anything may have been run, `sync` too.
    #[must_use]
    pub fn judge_after_any_command(&self) -> Judgement {
        let expected = Expectation { synced: true, ..expectation(&self.planted, &self.before) };
        oracle::judge(&expected, &end_state(&self.world))
    }

    /// The files whose records tell another route than planted, as the oracle finds them.
    #[must_use]
    pub fn misrouted(&self) -> Vec<String> {
        let items = ledger_of(&self.world).unwrap_or_default();
        oracle::misrouted(&expectation(&self.planted, &self.before), &items)
    }
}

fn read_corpus(options: &Options) -> anyhow::Result<Vec<CorpusFile>> {
    match &options.folder {
        Some(folder) => corpus::of_folder(folder),
        None => Ok(corpus::seeded(options.seed, options.files)),
    }
}
