//! `mogile2s3 runbook`: the journal of what was done to the migration.

mod check_list;
mod export_file;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adapters::clock::SystemClock;
use anyhow::Context;
use clap::{Args, Subcommand};
use domain::journal::{Content, StoredEntry};
use domain::ports::Journal;
use domain::runbook::{
    Export, JournalWriter, RestoreTrouble, SurveyTrouble, Unrestored, read_journal, restore, survey,
};

use self::check_list::{Done, Here};
use self::export_file::{ExportFile, entries_of};
use crate::config::{AwsSettings, JournalSettings, TimeSettings};
use crate::exit::{Exit, RefusedError, UsageError, of_error};
use crate::journal::{OperatorSettings, random, refused, trouble};
use crate::report::runbook::{Against, CheckReport, ExportEnd, RestoreReport, Written};
use crate::session::Session;

/// What can be given to `runbook`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the whole journal, one entry a line, as JSON
    Export(Common),
    /// Look for entries that were changed, that are missing or that stand at another place
    Check(Check),
    /// Write a note into the journal
    Note(Note),
    /// Repair a damaged journal from an earlier export: put back what was changed or removed
    Restore(Restore),
    /// Show all twelve steps: what is done, by which entry, and what is stale or has failed
    Status(Box<Here>),
    /// Say what to do next, why, and what to type
    Next(Box<Here>),
    /// Start the command that `runbook next` names first, where it needs no words of an operator
    Run(Box<Here>),
    /// Confirm a step that people do: the journal keeps your words
    Done(Box<Done>),
}

/// What all of them take.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

#[derive(Debug, Args)]
struct Check {
    /// Check this file, which `runbook export` has written, and not the journal itself
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Compare the journal with this file, which `runbook export` has written earlier
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    against: Option<PathBuf>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Note {
    /// The note; `-` reads notes from stdin, one a line, and writes each as it comes
    text: String,

    #[command(flatten)]
    operator: OperatorSettings,

    /// Print the number and the hash of each entry as JSON, one a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Restore {
    /// The file that `runbook export` has written
    #[arg(long, value_name = "FILE")]
    from: PathBuf,

    /// Say what would be put back, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    operator: OperatorSettings,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    common: Common,
}

/// Reads or continues the journal. What was changed in it is a finding.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::Export(common) => export(&common).await,
        Command::Check(Check { file: Some(path), json, .. }) => {
            let report = ExportFile { path: &path, option: "--file" }.check()?;
            Session::begin(json).print(&report)
        }
        Command::Check(Check { file: None, against, json, common }) => {
            let session = Session::begin(json);
            let journal = common.journal(&session).await?;
            session.print(&check(&*journal, against.as_deref()).await?)
        }
        Command::Note(note) => note.write().await,
        Command::Restore(restore) => restore.run().await,
        Command::Status(here) => here.status().await,
        Command::Next(here) => here.next().await,
        Command::Run(here) => here.run().await,
        Command::Done(done) => Box::pin(done.run()).await,
    }
}

impl Common {
    async fn journal(&self, session: &Session) -> Result<Arc<dyn Journal>, UsageError> {
        session.services(&self.aws, &self.time).journal(&self.journal).await
    }

    async fn operator(&self, session: &Session, by: &OperatorSettings) -> anyhow::Result<String> {
        by.name(&session.services(&self.aws, &self.time)).await
    }
}

/// Prints every line as it is stored, and behind them which entry is the last one.
async fn export(common: &Common) -> anyhow::Result<Exit> {
    let session = Session::begin(true);
    let journal = common.journal(&session).await?;
    let (mut out, mut printed) = (BufWriter::new(io::stdout()), Ok(()));
    let mut end = ExportEnd::default();
    let mut each = |entry: &StoredEntry, faults| {
        end.take(faults);
        if printed.is_ok() {
            printed = writeln!(out, "{}", entry.line);
        }
    };
    let read = read_journal(&*journal, &SystemClock, random(), &mut each).await;
    let read = read.map_err(|error| trouble(&error))?;
    end.take(read.fault);
    let head = read.head.named().cloned();
    if head.is_none() {
        eprintln!("the journal of `{}` has no last entry: nothing is proven", journal.migration());
    }
    let exit = if head.is_none() { Exit::Findings } else { end.tell() };
    let last = serde_json::to_string(&end.line(journal.migration(), head))?;
    match printed.and_then(|()| writeln!(out, "{last}")).and_then(|()| out.flush()) {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        printed => printed.context("writing to stdout")?,
    }
    Ok(exit)
}

async fn check(journal: &dyn Journal, against: Option<&Path>) -> anyhow::Result<CheckReport> {
    let migration = journal.migration();
    // A file that cannot be used is said before anything is read.
    let against = against.map(|path| {
        let head = ExportFile { path, option: "--against" }.whole(migration)?;
        Ok::<_, UsageError>((path, head))
    });
    let against = against.transpose()?;
    let mut report = CheckReport::of_journal(migration);
    let mut each = |_: &StoredEntry, faults| {
        report.take_entries(1);
        report.take_faults(faults);
    };
    let read = read_journal(journal, &SystemClock, random(), &mut each).await;
    let read = read.map_err(|error| trouble(&error))?;
    report.take_faults(read.fault);
    report.end(Some(migration.to_owned()), read.head.named().cloned());
    if let Some((path, head)) = against {
        let entries = entries_of(path.to_owned());
        let export = Export { head, entries: &entries };
        let survey = survey(journal, &SystemClock, random(), &export).await;
        let survey = survey.map_err(|why| unsurveyed(why, path, "--against"))?;
        report.compare(Against::new(path, &export.head, &survey));
    }
    Ok(report)
}

impl Note {
    async fn write(&self) -> anyhow::Result<Exit> {
        let session = Session::begin(self.json);
        if self.text.trim().is_empty() {
            return Err(UsageError("the note is empty".to_owned()).into());
        }
        let by = self.common.operator(&session, &self.operator).await?;
        let journal = self.common.journal(&session).await?;
        let writer = JournalWriter::open(journal, Arc::new(SystemClock), (by, random())).await;
        let mut writer = writer.map_err(refused)?;
        if self.text != "-" {
            return self.append(&session, &mut writer, self.text.clone()).await;
        }
        for line in io::stdin().lines() {
            if line.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::InvalidData) {
                return Err(UsageError("the notes on stdin are not in UTF-8".to_owned()).into());
            }
            let line = line.context("reading notes from stdin")?;
            if !line.trim().is_empty() {
                self.append(&session, &mut writer, line).await?;
            }
        }
        Ok(Exit::Clean)
    }

    async fn append(
        &self,
        session: &Session,
        writer: &mut JournalWriter,
        text: String,
    ) -> anyhow::Result<Exit> {
        let Common { journal, aws, .. } = &self.common;
        let (migration, table) = (aws.ledger_table()?, journal.journal_table(aws)?);
        let head = writer.append(Content::Note { text }).await.map_err(refused)?;
        session.print(&Written::new(&migration, &table, head))
    }
}

impl Restore {
    async fn run(&self) -> anyhow::Result<Exit> {
        let (session, path) = (Session::begin(self.json), &*self.from);
        let journal = self.common.journal(&session).await?;
        let head = ExportFile { path, option: "--from" }.whole(journal.migration())?;
        // What is not written needs no name.
        let by = if self.dry_run {
            String::new()
        } else {
            self.common.operator(&session, &self.operator).await?
        };
        let entries = entries_of(path.to_owned());
        let export = Export { head, entries: &entries };
        let by = (&*by, random());
        let restored = restore(&*journal, &SystemClock, by, &export, self.dry_run).await;
        let report =
            |restored| RestoreReport::new(journal.migration(), path, self.dry_run, restored);
        match restored {
            Ok(restored) => session.print(&report(restored)),
            Err(stopped) => {
                let Unrestored { why, done } = *stopped;
                let is_begun = !done.written.is_empty();
                let error = unrestored(why, path);
                // What was written is said, and then why it is not all.
                if is_begun {
                    session.print(&report(done).ended_by(of_error(&error)))?;
                }
                Err(error)
            }
        }
    }
}

fn unsurveyed(why: SurveyTrouble, path: &Path, option: &str) -> anyhow::Error {
    match why {
        SurveyTrouble::Table(error) => trouble(&error),
        SurveyTrouble::ExportChanged => {
            let shown = path.display();
            UsageError(format!(
                "{option}: `{shown}` changed while it was read, or can be read only once: give a file \
                 to which no process writes"
            ))
            .into()
        }
    }
}

fn unrestored(why: RestoreTrouble, path: &Path) -> anyhow::Error {
    let next = match why {
        RestoreTrouble::Survey(why) => return unsurveyed(why, path, "--from"),
        RestoreTrouble::Write(why) => return refused(why),
        RestoreTrouble::Beyond { .. } => {
            "give a later export. Where there is none, take one from a copy of the table of an earlier \
             time (docs/OPERATING.md, \"A damaged journal\")"
        }
        RestoreTrouble::OtherHistory { .. } => {
            "nothing is replaced that may be right: compare the two yourself (docs/OPERATING.md, \"A \
             damaged journal\")"
        }
        RestoreTrouble::Astray { .. } => {
            "keep a copy of that item and take it out of the table by hand (docs/OPERATING.md, \"A damaged \
             journal\"), then run this again"
        }
        RestoreTrouble::Disturbed => "find who else changes the journal, then run this again",
    };
    RefusedError(format!("{why}\n  → {next}")).into()
}
