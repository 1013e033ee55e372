//! Message moves: dead letters go back where they came from, so many a second.

use std::time::{Duration, SystemTime};

use super::message::millis;
use super::queues::arn_of;
use super::state::State;
use super::{SqsError, SqsWorld, Standing};

/// Messages a second that a move makes, if it is not told (SQS's API reference: at most 500).
const FASTEST: u32 = 500;

/// Moves that a queue remembers.
const REMEMBERED: usize = 10;

/// How far a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveStatus {
    /// It goes on.
    Running,
    /// It has moved all there was.
    Completed,
    /// It was cancelled.
    Cancelled,
    /// A message could not be moved.
    Failed,
}

impl MoveStatus {
    /// SQS's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
        }
    }
}

/// One move of all messages of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveTask {
    /// What cancels it.
    pub handle: String,
    /// The queue whose messages are moved.
    pub source: String,
    /// Where they go, if not where each came from.
    pub destination: Option<String>,
    /// How many a second, if it was told.
    pub per_second: Option<u32>,
    /// When it began.
    pub started: SystemTime,
    /// How far it is.
    pub status: MoveStatus,
    /// Messages moved so far.
    pub moved: u64,
    /// Messages that were there when it began.
    pub to_move: u64,
    /// Why it failed.
    pub failure: Option<&'static str>,
}

impl MoveTask {
    /// When it began, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn started_millis(&self) -> u64 {
        millis(self.started)
    }

    fn rate(&self) -> u32 {
        self.per_second.unwrap_or(FASTEST)
    }

    /// The moment at which the message after so many is moved.
    fn due(&self, moved: u64) -> SystemTime {
        let seconds = Duration::from_secs(moved + 1) / self.rate();
        self.started + seconds
    }
}

impl SqsWorld {
    /// Begins to move the messages of a dead-letter queue.
    pub fn start_move(
        &self,
        source: &str,
        destination: Option<&str>,
        per_second: Option<u32>,
    ) -> Result<MoveTask, SqsError> {
        if let Some(rate) = per_second.filter(|rate| !(1..=FASTEST).contains(rate)) {
            return Err(SqsError::InvalidParameterValue {
                name: "MaxNumberOfMessagesPerSecond",
                value: rate.to_string(),
                why: format!("it must be from 1 to {FASTEST}"),
            });
        }
        if self.dead_letter_sources(source).map_err(|_| not_found(source))?.is_empty() {
            let why = "the source is not a dead-letter queue";
            return Err(SqsError::InvalidParameterValue {
                name: "SourceArn",
                value: arn_of(source),
                why: why.to_owned(),
            });
        }
        let task = self.at_present(|state, now| {
            if let Some(missing) = destination.filter(|name| !state.queues.contains_key(*name)) {
                return Err(not_found(missing));
            }
            if state.moves.iter().any(|task| task.source == source && task.is_running()) {
                let why = format!("there is already a task running for {source}");
                return Err(SqsError::UnsupportedOperation(why));
            }
            let task = MoveTask {
                handle: state.lots.name(),
                source: source.to_owned(),
                destination: destination.map(str::to_owned),
                per_second,
                started: now,
                status: MoveStatus::Running,
                moved: 0,
                to_move: state.queue(source)?.ready() as u64,
                failure: None,
            };
            state.moves.push(task.clone());
            Ok(task)
        })?;
        // Those who wait for messages of other queues must learn when some will come.
        self.arrivals.notify_waiters();
        Ok(task)
    }

    /// The last moves of a queue, newest first.
    pub fn moves(&self, source: &str) -> Result<Vec<MoveTask>, SqsError> {
        self.at_present(|state, _| {
            state.queue(source).map_err(|_| not_found(source))?;
            let of_source = state.moves.iter().rev().filter(|task| task.source == source);
            Ok(of_source.take(REMEMBERED).cloned().collect())
        })
    }

    /// Stops a move, and tells how many messages it has moved. They stay where they are.
    pub fn cancel_move(&self, handle: &str) -> Result<u64, SqsError> {
        self.at_present(|state, _| {
            let task = state.moves.iter_mut().find(|task| task.handle == handle);
            let task = task.filter(|task| task.is_running());
            let Some(task) = task else {
                let why = "there is no such task running".to_owned();
                return Err(SqsError::ResourceNotFoundException(why));
            };
            task.status = MoveStatus::Cancelled;
            Ok(task.moved)
        })
    }
}

impl MoveTask {
    fn is_running(&self) -> bool {
        self.status == MoveStatus::Running
    }
}

impl State {
    /// When the next message is moved to this queue, if any is.
    pub(super) fn next_move(&self, queue: &str) -> Option<SystemTime> {
        let comes_here = |task: &&MoveTask| {
            task.is_running() && task.destination.as_deref().is_none_or(|name| name == queue)
        };
        self.moves.iter().filter(comes_here).map(|task| task.due(task.moved)).min()
    }

    /// Moves what is due.
    pub(super) fn move_on(&mut self, now: SystemTime) {
        let mut tasks = std::mem::take(&mut self.moves);
        for task in tasks.iter_mut().filter(|task| task.is_running()) {
            while task.is_running() && task.due(task.moved) <= now {
                self.move_one(task);
            }
        }
        self.moves = tasks;
    }

    fn move_one(&mut self, task: &mut MoveTask) {
        let moment = task.due(task.moved);
        let source = self.queues.get(&task.source);
        let next = source.and_then(|queue| Some((queue, queue.oldest()?)));
        let Some((queue, number)) = next.filter(|_| task.moved < task.to_move) else {
            task.status = MoveStatus::Completed;
            return;
        };
        let origin = queue.message(number).and_then(|message| message.dead_letter_of.clone());
        let destination = task.destination.clone().or(origin);
        let Some(destination) = destination.filter(|name| self.queues.contains_key(name)) else {
            task.status = MoveStatus::Failed;
            task.failure = Some("CouldNotDetermineMessageSource");
            return;
        };
        let message = self.queues.get_mut(&task.source).and_then(|queue| queue.remove(number));
        let Some(mut message) = message else { return };
        // It is a new message there (SQS's developer guide, "dead-letter queue redrive").
        message.id = self.lots.name();
        message.sent = moment;
        message.first_received = None;
        message.receive_count = 0;
        message.received_before = 0;
        message.delivery = None;
        message.dead_letter_of = None;
        message.standing = Standing::Waiting;
        let number = self.next_number();
        if let Some(queue) = self.queues.get_mut(&destination) {
            queue.add(number, message);
            queue.tally.moved_in += 1;
        }
        task.moved += 1;
        if task.moved == task.to_move {
            task.status = MoveStatus::Completed;
        }
    }
}

fn not_found(queue: &str) -> SqsError {
    SqsError::ResourceNotFoundException(format!("the queue {} does not exist", arn_of(queue)))
}
