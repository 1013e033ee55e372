//! What to do about it.

use std::collections::BTreeSet;

use domain::{KeyTrouble, Misconfigured, Obstacle, Reason, ReasonKind, Thing};

/// What an operator does about a reason: by what stands in the way, where that is known, or else by
/// its kind.
#[must_use]
pub const fn advice_on(reason: &Reason) -> &'static str {
    match advice_on_obstacle(reason) {
        Some(advice) => advice,
        None => advice(reason.kind),
    }
}

/// What an operator does about what stands in the way, where that is more than the kind says.
#[must_use]
pub const fn advice_on_obstacle(reason: &Reason) -> Option<&'static str> {
    Some(match (reason.obstacle, reason.kind) {
        (Obstacle::Absent(Thing::Bucket), _) => advice(ReasonKind::NoBucket),
        (Obstacle::Absent(Thing::Table), _) => {
            "correct DYNAMODB_TABLE, DYNAMODB_FAILURES_TABLE, DYNAMODB_VERIFICATIONS_TABLE, \
             DYNAMODB_JOURNAL_TABLE or the region (`mogile2s3 doctor` tries the first two); or make the table with `mogile2s3 provision`, \
             which needs --access-profile. Then run this again"
        }
        (Obstacle::Absent(Thing::JobQueue), _) => {
            "correct SQS_URL or the region; or make the queue with `mogile2s3 provision`, which \
             needs --access-profile. Then run this again"
        }
        (Obstacle::Absent(Thing::DeadLetterQueue), _) => {
            "correct SQS_DLQ_URL or the region; or make the queue with `mogile2s3 provision`, which \
             needs --access-profile. Then run this again"
        }
        (Obstacle::Keys(trouble), _) => advice_on_keys(trouble),
        (Obstacle::Unreachable, ReasonKind::LedgerUnavailable) => {
            "check the way to DynamoDB, the region, and AWS_ENDPOINT_URL or \
             AWS_ENDPOINT_URL_DYNAMODB where it is set, then run this again: it finds the objects \
             that are in S3 already, and records them"
        }
        (Obstacle::Unreachable, ReasonKind::QueueUnavailable) => {
            "check the way to SQS, the region, and AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_SQS where it \
             is set, then run this again"
        }
        (Obstacle::Refusal, ReasonKind::LedgerUnavailable) => {
            "mend what DynamoDB names. Where it denies access, correct the account's policy for this \
             table. Then run this again"
        }
        (Obstacle::Refusal, ReasonKind::QueueUnavailable) => {
            "mend what SQS names. Where it denies access, correct the account's policy for this queue. \
             Then run this again"
        }
        (Obstacle::OfItsKind | Obstacle::Unreachable | Obstacle::Refusal, _) => return None,
    })
}

/// What an operator does about keys that AWS does not accept.
#[must_use]
pub const fn advice_on_keys(trouble: KeyTrouble) -> &'static str {
    match trouble {
        KeyTrouble::Unknown => {
            "correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile that AWS_PROFILE \
             names; temporary keys need AWS_SESSION_TOKEN too. Then run this again"
        }
        KeyTrouble::Expired => {
            "log in to AWS again (`aws sso login`, or new temporary keys), then run this again"
        }
    }
}

/// What an operator does about files that failed so, beside what the reason itself says.
#[must_use]
pub const fn advice(kind: ReasonKind) -> &'static str {
    match kind {
        ReasonKind::NoIntermediary => {
            "run this again, and let MogileFS supply these files: --route auto"
        }
        ReasonKind::NoReplica => {
            "if a storage node is down, start it; if the words name MOGILE_STORAGE_HOSTS, or a storage \
             node that MogileFS does not register, correct that. Then run this again. Otherwise \
             restore the files in MogileFS, or exclude them with --exclude-file"
        }
        ReasonKind::WrongContent => {
            "MogileFS has other content under these keys: restore the right content there, or exclude \
             the files with --exclude-file"
        }
        ReasonKind::SourceUnreachable => {
            "`mogile2s3 doctor` shows which tracker, or whether MogileFS's database, cannot be reached. \
             Start it, or open the way to it, then run this again"
        }
        ReasonKind::ReplicasUnreachable => {
            "the trackers answer: start the storage nodes named here, or open the way to them. \
             `mogile2s3 doctor` opens a replica on each of them. Then run this again"
        }
        ReasonKind::SourceRefused => {
            "check MOGILE_TRACKERS, MOGILE_DOMAIN, MOGILE_DATABASE_URL and MOGILE_STORAGE_HOSTS with \
             `mogile2s3 doctor`, then run this again"
        }
        ReasonKind::KeyUnknown => {
            "check that MOGILE_DATABASE_URL is the database of MOGILE_TRACKERS, then run this again"
        }
        ReasonKind::WrongObject => {
            "`mogile2s3 migrate`, or `mogile2s3 enqueue migrate`, replaces these objects where \
             MogileFS has the content. Where it has not, restore the content there first, or examine \
             the objects yourself"
        }
        ReasonKind::Contended => {
            "stop the other program that writes to these buckets, then run this again"
        }
        ReasonKind::StoreUnreachable => {
            "check the way to S3, the region, and AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_S3 where it is \
             set, with `mogile2s3 doctor`, then run this again. Where keys have expired, log in to AWS \
             again"
        }
        ReasonKind::StoreDenied => {
            "`mogile2s3 doctor` shows which permission is missing, or whether AWS does not know the \
             access key. Correct the account's policy, the bucket's, or the key, then run this again"
        }
        ReasonKind::NoBucket => {
            "correct BUCKETS, or make the bucket with `mogile2s3 provision`, which needs \
             --access-profile. Then run this again"
        }
        ReasonKind::StoreRefused => {
            "mend what S3 names; `mogile2s3 doctor` tries each kind of request. Then run this again"
        }
        ReasonKind::IndexUnreadable => {
            "check MOGILE_DATABASE_URL, or MOGILE_TRACKERS where it is not set, with `mogile2s3 \
             doctor`, then run this again"
        }
        ReasonKind::LedgerUnavailable => {
            "check the way to DynamoDB, DYNAMODB_TABLE, the region and the account's policy with \
             `mogile2s3 doctor`; `mogile2s3 provision`, which needs --access-profile, makes a missing \
             table. Then run this again: it finds the objects that are in S3 already, and records them"
        }
        ReasonKind::QueueUnavailable => {
            "check the way to SQS, SQS_URL and SQS_DLQ_URL, the region and the account's policy, then \
             run this again"
        }
        ReasonKind::BadMessage => {
            "`mogile2s3 enqueue migrate` sends jobs for all files that are not proven. Then find the \
             sender of these messages, and delete them from the dead-letter queue"
        }
        ReasonKind::BadJob => {
            "give the worker the BUCKETS and the MOGILE_DOMAIN of the sender of these jobs. Then \
             `mogile2s3 dlq redrive --reason bad-job` sends them again"
        }
        ReasonKind::NotStarted => {
            "the worker stopped before these jobs were done: its time was over, it got a signal, or it \
             met jobs of another MogileFS domain. The queue delivers them again. Where the words name \
             another domain, correct MOGILE_DOMAIN or SQS_URL of the worker first. `mogile2s3 dlq \
             redrive --reason not-started` sends those that are dead letters"
        }
        ReasonKind::Killed => {
            "each time that it was begun its worker ended, by memory or by time. Give the function \
             more of both, then `mogile2s3 dlq redrive --reason killed`; or move these files from \
             here, with `mogile2s3 migrate --fids LIST`"
        }
        ReasonKind::Missing => {
            "`mogile2s3 migrate`, or `mogile2s3 enqueue migrate`, checks these files and migrates \
             what is missing. Then verify again"
        }
    }
}

/// What an operator does about a setting that is not the one of this store.
#[must_use]
pub fn advice_on_settings(misconfigured: &Misconfigured) -> String {
    match misconfigured {
        Misconfigured::NoSuchDomain { .. } | Misconfigured::EmptyDomain { .. } => {
            "nothing was done: set MOGILE_DOMAIN to one of these names, then run this again"
                .to_owned()
        }
        Misconfigured::OtherDomain { .. } => {
            "the jobs are still in the queue: correct MOGILE_DOMAIN or SQS_URL, then run this again"
                .to_owned()
        }
        Misconfigured::NothingSelected { .. } => {
            "nothing was done: correct --fids, --from-fid or MOGILE_DOMAIN, then run this again"
                .to_owned()
        }
        Misconfigured::NothingMapped { .. } => {
            "nothing was done: correct BUCKETS, then run this again. `mogile2s3 plan` shows the \
             buckets of the rows"
                .to_owned()
        }
        Misconfigured::Moved(moved) => {
            let from: BTreeSet<_> = moved.iter().map(|moved| &moved.proven_in).collect();
            let flags = from.iter().map(|bucket| format!(" --moved-from {bucket}"));
            format!(
                "nothing was done: correct BUCKETS, then run this again; or, to pay for the second \
                 copy, add{}",
                flags.collect::<String>()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_way_decides_the_advice() {
        use ReasonKind::{LedgerUnavailable, QueueUnavailable, StoreDenied};
        for (kind, obstacle, named, unnamed) in [
            (LedgerUnavailable, Obstacle::Unreachable, "the way to DynamoDB", "make the table"),
            (LedgerUnavailable, Obstacle::Absent(Thing::Table), "DYNAMODB_TABLE", "the way to"),
            (QueueUnavailable, Obstacle::Absent(Thing::JobQueue), "correct SQS_URL", "SQS_DLQ_URL"),
            (
                QueueUnavailable,
                Obstacle::Absent(Thing::DeadLetterQueue),
                "correct SQS_DLQ_URL",
                "SQS_URL",
            ),
            (StoreDenied, Obstacle::Keys(KeyTrouble::Unknown), "AWS_ACCESS_KEY_ID", "policy"),
            (QueueUnavailable, Obstacle::Keys(KeyTrouble::Expired), "log in", "policy"),
            (StoreDenied, Obstacle::Refusal, "policy", "provision"),
        ] {
            let advice = advice_on(&Reason::new(kind, "words").because_of(obstacle));
            assert!(advice.contains(named) && !advice.contains(unnamed), "{obstacle:?}: {advice}");
        }
    }
}
