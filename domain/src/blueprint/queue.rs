use std::time::Duration;

use super::{Thing, Verdict};

/// A queue as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueBlueprint {
    /// Its name.
    pub name: String,
    /// A message lives so long.
    pub retention: Duration,
    /// A delivery is invisible to others so long at least; [`None`] where readers choose.
    pub visibility: Option<Duration>,
    /// Where messages go that were delivered too often.
    pub redrive: Option<RedriveBlueprint>,
}

/// The redrive policy as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedriveBlueprint {
    /// The dead-letter queue's name, in the same account and region.
    pub to: String,
    /// The deliveries of a message before it becomes a dead letter, at least.
    pub deliveries: u32,
}

/// A queue as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueState {
    /// Its URL, which settings name.
    pub url: String,
    /// Its ARN, `arn:aws:sqs:region:account:name`.
    pub arn: String,
    /// A message lives so long.
    pub retention: Duration,
    /// A delivery is invisible to others so long.
    pub visibility: Duration,
    /// Where messages go that were delivered too often.
    pub redrive: Option<Redrive>,
}

/// A redrive policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The dead-letter queue's ARN.
    pub to_arn: String,
    /// The deliveries of a message before it becomes a dead letter.
    pub deliveries: u32,
}

/// What can be done to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueChange {
    /// Make it, with all but its redrive policy.
    Create {
        /// A message lives so long.
        retention: Duration,
        /// A delivery is invisible to others so long; [`None`] for SQS's own default.
        visibility: Option<Duration>,
    },
    /// Let messages live so long.
    Retention(Duration),
    /// Keep deliveries invisible so long.
    Visibility(Duration),
    /// Send to the dead-letter queue what was delivered too often.
    Redrive(Redrive),
}

impl Thing for QueueBlueprint {
    type State = QueueState;
    type Change = QueueChange;

    fn title(&self) -> String {
        format!("queue {}", self.name)
    }

    fn creation(&self) -> QueueChange {
        QueueChange::Create { retention: self.retention, visibility: self.visibility }
    }

    fn is_ready(_found: &QueueState) -> bool {
        true
    }

    fn judge(&self, found: &QueueState) -> Vec<Verdict<QueueChange>> {
        let mut verdicts = vec![self.judge_retention(found)];
        verdicts.extend(self.visibility.map(|least| judge_visibility(least, found)));
        verdicts.push(match &self.redrive {
            Some(redrive) => redrive.judge(found),
            None => judge_no_redrive(found),
        });
        verdicts
    }
}

impl QueueBlueprint {
    /// A longer life loses nothing. A shorter one would, at once.
    fn judge_retention(&self, found: &QueueState) -> Verdict<QueueChange> {
        let setting = "retention";
        let (wanted, is) = (told(self.retention), told(found.retention));
        match found.retention.cmp(&self.retention) {
            std::cmp::Ordering::Equal => Verdict::keep(setting, is),
            std::cmp::Ordering::Less => {
                Verdict::change(setting, QueueChange::Retention(self.retention), is, wanted)
            }
            std::cmp::Ordering::Greater => Verdict::leave(
                setting,
                format!("{is}, not {wanted}: shortening it deletes older messages at once"),
            ),
        }
    }
}

fn judge_visibility(least: Duration, found: &QueueState) -> Verdict<QueueChange> {
    let (setting, is) = ("visibility", told(found.visibility));
    if found.visibility >= least {
        return Verdict::keep(setting, is);
    }
    Verdict::change(setting, QueueChange::Visibility(least), is, told(least))
}

impl RedriveBlueprint {
    fn judge(&self, found: &QueueState) -> Verdict<QueueChange> {
        let setting = "dead letters";
        let to_arn = self.arn_beside(&found.arn);
        let wanted = Redrive { to_arn, deliveries: self.deliveries };
        let to = format!("{} after {} deliveries", self.to, self.deliveries);
        match &found.redrive {
            None => Verdict::change(setting, QueueChange::Redrive(wanted), "none", to),
            Some(is) if is.to_arn != wanted.to_arn => Verdict::leave(
                setting,
                format!(
                    "they go to {}, not to {}: name that queue, or correct the redrive policy",
                    is.to_arn, self.to
                ),
            ),
            Some(is) if is.deliveries < self.deliveries => {
                let from = format!("{} after {} deliveries", self.to, is.deliveries);
                Verdict::change(setting, QueueChange::Redrive(wanted), from, to)
            }
            Some(is) => {
                Verdict::keep(setting, format!("{} after {} deliveries", self.to, is.deliveries))
            }
        }
    }

    /// The dead-letter queue is in the same account and region (Amazon SQS developer guide, "Using
    /// dead-letter queues"): its ARN differs in the name alone.
    fn arn_beside(&self, arn: &str) -> String {
        let account = arn.rsplit_once(':').map_or("", |(account, _)| account);
        format!("{account}:{}", self.to)
    }
}

fn judge_no_redrive(found: &QueueState) -> Verdict<QueueChange> {
    let setting = "dead letters";
    match &found.redrive {
        None => Verdict::keep(setting, "none of its own"),
        Some(Redrive { to_arn, .. }) => Verdict::leave(
            setting,
            format!("it has dead letters of its own, in {to_arn}: they would be lost from sight"),
        ),
    }
}

/// A time in the largest unit that tells it exactly.
fn told(time: Duration) -> String {
    let seconds = time.as_secs();
    let days = seconds / 86_400;
    match seconds % 86_400 {
        0 if days == 1 => "1 day".to_owned(),
        0 if days > 0 => format!("{days} days"),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::{Advice, QueueChoices, Queues};

    const DAY: Duration = Duration::from_hours(24);

    fn jobs() -> QueueBlueprint {
        let choices = QueueChoices {
            jobs: "jobs".to_owned(),
            dead_letters: "dead".to_owned(),
            function_time: Duration::from_mins(2),
        };
        Queues::new(choices).jobs
    }

    fn as_it_must_be() -> QueueState {
        QueueState {
            url: "https://sqs/1/jobs".to_owned(),
            arn: "arn:aws:sqs:r:1:jobs".to_owned(),
            retention: DAY * 14,
            visibility: Duration::from_mins(12),
            redrive: Some(Redrive { to_arn: "arn:aws:sqs:r:1:dead".to_owned(), deliveries: 1_000 }),
        }
    }

    /// What is said of one setting of a queue that differs in something.
    fn advice(setting: &str, differ: impl FnOnce(&mut QueueState)) -> Advice<QueueChange> {
        let mut found = as_it_must_be();
        differ(&mut found);
        let verdicts = jobs().judge(&found);
        let (this, others): (Vec<_>, Vec<_>) =
            verdicts.into_iter().partition(|verdict| verdict.setting == setting);
        let kept = |verdict: &Verdict<_>| matches!(verdict.advice, Advice::Keep(_));
        assert!(others.iter().all(kept), "{others:?}");
        this.into_iter().next().expect("a verdict").advice
    }

    fn changes(advice: &Advice<QueueChange>) -> Option<&QueueChange> {
        match advice {
            Advice::Change { change, .. } => Some(change),
            Advice::Keep(_) | Advice::Leave(_) => None,
        }
    }

    #[test]
    fn a_queue_as_it_must_be_is_kept() {
        assert_eq!(advice("retention", |_| ()), Advice::Keep("14 days".to_owned()));
        assert_eq!(advice("visibility", |_| ()), Advice::Keep("720 s".to_owned()));
        let letters = Advice::Keep("dead after 1000 deliveries".to_owned());
        assert_eq!(advice("dead letters", |_| ()), letters);
    }

    #[test]
    fn what_is_too_short_is_raised() {
        let retention = advice("retention", |found| found.retention = DAY);
        assert_eq!(changes(&retention), Some(&QueueChange::Retention(DAY * 14)));
        let visibility = advice("visibility", |found| found.visibility = Duration::from_secs(30));
        assert_eq!(changes(&visibility), Some(&QueueChange::Visibility(Duration::from_mins(12))));
        let letters = advice("dead letters", |found| {
            found.redrive.as_mut().expect("one").deliveries = 5;
        });
        assert_eq!(changes(&letters), as_it_must_be().redrive.map(QueueChange::Redrive).as_ref());
        let letters = advice("dead letters", |found| found.redrive = None);
        assert_eq!(changes(&letters), as_it_must_be().redrive.map(QueueChange::Redrive).as_ref());
    }

    #[test]
    fn what_is_more_than_enough_is_kept() {
        let visibility = advice("visibility", |found| found.visibility = Duration::from_hours(1));
        assert_eq!(visibility, Advice::Keep("3600 s".to_owned()));
    }

    #[test]
    fn what_could_lose_messages_is_left() {
        let retention = advice("retention", |found| found.retention = DAY * 15);
        assert!(matches!(retention, Advice::Leave(_)), "{retention:?}");
        let letters = advice("dead letters", |found| {
            found.redrive.as_mut().expect("one").to_arn = "arn:aws:sqs:r:1:other".to_owned();
        });
        assert!(matches!(letters, Advice::Leave(_)), "{letters:?}");
    }
}
