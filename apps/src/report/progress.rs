use std::time::Duration;

use domain::steps::RunObserver;
use domain::{ByteCount, Failure, Fid};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};

/// A progress bar on stderr: rows, files, bytes, rate, failures and the time left. Nothing is
/// drawn where stderr is no terminal.
pub struct Progress {
    bar: ProgressBar,
    bytes: AtomicU64,
    failures: AtomicU64,
}

impl Progress {
    /// Draws it.
    #[must_use]
    pub fn start() -> Self {
        let bar = ProgressBar::no_length().with_style(style("{spinner} {human_pos} rows"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, bytes: AtomicU64::new(0), failures: AtomicU64::new(0) }
    }

    /// Takes it away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn tell(&self) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        let failures = self.failures.load(Ordering::Relaxed);
        let rate = HumanBytes(bytes / self.bar.elapsed().as_secs().max(1));
        self.bar.set_message(format!("{}, {rate}/s, {failures} failed", HumanBytes(bytes)));
    }
}

impl RunObserver for Progress {
    fn expect(&self, rows: Option<u64>) {
        if let Some(rows) = rows {
            self.bar.set_length(rows);
            self.bar
                .set_style(style("{wide_bar} {human_pos}/{human_len} rows, {per_sec}, {eta} left"));
        }
    }

    fn passed_over(&self, rows: u64) {
        self.bar.inc(rows);
    }

    fn settled(&self, _fid: Fid, length: ByteCount, failure: Option<&Failure>) {
        match failure {
            None => self.bytes.fetch_add(length.0, Ordering::Relaxed),
            Some(_) => self.failures.fetch_add(1, Ordering::Relaxed),
        };
        self.bar.inc(1);
        self.tell();
    }
}

fn style(first: &str) -> ProgressStyle {
    ProgressStyle::with_template(&format!("{first}, {{msg}} ({{elapsed}})"))
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
