//! Who types the commands of the runbook.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Instant;

use anyhow::{Context, ensure};
use oracle::Judgement;
use oracle::state::{EndState, MogileState};
use serde::Serialize;
use tempfile::TempDir;

use crate::end_state::expectation;
use crate::planting::Planted;
use crate::process;
use crate::site::{Failure, Site};
use crate::stage::Stage;

/// The exit code of a command that could not reach something.
const INCOMPLETE: u64 = 3;

/// A command that was typed.
#[derive(Debug, Clone, Serialize)]
pub struct Typed {
    /// The command, without the paths of this machine.
    pub(super) command: String,
    exit_code: u64,
    seconds: f64,
    /// Whether a server of its world failed meanwhile, on purpose.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    server_failed: bool,
}

impl Typed {
    /// Whether a server of its world failed meanwhile, on purpose.
    #[must_use]
    pub const fn met_a_fault(&self) -> bool {
        self.server_failed
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, exit_code, seconds, server_failed: _ } = self;
        write!(f, "exit code {exit_code}, {seconds:>4.1} s  mogile2s3 {command}")
    }
}

/// An operator with a world to migrate.
pub(crate) struct Operator {
    pub(super) world: Box<dyn Site>,
    pub(super) planted: Planted,
    /// MogileFS as it is before the commands.
    pub(super) before: MogileState,
    pub(super) environment: BTreeMap<&'static str, String>,
    folder: TempDir,
    pub(super) typed: Vec<Typed>,
    /// What `runbook status` printed in the end.
    pub(super) check_list: String,
    /// The world in the end, in comparable lines.
    pub(super) end: BTreeSet<String>,
    /// What `doctor` printed.
    pub(super) doctor: String,
}

impl Operator {
    /// A world with a corpus of this number of files, and nothing wrong with it.
    pub(super) async fn begin(seed: u64, files: usize) -> anyhow::Result<Self> {
        Self::with(Stage::set_aside(seed, files).await)
    }

    /// An operator with an embedded world.
    pub(crate) fn with(stage: anyhow::Result<Stage>) -> anyhow::Result<Self> {
        let stage = stage?;
        let mut environment = stage.environment()?;
        environment.insert("CONTENTREPO_URL", stage.world.content_repo_url.clone());
        environment.insert("RHINO_URL", stage.world.rhino_url.clone());
        let Stage { world, planted, before, .. } = stage;
        Self::of(Box::new(world), planted, before, environment)
    }

    /// An operator with this world.
    pub(crate) fn of(
        world: Box<dyn Site>,
        planted: Planted,
        before: MogileState,
        environment: BTreeMap<&'static str, String>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("making a folder")?;
        let (typed, check_list, end) = (Vec::new(), String::new(), BTreeSet::new());
        let doctor = String::new();
        Ok(Self { world, planted, before, environment, folder, typed, check_list, end, doctor })
    }

    /// Asks the oracle.
    pub(super) fn judge(&self, found: &EndState) -> Judgement {
        oracle::judge(&expectation(&self.planted, &self.before), found)
    }

    /// A file of the operator's.
    pub(super) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// Types a command that must end with this exit code. Where the world fails meanwhile it may also end as
    /// incomplete, and must then complete when it is typed again. Returns what it printed.
    pub(super) async fn types(&mut self, command: &[&str], code: u64) -> anyhow::Result<String> {
        let line = command.join(" ");
        let folder = format!("{}/", self.folder.path().display());
        let shown = line.replace(&folder, "");
        loop {
            let begun = Instant::now();
            let ended = async {
                let ended = process::captured(command, &self.environment).await;
                (ended, Instant::now())
            };
            let ((ended, end), failure) = tokio::join!(ended, self.world.strike(&line));
            let ended = ended?;
            let how = || format!("`{shown}` ended with exit code {}: {}", ended.code, ended.stderr);
            let failure = failure.with_context(how)?;
            // One that ends as incomplete has met it, whenever the server was down for certain.
            let met = |it: Failure| ended.code != code || it.down < end;
            let failed = failure.is_some_and(met);
            ensure!(
                failed || failure.is_none_or(|it| it.may_come_late),
                "`{shown}` ended before a server failed"
            );
            let seconds = (end.duration_since(begun).as_secs_f64() * 1000.0).round() / 1000.0;
            let (command, exit_code) = (shown.clone(), ended.code);
            let typed = Typed { command, exit_code, seconds, server_failed: failed };
            self.typed.push(typed);
            if ended.code == code {
                return Ok(ended.stdout);
            }
            ensure!(
                failed && ended.code == INCOMPLETE,
                "`mogile2s3 {shown}` ended with exit code {}, and not {code}: {}{}",
                ended.code,
                ended.stdout,
                ended.stderr
            );
        }
    }

    /// Confirms a step that people do.
    pub(super) async fn done(&mut self, step: u8, note: &str) -> anyhow::Result<()> {
        let (step, note) = (step.to_string(), format!("--note={note}"));
        self.types(&["runbook", "done", &step, &note, "--operator=ann"], 0).await.map(drop)
    }

    /// Writes a file. Returns its path.
    pub(super) fn writes(&self, name: &str, content: &str) -> anyhow::Result<String> {
        let path = self.path(name);
        std::fs::write(&path, content).with_context(|| format!("writing `{name}`"))?;
        Ok(path)
    }

    /// The same for a command without quoted words.
    pub(super) async fn line(&mut self, command: &str, code: u64) -> anyhow::Result<String> {
        let words: Vec<_> = command.split_whitespace().collect();
        self.types(&words, code).await
    }
}
