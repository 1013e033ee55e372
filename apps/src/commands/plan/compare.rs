//! `--compare` of `plan`: an estimate beside what runs counted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use domain::Prices;
use serde_json::Value;

use crate::exit::UsageError;
use crate::report::plan::compare::{CompareReport, Compared, KINDS, Kind};

/// Reads the output of `plan --json`, and that of each run, and compares them.
pub(super) fn compare(files: &[PathBuf], prices: &Prices) -> Result<CompareReport, UsageError> {
    let [plan, runs @ ..] = files else { return Err(no_runs()) };
    if runs.is_empty() {
        return Err(no_runs());
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = runs.iter().find(|file| !seen.insert(file.as_path())) {
        let words = "is given twice, and its requests would count twice";
        return Err(wrong(twice, words));
    }
    let (estimate, is_of_what_was_left, seconds) = estimate(plan)?;
    let mut compared =
        Compared { is_of_what_was_left, estimated_seconds: seconds, ..Compared::default() };
    for file in runs {
        let run = read(file)?;
        add_run(&mut compared, file, &run)?;
    }
    let estimated = KINDS.iter().map(|kind| of_kind(plan, &estimate, kind));
    compared.estimated = estimated.collect::<Result<_, _>>()?;
    Ok(CompareReport::new(compared, prices))
}

fn no_runs() -> UsageError {
    UsageError(
        "--compare takes the output of `mogile2s3 plan --json`, and then that of each run, such as \
         `mogile2s3 migrate --json`: --compare PLAN.json RUN.json"
            .to_owned(),
    )
}

fn wrong(file: &Path, words: impl std::fmt::Display) -> UsageError {
    UsageError(format!("--compare: `{}` {words}", file.display()))
}

fn read(file: &Path) -> Result<Value, UsageError> {
    let text = fs::read_to_string(file)
        .map_err(|error| wrong(file, format_args!("cannot be read: {error}")))?;
    let value = serde_json::from_str(&text);
    value.map_err(|error| {
        wrong(file, format_args!("is not the output of one command with --json: {error}"))
    })
}

/// The requests that were estimated, whether they are of what was left, and the seconds on one machine.
fn estimate(file: &Path) -> Result<(Value, bool, Option<u64>), UsageError> {
    let mut plan = read(file)?;
    if !plan["requests_needed"].is_object() {
        let words = "is no output of `mogile2s3 plan --json`: it has no `requests_needed`. The plan comes first, \
                     the runs behind it";
        return Err(wrong(file, words));
    }
    if !plan["stopped"].is_null() || !plan["unlisted"].is_null() {
        let words = "is a plan that could not read everything, and its estimate is too small. Run `mogile2s3 \
                     plan --json` again";
        return Err(wrong(file, words));
    }
    let is_of_what_was_left = plan["arrived"].is_object();
    let (requests, time) = if is_of_what_was_left {
        (plan["arrived"]["requests_left"].take(), "time_left")
    } else {
        (plan["requests_needed"].take(), "time")
    };
    Ok((requests, is_of_what_was_left, plan[time]["machine"]["seconds"].as_u64()))
}

/// The estimate of one kind.
fn of_kind(file: &Path, estimate: &Value, kind: &Kind) -> Result<u64, UsageError> {
    let mut sum = 0_u64;
    for field in kind.fields {
        let pointer = format!("/{}", field.replace('.', "/"));
        let count = estimate.pointer(&pointer).and_then(Value::as_u64).ok_or_else(|| {
            let words = format_args!(
                "has no number `{field}` among its requests: it is a plan of another version. Run `mogile2s3 \
                 plan --json` again, with this one"
            );
            wrong(file, words)
        })?;
        sum = sum.saturating_add(count);
    }
    Ok(sum)
}

fn add_run(compared: &mut Compared, file: &Path, run: &Value) -> Result<(), UsageError> {
    let is_plan = run.get("requests_needed").is_some();
    let Some(requests) = run["requests"].as_object().filter(|_| !is_plan) else {
        let words = "is no output of a run with --json (`migrate`, `enqueue migrate`, `work`): it has no `requests`";
        return Err(wrong(file, words));
    };
    let counts = KINDS.iter().map(|kind| {
        let of = |name: &str, end: &str| match requests.get(name).map(|counts| &counts[end]) {
            None => Ok(0),
            Some(count) => count.as_u64().ok_or_else(|| {
                wrong(file, format_args!("has no number of requests that are {end} at `{name}`"))
            }),
        };
        kind.requests.iter().try_fold(0_u64, |sum, name| {
            Ok(sum.saturating_add(of(name, "ok")?).saturating_add(of(name, "failed")?))
        })
    });
    let counts = counts.collect::<Result<Vec<_>, UsageError>>()?;
    compared.counted.resize(KINDS.len(), 0);
    compared
        .counted
        .iter_mut()
        .zip(counts)
        .for_each(|(sum, count)| *sum = sum.saturating_add(count));
    let seconds = run["seconds"].as_f64().ok_or_else(|| wrong(file, "has no `seconds`"))?;
    compared.seconds += seconds;
    compared.longest_seconds = compared.longest_seconds.max(seconds);
    // A run that says nothing of it is none of ours.
    let incomplete =
        run["incomplete"].as_bool().ok_or_else(|| wrong(file, "has no `incomplete`"))?;
    if incomplete {
        compared.incomplete.push(file.display().to_string());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
