//! What lies behind the lock: queues with their messages, ordered by what becomes of them next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::moves::MoveTask;
use super::{Message, QueueAttributes, SqsError, SqsOptions, Standing, Tally};

/// A message's number, in the order of their sending.
pub(super) type Number = u64;

/// Of the messages that could be received, one of so many that wait longest comes next.
const RECEIVED_FROM: usize = 32;

/// One queue.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) attributes: QueueAttributes,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) created: SystemTime,
    pub(super) modified: SystemTime,
    pub(super) purged: Option<SystemTime>,
    pub(super) tally: Tally,
    messages: BTreeMap<Number, Message>,
    ready: BTreeSet<Number>,
    /// The others, by the moment at which they can be received.
    hidden: BTreeSet<(SystemTime, Number)>,
    /// All, by the moment of their sending.
    ages: BTreeSet<(SystemTime, Number)>,
    in_flight: usize,
}

impl Queue {
    pub(super) fn new(attributes: QueueAttributes, now: SystemTime) -> Self {
        Self {
            attributes,
            tags: BTreeMap::new(),
            created: now,
            modified: now,
            purged: None,
            tally: Tally::default(),
            messages: BTreeMap::new(),
            ready: BTreeSet::new(),
            hidden: BTreeSet::new(),
            ages: BTreeSet::new(),
            in_flight: 0,
        }
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    pub(super) fn message(&self, number: Number) -> Option<&Message> {
        self.messages.get(&number)
    }

    /// Where a message's own marks are changed; its standing is [`Self::place`]'s to change.
    pub(super) fn message_mut(&mut self, number: Number) -> Option<&mut Message> {
        self.messages.get_mut(&number)
    }

    pub(super) fn number_of(&self, id: &str) -> Option<Number> {
        self.messages.iter().find(|(_, message)| message.id == id).map(|(number, _)| *number)
    }

    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The first moment at which another message can be received.
    pub(super) fn next_arrival(&self) -> Option<SystemTime> {
        self.hidden.first().map(|(moment, _)| *moment)
    }

    pub(super) fn add(&mut self, number: Number, message: Message) {
        let standing = message.standing;
        self.ages.insert((message.sent, number));
        self.messages.insert(number, message);
        self.note(number, standing);
    }

    pub(super) fn remove(&mut self, number: Number) -> Option<Message> {
        let message = self.messages.remove(&number)?;
        self.ages.remove(&(message.sent, number));
        self.forget(number, message.standing);
        Some(message)
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.ready.clear();
        self.hidden.clear();
        self.ages.clear();
        self.in_flight = 0;
    }

    /// Gives a message another standing.
    pub(super) fn place(&mut self, number: Number, standing: Standing) {
        let Some(message) = self.messages.get_mut(&number) else { return };
        let before = std::mem::replace(&mut message.standing, standing);
        self.forget(number, before);
        self.note(number, standing);
    }

    /// One of those that wait longest, by lot.
    pub(super) fn draw(&self, lots: &mut Lots) -> Option<Number> {
        let among = self.ready.len().min(RECEIVED_FROM);
        let drawn = (among > 0).then(|| lots.below(among))?;
        self.ready.iter().nth(drawn).copied()
    }

    /// The one that waits longest.
    pub(super) fn oldest(&self) -> Option<Number> {
        self.ready.first().copied()
    }

    /// Lets those be received whose time has come, and drops those that are too old.
    pub(super) fn settle(&mut self, now: SystemTime) {
        while let Some((_, number)) = self.hidden.first().copied().filter(|(at, _)| *at <= now) {
            self.place(number, Standing::Waiting);
        }
        let retention = self.attributes.retention();
        while let Some((_, number)) =
            self.ages.first().copied().filter(|(sent, _)| *sent + retention <= now)
        {
            self.remove(number);
            self.tally.expired += 1;
        }
    }

    fn note(&mut self, number: Number, standing: Standing) {
        match standing {
            Standing::Waiting => {
                self.ready.insert(number);
            }
            Standing::Delayed(until) | Standing::Deleted(until) => {
                self.hidden.insert((until, number));
            }
            Standing::InFlight(until) => {
                self.hidden.insert((until, number));
                self.in_flight += 1;
            }
        }
    }

    fn forget(&mut self, number: Number, standing: Standing) {
        match standing {
            Standing::Waiting => {
                self.ready.remove(&number);
            }
            Standing::Delayed(until) | Standing::Deleted(until) => {
                self.hidden.remove(&(until, number));
            }
            Standing::InFlight(until) => {
                self.hidden.remove(&(until, number));
                self.in_flight -= 1;
            }
        }
    }
}

/// Everything, and the rules of now.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) queues: BTreeMap<String, Queue>,
    pub(super) moves: Vec<MoveTask>,
    pub(super) options: SqsOptions,
    pub(super) lots: Lots,
    /// Numbers handed out so far, to messages, deliveries and moves.
    numbers: u64,
}

impl State {
    pub(super) fn queue(&mut self, name: &str) -> Result<&mut Queue, SqsError> {
        self.queues.get_mut(name).ok_or(SqsError::QueueDoesNotExist)
    }

    pub(super) const fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Lets everything happen that time brings.
    pub(super) fn settle(&mut self, now: SystemTime) {
        for queue in self.queues.values_mut() {
            queue.settle(now);
        }
        self.move_on(now);
    }
}

/// The dice.
#[derive(Debug)]
pub(super) struct Lots(ChaCha8Rng);

impl Default for Lots {
    fn default() -> Self {
        Self(ChaCha8Rng::seed_from_u64(0))
    }
}

impl Lots {
    pub(super) fn reseed(&mut self, seed: u64) {
        self.0 = ChaCha8Rng::seed_from_u64(seed);
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    /// A name like any other of its kind.
    pub(super) fn name(&mut self) -> String {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}
