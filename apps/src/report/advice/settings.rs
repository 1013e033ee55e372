//! What to do about a setting that is not the one of this store.

use std::collections::BTreeSet;

use domain::Misconfigured;

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
        Misconfigured::NoReferences { client, .. } => format!(
            "nothing was compared: correct BUCKETS, or {}, which names an empty database or one of another \
             store; then run this again. `mogile2s3 doctor` names the buckets of contentrepo",
            if *client == "rhino" { "RHINO_DATABASE_URL" } else { "CONTENTREPO_DATABASE_URL" }
        ),
        Misconfigured::OtherBucket { .. } => {
            "the jobs are still in the queue: correct BUCKETS or SQS_URL, then run this again. Where \
             BUCKETS was changed on purpose, delete all jobs of the queue, verifications too (`aws sqs \
             purge-queue --queue-url \"$SQS_URL\"`), then send new ones: `mogile2s3 enqueue migrate`"
                .to_owned()
        }
        Misconfigured::OtherContentRepo { .. } => {
            "nothing was done: correct CONTENTREPO_DATABASE_URL, or MOGILE_DATABASE_URL where the files \
             are those of another store; then run this again"
                .to_owned()
        }
        Misconfigured::PartOfContentRepo { .. } => {
            "nothing was done: give CONTENTREPO_DATABASE_URL of the contentrepo of that bucket, and leave the \
             buckets of the other one out of BUCKETS for this command; then run this again"
                .to_owned()
        }
        Misconfigured::OldContentRepo { .. } => {
            "nothing was done: give the URL of contentrepo's primary in CONTENTREPO_DATABASE_URL, or wait \
             until the replica has caught up; then run this again. Where an ingest has stopped half way, \
             finish it first"
                .to_owned()
        }
        Misconfigured::OtherWriteDatabase { .. } => {
            "nothing was changed: correct MOGILE_DATABASE_WRITE_URL, which is to name the database of the \
             trackers, then run this again. --via-tracker needs none"
                .to_owned()
        }
        Misconfigured::ExpiringObjects { .. } => {
            "nothing was done: remove the rule, or narrow it by a prefix that none of these keys begins \
             with; then run this again. `mogile2s3 migrate --route mogile` writes objects without tags"
                .to_owned()
        }
        Misconfigured::LockedObjects { bucket, .. } => format!(
            "nothing was done: take the default retention away for the time of the migration (aws s3api \
             put-object-lock-configuration --bucket {bucket} --object-lock-configuration \
             ObjectLockEnabled=Enabled), then run this again. `mogile2s3 migrate --route mogile` needs no \
             such change: S3 compares the SHA-1 of what it is sent"
        ),
        Misconfigured::OtherTableKey { .. } => {
            "nothing was done: correct the table's setting, or give a new name there and make that table \
             with `mogile2s3 provision`, which needs --access-profile; then run this again"
                .to_owned()
        }
        Misconfigured::OtherConsumer { function, mapping, .. } => format!(
            "nothing was sent. Where `{function}` is the worker of this program, set LAMBDA_FUNCTION to \
             it. If not, disable its mapping: aws lambda update-event-source-mapping --uuid {mapping} \
             --no-enabled. Then run this again"
        ),
        Misconfigured::Moved(moved) => {
            advice_on_moved(moved.iter().map(|moved| moved.recorded_in.as_str()))
        }
        Misconfigured::Swapped(swapped) => {
            advice_on_moved(swapped.iter().map(|swapped| swapped.recorded_in.as_str()))
        }
    }
}

fn advice_on_moved<'a>(recorded_in: impl Iterator<Item = &'a str>) -> String {
    let from: BTreeSet<_> = recorded_in.collect();
    let flags = from.iter().map(|bucket| format!(" --moved-from {bucket}"));
    format!(
        "nothing was done. Where BUCKETS is wrong, correct it, then run this again. Where it is right (the \
         files are to move, or an earlier run had a wrong BUCKETS), run this again with{}",
        flags.collect::<String>()
    )
}
