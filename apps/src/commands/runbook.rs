//! `mogile2s3 runbook`: the journal of what was done to the migration.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use adapters::clock::SystemClock;
use anyhow::Context;
use clap::{Args, Subcommand};
use domain::Reason;
use domain::journal::{Chain, ChainFault, Content, Head, StoredEntry};
use domain::ports::{Journal, LedgerError};
use domain::runbook::{JournalTrouble, JournalWriter};

use crate::config::{AwsSettings, JournalSettings, TimeSettings};
use crate::exit::{Exit, RefusedError, TroubleError, UsageError};
use crate::report::runbook::{CheckReport, ExportEnd, HeadLine, Written};
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

    /// Your name in the journal [default: the ARN of the AWS keys]
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,

    /// Print the number and the hash of each entry as JSON, one a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    common: Common,
}

/// Reads or continues the journal. What was changed in it is a finding.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::Export(common) => export(&common).await,
        Command::Check(Check { file: Some(file), json, .. }) => {
            let report = check_file(&file)?;
            Session::begin(json).print(&report)
        }
        Command::Check(Check { file: None, json, common }) => {
            let session = Session::begin(json);
            session.print(&check(&*common.journal(&session).await?).await?)
        }
        Command::Note(note) => note.write().await,
    }
}

impl Common {
    async fn journal(&self, session: &Session) -> Result<Arc<dyn Journal>, UsageError> {
        session.services(&self.aws, &self.time).journal(&self.journal).await
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
    let (head, fault) = read(&*journal, &mut each).await?;
    end.take(fault);
    let last = serde_json::to_string(&end.line(head))?;
    match printed.and_then(|()| writeln!(out, "{last}")).and_then(|()| out.flush()) {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        printed => printed.context("writing to stdout")?,
    }
    Ok(end.tell())
}

async fn check(journal: &dyn Journal) -> anyhow::Result<CheckReport> {
    let mut report = CheckReport::new(format!("the journal of `{}`", journal.migration()));
    let (head, fault) = read(journal, &mut |_, faults| report.take_entry(faults)).await?;
    report.end(fault, head);
    Ok(report)
}

/// Passes every entry up to the last one to `each`, with what is wrong with it. Returns which is the
/// last one, and what is wrong with that.
async fn read(
    journal: &dyn Journal,
    each: &mut (dyn FnMut(&StoredEntry, Vec<ChainFault>) + Send),
) -> anyhow::Result<(Option<Head>, Option<ChainFault>)> {
    let head = journal.head().await.map_err(|error| trouble(&error))?;
    let last = head.as_ref().map_or(0, |head| head.sequence);
    let (mut chain, mut highest) = (Chain::of(journal.migration()), 0);
    let mut follow = |entry: StoredEntry| {
        highest = highest.max(entry.sequence);
        // What is written meanwhile is for the next time.
        if entry.sequence <= last {
            each(&entry, chain.follow(&entry).1);
        }
    };
    journal.read(&mut follow).await.map_err(|error| trouble(&error))?;
    if let Some(fault) = chain.end(head.as_ref()) {
        return Ok((head, Some(fault)));
    }
    if highest > last {
        // Entries were written meanwhile, and the journal names them now; or it never will.
        let now = journal.head().await.map_err(|error| trouble(&error))?;
        if now.as_ref().is_none_or(|now| now.sequence < highest) {
            let fault = match now {
                None => ChainFault::NoHead { last: highest },
                Some(now) => ChainFault::OtherHead { last: highest, head: now.sequence },
            };
            return Ok((head, Some(fault)));
        }
    }
    Ok((head, None))
}

fn check_file(path: &PathBuf) -> anyhow::Result<CheckReport> {
    let shown = path.display();
    let unread = |error| UsageError(format!("--file: `{shown}` cannot be read: {error}"));
    let mut lines = BufReader::new(File::open(path).map_err(unread)?).lines();
    let mut report = CheckReport::new(format!("`{shown}`"));
    let (mut chain, mut head) = (Chain::default(), None);
    while let Some(line) = lines.next().transpose().map_err(unread)? {
        if let Some(end) = HeadLine::parse(&line) {
            head = end.head;
            break;
        }
        match StoredEntry::of_line(line) {
            Ok(entry) => report.take_entry(chain.follow(&entry).1),
            Err(error) => report.take_line(&error),
        }
    }
    if lines.next().is_some() {
        report.take_more();
    }
    report.end(chain.end(head.as_ref()), head);
    Ok(report)
}

impl Note {
    async fn write(&self) -> anyhow::Result<Exit> {
        let session = Session::begin(self.json);
        if self.text.trim().is_empty() {
            return Err(UsageError("the note is empty".to_owned()).into());
        }
        let Common { aws, time, .. } = &self.common;
        let by = match self.operator.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => session.services(aws, time).caller().await?,
        };
        let journal = self.common.journal(&session).await?;
        let writer = JournalWriter::open(journal, Arc::new(SystemClock), (by, random())).await;
        let mut writer = writer.map_err(refused)?;
        if self.text != "-" {
            return write(&session, &mut writer, self.text.clone()).await;
        }
        for line in io::stdin().lines() {
            let line = line.context("reading notes from stdin")?;
            if !line.trim().is_empty() {
                write(&session, &mut writer, line).await?;
            }
        }
        Ok(Exit::Clean)
    }
}

async fn write(
    session: &Session,
    writer: &mut JournalWriter,
    text: String,
) -> anyhow::Result<Exit> {
    let head = writer.append(Content::Note { text }).await.map_err(refused)?;
    session.print(&Written::new(head))
}

/// Of this process: the standard library's hashers begin with random keys.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn trouble(error: &LedgerError) -> TroubleError {
    TroubleError(Reason::from(error))
}

/// What stands between a writer and the next entry.
fn refused(why: JournalTrouble) -> anyhow::Error {
    match why {
        JournalTrouble::TakenOver(taken_over) => RefusedError(format!(
            "{taken_over}. Nothing more was written. Read it with `mogile2s3 runbook export`, then \
             begin anew"
        ))
        .into(),
        JournalTrouble::Changed(fault) => RefusedError(format!(
            "the journal is not as it was written, and is not continued: {fault}. \
             `mogile2s3 runbook check` names all that was changed"
        ))
        .into(),
        JournalTrouble::Unfit(error) => UsageError(error.to_string()).into(),
        JournalTrouble::Table(error) => trouble(&error).into(),
    }
}
