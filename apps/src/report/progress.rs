#[cfg(feature = "command-line")]
mod verify;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use adapters::calls::{Calls, Silence};
use domain::engine::{JobEnd, OutageObserver, RunObserver, Stop, WorkObserver};
use domain::migrate::Page;
use domain::queue::EnqueueObserver;
use domain::{Delivery, Failure, Finding, QueueDepth, Reason, ReasonKind, SourceFile, limits};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::meter::{Counted, Counts, Meter};
use super::shell::printable_lines;
use super::silences::{LOOKED_EVERY, Silences};

/// How often a terminal is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(250);

/// How often a line is written where stderr is no terminal: often enough to see that the run lives.
const TOLD_EVERY: Duration = Duration::from_secs(30);

/// Progress on stderr: rows, files, bytes, rate, failures and the time left. A bar on a terminal;
/// elsewhere a line every half a minute.
pub struct Progress {
    shared: Arc<Shared>,
    /// Dropped, it ends the thread that draws.
    _end: mpsc::Sender<()>,
    drawing: Option<JoinHandle<()>>,
}

/// What is counted on one side and drawn on the other.
#[derive(Default)]
struct Shared {
    /// How many rows there will be; none while that is not known.
    expected: AtomicU64,
    rows: AtomicU64,
    files: AtomicU64,
    objects: AtomicU64,
    bytes: AtomicU64,
    failures: AtomicU64,
    /// Rows of contentrepo's database that were read for their types and names.
    type_rows: AtomicU64,
    /// Files of a sample whose content is read.
    sampled: AtomicU64,
    /// Rows that were read to be sorted.
    sorted: AtomicU64,
    /// Why nothing new is begun, while that is so.
    holding: Mutex<Option<String>>,
    failure_lines: Mutex<FailureLines>,
}

/// Says something between the pictures of a bar.
#[derive(Clone)]
pub struct Teller(ProgressBar);

impl Progress {
    /// Begins to draw.
    #[must_use]
    pub fn start(calls: &Arc<Calls>, counted: Counted) -> (Self, Teller) {
        let shared = Arc::<Shared>::default();
        let bar = if io::stderr().is_terminal() {
            ProgressBar::no_length()
        } else {
            ProgressBar::hidden()
        };
        let (end, ended) = mpsc::channel();
        let drawn = (Arc::clone(&shared), Arc::clone(calls), bar.clone());
        let drawing = thread::spawn(move || draw(&drawn.0, &drawn.1, &drawn.2, counted, &ended));
        (Self { shared, _end: end, drawing: Some(drawing) }, Teller(bar))
    }

    /// Takes the bar away.
    pub fn finish(mut self) {
        let drawing = self.drawing.take();
        drop(self);
        if let Some(drawing) = drawing {
            // It draws, and does nothing else: there is nothing to say if that failed.
            let _ = drawing.join();
        }
    }
}

impl Teller {
    /// One without a bar.
    #[cfg(feature = "command-line")]
    pub fn plain() -> Self {
        Self(ProgressBar::hidden())
    }

    /// What a signal means.
    pub fn stop(&self, stop: Stop) {
        let seconds = limits::STOPPING_TIME.as_secs();
        self.say(&match stop {
            Stop::Drain => format!(
                "stopping: nothing new is started, and files in progress have {seconds} s. A second \
                 signal abandons them, a third ends the process at once"
            ),
            Stop::Abandon => {
                "abandoning the files in progress; proven files are still recorded".to_owned()
            }
        });
    }

    /// Any words.
    pub fn say(&self, words: &str) {
        self.0.suspend(|| eprintln!("{words}"));
    }
}

/// Until the other end of `ended` is gone.
fn draw(
    shared: &Shared,
    calls: &Calls,
    bar: &ProgressBar,
    counted: Counted,
    ended: &mpsc::Receiver<()>,
) {
    let begun = Instant::now();
    let every = if bar.is_hidden() { LOOKED_EVERY } else { DRAWN_EVERY };
    let (mut meter, mut has_length) = (Meter::new(counted), false);
    let (mut silences, mut told_at) = (Silences::default(), begun);
    bar.set_style(style("{spinner} {msg} ({elapsed})"));
    while ended.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Timeout) {
        for words in silences.look(calls) {
            bar.suspend(|| eprintln!("{words}"));
        }
        if bar.is_hidden() && told_at.elapsed() < TOLD_EVERY {
            continue;
        }
        told_at = Instant::now();
        let waiting = shared.preparing() + &shared.waiting(&calls.silent());
        let (counts, expected) = shared.read();
        let reading = meter.read(begun.elapsed(), counts, expected);
        if bar.is_hidden() {
            eprintln!("{reading}{waiting}");
            continue;
        }
        if let Some(expected) = expected.filter(|_| !has_length) {
            has_length = true;
            bar.set_length(expected);
            bar.set_style(style("{wide_bar} {msg} ({elapsed})"));
        }
        bar.set_position(counts.rows);
        bar.set_message(format!("{reading}{waiting}"));
        bar.tick();
    }
    bar.finish_and_clear();
}

impl Shared {
    /// What is read before the first file, or behind the last one.
    fn preparing(&self) -> String {
        let sampled = self.sampled.load(Ordering::Relaxed);
        if sampled > 0 {
            return format!("; reading the content of {} files", HumanCount(sampled));
        }
        let sorted = self.sorted.load(Ordering::Relaxed);
        if sorted > 0 {
            return format!("; sorting the index: {} rows", HumanCount(sorted));
        }
        let rows = self.type_rows.load(Ordering::Relaxed);
        if rows == 0 || self.rows.load(Ordering::Relaxed) > 0 {
            return String::new();
        }
        let rows = HumanCount(rows);
        format!("; reading types and names: {rows} rows of contentrepo's database")
    }

    /// What is waited for, to stand behind the counts.
    fn waiting(&self, silent: &[Silence]) -> String {
        let holding = locked(&self.holding).clone();
        let waiting = holding.or_else(|| silent.first().map(ToString::to_string));
        let waiting = waiting.map(|why| format!("; waiting: {}", printable_lines(&why)));
        waiting.unwrap_or_default()
    }

    fn read(&self) -> (Counts, Option<u64>) {
        let counts = Counts {
            rows: self.rows.load(Ordering::Relaxed),
            files: self.files.load(Ordering::Relaxed),
            objects: self.objects.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        };
        let expected = self.expected.load(Ordering::Relaxed);
        (counts, (expected > 0).then_some(expected))
    }
}

impl RunObserver for Progress {
    fn expect(&self, rows: Option<u64>) {
        self.shared.expected.store(rows.unwrap_or_default(), Ordering::Relaxed);
    }

    fn types_read(&self, rows: u64) {
        self.shared.type_rows.store(rows, Ordering::Relaxed);
    }

    fn read(&self, page: &Page) {
        let done = page.intake.passed_over() + page.absent.len();
        self.shared.rows.fetch_add(done, Ordering::Relaxed);
    }

    fn settled(&self, file: &SourceFile, failure: Option<&Failure>) {
        match failure {
            None => self.shared.bytes.fetch_add(file.length.0, Ordering::Relaxed),
            Some(_) => self.shared.failures.fetch_add(1, Ordering::Relaxed),
        };
        self.shared.files.fetch_add(1, Ordering::Relaxed);
        self.shared.rows.fetch_add(1, Ordering::Relaxed);
    }

    fn noticed(&self, _file: &SourceFile, _finding: &Finding) {}
}

impl EnqueueObserver for Progress {
    fn expect(&self, rows: Option<u64>, _queue: &QueueDepth) {
        self.shared.expected.store(rows.unwrap_or_default(), Ordering::Relaxed);
    }

    fn types_read(&self, rows: u64) {
        self.shared.type_rows.store(rows, Ordering::Relaxed);
    }

    fn dealt_with(&self, rows: u64, sent: u64) {
        self.shared.rows.fetch_add(rows, Ordering::Relaxed);
        self.shared.files.fetch_add(sent, Ordering::Relaxed);
    }
}

impl WorkObserver for Progress {
    fn settled(&self, delivery: &Delivery, end: &JobEnd) {
        let length = delivery.job.as_ref().map_or(0, |job| job.length.0);
        if let JobEnd::Failed(failure) = end {
            self.shared.failures.fetch_add(1, Ordering::Relaxed);
            let now = Instant::now();
            let line = locked(&self.shared.failure_lines).line(failure.reason.kind, now);
            if let Some(others) = line {
                log_failure(delivery, failure, others);
            }
        } else {
            self.shared.bytes.fetch_add(length, Ordering::Relaxed);
            self.shared.files.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.rows.fetch_add(1, Ordering::Relaxed);
    }
}

impl OutageObserver for Progress {
    fn holding(&self, why: &Reason) {
        *locked(&self.shared.holding) = Some(format!("{why}; {}", next_try()));
        tracing::warn!("paused until it can be reached again: {why}; {}", next_try());
    }

    fn going_on(&self) {
        *locked(&self.shared.holding) = None;
        tracing::warn!("it can be reached again: continuing");
    }
}

/// The first comes within a second, and each next after a longer pause.
fn next_try() -> String {
    format!("the next try comes within {} s", limits::OUTAGE_PAUSE_LONGEST.as_secs())
}

/// A failure of one kind is logged at once, and then one in this time: a thousand lines of one cause
/// hide the other causes. Each is counted, and the summary names the first fids of each reason.
const FAILURES_TOLD_EVERY: Duration = Duration::from_secs(30);

/// Which failures have a line of their own.
#[derive(Default)]
struct FailureLines(BTreeMap<ReasonKind, (Instant, u64)>);

impl FailureLines {
    /// Counts a failure. Returns how many like it had no line since the last one, where this one has.
    fn line(&mut self, kind: ReasonKind, now: Instant) -> Option<u64> {
        let Some((told_at, others)) = self.0.get_mut(&kind) else {
            self.0.insert(kind, (now, 0));
            return Some(0);
        };
        if now.duration_since(*told_at) < FAILURES_TOLD_EVERY {
            *others += 1;
            return None;
        }
        *told_at = now;
        Some(std::mem::take(others))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Logs a failure with what identifies it, and how many like it were not logged before. A job that
/// was not started because of a signal is no trouble.
fn log_failure(delivery: &Delivery, failure: &Failure, others: u64) {
    let more = match others {
        0 => String::new(),
        others => format!(" (and {others} more like it since the last line)"),
    };
    let (attempt, message_id) = (delivery.attempt, &delivery.message);
    match &delivery.job {
        Ok(job)
            if matches!(
                failure.reason.kind,
                ReasonKind::NotStarted | ReasonKind::OtherSettings
            ) =>
        {
            tracing::info!(fid = job.fid.0, key = job.dkey, attempt, message_id, "{failure}{more}");
        }
        Ok(job) => {
            let (fid, key) = (job.fid.0, &job.dkey);
            tracing::warn!(
                fid,
                key,
                attempt,
                message_id,
                "failed, and goes back to the queue: {failure}{more}"
            );
        }
        Err(bad) => {
            let fid = bad.fid.map(|fid| fid.0);
            tracing::warn!(
                fid,
                attempt,
                message_id,
                "failed, and goes back to the queue: {failure}{more}"
            );
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use adapters::calls::System;

    use super::*;

    #[test]
    fn a_thousand_failures_of_one_cause_are_a_line_now_and_then() {
        let (mut lines, begun) = (FailureLines::default(), Instant::now());
        let mut at = |kind, seconds| lines.line(kind, begun + Duration::from_secs(seconds));
        assert_eq!(at(ReasonKind::NoReplica, 0), Some(0));
        for _ in 0..1_000 {
            assert_eq!(at(ReasonKind::NoReplica, 1), None);
        }
        assert_eq!(at(ReasonKind::KeyUnknown, 1), Some(0), "another cause is told at once");
        assert_eq!(at(ReasonKind::NoReplica, 31), Some(1_000));
        assert_eq!(at(ReasonKind::NoReplica, 32), None);
    }

    #[test]
    fn the_cause_stands_behind_the_counts_while_a_system_is_away() {
        let shared = Arc::<Shared>::default();
        assert_eq!(shared.waiting(&[]), "");
        let what = "no answer to PutObject for 9 s".to_owned();
        let silent = [Silence { system: System::S3, what }];
        assert_eq!(shared.waiting(&silent), "; waiting: S3: no answer to PutObject for 9 s");
        let (end, _) = mpsc::channel();
        let progress = Progress { shared, _end: end, drawing: None };
        progress.holding(&Reason::new(ReasonKind::StoreUnreachable, "no way there"));
        let waiting = || progress.shared.waiting(&silent);
        let next_try = "the next try comes within 60 s";
        assert_eq!(waiting(), format!("; waiting: s3-unreachable: no way there; {next_try}"));
        progress.going_on();
        assert_eq!(waiting(), "; waiting: S3: no answer to PutObject for 9 s");
    }
}
