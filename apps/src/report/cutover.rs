//! What `cutover` prints.

mod evidence;
mod gates;
#[cfg(test)]
mod tests;

use std::fmt::{self, Write};
use std::path::Path;

use domain::cutover::Gate;
use domain::cutover::client_config::refused_afterwards;
use domain::journal::{BackupSeal, ClientDatabase, Direction, IngestedSeal, NameRename};
use domain::limits::assumed;
use indicatif::{HumanBytes, HumanCount, HumanDuration};
use serde::Serialize;

pub use self::gates::{GateLine, Overriding};
use super::Report;
use super::config::write_point_of_no_return;
use super::shell::{printable, quoted};
use crate::exit::{Exit, Verdict};

/// A change of bucket names, or what it would be.
#[derive(Debug, Serialize)]
pub struct CutoverReport {
    /// `contentrepo` or `rhino`.
    pub database: ClientDatabase,
    /// `to-s3`, or `to-mogile` for the way back.
    pub direction: Direction,
    /// The database: host, port and name.
    pub server: String,
    /// Whether anything was to be changed.
    pub executed: bool,
    /// How it ended.
    pub outcome: CutoverOutcome,
    /// The gates. Behind a change that is done there are none.
    pub gates: Vec<GateLine>,
    /// The names, from those of MogileFS to those of S3.
    pub renames: Vec<NameRename>,
    /// The statements that change them.
    pub statements: Vec<String>,
    /// What they are expected to take.
    pub estimate: Option<Estimate>,
    /// What hinders the change beside the gates.
    pub refusals: Vec<String>,
    /// What else is worth a look.
    pub notes: Vec<String>,
    /// What is not as it was before the cut-over, though the way back is done: others have changed it.
    differences: Vec<String>,
    /// The number of the journal's entry that says that it is done.
    pub entry: Option<u64>,
    /// The backup of the names before the cut-over.
    pub backup: Option<BackupSeal>,
    /// The list of what is readable from S3 only.
    pub ingested: Option<IngestedSeal>,
    /// The flags of this run that the next command needs too.
    #[serde(skip)]
    pub flags: String,
    #[serde(flatten)]
    verdict: Verdict,
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutoverOutcome {
    /// A dry run: every gate is open.
    CanBeChanged,
    /// A gate or a row stands in the way. Nothing was changed.
    Refused,
    /// It is done.
    Changed,
    /// It was done before.
    AlreadySo,
    /// An operator stopped it before anything was begun.
    NotBegun,
    /// It was begun and is not at its end: an operator stopped it, or rows stand in the way.
    UnderWay,
    /// Rows are not as the journal says.
    Unfit,
}

/// What statements are expected to take.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Estimate {
    /// Rows that get other names.
    pub rows: u64,
    /// The time, in seconds.
    pub seconds: u64,
    /// The growth of the binary log; [`None`] where the server writes none, or where that is not known.
    pub binlog_bytes: Option<u64>,
}

impl CutoverReport {
    /// A report of a change of this database, without details.
    pub fn new(
        (database, direction): (ClientDatabase, Direction),
        server: String,
        executed: bool,
        outcome: CutoverOutcome,
        gates: &[Gate],
    ) -> Self {
        Self {
            database,
            direction,
            server,
            executed,
            outcome,
            gates: GateLine::all(gates, database),
            renames: Vec::new(),
            statements: Vec::new(),
            estimate: None,
            refusals: Vec::new(),
            notes: Vec::new(),
            differences: Vec::new(),
            entry: None,
            backup: None,
            ingested: None,
            flags: String::new(),
            verdict: verdict(outcome),
        }
    }

    /// The same report, of a change that ended so.
    #[must_use]
    pub fn ended(self, outcome: CutoverOutcome, differences: Vec<String>) -> Self {
        let mut verdict = verdict(outcome);
        if !differences.is_empty() {
            verdict = Verdict::of_checks(verdict.incomplete, true);
        }
        Self { outcome, differences, verdict, ..self }
    }

    /// Shows which gates are overridden, and which cannot be.
    pub fn override_gates(&mut self, overrides: &[Overriding]) {
        for one in overrides {
            let lines = self.gates.iter_mut().filter(|line| line.gate == one.gate);
            lines.for_each(|line| line.note(one));
        }
    }

    /// The command of this change.
    const fn command(&self) -> &'static str {
        command(self.database, self.direction)
    }

    fn write_names(&self, out: &mut String) -> fmt::Result {
        if self.renames.is_empty() {
            return Ok(());
        }
        writeln!(out, "Names:")?;
        for NameRename { id, from, to } in &self.renames {
            let id = id.as_ref().map(|id| format!("   (bucketId {id})")).unwrap_or_default();
            let (from, to) = match self.direction {
                Direction::ToS3 => (from, to),
                Direction::ToMogile => (to, from),
            };
            writeln!(out, "  `{}` → `{}`{id}", printable(from), printable(to))?;
        }
        Ok(())
    }

    fn write_statements(&self, out: &mut String) -> fmt::Result {
        if !self.statements.is_empty() {
            writeln!(out, "Statements:")?;
        }
        for statement in &self.statements {
            writeln!(out, "  {};", printable(statement))?;
        }
        let Some(Estimate { rows, seconds, binlog_bytes }) = self.estimate else { return Ok(()) };
        let time = HumanDuration(std::time::Duration::from_secs(seconds));
        let log = binlog_bytes.map(|bytes| format!(", binary log + {}", HumanBytes(bytes)));
        let log = log.unwrap_or_default();
        writeln!(out, "Expected: {} rows, {time}{log}", HumanCount(rows))?;
        if self.database == ClientDatabase::Contentrepo {
            return Ok(());
        }
        writeln!(
            out,
            "  by a measurement on another server: {} rows renamed and {} rows indexed a second. The run itself \
             prints the time that is left by its own measure",
            HumanCount(assumed::RENAMED_ROWS_A_SECOND),
            HumanCount(assumed::INDEXED_ROWS_A_SECOND)
        )
    }

    fn write_end(&self, out: &mut String) -> fmt::Result {
        let (command, flags) = (self.command(), &self.flags);
        let name = self.database;
        match self.outcome {
            CutoverOutcome::CanBeChanged if self.direction == Direction::ToS3 => {
                writeln!(
                    out,
                    "\nNothing was changed. Stop {name} and all its readers, then:\n  {command} --execute --backup \
                     FILE{flags}"
                )
            }
            CutoverOutcome::CanBeChanged => {
                writeln!(
                    out,
                    "\nNothing was changed. Stop {name} and all its readers, then:\n  {command} --execute{flags}"
                )
            }
            CutoverOutcome::Refused => writeln!(
                out,
                "\nREFUSED: nothing was changed by this command\n  → do what the lines above say, then run it again"
            ),
            CutoverOutcome::NotBegun => {
                writeln!(
                    out,
                    "\nNOT BEGUN: interrupted. Nothing was changed\n  → {command} --execute{flags}\n    with the \
                     other flags that you gave"
                )
            }
            CutoverOutcome::UnderWay => writeln!(
                out,
                "\nUNDER WAY: the journal says that this was begun, and not that it is done. Keep {name} stopped\n  \
                 → {command} --execute{flags} goes on{}",
                self.other_way()
            ),
            CutoverOutcome::Unfit => writeln!(
                out,
                "\nNOT AS THE JOURNAL SAYS: rows bear other names. Keep {name} stopped\n  → find out who changed \
                 them; give them the names of before or behind the cut-over, all alike, and run this again"
            ),
            CutoverOutcome::Changed | CutoverOutcome::AlreadySo => self.write_done(out),
        }
    }

    fn other_way(&self) -> String {
        match self.direction {
            Direction::ToS3 => {
                format!("\n  → {} takes it back", command(self.database, Direction::ToMogile))
            }
            Direction::ToMogile => String::new(),
        }
    }

    fn write_done(&self, out: &mut String) -> fmt::Result {
        let entry = self.entry.unwrap_or_default();
        let was = if self.outcome == CutoverOutcome::AlreadySo { " already" } else { "" };
        let names = if self.direction == Direction::ToS3 { "S3" } else { "MogileFS" };
        writeln!(
            out,
            "\nDONE{was}: {} has the {names} names, and entry {entry} of the journal says so.",
            self.database
        )?;
        let next = match (self.direction, self.database) {
            (Direction::ToS3, ClientDatabase::Contentrepo) => {
                "keep all clients stopped: rhino asks for the old names. Then `mogile2s3 cutover rhino`"
            }
            (Direction::ToS3, ClientDatabase::Rhino) => {
                "give contentrepo its S3 store in context.xml. Start contentrepo, then rhino, then wombat"
            }
            (Direction::ToMogile, ClientDatabase::Rhino) => {
                "keep all clients stopped. Then `mogile2s3 cutover contentrepo --revert`"
            }
            (Direction::ToMogile, ClientDatabase::Contentrepo) => {
                "give contentrepo its MogileFS store in context.xml. Start contentrepo, then rhino, then wombat"
            }
        };
        writeln!(out, "  → {next}")
    }
}

/// How content that is readable from S3 only comes back to MogileFS.
fn write_ingested(out: &mut String, seal: &IngestedSeal) -> fmt::Result {
    let IngestedSeal { file, sha256, objects, files } = seal;
    let (file, objects, files) = (printable(file), HumanCount(*objects), HumanCount(*files));
    writeln!(
        out,
        "`{file}` lists {objects} objects of contentrepo that are readable from S3 only, and {files} rows of rhino \
         (SHA-256 {sha256}). rhino's rows keep the S3 names. To bring an object back, for each line with a sha1 \
         (bucket, key, uuid, sha1, bytes, id), with its bucket's two names:\n  aws s3 cp s3://NEW/SHA1 content\n  \
         mogupload --trackers=TRACKER:7001 --domain=DOMAIN --key=SHA1-OLD --file=content"
    )
}

impl Report for CutoverReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let way = match self.direction {
            Direction::ToS3 => "cut-over to S3",
            Direction::ToMogile => "way back to MogileFS",
        };
        let dry = if self.executed { "" } else { ". A dry run: nothing is changed" };
        writeln!(out, "{}: {way}, database {}{dry}", self.database, self.server)?;
        if !self.gates.is_empty() {
            writeln!(out, "Gates:")?;
        }
        self.gates.iter().try_for_each(|gate| gate.write(out))?;
        self.write_names(out)?;
        self.write_statements(out)?;
        for note in &self.notes {
            writeln!(out, "note: {}", printable(note))?;
        }
        for refusal in &self.refusals {
            writeln!(out, "REFUSED: {}", printable(refusal))?;
        }
        for difference in &self.differences {
            writeln!(out, "DIFFERS: {}", printable(difference))?;
        }
        if let Some(BackupSeal { file, sha256, rows }) = &self.backup {
            let (file, rows) = (printable(file), HumanCount(*rows));
            writeln!(out, "Backup: `{file}`, {rows} rows, SHA-256 {sha256}")?;
        }
        self.ingested.iter().try_for_each(|seal| write_ingested(out, seal))?;
        let way = (self.database, self.direction, self.outcome);
        if let (ClientDatabase::Contentrepo, Direction::ToS3, CutoverOutcome::CanBeChanged) = way {
            write_point_of_no_return(out, refused_afterwards())?;
        }
        self.write_end(out)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// The command of a change.
pub const fn command(database: ClientDatabase, direction: Direction) -> &'static str {
    match (database, direction) {
        (ClientDatabase::Contentrepo, Direction::ToS3) => "mogile2s3 cutover contentrepo",
        (ClientDatabase::Rhino, Direction::ToS3) => "mogile2s3 cutover rhino",
        (ClientDatabase::Contentrepo, Direction::ToMogile) => {
            "mogile2s3 cutover contentrepo --revert"
        }
        (ClientDatabase::Rhino, Direction::ToMogile) => "mogile2s3 cutover rhino --revert",
    }
}

const fn verdict(outcome: CutoverOutcome) -> Verdict {
    let (exit, incomplete, differs) = match outcome {
        CutoverOutcome::CanBeChanged | CutoverOutcome::Changed | CutoverOutcome::AlreadySo => {
            (Exit::Clean, false, false)
        }
        CutoverOutcome::Refused | CutoverOutcome::Unfit => (Exit::Refused, false, true),
        CutoverOutcome::NotBegun | CutoverOutcome::UnderWay => (Exit::Findings, true, false),
    };
    Verdict { exit, incomplete, differs }
}

/// A flag with a file, as a shell takes it.
pub fn flag(name: &str, path: Option<&Path>) -> String {
    let with = |path: &Path| format!(" {name} {}", quoted(&path.to_string_lossy()));
    path.map(with).unwrap_or_default()
}
