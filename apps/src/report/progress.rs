use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use adapters::calls::{Calls, Silence, System};
use domain::engine::{JobEnd, OutageObserver, RunObserver, Stop, WorkObserver};
use domain::migrate::Page;
use domain::queue::EnqueueObserver;
use domain::{Delivery, Failure, QueueDepth, Reason, ReasonKind, SourceFile, limits};
use indicatif::{ProgressBar, ProgressStyle};

use super::meter::{Counts, Meter};

/// How often a terminal is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(250);

/// How often a line is written where stderr is no terminal: often enough to see that the run lives.
const TOLD_EVERY: Duration = Duration::from_secs(30);

/// How often it is looked whether all systems answer.
const LOOKED_EVERY: Duration = Duration::from_secs(1);

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
    bytes: AtomicU64,
    failures: AtomicU64,
}

/// Says something between the pictures of a bar.
#[derive(Clone)]
pub struct Teller(ProgressBar);

impl Progress {
    /// Begins to draw.
    #[must_use]
    pub fn start(calls: &Arc<Calls>) -> (Self, Teller) {
        let shared = Arc::<Shared>::default();
        let bar = if io::stderr().is_terminal() {
            ProgressBar::no_length()
        } else {
            ProgressBar::hidden()
        };
        let (end, ended) = mpsc::channel();
        let drawn = (Arc::clone(&shared), Arc::clone(calls), bar.clone());
        let drawing = thread::spawn(move || draw(&drawn.0, &drawn.1, &drawn.2, &ended));
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
fn draw(shared: &Shared, calls: &Calls, bar: &ProgressBar, ended: &mpsc::Receiver<()>) {
    let begun = Instant::now();
    let every = if bar.is_hidden() { LOOKED_EVERY } else { DRAWN_EVERY };
    let (mut meter, mut has_length) = (Meter::new(), false);
    let (mut silences, mut told_at) = (Silences::default(), begun);
    bar.set_style(style("{spinner} {msg} ({elapsed})"));
    while ended.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Timeout) {
        for words in silences.look(&calls.silent(), |system| calls.is_answered(system)) {
            bar.suspend(|| eprintln!("{words}"));
        }
        if bar.is_hidden() && told_at.elapsed() < TOLD_EVERY {
            continue;
        }
        told_at = Instant::now();
        let (counts, expected) = shared.read();
        let reading = meter.read(begun.elapsed(), counts, expected);
        if bar.is_hidden() {
            eprintln!("{reading}");
            continue;
        }
        if let Some(expected) = expected.filter(|_| !has_length) {
            has_length = true;
            bar.set_length(expected);
            bar.set_style(style("{wide_bar} {msg} ({elapsed})"));
        }
        bar.set_position(counts.rows);
        bar.set_message(reading.to_string());
        bar.tick();
    }
    bar.finish_and_clear();
}

/// The systems that were reported as silent.
#[derive(Default)]
struct Silences(BTreeSet<System>);

impl Silences {
    /// Returns the lines to print: each silent system once, and once when it answers again.
    fn look(&mut self, silent: &[Silence], is_answered: impl Fn(System) -> bool) -> Vec<String> {
        let new = silent.iter().filter(|silence| self.0.insert(silence.system));
        let mut words: Vec<_> = new.map(|silence| format!("waiting for {silence}")).collect();
        let is_silent = |system| silent.iter().any(|silence| silence.system == system);
        for system in self.0.extract_if(.., |system| !is_silent(*system) && is_answered(*system)) {
            words.push(format!("{system}: answers again"));
        }
        words
    }
}

impl Shared {
    fn read(&self) -> (Counts, Option<u64>) {
        let counts = Counts {
            rows: self.rows.load(Ordering::Relaxed),
            files: self.files.load(Ordering::Relaxed),
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
}

impl EnqueueObserver for Progress {
    fn expect(&self, rows: Option<u64>, _queue: &QueueDepth) {
        self.shared.expected.store(rows.unwrap_or_default(), Ordering::Relaxed);
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
            log_failure(delivery, failure);
        } else {
            self.shared.bytes.fetch_add(length, Ordering::Relaxed);
        }
        self.shared.files.fetch_add(1, Ordering::Relaxed);
        self.shared.rows.fetch_add(1, Ordering::Relaxed);
    }
}

impl OutageObserver for Progress {
    fn holding(&self, why: &Reason) {
        tracing::warn!("paused until it can be reached again: {why}");
    }

    fn going_on(&self) {
        tracing::warn!("it can be reached again: continuing");
    }
}

/// Logs each failure once, with what identifies it. A job that was not started because of a signal is
/// no trouble.
fn log_failure(delivery: &Delivery, failure: &Failure) {
    let (attempt, message_id) = (delivery.attempt, &delivery.message);
    match &delivery.job {
        Ok(job) if failure.reason.kind == ReasonKind::NotStarted => {
            tracing::info!(fid = job.fid.0, key = job.dkey, attempt, message_id, "{failure}");
        }
        Ok(job) => {
            let (fid, key) = (job.fid.0, &job.dkey);
            tracing::warn!(fid, key, attempt, message_id, "given back: {failure}");
        }
        Err(bad) => {
            let fid = bad.fid.map(|fid| fid.0);
            tracing::warn!(fid, attempt, message_id, "given back: {failure}");
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
