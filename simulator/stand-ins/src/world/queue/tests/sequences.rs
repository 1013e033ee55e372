//! Any sequence of requests, against a model that knows only what SQS promises.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    Send {
        delay: u64,
    },
    Receive {
        most: usize,
        visibility: u64,
    },
    /// The receipt of that number, whether or not it is still good.
    Delete(prop::sample::Index),
    Change(prop::sample::Index, u64),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let seconds = 0_u64..40;
    prop_oneof![
        3 => (0_u64..20).prop_map(|delay| Step::Send { delay }),
        5 => (1_usize..=10, seconds.clone())
            .prop_map(|(most, visibility)| Step::Receive { most, visibility }),
        2 => any::<prop::sample::Index>().prop_map(Step::Delete),
        2 => (any::<prop::sample::Index>(), seconds.clone())
            .prop_map(|(receipt, seconds)| Step::Change(receipt, seconds)),
        2 => seconds.prop_map(Step::Pass),
    ]
}

/// What is known of a message that was sent and not deleted.
#[derive(Debug)]
struct Known {
    /// Not to be received before.
    from: u64,
    deliveries: u32,
    /// The last one, if any.
    receipt: Option<String>,
}

/// Deliveries in the queue `jobs`, at most.
const DELIVERIES: u32 = 3;

struct Model {
    bench: Bench,
    now: u64,
    known: BTreeMap<String, Known>,
    /// All that were ever given, with their messages.
    receipts: Vec<(String, String)>,
}

impl Model {
    fn take(&mut self, step: Step) {
        match step {
            Step::Send { delay } => {
                let delay_time = Some(Duration::from_secs(delay));
                let outgoing = Outgoing { delay: delay_time, ..message("x") };
                let id = self.bench.world.send("jobs", outgoing).unwrap().id;
                let new = Known { from: self.now + delay, deliveries: 0, receipt: None };
                assert!(self.known.insert(id, new).is_none());
            }
            Step::Receive { most, visibility } => self.receive(most, visibility),
            Step::Delete(receipt) => {
                let Some((id, receipt)) = self.chosen(receipt) else { return };
                assert_eq!(self.bench.world.delete("jobs", &receipt), Ok(()));
                // A dead letter is another queue's message.
                if self.is_last(&id, &receipt) && !self.dead().contains(&id) {
                    self.known.remove(&id);
                }
            }
            Step::Change(receipt, seconds) => {
                let Some((id, receipt)) = self.chosen(receipt) else { return };
                let in_flight = self.is_last(&id, &receipt)
                    && self.known[&id].from > self.now
                    && !self.dead().contains(&id);
                let changed = self.bench.change(&receipt, seconds);
                assert_eq!(changed.is_ok(), in_flight, "{changed:?}");
                if let Some(known) = self.known.get_mut(&id).filter(|_| in_flight) {
                    known.from = self.now + seconds;
                }
            }
            Step::Pass(seconds) => {
                self.bench.pass(seconds);
                self.now += seconds;
            }
        }
    }

    /// Everything that comes may come, and as much comes as can.
    fn receive(&mut self, most: usize, visibility: u64) {
        let (now, dead) = (self.now, self.dead());
        let is_due = |(id, known): &(&String, &Known)| {
            known.from <= now && known.deliveries < DELIVERIES && !dead.contains(*id)
        };
        let due = self.known.iter().filter(is_due).count();
        let request =
            ReceiveRequest { most, visibility: Some(Duration::from_secs(visibility)), wait: None };
        let received = self.bench.world.receive("jobs", &request).unwrap();
        assert_eq!(received.len(), due.min(most));
        for Received { message, receipt } in received {
            let known = self.known.get_mut(&message.id).expect("it was sent, and not deleted");
            assert!(known.from <= now && known.deliveries < DELIVERIES);
            known.deliveries += 1;
            assert_eq!(message.receive_count, known.deliveries);
            // None comes twice in one answer.
            assert!(known.receipt.as_deref() != Some(&*receipt));
            known.receipt = Some(receipt.clone());
            known.from = now + visibility;
            self.receipts.push((message.id, receipt));
        }
    }

    fn chosen(&self, receipt: prop::sample::Index) -> Option<(String, String)> {
        (!self.receipts.is_empty()).then(|| receipt.get(&self.receipts).clone())
    }

    fn is_last(&self, id: &str, receipt: &str) -> bool {
        self.known.get(id).is_some_and(|known| known.receipt.as_deref() == Some(receipt))
    }

    fn dead(&self) -> BTreeSet<String> {
        let dead = self.bench.world.messages("dead").unwrap();
        dead.into_iter().map(|message| message.id).collect()
    }

    /// Nothing is lost, nothing is there twice, and dead is what was delivered often enough.
    fn check(&self) {
        let dead = self.dead();
        for id in &dead {
            assert_eq!(self.known[id].deliveries, DELIVERIES);
        }
        let living = self.bench.world.messages("jobs").unwrap();
        let mut all: Vec<_> = living.into_iter().map(|message| message.id).collect();
        all.extend(dead);
        all.sort();
        assert_eq!(all, self.known.keys().cloned().collect::<Vec<_>>());
    }
}

proptest! {
    #[test]
    fn no_message_is_lost_or_early_or_delivered_too_often(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let bench = Bench::new();
        let mut model =
            Model { bench, now: 0, known: BTreeMap::new(), receipts: Vec::new() };
        for step in steps {
            model.take(step);
            model.check();
        }
    }
}
