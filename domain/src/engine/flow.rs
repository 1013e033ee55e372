//! One loop that takes events and starts what they make possible.

mod ends;
mod stops;

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::stream::FusedStream;
use futures_util::{StreamExt, select_biased};

use super::alarm::Alarm;
use super::alike::FailuresAlike;
use super::feed::{Demand, Fed, Feed};
use super::hold::{Due, Hold, Unreached};
use super::outages::{Outages, Patience};
use super::planner::{Aim, Planned, Planner};
use super::recorder::{Recorder, Sent};
use super::task::{EnginePorts, Task, TaskEnd};
use super::under_way::{UnderWay, Worked};
use super::{OutageObserver, Stop};
use crate::migrate::Routes;
use crate::{Reason, ReasonKind, Stopped, System, Timestamp};

/// How the engine is to work.
#[derive(Debug)]
pub(crate) struct EnginePlan {
    /// Files under way at once, at most; at least one.
    pub(crate) concurrency: usize,
    pub(crate) patience: Patience,
    /// Failures that point to a setting; [`None`] where they stop nothing.
    pub(crate) alike: Option<Arc<FailuresAlike>>,
    /// Where files are brought whose way is not known yet.
    pub(crate) aim: Aim,
}

/// What happened next.
enum Event<E> {
    Stop(Stop),
    Rang(Timestamp),
    Sent(Sent),
    Planned(Planned),
    Fed(E),
    Worked(Box<Worked>),
}

/// The engine at work.
pub(crate) struct Flow<'a, F: Feed> {
    ports: EnginePorts<'a>,
    concurrency: usize,
    observer: &'a dyn OutageObserver,
    feed: F,
    planner: Planner<'a>,
    /// Tasks that may be started.
    waiting: VecDeque<Task>,
    /// Tasks that are started when no others are left in hand, one after another.
    alone: VecDeque<Task>,
    under_way: UnderWay<'a>,
    recorder: Recorder<'a>,
    hold: Hold,
    alarm: Alarm<'a>,
    stopping: Option<Stop>,
    /// When what is under way is abandoned.
    abandon_at: Option<Timestamp>,
    /// When the tables are not waited for any longer.
    give_up_at: Option<Timestamp>,
    stopped: Option<Stopped>,
    over: bool,
}

impl<'a, F: Feed> Flow<'a, F> {
    pub(crate) fn new(
        ports: EnginePorts<'a>,
        routes: &'a Routes<'a>,
        plan: EnginePlan,
        observer: &'a dyn OutageObserver,
        feed: F,
    ) -> Self {
        let concurrency = plan.concurrency.max(1);
        let outages = Outages::new(plan.patience, plan.alike, concurrency, ports.now());
        let mut hold = Hold::new(outages);
        hold.outages.reached(feed.reached());
        Self {
            ports,
            concurrency,
            observer,
            feed,
            planner: Planner::new(ports, routes, plan.aim),
            waiting: VecDeque::new(),
            alone: VecDeque::new(),
            under_way: UnderWay::new(ports),
            recorder: Recorder::new(ports, concurrency),
            hold,
            alarm: Alarm::new(ports.files.clock.as_ref()),
            stopping: None,
            abandon_at: None,
            give_up_at: None,
            stopped: None,
            over: false,
        }
    }

    /// Works until there is nothing more to do. Returns the feed, which has counted, and why the
    /// engine ended before its end, if it did.
    pub(crate) async fn run(
        mut self,
        mut stops: impl FusedStream<Item = Stop> + Send + Unpin,
    ) -> (F, Option<Stopped>) {
        loop {
            self.start_what_can_be();
            if self.nothing_is_left() {
                return (self.feed, self.stopped);
            }
            // What is rare comes first, so that the many files cannot keep it waiting.
            let event = select_biased! {
                stop = stops.select_next_some() => Event::Stop(stop),
                at = self.alarm.rings.select_next_some() => Event::Rang(at),
                sent = self.recorder.sending.select_next_some() => Event::Sent(sent),
                plans = self.planner.plans.select_next_some() => Event::Planned(plans),
                fed = self.feed.events().select_next_some() => Event::Fed(fed),
                worked = self.under_way.working.select_next_some() => Event::Worked(Box::new(worked)),
                complete => return (self.feed, self.stopped),
            };
            self.take(event);
        }
    }

    fn take(&mut self, event: Event<F::Event>) {
        match event {
            Event::Stop(Stop::Drain) => self.stop(Stopped::Interrupted),
            Event::Stop(Stop::Abandon) => self.abandon(),
            Event::Rang(at) => {
                self.alarm.rang(at);
                self.on_time(self.ports.now());
            }
            Event::Sent(sent) => self.take_sent(sent),
            Event::Planned(planned) => self.take_planned(planned),
            Event::Fed(event) => {
                let fed = self.feed.take(event, &mut self.recorder);
                self.take_fed(fed);
            }
            Event::Worked(worked) => self.take_worked(*worked),
        }
    }

    fn start_what_can_be(&mut self) {
        while self.has_room()
            && let Some(task) = self.next_that_fits()
        {
            self.start(task);
        }
        self.start_one_alone();
        self.planner.start();
        let is_idle = self.begun() == 0;
        self.feed.ask(Demand {
            concurrency: self.concurrency,
            under_way: self.under_way.len(),
            waiting: self.waiting.len(),
            planning: self.planner.len(),
            held: self.hold.len(),
            alone: self.alone.len(),
            is_calm: self.hold.outages.is_calm(),
            wants_others: is_idle
                && self.hold.outages.others_may_succeed()
                && !self.hold.has_untried(),
        });
        if is_idle && !self.feed.soon_more() {
            self.recorder.send_all();
            self.feed.flush();
        }
        if is_idle
            && self.hold.len() + self.alone.len() == 0
            && !self.feed.has_others()
            && self.stopping.is_none()
        {
            self.stop_if_all_is_refused();
        }
        self.set_alarm();
    }

    /// A task that may end its worker is begun when nothing else could be lost with it: the ends of all
    /// others are recorded and told. One whose end was lost again and again would be taken for another
    /// that ends its worker.
    fn start_one_alone(&mut self) {
        if self.begun() > 0 || self.alone.is_empty() {
            return;
        }
        if !(self.recorder.is_idle() && self.feed.has_told_ends()) {
            self.recorder.send_all();
            self.feed.flush();
            return;
        }
        if let Some(task) = self.alone.pop_front() {
            self.start(task);
        }
    }

    /// S3 refuses every file that there was, and more of them would fare no better.
    fn stop_if_all_is_refused(&mut self) {
        if let Some(why) = self.hold.outages.refused_everything().cloned() {
            self.stop(Stopped::Trouble(why));
        }
    }

    fn has_room(&self) -> bool {
        // A kill costs what is under way and what is not recorded: never more than this.
        let not_recorded = self.under_way.len() + self.recorder.unrecorded();
        let is_room =
            self.under_way.len() < self.concurrency && not_recorded < 2 * self.concurrency;
        let is_alone = self.under_way.is_one_alone() || self.hold.outages.is_one_at_a_time();
        is_room && (self.under_way.len() == 0 || !is_alone)
    }

    /// Tasks that are on their way to an end now.
    fn begun(&self) -> usize {
        self.waiting.len() + self.planner.len() + self.under_way.len()
    }

    /// The next task that can be done in the time that is left beside those under way. One that
    /// could be done by itself waits for these. One that could not be done at all ends when it is
    /// started.
    fn next_that_fits(&mut self) -> Option<Task> {
        let Some(left) = self.feed.time_left() else { return self.waiting.pop_front() };
        let beside = self.under_way.flowing();
        let fits = |task: &Task| task.expected_time(beside) <= left || left < task.expected_time(0);
        let at = self.waiting.iter().position(fits)?;
        self.waiting.remove(at)
    }

    fn begin_all(&mut self, tasks: Vec<Task>) {
        for task in tasks {
            self.begin(task);
        }
    }

    /// Begins a task that the feed gave, or that was held.
    fn begin(&mut self, task: Task) {
        if self.begun() + self.hold.len() == 0 {
            // Idle until now: nobody has waited for a system yet.
            self.hold.outages.progressed(self.ports.now());
        }
        if self.stopping.is_some() {
            self.end(&task, TaskEnd::NotBegun(self.why_not_done()));
        } else if self.hold.blocks(&task) {
            self.hold.add(task, self.ports.now());
        } else if task.is_alone() {
            // The ledger is asked when it is started. It is the next one then: what was read grows old.
            if task.verifies() && !task.is_unplanned() {
                self.alone.push_front(task);
            } else {
                self.alone.push_back(task);
            }
        } else if task.is_unplanned() {
            self.planner.add(task);
        } else {
            self.waiting.push_back(task);
        }
    }

    fn start(&mut self, task: Task) {
        let needed = task.expected_time(0);
        if let Some(left) = self.feed.time_left()
            && left < needed
        {
            let (left, needed) = (left.as_secs(), needed.as_secs());
            let detail = format!("{left} s are left, and it is expected to take {needed} s");
            let late = || Reason::new(ReasonKind::NotStarted, &detail);
            let why = self.hold.outages.why().cloned().unwrap_or_else(late);
            self.end(&task, TaskEnd::NotBegun(Some(why)));
        } else if self.hold.blocks(&task) {
            self.hold.add(task, self.ports.now());
        } else {
            match task.work.clone() {
                Some(work) if !task.is_unplanned() => self.under_way.start(task, work),
                Some(_) | None => self.planner.add(task),
            }
        }
    }

    fn take_fed(&mut self, Fed { tasks, heard, stop, over }: Fed) {
        match heard {
            Some((system, Ok(()))) => self.reached(&[system]),
            Some((system, Err(why))) => self.is_away(system, &why),
            None => {}
        }
        self.begin_all(tasks);
        if let Some(why) = stop {
            self.stop(why);
        }
        if over {
            self.over = true;
            self.feed.end_at_once(self.hold.outages.why(), &mut self.recorder);
        }
    }

    fn reached(&mut self, systems: &[System]) {
        if self.hold.outages.reached(systems) {
            self.release();
        }
    }

    /// A system is back, or is not waited for any longer: what was held for it goes on.
    fn release(&mut self) {
        if self.hold.outages.why().is_none() {
            self.observer.going_on();
        }
        let unblocked = self.hold.take_unblocked();
        self.begin_all(unblocked);
        // These may have waited as long as those that were held.
        let (verified, others) =
            std::mem::take(&mut self.waiting).into_iter().partition(Task::verifies);
        self.waiting = others;
        let verified: VecDeque<Task> = verified;
        for mut task in verified {
            task.forget_record();
            self.begin(task);
        }
    }

    fn is_away(&mut self, system: System, why: &Reason) {
        if self.hold.outages.went_away(system, why, self.ports.now()) {
            self.observer.holding(why);
        }
    }

    fn end(&mut self, task: &Task, end: TaskEnd) {
        self.hold.is_over(&task.key);
        self.hold.outages.progressed(self.ports.now());
        if let Some(why) = self.feed.ended(task, end, &mut self.recorder) {
            self.stop(why);
        }
    }

    /// Does what is due.
    fn on_time(&mut self, now: Timestamp) {
        self.recorder.on_time(now);
        if self.abandon_at.is_some_and(|at| at <= now) {
            self.abandon();
        }
        if self.give_up_at.is_some_and(|at| at <= now) {
            self.give_up_records();
        }
        if self.stopping.is_some() {
            return;
        }
        let was_away = self.hold.outages.why().is_some();
        let Due { begin, fail, give_up } = self.hold.take_due(self.are_last_tasks(), now);
        if was_away && self.hold.outages.why().is_none() {
            self.observer.going_on();
        }
        for (task, Unreached { failure, findings, .. }) in fail {
            self.fail(&task, failure, &findings);
        }
        self.begin_all(begin);
        if let Some(why) = give_up {
            self.stop(Stopped::Trouble(why));
        }
    }

    /// Whether nothing but what is held is left to try.
    fn are_last_tasks(&self) -> bool {
        let begun = self.begun() + self.alone.len();
        begun == 0 && !self.hold.has_untried() && !self.feed.has_others()
    }

    fn set_alarm(&mut self) {
        let mut due = [self.recorder.next_due(), self.abandon_at, self.give_up_at, None];
        if self.stopping.is_none() {
            due[3] = self.hold.next_due(self.are_last_tasks());
        }
        if let Some(at) = due.into_iter().flatten().min() {
            self.alarm.set(at);
        }
    }

    fn nothing_is_left(&self) -> bool {
        let left = self.begun() + self.alone.len() + self.hold.len();
        let is_done = left == 0 && self.recorder.is_idle();
        self.over || is_done && self.feed.is_done()
    }
}
