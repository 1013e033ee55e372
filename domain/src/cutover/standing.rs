//! How far the changes of bucket names in the clients' databases are, by the journal.

use super::current::UnreadableJournal;
use super::smoke_rows::SmokeRows;
use crate::Timestamp;
use crate::journal::{
    ChainFault, ClientDatabase, Content, CutoverBegun, CutoverStatement, Direction, Entry,
    Statement, StoredEntry,
};
use crate::ports::{Clock, Journal};
use crate::runbook::read_journal;

/// What the journal says of both databases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cutovers {
    /// contentrepo's.
    pub contentrepo: Standing,
    /// rhino's.
    pub rhino: Standing,
    /// The rows that `smoke` has written.
    pub smoke: SmokeRows,
}

/// How far a database is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The last cut-over that was begun, and not taken back to its end.
    pub forth: Option<Run>,
    /// The way back that was begun behind it, and has not come to its end.
    pub back: Option<Run>,
    /// The number of the entry that ended the last way back.
    pub taken_back: Option<u64>,
}

/// A change that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The number of its entry.
    pub sequence: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: String,
    /// What it says.
    pub begun: CutoverBegun,
    /// The last range of rows that was about to be renamed. All ranges before it are done.
    pub range: Option<(String, String)>,
    /// Whether a statement that drops the index was about to be sent, here or by the change before this one
    /// that has no end.
    pub index_dropped: bool,
    /// The number of the entry that says that it came to its end.
    pub done: Option<u64>,
}

/// Where a database is between the two stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// All names are those of MogileFS.
    Before,
    /// A cut-over was begun and has no end in the journal.
    UnderWay,
    /// The cut-over is done.
    CutOver,
    /// A way back was begun and has no end in the journal.
    UnderWayBack,
}

impl Standing {
    /// Where the database is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (&self.forth, &self.back) {
            (_, Some(_)) => Phase::UnderWayBack,
            (Some(Run { done: Some(_), .. }), None) => Phase::CutOver,
            (Some(_), None) => Phase::UnderWay,
            (None, None) => Phase::Before,
        }
    }

    /// The change under way, or the last one that ended and was not taken back.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        self.back.as_ref().or(self.forth.as_ref())
    }

    /// Whether a change was to drop the index and has no end, so that the index may be missing.
    #[must_use]
    pub fn index_may_be_missing(&self) -> bool {
        let dropped = |run: &Run| run.index_dropped && run.done.is_none();
        self.forth.as_ref().is_some_and(dropped) || self.back.as_ref().is_some_and(dropped)
    }

    fn begin(&mut self, mut run: Run) {
        // What another change has left is still so.
        run.index_dropped = self.index_may_be_missing();
        match run.begun.direction {
            Direction::ToS3 => *self = Self { forth: Some(run), ..Self::default() },
            Direction::ToMogile => self.back = Some(run),
        }
    }

    fn state(&mut self, CutoverStatement { direction, does, .. }: CutoverStatement) {
        let run = match direction {
            Direction::ToS3 => &mut self.forth,
            Direction::ToMogile => &mut self.back,
        };
        let Some(run) = run else { return };
        match does {
            Statement::RenameRows { first, last } => run.range = Some((first, last)),
            Statement::DropIndex => run.index_dropped = true,
            Statement::RenameBuckets | Statement::AddIndex | Statement::Other => {}
        }
    }

    fn end(&mut self, direction: Direction, sequence: u64) {
        match direction {
            Direction::ToS3 => {
                if let Some(run) = &mut self.forth {
                    run.done = Some(sequence);
                }
            }
            Direction::ToMogile => *self = Self { taken_back: Some(sequence), ..Self::default() },
        }
    }
}

impl Cutovers {
    /// What it says of this database.
    #[must_use]
    pub const fn of(&self, database: ClientDatabase) -> &Standing {
        match database {
            ClientDatabase::Contentrepo => &self.contentrepo,
            ClientDatabase::Rhino => &self.rhino,
        }
    }

    /// Takes an entry. Entries come in their order.
    pub fn take(&mut self, Entry { sequence, at, by, content, .. }: Entry) {
        match content {
            Content::CutoverBegun(begun) => {
                let (range, index_dropped, done) = (None, false, None);
                let run = Run { sequence, at, by, begun: *begun, range, index_dropped, done };
                self.of_mut(run.begun.database).begin(run);
            }
            Content::CutoverStatement(statement) => {
                self.of_mut(statement.database).state(statement);
            }
            Content::StepDone { step } => {
                for database in [ClientDatabase::Contentrepo, ClientDatabase::Rhino] {
                    for direction in [Direction::ToS3, Direction::ToMogile] {
                        if database.step(direction) == step {
                            self.of_mut(database).end(direction, sequence);
                        }
                    }
                }
            }
            Content::SmokeKey(key) => self.smoke.take(key),
            Content::Evidence(_)
            | Content::JobsBegun { .. }
            | Content::GateOverridden(_)
            | Content::Note { .. }
            | Content::Data(_)
            | Content::Restored { .. }
            | Content::IntermediariesCondemned { .. }
            | Content::IntermediariesDeleted { .. }
            | Content::TemporarySeen { .. }
            | Content::TemporaryCondemned { .. }
            | Content::TemporaryDeleted { .. }
            | Content::RekeyBegun { .. }
            | Content::RekeyEnded { .. }
            | Content::Frozen { .. }
            | Content::FilesAccepted { .. }
            | Content::AcceptanceEnded { .. }
            | Content::Other => {}
        }
    }

    const fn of_mut(&mut self, database: ClientDatabase) -> &mut Standing {
        match database {
            ClientDatabase::Contentrepo => &mut self.contentrepo,
            ClientDatabase::Rhino => &mut self.rhino,
        }
    }
}

/// Reads the whole journal.
pub async fn read_cutovers(
    journal: &dyn Journal,
    clock: &dyn Clock,
    salt: u64,
) -> Result<Cutovers, UnreadableJournal> {
    let (mut cutovers, mut faults) = (Cutovers::default(), Vec::new());
    let mut each = |stored: &StoredEntry, found: Vec<ChainFault>| {
        faults.extend(found);
        // A line that is no entry has a fault.
        if let Ok(entry) = Entry::parse(&stored.line) {
            cutovers.take(entry);
        }
    };
    let end = read_journal(journal, clock, salt, &mut each).await?;
    faults.extend(end.fault);
    match faults.into_iter().next() {
        Some(fault) => Err(UnreadableJournal::Changed(fault)),
        None => Ok(cutovers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::NamesBefore;

    fn content(what: char) -> Content {
        let database = ClientDatabase::Rhino;
        let direction = if what.is_lowercase() { Direction::ToMogile } else { Direction::ToS3 };
        let statement =
            |does| Content::CutoverStatement(CutoverStatement { database, direction, does });
        match what.to_ascii_uppercase() {
            'B' => {
                let names = NamesBefore {
                    rows: [("a".to_owned(), 7)].into(),
                    last: Some("9".to_owned()),
                    ..NamesBefore::default()
                };
                let begun = CutoverBegun::new(database, direction, "db:3306/rhino", names);
                Content::CutoverBegun(Box::new(CutoverBegun { freeze: Some(1), ..begun }))
            }
            'D' => statement(Statement::DropIndex),
            'R' => statement(Statement::RenameRows { first: "1".into(), last: "9".into() }),
            'A' => statement(Statement::AddIndex),
            'E' => Content::StepDone { step: database.step(direction).to_owned() },
            _ => Content::Other,
        }
    }

    /// `B` a change that begins, `D` the index that is dropped, `R` rows that are renamed, `A` the index that is
    /// created, `E` the end; small letters are the way back. Then the phase, whether a range is known, and
    /// whether the index may be missing.
    #[test]
    fn a_database_is_where_its_last_entry_says() {
        for (entries, phase, has_range, index_may_be_missing) in [
            ("", Phase::Before, false, false),
            ("?", Phase::Before, false, false),
            ("B", Phase::UnderWay, false, false),
            ("BD", Phase::UnderWay, false, true),
            ("BDR", Phase::UnderWay, true, true),
            ("BDRA", Phase::UnderWay, true, true),
            ("BDRAE", Phase::CutOver, true, false),
            ("BDRAEb", Phase::UnderWayBack, false, false),
            ("BDb", Phase::UnderWayBack, false, true),
            ("BDRbdr", Phase::UnderWayBack, true, true),
            ("BDRAEbdrae", Phase::Before, false, false),
            ("BDRbdraeB", Phase::UnderWay, false, false),
            ("BDB", Phase::UnderWay, false, true),
            ("b", Phase::UnderWayBack, false, false),
        ] {
            let mut cutovers = Cutovers::default();
            for (sequence, what) in (1..).zip(entries.chars()) {
                cutovers.take(Entry {
                    migration: "ledger".to_owned(),
                    sequence,
                    previous: None,
                    at: Timestamp(sequence),
                    by: "an operator".to_owned(),
                    writer: 1,
                    content: content(what),
                });
            }
            let standing = cutovers.of(ClientDatabase::Rhino);
            assert_eq!(standing.phase(), phase, "{entries}");
            let range = standing.run().and_then(|run| run.range.as_ref());
            assert_eq!(range.is_some(), has_range, "{entries}");
            assert_eq!(standing.index_may_be_missing(), index_may_be_missing, "{entries}");
            assert_eq!(cutovers.of(ClientDatabase::Contentrepo).phase(), Phase::Before);
        }
    }
}
