//! Sends the statements of a change, each behind its entry in the journal, and tries them again.

use std::time::Duration;

use super::pace::ChunkRows;
use super::trouble::{IndexSight, Reached, RhinoTrouble};
use super::{Conduct, RhinoPorts, RhinoProgress};
use crate::cleanup::stop::is_asked;
use crate::journal::{
    ClientDatabase, Content, CutoverStatement, Direction, NamesBefore, Statement,
};
use crate::name_changes::NameChanges;
use crate::ports::{ChangeError, IndexDefinition, RhinoSession, RowId, RowRange};
use crate::retry::{Classed, ErrorClass, backoff};
use crate::runbook::JournalWriter;
use crate::{Timestamp, limits};

/// A change that is carried out.
pub(super) struct Work<'a> {
    pub(super) ports: &'a RhinoPorts,
    pub(super) writer: &'a mut JournalWriter,
    pub(super) conduct: &'a Conduct<'a>,
    pub(super) direction: Direction,
    /// The session that holds the lock; [`None`] before the first one, and where it has ended.
    session: Option<Box<dyn RhinoSession>>,
    /// Whether this change held the lock before: who holds it then may be our own session, of which the server
    /// has not learned that it ended.
    had_session: bool,
    /// The entry of the statement that this session may send.
    entered: Option<Statement>,
    /// Failed tries of the statement that is next, and when the first of them failed.
    failed: Option<(u32, Timestamp)>,
    pub(super) chunk: ChunkRows,
    pub(super) reached: Reached,
}

/// What a statement does, with all that it needs.
pub(super) enum Act<'a> {
    DropIndex,
    AddIndex(&'a IndexDefinition),
    Rename { rows: RowRange, changes: &'a NameChanges, kept: Vec<RowId> },
}

impl Act<'_> {
    fn statement(&self) -> Statement {
        match self {
            Self::DropIndex => Statement::DropIndex,
            Self::AddIndex(_) => Statement::AddIndex,
            Self::Rename { rows: RowRange { first, last }, .. } => {
                Statement::RenameRows { first: first.to_string(), last: last.to_string() }
            }
        }
    }

    /// Sends it. Returns the number of rows that were renamed.
    async fn send(&self, session: &mut dyn RhinoSession) -> Result<u64, ChangeError> {
        match self {
            Self::DropIndex => session.drop_index().await.map(|_| 0),
            Self::AddIndex(index) => session.add_index(index).await.map(|_| 0),
            Self::Rename { rows, changes, kept } => {
                Ok(session.rename_buckets(*rows, changes, kept).await?.iter().sum())
            }
        }
    }
}

/// Whether an operator has asked to stop.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GoOn {
    Yes,
    Stop,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        ports: &'a RhinoPorts,
        writer: &'a mut JournalWriter,
        conduct: &'a Conduct<'a>,
        (direction, rows, names): (Direction, u64, &NamesBefore),
    ) -> Self {
        // Until the server is asked.
        let index = if names.index.is_some() { IndexSight::There } else { IndexSight::None };
        Self {
            ports,
            writer,
            conduct,
            direction,
            session: None,
            had_session: false,
            entered: None,
            failed: None,
            chunk: conduct.pace.chunk,
            reached: Reached { direction, renamed: 0, of: rows, index },
        }
    }

    pub(super) fn report(&self, progress: RhinoProgress) {
        (self.conduct.progress)(progress);
    }

    /// Takes the lock of all operators, where this change does not hold it.
    pub(super) async fn lock(&mut self) -> Result<(), RhinoTrouble> {
        while self.session.is_none() {
            match self.ports.changes.lock().await {
                Ok(session) => {
                    (self.session, self.had_session) = (Some(session), true);
                    // What was entered before the lock was lost is no fence any more.
                    self.entered = None;
                }
                Err(error) => self.wait(error).await?,
            }
        }
        Ok(())
    }

    /// Tries a statement once, behind its entry in the journal, and returns the number of rows that it has
    /// renamed. [`None`] means that it was not carried out, or perhaps not: the caller sends it again, or a
    /// smaller one of the same rows. Every statement leads to the same rows a second time.
    pub(super) async fn attempt(&mut self, act: &Act<'_>) -> Result<Option<u64>, RhinoTrouble> {
        self.lock().await?;
        let statement = act.statement();
        if self.entered.as_ref() != Some(&statement) {
            self.enter(&statement).await?;
        }
        let Some(session) = &mut self.session else { return Ok(None) };
        let sent = act.send(session.as_mut()).await;
        if let Some(sight) = sight_behind(act, &sent)
            && self.reached.index != IndexSight::None
        {
            self.reached.index = sight;
        }
        match sent {
            Ok(rows) => {
                (self.failed, self.entered) = (None, None);
                self.reached.renamed += rows;
                Ok(Some(rows))
            }
            Err(error) => {
                if matches!(error, ChangeError::Blocked { .. }) {
                    self.chunk.was_blocked();
                }
                if ends_session(&error) {
                    self.session = None;
                }
                self.wait(error).await.map(|()| None)
            }
        }
    }

    /// Sends a statement until it is carried out.
    pub(super) async fn perform(&mut self, act: &Act<'_>) -> Result<u64, RhinoTrouble> {
        loop {
            if let Some(rows) = self.attempt(act).await? {
                return Ok(rows);
            }
        }
    }

    /// Writes the entry before a statement.
    async fn enter(&mut self, statement: &Statement) -> Result<(), RhinoTrouble> {
        let content = Content::CutoverStatement(CutoverStatement {
            database: ClientDatabase::Rhino,
            direction: self.direction,
            does: statement.clone(),
        });
        self.writer.append(content).await?;
        self.entered = Some(statement.clone());
        self.report(RhinoProgress::Statement(statement.clone()));
        Ok(())
    }

    /// Waits before the next try, or errors where the error lasts.
    async fn wait(&mut self, error: ChangeError) -> Result<(), RhinoTrouble> {
        let now = self.ports.clock.now();
        let (failed, since) = self.failed.unwrap_or((0, now));
        if !self.heals(&error) || since.until(now) >= limits::STATEMENT_TRIES_WITHIN {
            return Err(error.into());
        }
        if is_asked(&self.conduct.stop) && failed > 0 {
            return Err(error.into());
        }
        self.failed = Some((failed + 1, since));
        self.report(RhinoProgress::Waiting { why: error.to_string() });
        self.ports.clock.sleep(backoff(failed + 1, self.conduct.salt)).await;
        Ok(())
    }

    fn heals(&self, error: &ChangeError) -> bool {
        match error {
            ChangeError::SessionLost { .. } => true,
            ChangeError::Locked { .. } => self.had_session,
            ChangeError::Unavailable { .. }
            | ChangeError::Blocked { .. }
            | ChangeError::Refused { .. }
            | ChangeError::Uncertain { .. } => error.class() == ErrorClass::Retry,
        }
    }

    /// Looks whether the next statement may be sent now, and waits while the server is too busy.
    pub(super) async fn may_go_on(&mut self) -> Result<GoOn, RhinoTrouble> {
        loop {
            if is_asked(&self.conduct.stop) {
                return Ok(GoOn::Stop);
            }
            let Some(online) = self.conduct.pace.online else { return Ok(GoOn::Yes) };
            let why = match self.ports.load.load().await {
                Ok(load) => online.exceeded(&load),
                Err(error) if error.class() == ErrorClass::Retry => Some(error.to_string()),
                Err(error) => return Err(error.into()),
            };
            let Some(why) = why else { return Ok(GoOn::Yes) };
            self.report(RhinoProgress::Paused { why });
            self.ports.clock.sleep(limits::ONLINE_POLL).await;
        }
    }

    /// The time since then.
    pub(super) fn since(&self, begun: Timestamp) -> Duration {
        begun.until(self.ports.clock.now())
    }

    /// The trouble, with how far the change is.
    pub(super) fn half_way(&self, why: RhinoTrouble) -> RhinoTrouble {
        RhinoTrouble::HalfWay { reached: self.reached.clone(), why: Box::new(why) }
    }
}

/// Whether the session can send nothing any more, or must not: what its last statement does is unknown.
const fn ends_session(error: &ChangeError) -> bool {
    match error {
        ChangeError::SessionLost { .. } | ChangeError::Uncertain { .. } => true,
        ChangeError::Unavailable { .. }
        | ChangeError::Blocked { .. }
        | ChangeError::Locked { .. }
        | ChangeError::Refused { .. } => false,
    }
}

/// What is known of the index behind a statement about it.
const fn sight_behind(act: &Act<'_>, sent: &Result<u64, ChangeError>) -> Option<IndexSight> {
    match (act, sent) {
        (Act::DropIndex, Ok(_)) => Some(IndexSight::Missing),
        (Act::AddIndex(_), Ok(_)) => Some(IndexSight::There),
        (Act::DropIndex | Act::AddIndex(_), Err(ChangeError::Uncertain { .. })) => {
            Some(IndexSight::Unknown)
        }
        // Of any other error nothing was changed.
        (Act::Rename { .. } | Act::DropIndex | Act::AddIndex(_), _) => None,
    }
}
