//! What each command counts for the journal, by the names of its report.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::audit::AuditSummary;
use domain::queue::EnqueueSummary;
use domain::summary::Sample;
use domain::verify::VerifySummary;
use domain::verify::references::ReferencesSummary;
use domain::{Check, Health, Summary};

type Counts = BTreeMap<String, u64>;

fn counts<const N: usize>(pairs: [(&str, u64); N]) -> Counts {
    pairs.map(|(name, count)| (name.to_owned(), count)).into()
}

fn files_of(samples: &BTreeMap<&'static str, Sample>) -> u64 {
    samples.values().map(|sample| sample.files).sum()
}

/// Of `audit`. The gates of the cut-over read these names.
pub fn audit(summary: &AuditSummary) -> Counts {
    counts([
        ("rows", summary.rows),
        ("files", summary.files.files),
        ("whole", summary.whole),
        ("without_record", summary.without_record.files),
        ("claimed", summary.claimed.files),
        ("of_another", summary.of_another.files),
        ("doubted", summary.doubted.files),
        ("without_pass", summary.without_pass.files),
        ("accepted", summary.accepted.files.files),
        ("accepted_rows", summary.accepted.rejected.files),
        ("acceptance_ended", summary.acceptance_ended.files),
        ("rejected", summary.rejections()),
        ("passes", summary.passes.unwrap_or_default()),
        ("records", summary.records),
    ])
}

/// Of `verify`. The gates of the cut-over read these names.
pub fn verify(summary: &VerifySummary) -> Counts {
    let mut counted = counts([
        ("rows", summary.rows),
        ("files", summary.files.files),
        ("whole", summary.whole.files),
        ("accepted", summary.accepted.files),
        ("accepted_rows", summary.accepted_rows),
        ("rejected", files_of(&summary.rejected)),
        ("unseen", summary.unseen_files()),
        ("objects", summary.objects),
        ("extra", summary.extra.tally.files),
        ("read", summary.content.read.files),
    ]);
    let different = summary.different.iter();
    counted.extend(different.map(|(name, sample)| ((*name).to_owned(), sample.files)));
    counted
}

/// Of `verify --references`.
pub fn references(summary: &ReferencesSummary) -> Counts {
    let files = summary.article_files.as_ref();
    counts([
        ("rows", summary.objects.rows),
        ("sound", summary.objects.sound),
        ("rhino_rows", files.map_or(0, |files| files.rows)),
        ("rhino_sound", files.map_or(0, |files| files.sound)),
        ("not_allowed", summary.not_allowed()),
        ("objects", summary.listed),
    ])
}

/// Of `migrate`: what was left, and what became of it.
pub fn migrate(summary: &Summary, took: Duration) -> Counts {
    let ends = &summary.ends;
    let done = ends.by_copy.files + ends.by_mogile.files + ends.already_there.files;
    counts([
        ("rows", summary.intake.rows),
        ("left", summary.intake.files()),
        ("done", done),
        ("failed", ends.failures()),
        ("gone", ends.gone),
        ("accepted", ends.accepted.files),
        ("rejected", summary.intake.rejections()),
        ("not_begun", summary.not_begun + summary.abandoned),
        ("seconds", took.as_secs()),
    ])
}

/// Of `enqueue`: the rows that were left, and the jobs that the queue took.
pub fn enqueue(summary: &EnqueueSummary, took: Duration) -> Counts {
    counts([
        ("rows", summary.intake.rows),
        ("left", summary.intake.files()),
        ("done", summary.sent.files),
        ("failed", summary.failures()),
        ("large", summary.large.files),
        ("rejected", summary.intake.rejections()),
        ("not_begun", summary.not_begun),
        ("seconds", took.as_secs()),
    ])
}

/// Of `doctor`: its checks by how they ended.
pub fn doctor(checks: &[Check]) -> Counts {
    let of = |health| checks.iter().filter(|check| check.health == health).count() as u64;
    counts([
        ("checks", checks.len() as u64),
        ("good", of(Health::Good)),
        ("caution", of(Health::Caution)),
        ("bad", of(Health::Bad)),
        ("unreachable", of(Health::Unreachable)),
    ])
}
