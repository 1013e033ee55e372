//! What people and machines are told of a run.

mod advice;
mod failure_list;
mod meter;
mod progress;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use adapters::calls::{Calls, Outcomes};
use anyhow::Context;
use domain::steps::{OutageObserver, Page, RunObserver};
use domain::{Failure, Reason, SourceFile, Summary};
use serde::Serialize;

use crate::exit::Verdict;

pub use advice::{advice, advice_on_settings};
pub use failure_list::{FailureList, FailureListEnd};
pub use progress::{Progress, Teller};
pub use text::{
    quoted, write_count, write_failed, write_proven_as_another, write_reason, write_report,
    write_requests, write_sample, write_samples, write_stopped, write_tally, write_uncleared,
};

/// A run's end.
#[derive(Debug, Serialize)]
pub struct RunReport {
    /// What came of every row.
    #[serde(flatten)]
    pub summary: Summary,
    /// The list of all failures, where one was asked for.
    pub failure_list: Option<FailureListEnd>,
    /// Calls by kind, such as `S3 COPY`.
    pub requests: BTreeMap<String, RequestCount>,
    /// How it ended.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "in_seconds")]
    pub took: Duration,
    /// The command that this was, without its selection: the next one begins with it.
    #[serde(skip)]
    pub command: String,
}

/// Several that are told of a run.
pub struct Told<'a>(pub Vec<&'a dyn RunObserver>);

impl OutageObserver for Told<'_> {
    fn holding(&self, why: &Reason) {
        self.0.iter().for_each(|told| told.holding(why));
    }

    fn going_on(&self) {
        self.0.iter().for_each(|told| told.going_on());
    }
}

impl RunObserver for Told<'_> {
    fn expect(&self, rows: Option<u64>) {
        self.0.iter().for_each(|told| told.expect(rows));
    }

    fn read(&self, page: &Page) {
        self.0.iter().for_each(|told| told.read(page));
    }

    fn settled(&self, file: &SourceFile, failure: Option<&Failure>) {
        self.0.iter().for_each(|told| told.settled(file, failure));
    }
}

/// Calls of one kind.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct RequestCount {
    /// Answered as hoped.
    pub ok: u64,
    /// Refused, failed or unanswered.
    pub failed: u64,
}

/// The counts of all calls.
#[must_use]
pub fn requests(calls: &Calls) -> BTreeMap<String, RequestCount> {
    let all = calls.all().into_iter();
    all.map(|((system, operation), Outcomes { ok, failed })| {
        (format!("{system} {operation}"), RequestCount { ok, failed })
    })
    .collect()
}

/// Says something on stdout: for people as `tell` writes it, for machines as one line of JSON.
pub fn say<T: Serialize>(
    said: &T,
    json: bool,
    tell: impl FnOnce(&mut String, &T) -> fmt::Result,
) -> anyhow::Result<()> {
    let mut text = String::new();
    if json {
        text = serde_json::to_string(said)? + "\n";
    } else {
        tell(&mut text, said)?;
    }
    io::stdout().lock().write_all(text.as_bytes()).context("writing to stdout")
}

/// For machines: seconds, to the millisecond.
pub(crate) fn in_seconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((time.as_secs_f64() * 1000.0).round() / 1000.0)
}
