//! The gates of audits, verifications and queues, in words.

use std::time::Duration;

use domain::cutover::{EvidenceSeen, QueueLook, QueueSeen, VerifiedSeen};
use domain::journal::EvidenceOutcome;
use domain::limits;
use indicatif::{HumanCount, HumanDuration};

use super::gates::Words;

/// The gate of `audit`.
pub(super) fn audit(seen: &EvidenceSeen, without_queue: bool) -> Words {
    let command = if without_queue {
        "`mogile2s3 audit --no-run`"
    } else {
        "`mogile2s3 audit --run NAME`, with the name of the workers' verification"
    };
    evidence(seen, "audit", command)
}

/// The gate of `verify`.
pub(super) fn verify(seen: &EvidenceSeen, without_queue: bool) -> Words {
    let command = if without_queue { "`mogile2s3 verify --deep`" } else { "`mogile2s3 verify`" };
    evidence(seen, "verify", command)
}

fn evidence(seen: &EvidenceSeen, step: &str, command: &str) -> Words {
    let EvidenceSeen { last, has_freeze, stale, frozen_since, acceptance_ended, .. } = seen;
    let EvidenceSeen { unread, wrong, .. } = seen;
    let Some(last) = last else {
        return (vec![format!("the journal has no result of `{step}`")], Some(command.to_owned()));
    };
    let entry = last.sequence;
    let count = |name: &str| last.evidence.counted.get(name).copied().unwrap_or_default();
    let (files, accepted) = (HumanCount(count("files")), count("accepted"));
    let of = if accepted > 0 {
        format!("{files} files, of which {} are accepted by name", HumanCount(accepted))
    } else {
        format!("{files} files")
    };
    let mut found = vec![match last.evidence.outcome {
        EvidenceOutcome::Clean => format!("entry {entry}, by {}: clean, {of}", last.by),
        EvidenceOutcome::Differs => format!("entry {entry}, by {}: it HAS FINDINGS", last.by),
        EvidenceOutcome::Incomplete => {
            format!("entry {entry}, by {}: it did not look at everything", last.by)
        }
        EvidenceOutcome::Other => {
            format!("entry {entry}, by {}: a later version of this program wrote it", last.by)
        }
    }];
    if !has_freeze {
        found.push("the journal has no freeze with whose content it could be compared".to_owned());
    }
    if !stale.is_empty() {
        let stale: Vec<_> = stale.iter().map(ToString::to_string).collect();
        found.push(format!("it is of {}", stale.join(", of ")));
    }
    if let Some(flags) = last.evidence.allow_flags() {
        found.push(format!("its operator gave {flags}: what that allows is no finding"));
    }
    if *unread {
        found.push("it read no content: lengths alone prove nothing".to_owned());
    }
    if last.evidence.from.is_none() {
        found.push("its begin is not known, so it does not count: run it again".to_owned());
    }
    if let Some(freeze) = frozen_since {
        found.push(format!("it began before the freeze of entry {freeze}"));
    }
    if let Some(ended) = acceptance_ended {
        found.push(format!("entry {ended} has ended the acceptance of a file since it began"));
    }
    if let Some(wrong) = wrong.filter(|wrong| *wrong != entry) {
        found.push(format!(
            "entry {wrong} has findings, and no clean run of the same systems began behind it"
        ));
    }
    let findings = matches!(last.evidence.outcome, EvidenceOutcome::Differs) || wrong.is_some();
    let next = match (has_freeze, findings) {
        (false, _) => format!("`mogile2s3 freeze --means TEXT`, then {command}"),
        (true, true) => format!("do what its report says, then {command}"),
        (true, false) => command.to_owned(),
    };
    (found, Some(next))
}

/// The gate of the workers' verification.
pub(super) fn verified(seen: &VerifiedSeen) -> Words {
    let VerifiedSeen { audit_holds, entry, run, files, whole, accepted, without_queue, deep } =
        seen;
    if *without_queue && run.is_none() {
        return verified_without_queue(*audit_holds, *deep);
    }
    let verify = "`mogile2s3 enqueue verify --run NAME`; when the queue is empty `mogile2s3 audit --run NAME`";
    let audit = "`mogile2s3 audit --run NAME`, with the name of the workers' verification";
    let (Some(entry), Some(run)) = (entry, run) else {
        let why = "no audit has compared a verification by workers with the index";
        return (vec![why.to_owned()], Some(audit.to_owned()));
    };
    if !audit_holds {
        let why =
            format!("the audit of entry {entry}, which counts verification `{run}`, does not hold");
        return (vec![why], Some(audit.to_owned()));
    }
    let (of, whole) = (HumanCount(*files), HumanCount(*whole));
    let accepted = match accepted {
        0 => String::new(),
        accepted => format!(", and {} are accepted by name", HumanCount(*accepted)),
    };
    let words = format!("verification `{run}` found {whole} of {of} files whole{accepted}");
    (vec![words], Some(verify.to_owned()))
}

/// The same where no queue was used.
fn verified_without_queue(audit_holds: bool, deep: Option<u64>) -> Words {
    let (why, next) = match (deep, audit_holds) {
        (Some(entry), true) => {
            let why = format!("no queue was used: `verify --deep`, entry {entry}, read each file");
            return (vec![why], None);
        }
        (Some(_), false) => ("the last audit does not hold", "`mogile2s3 audit --no-run`"),
        (None, true) => (
            "no queue was used, so no worker has verified, and no `verify --deep` holds that read each file",
            "`mogile2s3 verify --deep`",
        ),
        (None, false) => (
            "no queue was used, and neither an audit nor a `verify --deep` holds that read each file",
            "`mogile2s3 verify --deep`, then `mogile2s3 audit --no-run`",
        ),
    };
    (vec![why.to_owned()], Some(next.to_owned()))
}

/// The gate of both queues.
pub(super) fn queue(seen: &QueueSeen) -> Words {
    match seen {
        QueueSeen::NotNamed => (
            vec!["no queue is named, and --no-queue is not given".to_owned()],
            Some("set SQS_URL and SQS_DLQ_URL; where no queue was used add --no-queue".to_owned()),
        ),
        QueueSeen::NotUsed { but: None } => {
            (vec!["no queue was used, because --no-queue says so".to_owned()], None)
        }
        QueueSeen::NotUsed { but: Some((entry, url)) } => (
            vec![format!(
                "--no-queue says that no queue was used, and by entry {entry} jobs were sent to `{url}`"
            )],
            Some("set SQS_URL and SQS_DLQ_URL to its queues, and leave --no-queue out".to_owned()),
        ),
        QueueSeen::Other { others, today } => (
            others
                .iter()
                .map(|(entry, url)| {
                    format!("by entry {entry} jobs were sent to `{url}`, and SQS_URL names another queue")
                })
                .chain(queue(today).0)
                .collect(),
            Some("set SQS_URL and SQS_DLQ_URL to the queues of these jobs".to_owned()),
        ),
        QueueSeen::Watched { looks, window } => watched(seen, looks, *window),
    }
}

fn watched(seen: &QueueSeen, looks: &[QueueLook], window: Duration) -> Words {
    let times = match looks.len() {
        1 => "one look".to_owned(),
        many => format!("{many} looks"),
    };
    if seen.is_empty() {
        let empty = format!("both queues are empty: {times}");
        let words = match looks {
            [first, .., last] => {
                let time = HumanDuration(first.at.until(last.at));
                let short = "SHORT WINDOW: SQS counts approximately. The default is 2m";
                let short = (window < limits::QUEUE_EMPTY_FOR).then(|| short.to_owned());
                [format!("{empty} in {time}")].into_iter().chain(short).collect()
            }
            _ => vec![format!("{empty}. `--execute` looks longer: SQS counts approximately")],
        };
        return (words, None);
    }
    let full = looks.iter().find(|look| !look.is_empty());
    let Some(QueueLook { queue, dead_letters, .. }) = full else {
        let words = format!("{times} at the queues are not enough");
        return (vec![words], Some("run this again".to_owned()));
    };
    let found = [("the queue", queue), ("the dead-letter queue", dead_letters)];
    let found = found.into_iter().filter(|(_, depth)| depth.all() > 0).map(|(name, depth)| {
        let (visible, in_flight) = (HumanCount(depth.visible), HumanCount(depth.in_flight));
        let delayed = HumanCount(depth.delayed);
        format!("{name} has {visible} visible messages, {in_flight} in flight, {delayed} delayed")
    });
    let next = if queue.all() > 0 {
        "let the workers empty the queue (`mogile2s3 status`), then audit and verify again"
    } else {
        "`mogile2s3 dlq list` says why they failed, `mogile2s3 dlq redrive` sends them again; then audit and verify"
    };
    (found.collect(), Some(next.to_owned()))
}
