//! What `config` prints.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::PathBuf;

use domain::cutover::client_config::{
    ClientConfig, ConfigChecked, ConfigState, RunningClient, RunningSeen,
};
use domain::journal::EvidenceOutcome;
use serde::Serialize;

use super::Report;
use super::shell::printable;
use crate::exit::Verdict;

/// The texts for the clients' configuration, or what was found of it.
#[derive(Debug, Serialize)]
pub struct ConfigReport {
    /// The texts; [`None`] for a check.
    texts: Option<ClientConfig>,
    #[serde(flatten)]
    looked: Looked,
    /// The number of the journal's entry, where it has one.
    entry: Option<u64>,
    /// Why the journal has no entry, where it should.
    not_journalled: Option<String>,
    #[serde(flatten)]
    verdict: Verdict,
}

/// What was checked.
#[derive(Debug, Default, Serialize)]
pub struct Looked {
    /// Files.
    pub files: Vec<FileChecked>,
    /// Running clients.
    pub running: Vec<RunningSeen>,
}

/// A file that was checked.
#[derive(Debug, Serialize)]
pub struct FileChecked {
    /// Its path, as it was given.
    pub file: PathBuf,
    /// What it is.
    pub kind: FileKind,
    /// What was found.
    #[serde(flatten)]
    pub checked: ConfigChecked,
}

/// A file of a client's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// Of contentrepo's Tomcat.
    ContextXml,
    /// rhino's.
    RhinoYaml,
}

impl Looked {
    /// The state of each, with the client that it is of, where that is known.
    fn states(&self) -> impl Iterator<Item = (Option<RunningClient>, ConfigState)> {
        let files = self.files.iter().map(|file| {
            let client = match file.kind {
                FileKind::ContextXml => RunningClient::Contentrepo,
                FileKind::RhinoYaml => RunningClient::Rhino,
            };
            (Some(client), file.checked.state)
        });
        files.chain(self.running.iter().map(|seen| (seen.client, seen.checked.state)))
    }

    fn count(&self, is: impl Fn(ConfigState) -> bool) -> u64 {
        self.states().filter(|(_, state)| is(*state)).count() as u64
    }
}

impl ConfigReport {
    /// Texts alone. What a stock contentrepo cannot do with the buckets is a finding.
    pub fn of_texts(texts: ClientConfig) -> Self {
        let verdict = Verdict::of_checks(false, !texts.problems.is_empty());
        let looked = Looked::default();
        Self { texts: Some(texts), looked, entry: None, not_journalled: None, verdict }
    }

    /// Checks. Nothing that was looked at is no check.
    pub fn of_checks(looked: Looked) -> Self {
        let unseen = looked.count(|state| state == ConfigState::Unseen);
        let differs =
            looked.count(|state| matches!(state, ConfigState::NotYet | ConfigState::Wrong));
        let is_nothing = looked.files.is_empty() && looked.running.is_empty();
        let verdict = Verdict::of_checks(unseen > 0 || is_nothing, differs > 0);
        Self { texts: None, looked, entry: None, not_journalled: None, verdict }
    }

    /// What came of the entry in the journal.
    pub fn journalled(&mut self, written: Result<u64, String>) {
        match written {
            Ok(entry) => self.entry = Some(entry),
            Err(why) => self.not_journalled = Some(why),
        }
    }

    /// How the journal has it. Clean is only what looked at both clients.
    pub fn outcome(&self) -> EvidenceOutcome {
        let has = |of| self.looked.states().any(|(client, _)| client == Some(of));
        let has_both = has(RunningClient::Contentrepo) && has(RunningClient::Rhino);
        match self.verdict {
            Verdict { incomplete: true, .. } => EvidenceOutcome::Incomplete,
            Verdict { differs: true, .. } => EvidenceOutcome::Differs,
            Verdict { .. } if !has_both => EvidenceOutcome::Incomplete,
            Verdict { .. } => EvidenceOutcome::Clean,
        }
    }

    /// What the journal counts.
    pub fn counted(&self) -> BTreeMap<String, u64> {
        let files = |of| self.looked.files.iter().filter(|file| file.kind == of).count() as u64;
        let running =
            |of| self.looked.running.iter().filter(|seen| seen.client == Some(of)).count() as u64;
        let state = |of: ConfigState| self.looked.count(|state| state == of);
        [
            ("context_xml", files(FileKind::ContextXml)),
            ("rhino_yaml", files(FileKind::RhinoYaml)),
            ("contentrepo_nodes", running(RunningClient::Contentrepo)),
            ("rhino", running(RunningClient::Rhino)),
            ("done", state(ConfigState::Done)),
            ("not_yet", state(ConfigState::NotYet)),
            ("wrong", state(ConfigState::Wrong)),
            ("unseen", state(ConfigState::Unseen)),
        ]
        .map(|(name, count)| (name.to_owned(), count))
        .into()
    }

    fn write_journal(&self, out: &mut String) -> fmt::Result {
        if let Some(why) = &self.not_journalled {
            return writeln!(
                out,
                "NOT JOURNALLED: {}\n  The check above stands, and `mogile2s3 runbook` does not know of it\n  → correct \
                 what the words say, then run this again",
                printable(why)
            );
        }
        let Some(entry) = self.entry else { return Ok(()) };
        let outcome = match self.outcome() {
            EvidenceOutcome::Clean => "clean",
            EvidenceOutcome::Differs => "differing",
            EvidenceOutcome::Incomplete | EvidenceOutcome::Other => "incomplete",
        };
        writeln!(out, "Entry {entry} of the journal has this as {outcome}.")?;
        if self.outcome() == EvidenceOutcome::Incomplete && !self.verdict.incomplete {
            writeln!(
                out,
                "  It is clean only where contentrepo and rhino are checked by one command: give both, each with \
                 --check or --check-url"
            )?;
        }
        Ok(())
    }
}

fn write_texts(out: &mut String, texts: &ClientConfig) -> fmt::Result {
    let ClientConfig { resource, signer, renames, order, refused_afterwards, problems, notes } =
        texts;
    for problem in problems {
        writeln!(out, "PROBLEM: {problem}")?;
    }
    for note in notes {
        writeln!(out, "note: {note}")?;
    }
    writeln!(
        out,
        "contentrepo, context.xml on every node, in place of its <Resource name=\"repo/objectStore\" …/>:\n{resource}"
    )?;
    if let Some(signer) = signer {
        writeln!(
            out,
            "contentrepo, a file awssdk_config_override.json in the class path of every node, such as \
             WEB-INF/classes. Without it S3 refuses its signatures for buckets made after 2020-06-24:\n{signer}"
        )?;
    }
    writeln!(
        out,
        "rhino, rhino.yaml: contentRepo.corpus.bucket, contentRepo.corpus.secondaryBuckets and \
         contentRepo.editorial.bucket. The address stays:"
    )?;
    if renames.is_empty() {
        writeln!(out, "  nothing to change: each bucket keeps its name")?;
    }
    for (old, new) in renames {
        writeln!(out, "  where it has `{old}` write `{new}`")?;
    }
    writeln!(out, "The order:")?;
    for (number, step) in (1..).zip(order) {
        writeln!(out, "  {number}. {step}")?;
    }
    write_point_of_no_return(out, refused_afterwards)
}

/// What a stock contentrepo refuses behind the cut-over.
pub fn write_point_of_no_return(out: &mut String, refused: &[&str]) -> fmt::Result {
    writeln!(
        out,
        "The point of no return: behind the first ingest into S3 the way back leaves files behind. With S3 a stock \
         contentrepo"
    )?;
    refused.iter().try_for_each(|line| writeln!(out, "  - {line}"))
}

impl Report for ConfigReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        if let Some(texts) = &self.texts {
            return write_texts(out, texts);
        }
        let mut write = |name: &str, ConfigChecked { state, seen }: &ConfigChecked| {
            writeln!(out, "{:8} {}", state.name(), printable(name))?;
            seen.iter().try_for_each(|line| writeln!(out, "           {}", printable(line)))
        };
        for FileChecked { file, checked, .. } in &self.looked.files {
            write(&file.to_string_lossy(), checked)?;
        }
        for RunningSeen { url, checked, .. } in &self.looked.running {
            write(url, checked)?;
        }
        self.write_journal(out)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}
