//! What `status` prints.

mod cutovers;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use domain::outlook::{
    Failing, LedgerCounts, Outlook, QueueSnapshot, RATE_STALE_AFTER, Uncounted, outlook,
};
use domain::queue::{Progress, RATE_OVER};
use domain::redelivery::is_own_failure;
use domain::{Reason, limits};
use indicatif::{HumanCount, HumanDuration};
use serde::Serialize;

pub use self::cutovers::CutoverUnderWay;
use super::Report;
use super::advice::{Again, advice, advice_on};
use super::sample::write_reason;
use super::shell;
use crate::exit::Verdict;

/// How far the work has come that goes on elsewhere.
#[derive(Debug, Serialize)]
pub struct StatusReport<'a> {
    /// When this was seen, in milliseconds since the Unix epoch.
    at: u64,
    visible: u64,
    in_flight: u64,
    delayed: u64,
    dead_letters: u64,
    proven: Option<u64>,
    ledger: Option<&'a LedgerCounts>,
    rows: Option<u64>,
    uncounted: Option<&'a str>,
    files_per_second: Option<f64>,
    seconds_left: Option<u64>,
    failing: &'a BTreeMap<String, Failing>,
    safe_to_wait: bool,
    /// The reasons that a person has to end.
    must_act: Vec<&'static str>,
    outlook: Vec<String>,
    /// Changes of bucket names that were begun and are not at their end.
    cutovers: Vec<CutoverUnderWay>,
    /// Why that is not known.
    cutovers_unread: Option<String>,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(skip)]
    rate: Option<Rate>,
}

/// What `status --watch` prints where it cannot look.
#[derive(Debug, Serialize)]
pub struct StatusTrouble {
    trouble: String,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(skip)]
    advice: String,
}

/// How fast files are done now.
#[derive(Debug, Clone, Copy)]
enum Rate {
    /// Nothing was recorded for so long.
    Nothing(Duration),
    /// The files done in this time, and how long the queue takes at that rate.
    Of { files: u64, time: Duration, left: Option<Duration> },
}

impl Rate {
    /// [`None`] where the ledger was not read.
    fn new(progress: &Progress) -> Option<Self> {
        progress.sight.ledger.as_ref()?;
        let Some(lately) = progress.recorded_lately else { return Some(Self::Nothing(RATE_OVER)) };
        let Some(time) = lately.time(progress.sight.at) else {
            return Some(Self::Nothing(RATE_STALE_AFTER));
        };
        let (files, queued) = (lately.files, progress.sight.queue.all());
        let left = queued.saturating_mul(time.as_secs()).checked_div(files);
        let left = left.filter(|_| queued > 0).map(Duration::from_secs);
        Some(Self::Of { files, time, left })
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    fn a_second(self) -> f64 {
        match self {
            Self::Nothing(_) => 0.0,
            Self::Of { files, time, .. } => {
                (files as f64 / time.as_secs_f64() * 10.0).round() / 10.0
            }
        }
    }

    const fn left(self) -> Option<Duration> {
        match self {
            Self::Nothing(_) => None,
            Self::Of { left, .. } => left,
        }
    }
}

impl<'a> StatusReport<'a> {
    /// Dead letters and forgotten files are findings, and so is what makes waiting unsafe. An index that
    /// was asked for and could not be counted makes the report incomplete.
    pub fn new(progress: &'a Progress) -> Self {
        let QueueSnapshot { queue, dead_letters, failing, ledger, rows, uncounted, at } =
            &progress.sight;
        let (rate, outlooks) = (Rate::new(progress), outlook(&progress.sight));
        let safe_to_wait = outlooks.iter().all(Outlook::is_safe_to_wait);
        Self {
            at: at.0,
            visible: queue.visible,
            in_flight: queue.in_flight,
            delayed: queue.delayed,
            dead_letters: *dead_letters,
            proven: ledger.as_ref().map(|ledger| ledger.proven),
            ledger: ledger.as_ref(),
            rows: *rows,
            uncounted: uncounted.as_deref(),
            files_per_second: rate.map(Rate::a_second),
            seconds_left: rate.and_then(Rate::left).map(|left| left.as_secs()),
            failing,
            safe_to_wait,
            must_act: outlooks.iter().filter_map(must_act).collect(),
            outlook: outlooks.iter().map(|outlook| words(outlook, &progress.sight)).collect(),
            cutovers: Vec::new(),
            cutovers_unread: None,
            verdict: Verdict::of_checks(
                uncounted.is_some(),
                !safe_to_wait || outlooks.iter().any(is_finding),
            ),
            rate,
        }
    }
}

impl StatusReport<'_> {
    /// The same report, with the changes of bucket names that are under way. Each is a finding; where they are
    /// not known, the report is incomplete.
    #[must_use]
    pub fn with_cutovers(self, cutovers: Result<Vec<CutoverUnderWay>, String>) -> Self {
        let (cutovers, cutovers_unread) = match cutovers {
            Ok(cutovers) => (cutovers, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let differs = self.verdict.differs || !cutovers.is_empty();
        let incomplete = self.verdict.incomplete || cutovers_unread.is_some();
        let verdict = Verdict::of_checks(incomplete, differs);
        Self { cutovers, cutovers_unread, verdict, ..self }
    }

    const fn jobs(&self) -> Again {
        jobs(self.visible + self.in_flight + self.delayed, self.dead_letters)
    }
}

impl StatusTrouble {
    /// Nothing was seen, so nothing is known.
    pub fn new(reason: &Reason) -> Self {
        let verdict = Verdict::of_trouble(reason);
        Self { trouble: reason.to_string(), verdict, advice: advice_on(reason) }
    }
}

const fn must_act(outlook: &Outlook) -> Option<&'static str> {
    if let Outlook::NeedsPerson { reason } = outlook { Some(reason.name()) } else { None }
}

const fn is_finding(outlook: &Outlook) -> bool {
    match outlook {
        Outlook::DeadLetters(_) | Outlook::Forgotten { .. } | Outlook::ProvenElsewhere(_) => true,
        Outlook::NeedsPerson { .. }
        | Outlook::LookAtWords { .. }
        | Outlook::Waiting { .. }
        | Outlook::NotTaken { .. }
        | Outlook::RunningOut { .. }
        | Outlook::EmptyWithRowsLeft(_)
        | Outlook::Done
        | Outlook::Empty(_)
        | Outlook::Working => false,
    }
}

impl Report for StatusTrouble {
    fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "cannot look: {}\n→ {}", self.trouble, self.advice)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl Report for StatusReport<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        let (visible, in_flight, delayed) =
            (HumanCount(self.visible), HumanCount(self.in_flight), HumanCount(self.delayed));
        line(
            out,
            "queue",
            format_args!("{visible} waiting, {in_flight} in flight, {delayed} delayed"),
        )?;
        line(out, "dead letters", HumanCount(self.dead_letters))?;
        if let Some(ledger) = self.ledger {
            write_ledger(out, ledger, self.rows)?;
        }
        if let Some(why) = self.uncounted {
            let text = format_args!("the index's rows were not counted: {why}");
            line(out, "index", text)?;
        }
        if let Some(rate) = self.rate {
            write_rate(out, rate)?;
        }
        self.cutovers.iter().try_for_each(|cutover| cutover.write(out))?;
        if let Some(why) = &self.cutovers_unread {
            let text =
                format_args!("not known whether one is under way: {}", shell::printable(why));
            line(out, "cut-over", text)?;
        }
        let mut groups: Vec<_> = self.failing.iter().collect();
        groups.sort_by_key(|(_, failing)| Reverse(failing.files.files));
        if !groups.is_empty() {
            writeln!(out, "Files that failed and have not succeeded since:")?;
        }
        for (reason, failing) in groups.into_iter().take(REASONS_SHOWN) {
            write_reason(out, reason, &failing.files, |_| self.jobs())?;
        }
        self.outlook.iter().try_for_each(|words| writeln!(out, "→ {words}"))
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// Reasons of failures on a screen: those with the most files.
const REASONS_SHOWN: usize = 5;

fn line(out: &mut String, name: &str, value: impl fmt::Display) -> fmt::Result {
    writeln!(out, "{name:<14} {value}")
}

fn write_ledger(out: &mut String, ledger: &LedgerCounts, rows: Option<u64>) -> fmt::Result {
    let proven = HumanCount(ledger.proven);
    match rows {
        Some(rows) => {
            let rows = HumanCount(rows);
            line(out, "proven", format_args!("{proven} of {rows} rows in the index"))?;
        }
        None => line(out, "proven", proven)?,
    }
    for (bucket, files) in &ledger.elsewhere {
        let files = HumanCount(*files);
        line(out, "", format_args!("{files} more in bucket {bucket}, not in BUCKETS"))?;
    }
    if ledger.claimed > 0 {
        let claimed = HumanCount(ledger.claimed);
        line(out, "claimed", format_args!("{claimed} without a proof"))?;
    }
    if ledger.unreadable.files > 0 {
        let files = HumanCount(ledger.unreadable.files);
        let text = format_args!("{files} items: `mogile2s3 fids --unreadable` lists them");
        line(out, "unreadable", text)?;
    }
    Ok(())
}

/// Verifications leave no record in the ledger.
fn write_rate(out: &mut String, rate: Rate) -> fmt::Result {
    let (files, time) = match rate {
        Rate::Nothing(time) => {
            let time = HumanDuration(time);
            let text = format_args!(
                "no file was migrated in the last {time} (verifications are not counted)"
            );
            return line(out, "rate", text);
        }
        Rate::Of { files, time, .. } => (HumanCount(files), HumanDuration(time)),
    };
    let left = rate.left().map(|left| format!(", {} left at this rate", HumanDuration(left)));
    let (a_second, left) = (rate.a_second(), left.unwrap_or_default());
    let text = format_args!(
        "{files} files migrated in the last {time}, {a_second} files/s{left} (verifications are not \
         counted)"
    );
    line(out, "rate", text)
}

/// Where the jobs of failed files are.
const fn jobs(in_queue: u64, dead_letters: u64) -> Again {
    match (in_queue, dead_letters) {
        (0, 0) => Again::NoJobs,
        (0, _) => Again::DeadLetters,
        (_, _) => Again::Queue,
    }
}

fn words(outlook: &Outlook, sight: &QueueSnapshot) -> String {
    let jobs = jobs(sight.queue.all(), sight.dead_letters);
    match outlook {
        Outlook::DeadLetters(letters) => {
            let letters = HumanCount(*letters);
            format!("{letters} dead letters: `mogile2s3 dlq list` shows why.")
        }
        Outlook::Waiting { reason } => format!(
            "{reason}: the queue delivers these jobs again, and they succeed when the cause is over. \
             Waiting is safe."
        ),
        Outlook::NeedsPerson { reason } => {
            let until_then = if is_own_failure(*reason) {
                format!("A job that has failed {} times is a dead letter", limits::TRIES)
            } else {
                "The jobs stay in the queue, fourteen days at most, and fail until it is mended"
                    .to_owned()
            };
            let advice = advice(*reason, jobs);
            format!("{reason}: YOU MUST ACT. Waiting does not end this. {until_then}: {advice}.")
        }
        Outlook::LookAtWords { reason } => format!(
            "{reason}: look at the words above. What cannot be reached comes back by itself. What \
             does not exist, or refuses, waits for you: {}.",
            advice(*reason, jobs)
        ),
        Outlook::NotTaken { waiting } => format!(
            "{} jobs wait, and none is in flight: no worker takes jobs now. Start `mogile2s3 work`; \
             or, where the function should work, look whether its event source mapping is enabled. \
             The queue's figures can be a minute old.",
            HumanCount(*waiting)
        ),
        Outlook::RunningOut { reason, attempts, deliveries } => format!(
            "{reason}: WAITING IS NOT SAFE. Jobs have had {attempts} of {deliveries} deliveries; after \
             the last they are dead letters. Pause the workers (disable the event source mapping, or \
             stop `work`), mend the cause, then start them again."
        ),
        Outlook::EmptyWithRowsLeft(rows) => format!(
            "the queue is empty, and the index has {} rows more than there are proven files: temporary, \
             ignored and rejected rows are among them, which `mogile2s3 plan` counts, and files that \
             `mogile2s3 migrate` could not bring, which have no record here. `enqueue migrate` sends a \
             job for each file that is not proven; where it sends none, nothing is left to migrate.",
            HumanCount(*rows)
        ),
        Outlook::Forgotten { files, first_fids } => {
            format!(
                "the queue is empty, and {} files have failed: nothing tries them again. `mogile2s3 \
                 enqueue migrate` sends jobs for those that are not proven. `mogile2s3 migrate --again \
                 --fids {}` checks the first of each reason, and clears those that are proven.",
                HumanCount(*files),
                shell::fids(first_fids)
            )
        }
        Outlook::ProvenElsewhere(files) => format!(
            "{} files are proven in buckets that BUCKETS does not name: by these settings they are \
             not migrated. Correct BUCKETS; or, if the files are to move, see --moved-from in \
             `mogile2s3 enqueue --help`.",
            HumanCount(*files)
        ),
        Outlook::Done => {
            "the queue is empty, and there are as many proven files as rows. `enqueue \
                          migrate` compares them file by file."
                .to_owned()
        }
        Outlook::Empty(why) => format!(
            "the queue is empty. The files were not counted: {}. `enqueue migrate` sends jobs for those \
             that are not proven.",
            not_counted(*why)
        ),
        Outlook::Working => "jobs are being worked on, and nothing blocks them.".to_owned(),
    }
}

const fn not_counted(why: Uncounted) -> &'static str {
    match why {
        Uncounted::NotAsked => "--queue-only leaves them out",
        Uncounted::IndexUnreadable => "the line `index` says why",
        Uncounted::IndexHasNoCount => {
            "trackers cannot count the rows of their index. MOGILE_DATABASE_URL can"
        }
    }
}

#[cfg(test)]
mod tests;
