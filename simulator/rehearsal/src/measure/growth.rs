//! A command over few rows and over many, and what the many take above the few.

use super::client::Run;
use super::memory::in_mib;
use super::verdict;

/// What each row may take of the memory.
const ROW_BYTES: u64 = 12;

/// No run may hold more.
const MOST_BYTES: u64 = 200 * 1024 * 1024;

/// The runs over few rows and over many.
pub(super) struct Growth {
    few: (usize, Run),
    many: (usize, Run),
}

impl Growth {
    /// Runs a command over either number of rows, in worlds that are not there at the same time, and
    /// prints a line for each run.
    pub(super) async fn measure<F>(
        few: usize,
        many: usize,
        run: impl Fn(usize) -> F,
    ) -> anyhow::Result<Self>
    where
        F: Future<Output = anyhow::Result<Run>>,
    {
        println!("CPU time is user and system, of the command's process alone.\n");
        println!("{:>12} {:>10} {:>10} {:>10}", "rows", "MiB", "seconds", "CPU s");
        let measured = async |rows| {
            let ran = run(rows).await?;
            let (peak, seconds) = (in_mib(ran.usage.peak_rss_bytes), ran.took.as_secs_f64());
            println!("{rows:>12} {peak:>10} {seconds:>10.1} {:>10.1}", ran.usage.cpu_seconds);
            anyhow::Ok((rows, ran))
        };
        let growth = Self { few: measured(few).await?, many: measured(many).await? };
        println!();
        Ok(growth)
    }

    /// The run over many rows.
    pub(super) const fn many(&self) -> &Run {
        &self.many.1
    }

    /// Bytes that the many rows take more.
    pub(super) fn more_bytes(&self) -> u64 {
        let [few, many] = [&self.few, &self.many].map(|(_, run)| run.usage.peak_rss_bytes);
        many.saturating_sub(few)
    }

    fn more_rows(&self) -> u64 {
        (self.many.0.saturating_sub(self.few.0) as u64).max(1)
    }

    /// Rows for each second of CPU time, without what both runs take to begin.
    pub(super) fn rows_a_cpu_second(&self) -> f64 {
        let [few, many] = [&self.few, &self.many].map(|(_, run)| run.usage.cpu_seconds);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
        let rows = self.more_rows() as f64;
        rows / (many - few).max(0.01)
    }

    /// Prints whether a row takes no more memory than it may, and the many rows no more than any run may;
    /// returns whether both hold.
    pub(super) fn is_lean(&self) -> bool {
        let a_row = self.more_bytes().div_ceil(self.more_rows());
        let (lean, small) = (a_row <= ROW_BYTES, self.many().usage.peak_rss_bytes <= MOST_BYTES);
        println!("{}", verdict(&format!("{ROW_BYTES} bytes a row, {a_row} seen"), lean));
        println!("{}", verdict(&format!("{} MiB", in_mib(MOST_BYTES)), small));
        lean && small
    }
}
