//! What to do about it.

use std::collections::BTreeSet;

use domain::{Misconfigured, ReasonKind};

/// What an operator does about files that failed so, beside what the reason itself says.
#[must_use]
pub const fn advice(kind: ReasonKind) -> &'static str {
    match kind {
        ReasonKind::NoIntermediary => {
            "sync these first, or let them come from MogileFS: --route auto"
        }
        ReasonKind::NoReplica => {
            "if a storage node comes back so may they; else they are lost, and have to be restored \
             in MogileFS or left out by --exclude-file"
        }
        ReasonKind::SourceUnreachable => {
            "check that the trackers run and that the way to them is open: `mogile2s3 doctor` \
             names those that do not answer; then run this again"
        }
        ReasonKind::ReplicasUnreachable => {
            "the trackers answer: start the storage nodes named here, or open the way to them. \
             `mogile2s3 doctor` tries to open a replica; then run this again"
        }
        ReasonKind::SourceRefused => {
            "check MOGILE_TRACKERS, MOGILE_DOMAIN and MOGILE_STORAGE_HOSTS by `mogile2s3 doctor`"
        }
        ReasonKind::KeyUnknown => {
            "the index has keys that the trackers do not know: is MOGILE_DATABASE_URL the database \
             of MOGILE_TRACKERS?"
        }
        ReasonKind::WrongObject => {
            "`mogile2s3 migrate`, or `mogile2s3 enqueue migrate`, replaces these where MogileFS has the \
             content; where it has not, restore it there, or look at the objects yourself"
        }
        ReasonKind::Contended => "does something else write to these buckets? Run this again",
        ReasonKind::StoreUnreachable => {
            "is the way to S3 open, is AWS_ENDPOINT_URL right where it is set? Run this again"
        }
        ReasonKind::StoreDenied => {
            "`mogile2s3 doctor` tells which permission is missing; mend the policy, run this again"
        }
        ReasonKind::NoBucket => "create the bucket or correct BUCKETS, and run this again",
        ReasonKind::StoreRefused => "see what S3 says; `mogile2s3 doctor` tells what it can do",
        ReasonKind::IndexUnreadable => {
            "check MOGILE_DATABASE_URL, or MOGILE_TRACKERS where it is not set, and the way there \
             by `mogile2s3 doctor`; then run this again"
        }
        ReasonKind::LedgerUnavailable => {
            "check DYNAMODB_TABLE, the region and the account's policy by `mogile2s3 doctor`; \
             `mogile2s3 provision` makes a table that is missing. Then run this again: what is in S3 \
             already is found there, and recorded"
        }
        ReasonKind::QueueUnavailable => "check SQS_URL, the region and the account's policy",
        ReasonKind::BadMessage => "see the message in the dead-letter queue",
        ReasonKind::BadJob => {
            "give the worker the BUCKETS and the MOGILE_DOMAIN of whoever sent these jobs; then \
             `mogile2s3 dlq redrive --reason bad-job` sends them again"
        }
        ReasonKind::NotStarted => {
            "their time ran out before they were done: they come again by themselves, and those \
             that are dead letters are sent again by `mogile2s3 dlq redrive --reason not-started`"
        }
        ReasonKind::Missing => {
            "`mogile2s3 migrate`, or `mogile2s3 enqueue migrate`, looks at these and migrates what is \
             missing; then verify again"
        }
    }
}

/// What an operator does about a setting that is not the one of this store.
#[must_use]
pub fn advice_on_settings(misconfigured: &Misconfigured) -> String {
    match misconfigured {
        Misconfigured::NoSuchDomain { .. } | Misconfigured::EmptyDomain { .. } => {
            "nothing was done: set MOGILE_DOMAIN to one of these, and run this again".to_owned()
        }
        Misconfigured::OtherDomain { .. } => {
            "correct MOGILE_DOMAIN, or SQS_URL, and run this again: the jobs are in the queue"
                .to_owned()
        }
        Misconfigured::NothingSelected { .. } => {
            "nothing was done: correct --fids or --from-fid, or MOGILE_DOMAIN, and run this again"
                .to_owned()
        }
        Misconfigured::NothingMapped { .. } => {
            "nothing was done: `mogile2s3 plan` names the buckets that rows are in; correct BUCKETS, \
             and run this again"
                .to_owned()
        }
        Misconfigured::Moved(moved) => {
            let from: BTreeSet<_> = moved.iter().map(|moved| &moved.proven_in).collect();
            let flags = from.iter().map(|bucket| format!(" --moved-from {bucket}"));
            format!(
                "nothing was done: correct BUCKETS, and run this again; or, to pay for the second \
                 copy, add{}",
                flags.collect::<String>()
            )
        }
    }
}
