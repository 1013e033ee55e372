//! What to do about it.

use std::collections::BTreeSet;

use domain::{Misconfigured, ReasonKind};

/// What an operator does about files that failed so, beside what the reason itself says.
#[must_use]
pub const fn advice(kind: ReasonKind) -> &'static str {
    match kind {
        ReasonKind::NoIntermediary => {
            "run this again, and let MogileFS supply these files: --route auto"
        }
        ReasonKind::NoReplica => {
            "if a storage node is down, start it and run this again. Otherwise restore the files in \
             MogileFS, or exclude them with --exclude-file"
        }
        ReasonKind::SourceUnreachable => {
            "`mogile2s3 doctor` shows which tracker cannot be reached. Start it, or open the way to \
             it, then run this again"
        }
        ReasonKind::ReplicasUnreachable => {
            "the trackers answer: start the storage nodes named here, or open the way to them. \
             `mogile2s3 doctor` tries to open a replica. Then run this again"
        }
        ReasonKind::SourceRefused => {
            "check MOGILE_TRACKERS, MOGILE_DOMAIN and MOGILE_STORAGE_HOSTS with `mogile2s3 doctor`, \
             then run this again"
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
            "check the way to S3, and AWS_ENDPOINT_URL where it is set, with `mogile2s3 doctor`, then \
             run this again"
        }
        ReasonKind::StoreDenied => {
            "`mogile2s3 doctor` shows which permission is missing. Correct the policy, then run this \
             again"
        }
        ReasonKind::NoBucket => {
            "correct BUCKETS, or make the bucket with `mogile2s3 provision`, then run this again"
        }
        ReasonKind::StoreRefused => {
            "mend what S3 names; `mogile2s3 doctor` tries each kind of request. Then run this again"
        }
        ReasonKind::IndexUnreadable => {
            "check MOGILE_DATABASE_URL, or MOGILE_TRACKERS where it is not set, with `mogile2s3 \
             doctor`, then run this again"
        }
        ReasonKind::LedgerUnavailable => {
            "check DYNAMODB_TABLE, the region and the account's policy with `mogile2s3 doctor`; \
             `mogile2s3 provision` makes a missing table. Then run this again: it finds the objects \
             that are in S3 already, and records them"
        }
        ReasonKind::QueueUnavailable => {
            "check SQS_URL, the region and the account's policy, then run this again"
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
            "the worker's time ended before these jobs were done, and the queue delivers them again. \
             `mogile2s3 dlq redrive --reason not-started` sends those that are dead letters"
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
