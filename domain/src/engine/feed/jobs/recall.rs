//! What is known of the earlier deliveries of a message, and what follows for this one.

use super::{JobEvent, JobFeed};
use crate::engine::Recorder;
use crate::engine::feed::Fed;
use crate::engine::feed::message::{failed, task_of};
use crate::engine::task::{Suspicion, Task};
use crate::retried::retried;
use crate::{Delivery, FailureItem, MessageTries, ReasonKind, limits};

impl JobFeed<'_> {
    /// Reads what is known of the earlier deliveries of these messages.
    pub(super) fn recall(&mut self, deliveries: Vec<Delivery>) {
        if deliveries.is_empty() {
            return;
        }
        self.recalling += 1;
        let files = &self.ports.files;
        self.start(async move {
            let fids: Vec<_> = deliveries.iter().filter_map(Delivery::fid).collect();
            let read = retried(files.clock.as_ref(), 0, || files.failures.read(&fids)).await;
            JobEvent::Recalled(deliveries, read.ok())
        });
    }

    pub(super) fn take_recalled(
        &mut self,
        deliveries: Vec<Delivery>,
        records: Option<&[FailureItem]>,
        recorder: &mut Recorder<'_>,
    ) -> Fed {
        self.recalling -= 1;
        let mut tasks = Vec::new();
        for delivery in deliveries {
            // Where nothing can be read nothing is held against a job.
            let Some(records) = records else {
                tasks.extend(self.take_up(delivery, None, recorder));
                continue;
            };
            // A record that cannot be read has no counts. Its file is looked at first: each delivery after
            // the first one is.
            let mut known = records.iter().flatten();
            let record = known.find(|record| Some(record.fid) == delivery.fid());
            let tries = record.and_then(|record| record.messages.get(&delivery.message));
            let tries = tries.copied().unwrap_or_default();
            if tries.begun >= limits::BEGUN_WITHOUT_END {
                let times = tries.begun;
                let why = format!("it was begun {times} times, and each time its worker ended");
                self.settle_one(&delivery, &failed(ReasonKind::Killed, &why), recorder);
            } else {
                tasks.extend(self.take_up(delivery, Some(tries), recorder));
            }
        }
        Fed { tasks, ..Fed::default() }
    }

    /// Takes a message in hand. One whose task is in hand already shares that one's end.
    pub(super) fn take_up(
        &mut self,
        delivery: Delivery,
        tries: Option<MessageTries>,
        recorder: &mut Recorder<'_>,
    ) -> Option<Task> {
        match task_of(&delivery, self.plan) {
            Err(end) => {
                self.settle_one(&delivery, &end, recorder);
                None
            }
            Ok(mut task) => {
                // The delivery before this one has not told its end.
                let unexplained = tries.filter(|tries| tries.ended + 1 < delivery.attempt);
                task.suspicion = unexplained.and_then(|tries| Suspicion::of(&delivery, tries));
                let known = self.in_hand.entry(task.key.clone()).or_default();
                known.push(delivery);
                (known.len() == 1).then_some(task)
            }
        }
    }
}
