//! The script of faults of the port face, the count of its calls, and how long they take.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ports::Clock;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::VirtualClock;

/// The calls of the ports. A call's key, by which a fault can be aimed, is what it names: an
/// address, a MogileFS key, a URL, fids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// `SourceIndex::page`; the fid behind which it begins.
    Page,
    /// `KeyRanges::rows_between` and `rows_without_key`; the first bound, or the fid.
    RowsBetween,
    /// `SourceIndex::row`; the fid.
    Row,
    /// `SourceIndex::count`; the domain.
    Count,
    /// `SourceIndex::domains`; nothing.
    Domains,
    /// `SourceIndex::storage_classes`; the domain.
    StorageClasses,
    /// `SourceFiles::replicas`; the MogileFS key.
    Replicas,
    /// `SourceFiles::fid_of` and `devices_of`; the key.
    FileInfo,
    /// `SourceFiles::open`; the replica's URL.
    Open,
    /// `SourceFiles::delete`; the MogileFS key.
    DeleteFile,
    /// `SourceFiles::rename`; both MogileFS keys.
    RenameFile,
    /// `ObjectStore::put`; the target's address.
    Put,
    /// `ObjectStore::copy`; the source's key and the target's address.
    Copy,
    /// `ObjectStore::head`; the address.
    Head,
    /// `ObjectStore::read`; the address.
    Read,
    /// `ObjectStore::delete`; the address.
    Delete,
    /// `ObjectStore::list`; bucket and prefix as an address.
    List,
    /// `Ledger::record`; the fids.
    Record,
    /// `Ledger::read`; the fids.
    Recall,
    /// `Ledger::scan`; the segment's number.
    Scan,
    /// `JobQueue::send`; the fids.
    Send,
    /// `JobQueue::receive`; the queue's name.
    Receive,
    /// `JobQueue::delete`; the queue's name, and the bodies of the messages.
    Acknowledge,
    /// `JobQueue::set_visibility`; the queue's name, and the bodies of the messages.
    SetVisibility,
    /// `JobQueue::depth`; the queue's name.
    Depth,
    /// `FailureLog::note`; the fids.
    NoteFailures,
    /// `FailureLog::clear`; the fids.
    ClearFailures,
    /// `FailureLog::read`; the fids.
    ReadFailures,
    /// `FailureLog::scan`; empty.
    ScanFailures,
    /// `VerificationLog::record`; the fids.
    RecordVerifications,
    /// `VerificationLog::verified`; the run.
    Verified,
    /// `Journal::head`; the migration.
    JournalHead,
    /// `Journal::last`; the migration.
    JournalLast,
    /// `Journal::append`; the entry's number.
    Append,
    /// `Journal::restore`; the number of the entry that says so.
    RestoreJournal,
    /// `Journal::read`; the migration.
    ReadJournal,
}

/// One thing that goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortFault {
    /// Nothing happens, and no answer comes.
    RequestLost,
    /// Everything happens, and no answer comes. Content that is read breaks off half-way.
    AnswerLost,
    /// The other side says that it cannot now. Of a batch that is written half is; else nothing
    /// happens.
    Busy,
    /// Of a batch for the queue the first half happens, and the answer tells of each of the others
    /// that it failed for now. Else like [`Self::Busy`].
    HalfFails,
}

/// Which calls a fault strikes: the next `times` that match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRule {
    /// The call.
    pub call: Call,
    /// A part of its key; empty for every one.
    pub key: String,
    /// How often.
    pub times: u32,
    /// What happens.
    pub fault: PortFault,
}

/// The script of faults, the count of calls, and how long calls take; shared by every port of a
/// world.
#[derive(Default)]
pub struct PortFaults {
    script: Mutex<Script>,
    pace: Option<Pace>,
}

#[derive(Default)]
struct Script {
    rules: Vec<PortRule>,
    counts: BTreeMap<Call, u64>,
}

/// How long calls take.
struct Pace {
    clock: Arc<VirtualClock>,
    random: Mutex<ChaCha8Rng>,
}

/// A request or an answer is on its way for at most so long.
const LONGEST_WAY_MILLIS: u64 = 30;

impl PortFaults {
    /// Calls take no time, so that they run in the order in which they are begun.
    #[must_use]
    pub fn instant() -> Self {
        Self::default()
    }

    /// Every request and every answer takes its time, by the seed: calls overlap and overtake one
    /// another.
    #[must_use]
    pub fn paced(clock: Arc<VirtualClock>, seed: u64) -> Self {
        let random = Mutex::new(ChaCha8Rng::seed_from_u64(seed));
        Self { script: Mutex::default(), pace: Some(Pace { clock, random }) }
    }

    /// Adds a rule at the end of the script. Of rules that match one call the first is spent first.
    pub fn add(&self, rule: PortRule) {
        self.script(|script| script.rules.push(rule));
    }

    /// Strikes the next `times` calls whose key contains `key`.
    pub fn strike(&self, call: Call, key: &str, fault: PortFault, times: u32) {
        self.add(PortRule { call, key: key.to_owned(), times, fault });
    }

    /// Forgets every rule.
    pub fn clear(&self) {
        self.script(|script| script.rules.clear());
    }

    /// Whether every rule has struck as often as it should.
    #[must_use]
    pub fn are_spent(&self) -> bool {
        self.script(|script| script.rules.iter().all(|rule| rule.times == 0))
    }

    /// The calls made since this was last asked.
    pub fn take_counts(&self) -> BTreeMap<Call, u64> {
        self.script(|script| std::mem::take(&mut script.counts))
    }

    /// Counts one call and carries it out, as far as the script lets it.
    pub(super) async fn meet<T>(
        &self,
        call: Call,
        key: &str,
        effect: impl Future<Output = T> + Send,
    ) -> Met<T> {
        let fault = self.script(|script| {
            *script.counts.entry(call).or_default() += 1;
            let due = |rule: &&mut PortRule| {
                rule.call == call && rule.times > 0 && key.contains(&rule.key)
            };
            let rule = script.rules.iter_mut().find(due)?;
            rule.times -= 1;
            Some(rule.fault)
        });
        self.way().await;
        let met = match fault {
            None => Met::Answer(effect.await),
            Some(PortFault::RequestLost) => Met::RequestLost,
            Some(PortFault::AnswerLost) => Met::AnswerLost(effect.await),
            Some(PortFault::Busy) => Met::Busy,
            Some(PortFault::HalfFails) => Met::HalfFails,
        };
        self.way().await;
        met
    }

    async fn way(&self) {
        let Some(pace) = &self.pace else { return };
        let millis = {
            let mut random = pace.random.lock().unwrap_or_else(PoisonError::into_inner);
            random.random_range(0..=LONGEST_WAY_MILLIS)
        };
        pace.clock.sleep(Duration::from_millis(millis)).await;
    }

    fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What became of a call.
pub(super) enum Met<T> {
    Answer(T),
    RequestLost,
    /// With the answer that nobody gets.
    AnswerLost(T),
    Busy,
    HalfFails,
}

impl<T> Met<T> {
    /// The answer that came, or why none did.
    pub(super) fn answer(self) -> Result<T, NoAnswer> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::RequestLost | Self::AnswerLost(_) => Err(NoAnswer::Lost),
            Self::Busy | Self::HalfFails => Err(NoAnswer::Busy),
        }
    }
}

/// Why a call was not answered.
#[derive(Debug, Clone, Copy)]
pub(super) enum NoAnswer {
    Lost,
    Busy,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "the connection was closed before an answer came",
            Self::Busy => "slow down",
        })
    }
}

impl std::error::Error for NoAnswer {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_what_it_is_aimed_at_and_no_more_often_than_it_should() {
        let faults = PortFaults::instant();
        faults.strike(Call::Put, "a", PortFault::RequestLost, 1);
        faults.strike(Call::Put, "", PortFault::AnswerLost, 1);
        let mut effects = 0;
        let mut fates = Vec::new();
        for (call, key) in [
            (Call::Head, "a"),
            (Call::Put, "b"),
            (Call::Put, "b"),
            (Call::Put, "a"),
            (Call::Put, "a"),
        ] {
            let met = VirtualClock::default().run(faults.meet(call, key, async { effects += 1 }));
            fates.push(match met.unwrap() {
                Met::Answer(()) => "answer",
                Met::RequestLost => "request lost",
                Met::AnswerLost(()) => "answer lost",
                Met::Busy | Met::HalfFails => "busy",
            });
        }
        assert_eq!(fates, ["answer", "answer lost", "answer", "request lost", "answer"]);
        assert_eq!(effects, 4);
        assert!(faults.are_spent());
        assert_eq!(faults.take_counts(), BTreeMap::from([(Call::Put, 4), (Call::Head, 1)]));
        assert_eq!(faults.take_counts(), BTreeMap::new());
    }

    #[test]
    fn calls_take_their_time_by_the_seed() {
        let durations = |seed| {
            let clock = Arc::<VirtualClock>::default();
            let faults = PortFaults::paced(Arc::clone(&clock), seed);
            let begun = clock.now().0;
            let call = || {
                clock.run(faults.meet(Call::Head, "", async {})).unwrap();
                clock.now().0 - begun
            };
            std::iter::repeat_with(call).take(10).collect::<Vec<_>>()
        };
        assert_eq!(durations(1), durations(1));
        assert_ne!(durations(1), durations(2));
    }
}
