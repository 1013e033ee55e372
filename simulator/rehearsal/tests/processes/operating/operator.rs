//! Who types the page's commands into a shell.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use rehearsal::stage::Stage;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::cli::text;

/// A shell in a folder with a `.env`, beside a world.
pub struct Operator {
    pub stage: Stage,
    /// The page's commands that were typed.
    pub typed: BTreeSet<String>,
    folder: TempDir,
    /// Where the commands are typed.
    here: PathBuf,
    settings: String,
    /// The page's examples of addresses, and what stands for them here.
    examples: Vec<(String, String)>,
}

impl Operator {
    pub fn new(stage: Stage, more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("mogile2s3");
        let script =
            format!("#!/bin/sh\nexec '{}' mogile2s3 \"$@\"\n", env!("CARGO_BIN_EXE_rehearse"));
        fs::write(&program, script).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("a program");
        let mut settings = String::new();
        let all = stage.world.environment().iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in all.chain(more.iter().copied()) {
            writeln!(settings, "{name}={value}").expect("a string takes all");
        }
        let here = folder.path().join("first");
        let (typed, examples) = (BTreeSet::new(), Vec::new());
        let mut operator = Self { stage, typed, folder, here, settings, examples };
        operator.goes_to("first");
        operator
    }

    /// Goes to a new folder, with the same `.env`: a file that a command writes must be new.
    pub fn goes_to(&mut self, folder: &str) {
        self.here = self.folder.path().join(folder);
        fs::create_dir(&self.here).expect("a new folder");
        self.writes(".env", &self.settings);
    }

    /// Lets an address of this world stand for one of the page's examples.
    pub fn reads_as(&mut self, example: &str, here: &str) {
        self.examples.push((example.to_owned(), here.to_owned()));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.here.join(name)
    }

    pub fn writes(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("written");
    }

    pub fn reads(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("readable")
    }

    /// Types a command of the page. It must end with this exit code. Returns what it printed.
    pub async fn page(&mut self, command: &str, code: i32) -> String {
        self.typed.insert(command.to_owned());
        self.types(command, code).await
    }

    /// The same of a command that is not on the page.
    pub async fn types(&self, command: &str, code: i32) -> String {
        let output = self.shell(command).output().await.expect("a shell");
        check(command, &output, code)
    }

    /// Types a command of the page that goes on until Ctrl-C, and stops it when this has come about.
    pub async fn page_until(
        &mut self,
        command: &str,
        done: impl Fn(&Stage) -> bool,
        code: Option<i32>,
    ) {
        self.typed.insert(command.to_owned());
        let mut shell = self.shell(&format!("exec {command}"));
        let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
        let process = child.id().expect("it runs").to_string();
        let mut output = std::pin::pin!(child.wait_with_output());
        let mut is_stopped = false;
        let output = loop {
            tokio::select! {
                output = &mut output => break output.expect("it ended"),
                () = tokio::time::sleep(Duration::from_millis(100)) => {
                    if !is_stopped && done(&self.stage) {
                        let sent = std::process::Command::new("kill").args(["-INT", &process]).status();
                        assert!(sent.expect("a signal").success());
                        is_stopped = true;
                    }
                }
            }
        };
        assert!(is_stopped, "`{command}` ended by itself: {}", said(&output));
        assert_eq!(output.status.code(), code, "`{command}` said: {}", said(&output));
    }

    /// What a command prints as JSON.
    pub async fn json(&self, command: &str, code: i32) -> Value {
        let printed = self.types(command, code).await;
        serde_json::from_str(&printed)
            .unwrap_or_else(|error| panic!("{command}: {error}: {printed}"))
    }

    fn shell(&self, command: &str) -> Command {
        let here =
            |command: String, (example, here): &(String, String)| command.replace(example, here);
        let command = self.examples.iter().fold(command.to_owned(), here);
        let mut shell = Command::new("bash");
        let path = std::env::var("PATH").unwrap_or_default();
        shell
            .args(["-o", "pipefail", "-c", &command])
            .env_clear()
            .env("PATH", format!("{}:{path}", self.folder.path().display()))
            .current_dir(&self.here)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        shell
    }
}

fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

fn check(command: &str, output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "`{command}` said: {}", said(output));
    text(&output.stdout)
}

/// Whether a program is on this machine.
pub fn has(program: &str) -> bool {
    let found = |folder: &Path| folder.join(program).is_file();
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|it| found(&it))
}
