//! What every command begins and ends with: settings become services, requests are counted, signals
//! stop the run, and the printed report's verdict is the exit code.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use adapters::calls::Calls;
use anyhow::Context;
#[cfg(feature = "command-line")]
use domain::cleanup::StopRequest;
use domain::engine::Stop;
#[cfg(feature = "command-line")]
use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::config::{AwsSettings, SourceSettings, TimeSettings};
use crate::exit::Exit;
use crate::interrupt;
use crate::report::{self, Cost, Counted, Progress, Report, SilenceTeller, Teller};
use crate::wiring::{Services, Wiring};

/// One run of one command.
pub struct Session {
    calls: Arc<Calls>,
    begun: Instant,
    json: bool,
    /// Until there is progress, which names silent systems itself.
    silence: Mutex<Option<SilenceTeller>>,
}

impl Session {
    /// Begins to count time and requests, and to name on stderr what does not answer. With `json`
    /// reports are printed for machines.
    #[must_use]
    pub fn begin(json: bool) -> Self {
        let calls = Arc::default();
        let silence = Mutex::new(Some(SilenceTeller::start(&calls)));
        Self { calls, begun: Instant::now(), json, silence }
    }

    /// What makes the adapters of MogileFS and of whole migrations.
    #[must_use]
    pub const fn wiring<'a>(
        &'a self,
        source: &'a SourceSettings,
        time: &'a TimeSettings,
    ) -> Wiring<'a> {
        Wiring { source, time, calls: &self.calls }
    }

    /// The services of AWS.
    #[must_use]
    pub const fn services<'a>(
        &'a self,
        aws: &'a AwsSettings,
        time: &'a TimeSettings,
    ) -> Services<'a> {
        Services::new(aws, time, &self.calls)
    }

    /// Starts to draw progress and to listen for signals. `announce` says on stderr what each of the
    /// first two signals does.
    pub fn watch(
        &self,
        counted: Counted,
        announce: impl Fn(&Teller, Stop) + Send + 'static,
    ) -> anyhow::Result<(Progress, BoxStream<'static, Stop>)> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (progress, teller) = Progress::start(&self.calls, counted);
        let stops = interrupt::stops(move |stop| announce(&teller, stop));
        Ok((progress, stops.context("listening for signals")?.boxed()))
    }

    /// Starts to listen for signals, without progress to draw. The first one ends the returned future;
    /// the third ends the process at once.
    #[cfg(feature = "command-line")]
    pub fn stop_request() -> anyhow::Result<(Teller, StopRequest)> {
        let teller = Teller::plain();
        let announcer = teller.clone();
        let stops = interrupt::stops(move |stop| {
            announcer.say(match stop {
                Stop::Drain => {
                    "stopping; what is being changed is brought to its end. The third signal ends the process at once"
                }
                Stop::Abandon => "still stopping",
            });
        });
        let stops = stops.context("listening for signals")?;
        Ok((teller, stops.into_future().map(|_| ()).boxed().shared()))
    }

    /// The requests and the time up to now.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost::new(&self.calls, self.begun.elapsed())
    }

    /// Prints a report on stdout. Returns the exit code that its verdict has.
    pub fn print(&self, report: &impl Report) -> anyhow::Result<Exit> {
        report::print(report, self.json)
    }

    /// Prints a report that others will follow. Returns also whether stdout is still read.
    pub fn print_one_of_many(&self, report: &impl Report) -> anyhow::Result<(Exit, bool)> {
        report::print_while_read(report, self.json, if self.json { "" } else { "\n" })
    }
}
