//! Files that share a reason: how many, the first fids, one example, and what to do about them.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use domain::queue::UNREADABLE_FAILURE;
use domain::summary::Sample;
use domain::{Reason, ReasonKind, Stopped, limits};
use indicatif::HumanCount;

use super::advice::{
    Again, advice, advice_on, advice_on_obstacle, advice_on_rejected, advice_on_settings,
};
use super::shell;

/// The title of findings.
pub const FINDINGS: &str = "Findings about files that are counted above";

/// Whether all of its files are named.
pub fn is_whole(sample: &Sample) -> bool {
    sample.files == sample.first_fids.len() as u64
}

/// One reason: how many, the first fids where any are known, and an example.
pub fn write_sample(out: &mut String, reason: &str, sample: &Sample) -> fmt::Result {
    let count = HumanCount(sample.files);
    let fids: Vec<_> = sample.first_fids.iter().map(ToString::to_string).collect();
    // A fid that is counted twice is named once: where fewer than can be are named, these are all.
    let are_all = fids.len() < limits::FIDS_NAMED || is_whole(sample);
    let more = if are_all { "" } else { " …" };
    if fids.is_empty() {
        writeln!(out, "  {count} {reason}")?;
    } else {
        writeln!(out, "  {count} {reason}: fids {}{more}", fids.join(", "))?;
    }
    writeln!(out, "    {}", shell::printable(&sample.example))
}

/// What shares a reason, under a title; nothing when there is nothing.
pub fn write_samples(
    out: &mut String,
    title: &str,
    samples: &BTreeMap<&'static str, Sample>,
) -> fmt::Result {
    if samples.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}:")?;
    samples.iter().try_for_each(|(reason, sample)| write_sample(out, reason, sample))
}

/// Rows that were rejected, with what to do about them; nothing when there are none.
pub fn write_rejected(out: &mut String, rejected: &BTreeMap<&'static str, Sample>) -> fmt::Result {
    if rejected.is_empty() {
        return Ok(());
    }
    writeln!(out, "Rejected rows, which cannot be migrated as they are:")?;
    for (reason, sample) in rejected {
        write_sample(out, reason, sample)?;
        writeln!(out, "    → {}", advice_on_rejected(reason))?;
    }
    Ok(())
}

/// One reason, with what to do about it.
pub fn write_reason(
    out: &mut String,
    reason: &str,
    sample: &Sample,
    again: impl FnOnce(ReasonKind) -> Again,
) -> fmt::Result {
    write_sample(out, reason, sample)?;
    match reason.parse::<ReasonKind>() {
        Ok(kind) => writeln!(out, "    → {}", advice(kind, again(kind))),
        Err(_) if reason == UNREADABLE_FAILURE => writeln!(
            out,
            "    → `mogile2s3 migrate --fids {}` looks at these files in S3, and clears the records of those that it \
             proves",
            shell::fids(&sample.first_fids)
        ),
        Err(_) => Ok(()),
    }
}

/// What failed, under a title, with what to do about it; nothing when there is nothing.
pub fn write_failed(
    out: &mut String,
    title: &str,
    failed: &BTreeMap<&'static str, Sample>,
    again: Again,
) -> fmt::Result {
    if failed.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}:")?;
    failed.iter().try_for_each(|(reason, sample)| write_reason(out, reason, sample, |_| again))
}

/// What could not be looked at before a run began. The run went on without.
pub fn write_not_looked_at(out: &mut String, unseen: &[String]) -> fmt::Result {
    if unseen.is_empty() {
        return Ok(());
    }
    writeln!(out, "NOT LOOKED AT before the start, whether it could harm the files:")?;
    for words in unseen {
        writeln!(out, "    {words}")?;
    }
    writeln!(
        out,
        "    → `mogile2s3 doctor` looks at all of it; docs/IAM.md has the rights that it needs"
    )
}

/// Files whose old failure records are still there, with what to do about it.
pub fn write_uncleared(out: &mut String, uncleared: &Sample) -> fmt::Result {
    if uncleared.files == 0 {
        return Ok(());
    }
    writeln!(out, "Proven or gone, but the failures table still has their old failure records:")?;
    write_sample(out, "uncleared", uncleared)?;
    writeln!(
        out,
        "    → `mogile2s3 doctor` shows what is wrong with the failures table. When it is mended:\n\
         \x20     mogile2s3 migrate --again --fids {}",
        shell::fids(&uncleared.first_fids)
    )?;
    if !is_whole(uncleared) {
        writeln!(out, "      mogile2s3 status --watch    (which names the next fids)")?;
    }
    Ok(())
}

/// The same, behind the failures: a reason that stands there is not repeated.
pub fn write_stopped_behind(
    out: &mut String,
    stopped: &Stopped,
    failed: &BTreeMap<&'static str, Sample>,
) -> fmt::Result {
    let stands_above =
        |reason: &Reason| failed.get(reason.kind.name()).is_some_and(|sample| sample.is_of(reason));
    if let Stopped::Trouble(reason) = stopped
        && stands_above(reason)
    {
        writeln!(out, "STOPPED: {}, as above.", reason.kind)?;
        // What stands above has the advice of its kind. Of this one more may be known.
        return match advice_on_obstacle(reason) {
            Some(_) => writeln!(out, "  → {}", advice_on(reason)),
            None => Ok(()),
        };
    }
    write_stopped(out, stopped)
}

/// Why something ended before its end, with what to do about it.
pub fn write_stopped(out: &mut String, stopped: &Stopped) -> fmt::Result {
    writeln!(out, "STOPPED: {}", shell::printable(&stopped.to_string()))?;
    match stopped {
        Stopped::Trouble(reason) => writeln!(out, "  → {}", advice_on(reason)),
        Stopped::Misconfigured(why) => writeln!(out, "  → {}", advice_on_settings(why)),
        Stopped::Failures(_) | Stopped::Interrupted => Ok(()),
    }
}
