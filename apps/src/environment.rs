//! The environment that a process begins with: with the file `.env`, and without what is empty.
//!
//! An empty or blank variable means that the setting is not given, for ours and for AWS's. The AWS
//! SDK and the parser of the command line each read the environment themselves, and neither reads
//! an empty variable so. A process whose environment must be another one therefore replaces itself
//! by the same program, with the right one; its process id stays.
//!
//! What is in the environment wins over `.env`, as with python-dotenv, also where it is empty: so a
//! setting of `.env` can be taken back for one command.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::{self, Command};

use crate::dot_env::{self, DotEnv};
use crate::exit::UsageError;

/// The environment of the command line: `.env` gives what is not set. Warnings about `.env` go to
/// stderr.
pub fn prepare_with_dot_env(command: &clap::Command) -> Result<(), UsageError> {
    if is_prepared() {
        return Ok(());
    }
    let file = dot_env::nearest().map_err(|error| UsageError(error.to_string()))?;
    for warning in &file.warnings {
        eprintln!("warning: {warning}");
    }
    begin_with(command, &file)
}

/// The environment of the function, which has no `.env`.
pub fn prepare(command: &clap::Command) -> Result<(), UsageError> {
    if is_prepared() { Ok(()) } else { begin_with(command, &DotEnv::default()) }
}

/// Has the id of the process whose environment is prepared. Those that it starts inherit the
/// variable, and have other ids.
pub const PREPARED: &str = "MOGILE2S3_PREPARED";

fn is_prepared() -> bool {
    env::var(PREPARED).is_ok_and(|id| id == process::id().to_string())
}

/// Returns when the environment is right already, or the change fails.
fn begin_with(command: &clap::Command, file: &DotEnv) -> Result<(), UsageError> {
    let settings = settings_of(command);
    let changes = Changes::new(&settings, env::vars_os(), file);
    if changes.are_none() {
        return Ok(());
    }
    let mut arguments = env::args_os();
    let cannot = |error| UsageError(format!("the environment cannot be set: {error}"));
    let mut again = Command::new(env::current_exe().map_err(cannot)?);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    for name in &changes.unset {
        again.env_remove(name);
    }
    again.args(arguments).envs(changes.set).env(PREPARED, process::id().to_string());
    Err(cannot(again.exec()))
}

/// The variables of a command and of all below it.
fn settings_of(command: &clap::Command) -> BTreeSet<OsString> {
    let own = command.get_arguments().filter_map(|argument| argument.get_env());
    let mut all: BTreeSet<_> = own.map(OsStr::to_owned).collect();
    command.get_subcommands().for_each(|command| all.extend(settings_of(command)));
    all
}

/// What an environment has too little and too much.
struct Changes<'a> {
    set: Vec<(&'a str, &'a str)>,
    unset: Vec<OsString>,
}

impl<'a> Changes<'a> {
    fn new(
        settings: &BTreeSet<OsString>,
        environment: impl Iterator<Item = (OsString, OsString)>,
        file: &'a DotEnv,
    ) -> Self {
        let given: BTreeMap<_, _> = environment.collect();
        let of_file = file.values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let set = of_file
            .filter(|(name, value)| !is_blank(value) && !given.contains_key(OsStr::new(name)));
        let is_setting = |name: &OsString| {
            settings.contains(name) || name.to_str().is_some_and(|name| name.starts_with("AWS_"))
        };
        let set = set.collect();
        let blank = given.into_iter().filter(|(_, value)| value.to_str().is_some_and(is_blank));
        let unset = blank.map(|(name, _)| name).filter(is_setting).collect();
        Self { set, unset }
    }

    const fn are_none(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty()
    }
}

fn is_blank(value: &str) -> bool {
    value.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_not_set_and_the_file_gives_what_is_not_set() {
        let file = dot_env::parse("A=file\nB=file\nC=file\nD=\nAWS_REGION=").expect("a file");
        let settings = ["A", "B", "D", "E"].map(OsString::from).into();
        let environment = [("A", "given"), ("B", " "), ("D", ""), ("E", ""), ("F", "")];
        let environment = environment.into_iter().chain([("AWS_PROFILE", "")]);
        let environment = environment.map(|(name, value)| (name.into(), value.into()));
        let changes = Changes::new(&settings, environment, &file);
        assert_eq!(changes.set, [("C", "file")], "what is empty in the environment hides the file");
        assert_eq!(changes.unset, ["AWS_PROFILE", "B", "D", "E"], "F is no setting");

        let right = [("A", "given"), ("B", "x"), ("C", "file"), ("F", "")];
        let right = right.into_iter().map(|(name, value)| (name.into(), value.into()));
        assert!(Changes::new(&settings, right, &file).are_none());
    }
}
