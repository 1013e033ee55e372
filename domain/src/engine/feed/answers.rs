//! What the queues are told of deliveries: gathered, and sent a request's worth at a time.

use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::jobs::JobEvent;
use crate::engine::Events;
use crate::engine::recorder::Gathered;
use crate::ports::{JobQueue, WorkPorts};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass};
use crate::{Delivery, MessageContent, Receipt, limits};

pub(super) struct Answers<'a> {
    ports: &'a WorkPorts,
    done: Gathered<Receipt>,
    comes_back: Gathered<(Receipt, Duration)>,
    dead: Gathered<Delivery>,
    /// Deliveries are being kept invisible to others. One that comes back is told only after that,
    /// or it would be kept invisible too.
    keeping: bool,
    ticking: bool,
    telling: usize,
}

impl<'a> Answers<'a> {
    pub(super) fn new(ports: &'a WorkPorts) -> Self {
        let most = limits::QUEUE_BATCH;
        let (done, comes_back, dead) =
            (Gathered::new(most), Gathered::new(most), Gathered::new(most));
        Self { ports, done, comes_back, dead, keeping: false, ticking: false, telling: 0 }
    }

    /// The queue is to forget this delivery's message.
    pub(super) fn done(&mut self, delivery: &Delivery, events: &Events<'a, JobEvent>) {
        self.done.add(delivery.receipt.clone());
        self.more(events);
    }

    /// The queue is to deliver it again, after so long.
    pub(super) fn comes_back(
        &mut self,
        delivery: &Delivery,
        after: Duration,
        events: &Events<'a, JobEvent>,
    ) {
        self.comes_back.add((delivery.receipt.clone(), after));
        self.more(events);
    }

    /// The dead-letter queue is to have it. It must have taken it before the queue forgets it.
    pub(super) fn dead(&mut self, delivery: Delivery, events: &Events<'a, JobEvent>) {
        self.dead.add(delivery);
        self.more(events);
    }

    fn more(&mut self, events: &Events<'a, JobEvent>) {
        self.tell(false, events);
        if !self.ticking {
            self.ticking = true;
            let clock = &self.ports.files.clock;
            let tick = clock.sleep(limits::LEDGER_FLUSH_AFTER);
            events.push(tick.map(|()| JobEvent::Tick).boxed());
        }
    }

    /// What is gathered has waited long enough.
    pub(super) fn tick(&mut self, events: &Events<'a, JobEvent>) {
        self.ticking = false;
        self.tell(true, events);
    }

    /// Sends what is gathered: full requests, or all of it.
    pub(super) fn tell(&mut self, all: bool, events: &Events<'a, JobEvent>) {
        let ports = self.ports;
        let clock = ports.files.clock.as_ref();
        while let Some(receipts) = self.done.next(all) {
            self.telling += 1;
            let told = async move {
                let deleted = retried(clock, 0, || ports.queue.delete(&receipts)).await;
                JobEvent::Told(deleted.map_or(receipts.len(), |refused| refused.len()))
            };
            events.push(told.boxed());
        }
        while !self.keeping
            && let Some(changes) = self.comes_back.next(all)
        {
            self.telling += 1;
            let told = async move {
                // What the queue did not hear of comes back by itself, later.
                let _ = retried(clock, 0, || ports.queue.set_visibility(&changes)).await;
                JobEvent::Told(0)
            };
            events.push(told.boxed());
        }
        let Some(dead_letters) = &ports.dead_letters else { return };
        while let Some(letters) = self.dead.next(all) {
            self.telling += 1;
            let sent = async move {
                let refused = forward(dead_letters.as_ref(), ports, &letters).await;
                JobEvent::Moved(letters, refused)
            };
            events.push(sent.boxed());
        }
    }

    /// A request has been answered.
    pub(super) const fn told(&mut self) {
        self.telling -= 1;
    }

    /// Whether the queues have heard all.
    pub(super) const fn has_told_all(&self) -> bool {
        self.telling == 0
            && self.done.is_empty()
            && self.comes_back.is_empty()
            && self.dead.is_empty()
    }

    /// Keeps these deliveries invisible to others for `time`. Where that fails a job is done twice,
    /// which harms nothing.
    pub(super) fn keep<'b>(
        &mut self,
        deliveries: impl Iterator<Item = &'b Delivery>,
        time: Duration,
        events: &Events<'a, JobEvent>,
    ) {
        self.keeping = true;
        let changes: Vec<_> = deliveries.map(|one| (one.receipt.clone(), time)).collect();
        let ports = self.ports;
        let kept = async move {
            let clock = ports.files.clock.as_ref();
            let told: FuturesUnordered<_> = changes
                .chunks(limits::QUEUE_BATCH)
                .map(|batch| retried(clock, 0, || ports.queue.set_visibility(batch)))
                .collect();
            let _: Vec<_> = told.collect().await;
            JobEvent::Kept
        };
        events.push(kept.boxed());
    }

    /// They are kept.
    pub(super) fn kept(&mut self, events: &Events<'a, JobEvent>) {
        self.keeping = false;
        self.tell(false, events);
    }
}

/// Sends these to the dead-letter queue; returns the places of those that it did not take, and why.
async fn forward(
    dead_letters: &dyn JobQueue,
    ports: &WorkPorts,
    letters: &[Delivery],
) -> (Vec<usize>, String) {
    let messages: Vec<MessageContent> = letters.iter().map(|one| one.content.clone()).collect();
    let clock = ports.files.clock.as_ref();
    let mut why = "the queue did not take it".to_owned();
    match retried(clock, 0, || dead_letters.forward(&messages)).await {
        Ok(refused) => return (refused, why),
        Err(error) if error.class() == ErrorClass::Retry => {
            return ((0..letters.len()).collect(), error.to_string());
        }
        // One message may be what the queue refuses: the others are sent without it.
        Err(_) => {}
    }
    let mut refused = Vec::new();
    for (place, message) in messages.chunks(1).enumerate() {
        match retried(clock, 0, || dead_letters.forward(message)).await {
            Ok(none) if none.is_empty() => {}
            Ok(_) => refused.push(place),
            Err(error) => {
                refused.push(place);
                why = error.to_string();
            }
        }
    }
    (refused, why)
}
