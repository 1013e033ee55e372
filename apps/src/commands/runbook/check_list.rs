//! `runbook status`, `runbook next`, `runbook run` and `runbook done`: the twelve steps.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use adapters::clock::SystemClock;
use anyhow::anyhow;
use clap::Args;
use domain::checklist::{
    CheckList, CommandLine, Facts, Next, NotConfirmed, Step, done_already, may_confirm, next,
    read_facts,
};
use domain::journal::{Content, Evidence, EvidenceOutcome, MigrationPlace};
use domain::runbook::JournalWriter;

use crate::commands::freeze::unreadable;
use crate::config::MigrationSettings;
use crate::environment::PREPARED;
use crate::evidence::{MogileSettings, PlaceSettings, account_of};
use crate::exit::{Exit, RefusedError, UsageError};
use crate::journal::{OperatorSettings, random, refused};
use crate::report::runbook::{DoneReport, NextReport, StatusReport, command_text};
use crate::session::Session;

const AFTER_HELP: &str = "\
All of it is read from the journal, and compared with the systems that the settings name now. Evidence of
another AWS account, region, bucket map, table, queue or database of MogileFS is stale, and so is evidence
of other content than the freeze has. Nothing is decided by a clock.

Exit codes: 0 no step has failed or is stale; 1 a step has failed or is stale, or the journal has entries
of a later version; 2 wrong usage or configuration; 3 the journal or STS could not be reached; 4 the
journal was changed, or (`runbook run`) the next step needs an operator and nothing was started.
`runbook run` ends as the command that it starts.";

/// What they take.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct Here {
    /// Print the result as JSON; `runbook run` gives the flag to the command that it starts
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    settings: MigrationSettings,
}

/// What `runbook done` takes.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_DONE)]
pub(super) struct Done {
    /// The number of the step, as `runbook status` has it
    #[arg(value_parser = clap::value_parser!(u8).range(1..=12))]
    step: u8,

    /// What was done, and by whom; or why it is not needed
    #[arg(long, value_name = "TEXT")]
    note: String,

    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    here: Here,
}

const AFTER_DONE: &str = "\
People confirm steps 2 and 3 (done, or not needed), 5, 8, 10 and 12. The other steps are proven by their
commands alone. The confirmation is stale once the settings name other systems. Where the step is done already nothing
is written. Either way the next step is printed.

Exit codes: 0 the journal has it, or the step was done already; 2 wrong usage or configuration, also a step
that a command proves and has not; 3 the
journal or STS could not be reached; 4 a step before it is not done, another process wrote into the journal
meanwhile, or the journal was changed.";

impl Here {
    /// Shows all steps.
    pub(super) async fn status(&self) -> anyhow::Result<Exit> {
        let session = Session::begin(self.json);
        let (facts, today) = self.look(&session).await?;
        let list = CheckList::of(&facts, &today);
        let next = next(&facts, &today, &list);
        session.print(&StatusReport::new(self.migration()?, facts.entries, &list, next))
    }

    /// Says what comes next.
    pub(super) async fn next(&self) -> anyhow::Result<Exit> {
        let session = Session::begin(self.json);
        let (list, next) = self.next_of(&session).await?;
        session.print(&NextReport::new(self.migration()?, &list, next))
    }

    /// Becomes the command that comes next.
    pub(super) async fn run(&self) -> anyhow::Result<Exit> {
        let session = Session::begin(self.json);
        let (list, next) = self.next_of(&session).await?;
        let Some(command) = next.automatic().cloned() else {
            return session.print(&NextReport::new(self.migration()?, &list, next).refused());
        };
        Err(self.start(&command))
    }

    /// Replaces this process by the command: signals and the exit code are its own. Returns where it cannot.
    fn start(&self, command: &CommandLine) -> anyhow::Error {
        let program = match env::current_exe() {
            Ok(program) => program,
            Err(error) => return anyhow!("this program cannot be found: {error}"),
        };
        eprintln!("→ {}", command_text(command));
        let mut child = Command::new(program);
        child.args(words_before(env::args_os())).args(&command.words);
        if self.json {
            child.arg("--json");
        }
        // Other settings may be in it, so it reads its environment as every process does.
        child.env_remove(PREPARED).envs(self.settings.variables());
        anyhow!("`{}` cannot be started: {}", command_text(command), child.exec())
    }

    async fn next_of(&self, session: &Session) -> anyhow::Result<(CheckList, Next)> {
        let (facts, today) = self.look(session).await?;
        let list = CheckList::of(&facts, &today);
        let next = next(&facts, &today, &list);
        Ok((list, next))
    }

    /// Reads the journal, and says which systems the settings name.
    async fn look(&self, session: &Session) -> anyhow::Result<(Facts, MigrationPlace)> {
        let today = self.place(session).await?;
        let services = session.services(&self.settings.aws, &self.settings.time);
        let journal = services.journal(&self.settings.journal).await?;
        let facts = read_facts(&*journal, &SystemClock, random()).await.map_err(unreadable)?;
        Ok((facts, today))
    }

    async fn place(&self, session: &Session) -> anyhow::Result<MigrationPlace> {
        let MigrationSettings { source, queue, journal, time, aws, .. } = &self.settings;
        let (services, buckets) = (session.services(aws, time), self.settings.bucket_map()?);
        let settings = PlaceSettings {
            source: MogileSettings::All(source),
            buckets: &buckets,
            aws,
            tables: &queue.tables,
            journal,
            queue: Some(queue),
        };
        // Evidence names its account: without today's nothing can be compared.
        let caller = services.caller_or(random(), "AWS keys whose account STS names").await?;
        Ok(settings.place(&services, account_of(&caller)).await?)
    }

    fn migration(&self) -> Result<String, UsageError> {
        self.settings.aws.ledger_table()
    }
}

/// What stands between the program's name and `runbook`: a program that has this one's commands among others.
fn words_before(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    arguments.skip(1).take_while(|word| word != "runbook").collect()
}

impl Done {
    pub(super) async fn run(&self) -> anyhow::Result<Exit> {
        let Self { here, note, .. } = self;
        let session = Session::begin(here.json);
        let step = Step::of_number(self.step)
            .ok_or_else(|| UsageError(format!("there is no step {}", self.step)))?;
        if note.trim().is_empty() {
            let text =
                "--note is empty: say what was done, and by whom. The journal keeps your words";
            return Err(UsageError(text.to_owned()).into());
        }
        let names = (here.migration()?, here.settings.journal.journal_table(&here.settings.aws)?);
        let names = (names.0.as_str(), names.1.as_str());
        let commands = step.proven_by();
        if !commands.is_empty() {
            let (list, next) = here.next_of(&session).await?;
            let Some(proof) = done_already(&list, step) else {
                return Err(by_commands(step, commands).into());
            };
            return session.print(&DoneReport::already(names, step, proof, (&list, next)));
        }
        let settings = &here.settings;
        let services = session.services(&settings.aws, &settings.time);
        let place = here.place(&session).await?;
        let by = (self.operator.name(&services).await?, random());
        let journal = services.journal(&settings.journal).await?;
        // Opened first: an entry that comes behind this reading of the journal is a take-over.
        let clock = Arc::new(SystemClock);
        let writer = JournalWriter::open(journal.clone(), clock, by).await;
        let mut writer = writer.map_err(refused)?;
        let facts = read_facts(&*journal, &SystemClock, random()).await.map_err(unreadable)?;
        let list = CheckList::of(&facts, &place);
        if let Some(proof) = done_already(&list, step) {
            let next = next(&facts, &place, &list);
            return session.print(&DoneReport::already(names, step, proof, (&list, next)));
        }
        match may_confirm(&list, step) {
            Ok(()) => {}
            Err(NotConfirmed::ByCommands(all)) => return Err(by_commands(step, all).into()),
            Err(NotConfirmed::NotYet(first)) => return Err(not_yet(step, first).into()),
        }
        let note = Some(note.trim().to_owned());
        let today = place.clone();
        let confirmed = Evidence::new(step.confirmation(), EvidenceOutcome::Clean, place);
        let evidence = Evidence { note, ..confirmed };
        let head = writer.append(Content::Evidence(Box::new(evidence))).await.map_err(refused)?;
        // The entry is written: that the journal cannot be read again takes nothing from it.
        let (list, next) = match here.next_of(&session).await {
            Ok(now) => now,
            Err(_) => (list.clone(), next(&facts, &today, &list)),
        };
        session.print(&DoneReport::written(names, step, &head, (&list, next)))
    }
}

fn by_commands(step: Step, commands: &[&str]) -> UsageError {
    let (number, commands) = (step.number(), commands.join("`, `"));
    UsageError(format!(
        "step {number}, {}, is proven by `{commands}`, and no note replaces that. Nothing was written\n  → \
         `mogile2s3 runbook next` prints the whole command that is due",
        step.name()
    ))
}

fn not_yet(step: Step, first: Step) -> RefusedError {
    RefusedError(format!(
        "step {}, {}, comes behind step {}, {}, which is not done. Nothing was written\n  → `mogile2s3 runbook \
         next` says what to do now",
        step.number(),
        step.name(),
        first.number(),
        first.name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_that_has_these_commands_is_called_as_it_was() {
        for (called, before) in [
            (&["mogile2s3", "runbook", "run"][..], &[][..]),
            (&["rehearse", "mogile2s3", "runbook", "run", "--json"], &["mogile2s3"]),
            (&[], &[]),
        ] {
            let called = called.iter().map(OsString::from);
            assert_eq!(words_before(called), before);
        }
    }
}
