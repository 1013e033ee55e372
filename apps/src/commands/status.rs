//! `mogile2s3 status`: how far work has come that goes on elsewhere, and whether waiting is safe.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::calls::Calls;
use anyhow::{Context, anyhow};
use clap::Args;
use domain::BucketMap;
use domain::outlook::{Outlook, Sight, outlook};
use domain::steps::{Progress, RATE_OVER, look_around};
use indicatif::{HumanCount, HumanDuration};
use serde_json::{Value, json};

use super::dlq::watch_ports;
use crate::config::{AwsSettings, QueueSettings, SourceSettings, TimeSettings};
use crate::exit::{Exit, UsageError};
use crate::report::{advice, say, write_reason};
use crate::wiring::{Services, Wiring};

/// What can be given to `status`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Look again every so many seconds [default: 30], until it is interrupted; reading the ledger
    /// takes a fifth of the time at most
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "30")]
    watch: Option<u64>,

    /// Do not read the ledger, nor count the index: queue, dead letters and failures alone
    #[arg(long)]
    queue_only: bool,

    /// Print it as JSON, a line each time
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    queue: QueueSettings,

    /// S3 bucket for each MogileFS bucket, as `old:new` separated by commas: proofs in other buckets
    /// are counted apart
    #[arg(long, env = "BUCKETS", default_value = "", hide_default_value = true)]
    buckets: String,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

/// Looks, and says what it means. Dead letters are findings, and so is what makes waiting unsafe.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let calls = Arc::new(Calls::default());
    let services = Services::new(&arguments.aws, &arguments.time, &calls);
    let ports = watch_ports(&services, &arguments.queue).await?;
    let wiring = Wiring { source: &arguments.source, time: &arguments.time, calls: &calls };
    let buckets = || {
        let buckets = BucketMap::parse(&arguments.buckets, "");
        buckets.map_err(|error| UsageError(error.to_string()))
    };
    let counted = if arguments.queue_only { None } else { Some((wiring.index()?, buckets()?)) };
    loop {
        let begun = Instant::now();
        let counting = counted.as_ref().map(|(index, buckets)| (index.as_ref(), buckets));
        let progress = match look_around(&ports, counting).await {
            Ok(progress) => progress,
            // Who watches wants to see that it is over, too.
            Err(reason) if arguments.watch.is_some() => {
                let text = format!("cannot look: {reason}\n→ {}\n", advice(reason.kind));
                let trouble = json!({ "trouble": reason.to_string() });
                say(&trouble, arguments.json, |out, _| out.write_str(&text))?;
                let seconds = arguments.watch.unwrap_or_default().max(1);
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                continue;
            }
            Err(reason) => return Err(anyhow!("{reason}")),
        };
        let outlooks = outlook(&progress.sight);
        let words = |out: &mut String, _: &Value| tell(out, &progress, &outlooks);
        say(&in_json(&progress, &outlooks), arguments.json, words)?;
        let Some(seconds) = arguments.watch else {
            let quiet = |outlook: &Outlook| {
                let is_finding = match outlook {
                    Outlook::DeadLetters(_)
                    | Outlook::Forgotten { .. }
                    | Outlook::ProvenElsewhere(_) => true,
                    Outlook::Waiting { .. }
                    | Outlook::RunningOut { .. }
                    | Outlook::EmptyWithRowsLeft(_)
                    | Outlook::Done
                    | Outlook::Empty
                    | Outlook::Working => false,
                };
                outlook.is_safe_to_wait() && !is_finding
            };
            return Ok(if outlooks.iter().all(quiet) { Exit::Clean } else { Exit::Findings });
        };
        let pause = Duration::from_secs(seconds.max(1)).max(begun.elapsed() * 4);
        tokio::time::sleep(pause).await;
        if !arguments.json {
            writeln!(io::stdout().lock()).context("writing to stdout")?;
        }
    }
}

/// Files recorded lately, and how long the queue will take at that rate.
fn rate(progress: &Progress) -> Option<(u64, Option<Duration>)> {
    let recorded = progress.recorded_lately?;
    let left = progress.sight.queue.all().saturating_mul(RATE_OVER.as_secs());
    let left = left.checked_div(recorded).map(Duration::from_secs);
    Some((recorded, left))
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
fn a_second(recorded: u64) -> f64 {
    (recorded as f64 / RATE_OVER.as_secs_f64() * 10.0).round() / 10.0
}

fn tell(out: &mut String, progress: &Progress, outlooks: &[Outlook]) -> fmt::Result {
    let Sight { queue, dead_letters, failing, ledger, rows, .. } = &progress.sight;
    let line = |out: &mut String, name: &str, value: String| writeln!(out, "{name:<14} {value}");
    let count = |count: &u64| HumanCount(*count).to_string();
    line(
        out,
        "queue",
        format!(
            "{} waiting, {} in flight, {} delayed",
            count(&queue.visible),
            count(&queue.in_flight),
            count(&queue.delayed)
        ),
    )?;
    line(out, "dead letters", count(dead_letters))?;
    if let Some(ledger) = ledger {
        let rows = rows
            .as_ref()
            .map_or_else(String::new, |rows| format!(" of {} rows in the index", count(rows)));
        line(out, "proven", format!("{}{rows}", count(&ledger.proven)))?;
        for (bucket, files) in &ledger.elsewhere {
            line(out, "", format!("{} more in bucket {bucket}, not in BUCKETS", count(files)))?;
        }
        if ledger.claimed > 0 {
            line(out, "claimed", format!("{} without a proof", count(&ledger.claimed)))?;
        }
        if ledger.unreadable.files > 0 {
            let files = count(&ledger.unreadable.files);
            let text = format!("{files} items: `mogile2s3 fids --unreadable` lists them");
            line(out, "unreadable", text)?;
        }
    }
    if let Some(why) = &progress.uncounted {
        line(out, "rows", format!("not counted: {why}"))?;
    }
    if let Some((recorded, left)) = rate(progress) {
        let left = left.filter(|_| queue.all() > 0).map_or_else(String::new, |left| {
            format!(", {} left at this rate", HumanDuration(left))
        });
        let over = RATE_OVER.as_secs() / 60;
        let (files, rate) = (HumanCount(recorded), a_second(recorded));
        line(out, "rate", format!("{files} in the last {over} minutes, {rate} files/s{left}"))?;
    }
    let mut groups: Vec<_> = failing.iter().collect();
    groups.sort_by_key(|(_, failing)| std::cmp::Reverse(failing.files.files));
    if !groups.is_empty() {
        writeln!(out, "Failing, and to be delivered again or dead:")?;
    }
    for (reason, failing) in groups.into_iter().take(5) {
        write_reason(out, reason, &failing.files)?;
    }
    outlooks.iter().try_for_each(|outlook| writeln!(out, "→ {}", words(outlook)))
}

fn words(outlook: &Outlook) -> String {
    match outlook {
        Outlook::DeadLetters(letters) => {
            let letters = HumanCount(*letters);
            format!("{letters} dead letters: `mogile2s3 dlq list` tells why.")
        }
        Outlook::Waiting { reason } => format!(
            "{reason}: its jobs wait and come again by themselves. Waiting is safe for now; mend it."
        ),
        Outlook::RunningOut { reason, attempts, deliveries } => format!(
            "{reason}: WAITING IS NOT SAFE. Jobs have had {attempts} of {deliveries} deliveries: \
             pause the workers (disable the event source mapping, or stop `work`), mend it, and go \
             on."
        ),
        Outlook::EmptyWithRowsLeft(rows) => format!(
            "the queue is empty, and the index has {} rows more than there are proven files: \
             `mogile2s3 plan` tells how many of them are to be migrated, `enqueue migrate` sends \
             these.",
            HumanCount(*rows)
        ),
        Outlook::Forgotten { files, first_fids } => {
            let fids: Vec<_> = first_fids.iter().map(ToString::to_string).collect();
            format!(
                "the queue is empty, and {} files have failed: nothing tries them again. `mogile2s3 \
                 enqueue migrate` sends those that are not proven; `mogile2s3 migrate --again --fids \
                 {}` looks at the first of all, and clears what is proven.",
                HumanCount(*files),
                fids.join(",")
            )
        }
        Outlook::ProvenElsewhere(files) => format!(
            "{} files are proven in buckets that BUCKETS does not name: for these settings they are \
             not migrated. Correct BUCKETS, or see `mogile2s3 enqueue --help`, --moved-from.",
            HumanCount(*files)
        ),
        Outlook::Done => {
            "the queue is empty, and there are as many proven files as rows. `enqueue \
                          migrate` tells whether they are the same ones."
                .to_owned()
        }
        Outlook::Empty => {
            "the queue is empty. Whether that is all `enqueue migrate` finds out: it \
                           sends what is not proven yet."
                .to_owned()
        }
        Outlook::Working => "at work; nothing stands against it.".to_owned(),
    }
}

fn in_json(progress: &Progress, outlooks: &[Outlook]) -> Value {
    let Sight { queue, dead_letters, failing, ledger, rows, at } = &progress.sight;
    let rate = rate(progress);
    json!({
        "at": at.0,
        "visible": queue.visible,
        "in_flight": queue.in_flight,
        "delayed": queue.delayed,
        "dead_letters": dead_letters,
        "proven": ledger.as_ref().map(|ledger| ledger.proven),
        "ledger": ledger,
        "rows": rows,
        "uncounted": progress.uncounted,
        "files_per_second": rate.map(|(recorded, _)| a_second(recorded)),
        "seconds_left": rate.and_then(|(_, left)| left).map(|left| left.as_secs()),
        "failing": failing,
        "safe_to_wait": outlooks.iter().all(Outlook::is_safe_to_wait),
        "outlook": outlooks.iter().map(words).collect::<Vec<_>>(),
    })
}
