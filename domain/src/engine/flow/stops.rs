//! How the engine stops.

use std::sync::Arc;

use super::Flow;
use crate::engine::feed::Feed;
use crate::engine::hold::Unreached;
use crate::engine::task::TaskEnd;
use crate::engine::{OutgoingBatch, Stop};
use crate::{Finding, FindingKind, Left, Reason, ReasonKind, Stopped, limits};

impl<F: Feed> Flow<'_, F> {
    /// Nothing new is started from here on. The first reason is the one that is told, unless
    /// everything has been begun already.
    pub(super) fn stop(&mut self, why: Stopped) {
        // Who stops it while a system is away has waited for that.
        let why = match (why, self.hold.outages.why()) {
            (Stopped::Interrupted, Some(away)) => Stopped::Trouble(away.clone()),
            (why, _) => why,
        };
        let waiting = self.waiting.len() + self.alone.len();
        let is_left = waiting + self.planner.len() + self.hold.len() > 0;
        let has_time = matches!(why, Stopped::Failures(_)) || self.stopping == Some(Stop::Abandon);
        if matches!(why, Stopped::Trouble(_) | Stopped::Misconfigured(_))
            || is_left
            || self.feed.may_have_more()
        {
            self.stopped.get_or_insert(why);
        }
        if self.abandon_at.is_none() && !has_time {
            self.abandon_at = Some(self.ports.after(limits::STOPPING_TIME));
        }
        self.begin_no_more(Stop::Drain);
    }

    pub(super) fn abandon(&mut self) {
        self.stop(Stopped::Interrupted);
        self.begin_no_more(Stop::Abandon);
        self.abandon_at = None;
        self.give_up_at.get_or_insert(self.ports.after(limits::LAST_WRITE_TIME));
        for task in self.under_way.abandon() {
            self.stopped.get_or_insert(Stopped::Interrupted);
            let (why, left) = (self.why_not_done(), task.leaves());
            if left != Left::Nothing {
                let detail = format!(
                    "it was being written to `{}` when it was abandoned: an object that is not \
                     proven, or an unfinished upload, may be left there. The next run looks",
                    task.file.address()
                );
                self.notice(&task, &[Finding { kind: FindingKind::PerhapsLeft, detail }]);
            }
            self.end(&Arc::unwrap_or_clone(task), TaskEnd::Abandoned(why, left));
        }
    }

    /// The tables have not taken records in the time that is left for it.
    pub(super) fn give_up_records(&mut self) {
        self.give_up_at = None;
        let detail = "the tables did not answer before the end: the next run finds what was done";
        let late = Reason::new(ReasonKind::LedgerUnavailable, detail);
        let why = self.hold.outages.why().cloned().unwrap_or(late);
        for batch in self.recorder.give_up() {
            if let OutgoingBatch::Records(records) = batch {
                for (task, _) in records {
                    self.end(&task, TaskEnd::Unrecorded(why.clone()));
                }
            } else {
                self.feed.noted(&batch, Err(&why));
            }
        }
    }

    /// Why what is in hand is not done; [`None`] where it is only a matter of time.
    pub(super) fn why_not_done(&self) -> Option<Reason> {
        let away = self.hold.outages.why().cloned();
        away.or_else(|| match &self.stopped {
            // It is not these files' own failure.
            Some(Stopped::Trouble(why)) => Some(Reason::new(ReasonKind::NotStarted, why)),
            Some(Stopped::Misconfigured(why)) => Some(Reason::new(ReasonKind::OtherSettings, why)),
            Some(Stopped::Interrupted | Stopped::Failures(_)) | None => None,
        })
    }

    fn begin_no_more(&mut self, stop: Stop) {
        let is_first = self.stopping.is_none();
        self.stopping = self.stopping.max(Some(stop));
        self.feed.stop(stop);
        let unplanned = self.planner.give_back();
        let waiting = self.waiting.drain(..).chain(self.alone.drain(..));
        let not_begun: Vec<_> = waiting.chain(unplanned).collect();
        for task in not_begun {
            self.end(&task, TaskEnd::NotBegun(self.why_not_done()));
        }
        for (task, why) in self.hold.take_all() {
            match why {
                Some(Unreached { failure, findings, .. }) => self.fail(&task, failure, &findings),
                None => self.end(&task, TaskEnd::NotBegun(self.why_not_done())),
            }
        }
        if is_first {
            self.recorder.write_once_more();
        }
    }
}
