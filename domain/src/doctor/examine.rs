use std::collections::{BTreeMap, BTreeSet};

use super::first_rows::examine_index;
use super::named_ports::NamedPorts;
use super::replicas::{Mogile, examine_replicas};
use crate::migrate::require_domain;
use crate::ports::{
    Clock, FailureLog, JobQueue, Ledger, LedgerError, ObjectStore, SourceIndex, StoreError,
    WorkPorts,
};
use crate::retry::{Classed, ErrorClass};
use crate::{
    BucketMap, Check, Condition, FailureNote, FailureRecord, Fid, Health, LedgerRecord,
    ListedObject, Noted, ObjectAddress, ObjectKey, ObjectMeta, Obstacle, QueueDepth, Reason,
    S3Bucket, SourceFile, Stopped, WriteTarget, limits,
};

/// The fact that no row near the index's beginning is rejected for its bucket: a setting mends it.
pub const BUCKETS_OF_FIRST_ROWS: &str =
    "each bucket of its first rows is in BUCKETS or IGNORE_BUCKETS";

/// The fact that no such row is rejected for what it has itself.
pub const FIRST_ROWS: &str = "its first rows have keys and lengths that can be used";

/// The fact that a job outlives an outage.
pub const DELIVERIES: &str = "an outage does not use up the deliveries of its jobs";

/// Checks every system that `migrate` uses, as far as the settings name it: the index, a replica on each
/// storage node, the ledger, the failures table and each mapped bucket. It only reads.
pub async fn examine(ports: &NamedPorts, buckets: Option<&BucketMap>) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut sample = Vec::new();
    if let Some(index) = ports.index.as_deref() {
        let clock = ports.clock.as_ref();
        let domain = examine_domain(index, clock).await;
        let is_read = domain.health == Health::Good;
        checks.push(domain);
        // Of a domain that is not there, or in an index that gives nothing, nothing else can be said. The
        // other settings may be right.
        if let (true, Some(buckets)) = (is_read, buckets)
            && let Some(first) = examine_index(index, buckets, &mut checks).await
        {
            if let Some(files) = ports.files.as_deref() {
                let mogile = Mogile { index, files, clock };
                checks.extend(examine_replicas(mogile, buckets, &first).await);
            }
            sample = first.files;
        }
    }
    if let Some(ledger) = ports.ledger.as_deref() {
        checks.push(examine_ledger(ledger, &sample).await);
    }
    if let Some(failures) = ports.failures.as_deref() {
        checks.push(told("failures", "they can be read", failures.read(&[Fid(0)]).await));
    }
    let Some((objects, buckets)) = ports.objects.as_deref().zip(buckets) else { return checks };
    for (_, bucket) in buckets.pairs() {
        let fact = "its objects can be listed";
        let subject = format!("bucket {bucket}");
        checks.push(match objects.list(bucket, "", None).await {
            Ok(page) if page.objects.is_empty() => Check::good(subject, fact, "it is empty"),
            Ok(_) => Check::good(subject, fact, "it has objects"),
            Err(error) => failed(subject, fact, &error),
        });
    }
    checks
}

/// Checks the systems that only a worker uses: the queue and the verifications table. It only
/// reads.
pub async fn examine_work(ports: &WorkPorts) -> Vec<Check> {
    let mut checks = examine_queues(ports.queue.as_ref(), ports.dead_letters.as_deref()).await;
    checks.push(told(
        "verifications",
        "they can be read",
        ports.verifications.verified("doctor", &mut |_| ()).await,
    ));
    checks
}

/// Looks at the job queue and its dead-letter queue: an outage must not use up the deliveries of its
/// jobs, and a worker must have a place for those that fail again and again.
pub async fn examine_queues(
    queue: &dyn JobQueue,
    dead_letters: Option<&dyn JobQueue>,
) -> Vec<Check> {
    let (subject, fact) = ("queue", DELIVERIES);
    let mut checks = vec![match queue.depth().await {
        Err(error) => failed(subject, fact, &error),
        Ok(QueueDepth { deliveries: None, .. }) => {
            let detail = "it has no dead-letter queue";
            Check::bad(subject, fact, detail)
        }
        Ok(QueueDepth { deliveries: Some(few), .. }) if few < limits::DELIVERIES => {
            let detail = format!(
                "SQS itself makes a dead letter of a job after {few} deliveries. A job comes back \
                 every ten minutes in an outage: it must be {}",
                limits::DELIVERIES
            );
            Check::bad(subject, fact, detail)
        }
        Ok(depth) => {
            let deliveries = depth.deliveries.unwrap_or_default();
            Check::good(subject, fact, format!("{} jobs, {deliveries} deliveries", depth.all()))
        }
    }];
    let (subject, fact) = ("dead-letter queue", "jobs that fail again and again can go there");
    checks.push(match dead_letters {
        None => {
            let detail = "no dead-letter queue is named: such jobs stay in the queue";
            Check::bad(subject, fact, detail)
        }
        Some(dead_letters) => match dead_letters.depth().await {
            Ok(depth) => Check::good(subject, fact, format!("{} letters", depth.all())),
            Err(error) => failed(subject, fact, &error),
        },
    });
    checks
}

/// Checks that MogileFS has the configured domain.
async fn examine_domain(index: &dyn SourceIndex, clock: &dyn Clock) -> Check {
    let (subject, fact) = ("index", "MogileFS has the configured domain");
    match require_domain(index, clock).await {
        Ok(()) => Check::good(subject, fact, format!("`{}`", index.domain())),
        Err(Stopped::Trouble(reason)) => match reason.obstacle {
            Obstacle::Unreachable => {
                Check::unreachable(subject, fact, reason.to_string()).because_of(reason)
            }
            Obstacle::OfItsKind | Obstacle::Refusal | Obstacle::Absent(_) | Obstacle::Keys(_) => {
                Check::bad(subject, fact, reason.to_string()).because_of(reason)
            }
        },
        Err(wrong) => Check::bad(subject, fact, format!("{wrong}: correct the domain")),
    }
}

/// Checks that the ledger can be read, and that its proofs of the first files are for the buckets
/// that BUCKETS names today.
async fn examine_ledger(ledger: &dyn Ledger, sample: &[SourceFile]) -> Check {
    let (subject, fact) = ("ledger", "its records are of the buckets that are mapped");
    let sample = &sample[..sample.len().min(limits::LEDGER_READ)];
    // Without a file to ask for, any fid shows whether the table can be read.
    let mut fids: Vec<_> = sample.iter().map(|file| file.fid).collect();
    if fids.is_empty() {
        fids.push(Fid(0));
    }
    let records = match ledger.read(&fids).await {
        Ok(records) => records,
        Err(error) => return failed(subject, "its records can be read", &error),
    };
    let elsewhere = |record: &&LedgerRecord| {
        sample.iter().any(|file| file.fid == record.fid && file.bucket != record.bucket)
    };
    match records.iter().find(elsewhere) {
        None => Check::good(subject, fact, format!("{} records looked at", records.len())),
        Some(record) => {
            let detail = format!(
                "fid {} is recorded in bucket `{}`, and BUCKETS takes it elsewhere: correct BUCKETS, or all \
                 such files are migrated again",
                record.fid, record.bucket
            );
            Check::bad(subject, fact, detail)
        }
    }
}

/// Checks the failures table by writing a record, deleting it and scanning the table. A run does
/// all three, and a failure that it cannot write there is lost. The record has fid 0, which no file
/// has.
pub async fn examine_failures(failures: &dyn FailureLog, clock: &dyn Clock) -> Check {
    let (subject, fact) = ("failures", "records can be written, taken away and scanned");
    let record = FailureRecord {
        fid: NO_FILE,
        action: None,
        dkey: String::new(),
        reason: "canary".to_owned(),
        detail: "written by doctor, which takes it away at once".to_owned(),
        attempt: 0,
        failed_at: clock.now(),
        doubted: false,
        messages: BTreeMap::new(),
    };
    let canary = FailureNote { message: "canary".to_owned(), record, what: Noted::Failed };
    let tried = async {
        failures.note(&[canary]).await?;
        failures.clear_undoubted(&[NO_FILE]).await?;
        // An earlier doctor that was killed may have left its record.
        failures.clear(&[NO_FILE]).await?;
        let mut records = 0_u64;
        failures.scan(&mut |_| records += 1).await?;
        Ok::<_, LedgerError>(records)
    };
    match tried.await {
        Ok(records) => Check::good(subject, fact, format!("it has {records}")),
        Err(error) => failed(subject, fact, &error),
    }
}

/// MogileFS gives no file this fid.
const NO_FILE: Fid = Fid(0);

/// Copies one intermediary of each bucket that does not lock its objects, as a migration would, and deletes the copy. S3 refuses
/// to copy some objects for good, for example those in Glacier, or those that are encrypted with
/// another key.
pub async fn examine_copies(
    objects: &dyn ObjectStore,
    buckets: &BucketMap,
    locked: &BTreeSet<S3Bucket>,
    single_request_bytes: u64,
) -> Vec<Check> {
    let mut checks = Vec::new();
    for (_, bucket) in buckets.pairs().filter(|(_, bucket)| !locked.contains(*bucket)) {
        let subject = format!("bucket {bucket}");
        let fact = "an intermediary can be copied, and S3 gives the copy's SHA-1";
        checks.push(match copy_one(objects, bucket, single_request_bytes).await {
            Ok(Some(key)) => Check::good(subject, fact, format!("`{key}`")),
            Ok(None) => Check::good(subject, fact, "it has none: nothing is copied"),
            Err(error) => failed(subject, fact, &error),
        });
    }
    checks
}

/// No file can have this key: the path of a fid has no such folder, and a final key has no slash.
const COPY_CANARY: &str = "mogile2s3-canary/copy-of-an-intermediary";

/// The smallest intermediary that one COPY can take, on the first listing page of the first prefix
/// that has one. The prefixes are `0/` to `9/`, then `/0/` to `/9/`.
async fn small_intermediary(
    objects: &dyn ObjectStore,
    bucket: &S3Bucket,
    single_request_bytes: u64,
) -> Result<Option<ListedObject>, StoreError> {
    let fits = |object: &ListedObject| {
        object.key.as_intermediary().is_some() && object.length.0 <= single_request_bytes
    };
    for lead in ["", "/"] {
        for digit in 0..=9 {
            let listed = objects.list(bucket, &format!("{lead}{digit}/"), None).await?;
            let listed = listed.objects.into_iter().filter(fits);
            if let Some(found) = listed.min_by_key(|object| object.length) {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

async fn copy_one(
    objects: &dyn ObjectStore,
    bucket: &S3Bucket,
    single_request_bytes: u64,
) -> Result<Option<ObjectKey>, StoreError> {
    let Some(source) = small_intermediary(objects, bucket, single_request_bytes).await? else {
        return Ok(None);
    };
    let address =
        ObjectAddress { bucket: bucket.clone(), key: ObjectKey::new(COPY_CANARY.to_owned()) };
    if let Some(left) = objects.head(&address).await? {
        // An earlier doctor that was killed left its copy.
        objects.delete(&address, &left.etag).await?;
    }
    let target = WriteTarget {
        address: address.clone(),
        condition: Condition::Absent,
        meta: ObjectMeta::default(),
        length: source.length,
    };
    let copied = objects.copy(&source.key, &target).await?;
    objects.delete(&address, &copied.etag).await?;
    if copied.sha1.is_none() {
        let why = "its answer to a COPY has no SHA-1 of the whole content".to_owned();
        return Err(StoreError::Refused { at: address.to_string(), why });
    }
    Ok(Some(source.key))
}

fn told<T, E: Classed>(subject: &str, fact: &str, answer: Result<T, E>) -> Check
where
    Reason: for<'e> From<&'e E>,
{
    match answer {
        Ok(_) => Check::good(subject, fact, "read"),
        Err(error) => failed(subject, fact, &error),
    }
}

pub(super) fn failed<E: Classed>(subject: impl Into<String>, fact: &str, error: &E) -> Check
where
    Reason: for<'e> From<&'e E>,
{
    not_seen(subject, fact, error).because_of(Reason::from(error))
}

/// A check that an error has kept from looking.
pub(super) fn not_seen(subject: impl Into<String>, fact: &str, error: &impl Classed) -> Check {
    // The error of a port has its cause in its own text or beside it.
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let mut detail = error.to_string();
    if !detail.contains(&cause) {
        detail = format!("{detail}: {cause}");
    }
    match error.class() {
        ErrorClass::Retry => Check::unreachable(subject, fact, detail),
        ErrorClass::GiveUp | ErrorClass::Corrupt => Check::bad(subject, fact, detail),
    }
}
