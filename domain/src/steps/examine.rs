use super::{Ports, WorkPorts};
use crate::ports::{Replica, SourceError};
use crate::retry::{Classed, ErrorClass};
use crate::{BucketMap, Check, Fid, RowClass, SourceFile, limits};

/// Reaches everything that a migration reaches, and says of each what is wrong with it. Nothing is
/// written.
pub async fn examine(ports: &Ports, buckets: &BucketMap) -> Vec<Check> {
    let mut checks = Vec::new();
    let sample = examine_index(ports, buckets, &mut checks).await;
    if let Some(file) = sample {
        checks.push(examine_replicas(ports, &file).await);
    }
    checks.push(examine_ledger(ports).await);
    for (_, bucket) in buckets.pairs() {
        let fact = "its objects can be listed";
        let subject = format!("bucket {bucket}");
        checks.push(match ports.objects.list(bucket, "", None).await {
            Ok(page) if page.objects.is_empty() => Check::good(subject, fact, "it is empty"),
            Ok(_) => Check::good(subject, fact, "it has objects"),
            Err(error) => failed(subject, fact, &error),
        });
    }
    checks
}

/// Reaches what a worker reaches beside that. Nothing is written.
pub async fn examine_work(ports: &WorkPorts) -> Vec<Check> {
    fn told<T>(subject: &str, fact: &str, answer: Result<T, impl Classed>) -> Check {
        match answer {
            Ok(_) => Check::good(subject, fact, "read"),
            Err(error) => failed(subject, fact, &error),
        }
    }
    vec![
        told("queue", "its depth can be read", ports.queue.depth().await),
        told("failures", "they can be read", ports.failures.read(&[Fid(0)]).await),
        told("verifications", "they can be read", ports.verifications.verified("doctor").await),
    ]
}

/// Reads the first rows; gives the first of them that is to be migrated.
async fn examine_index(
    ports: &Ports,
    buckets: &BucketMap,
    checks: &mut Vec<Check>,
) -> Option<SourceFile> {
    let (subject, fact) = ("index", "its rows can be read");
    let page = match ports.index.page(Fid(0), limits::PAGE_ROWS).await {
        Ok(page) => page,
        Err(error) => {
            checks.push(failed(subject, fact, &error));
            return None;
        }
    };
    let rows = page.rows.len();
    checks.push(if rows == 0 {
        let detail = "it has no rows of this domain near its beginning: check MOGILE_DOMAIN";
        Check::bad(subject, fact, detail)
    } else {
        Check::good(subject, fact, format!("{rows} rows looked at"))
    });
    let (mut sample, mut rejected) = (None, Vec::new());
    for row in page.rows {
        match row.classify(buckets) {
            RowClass::Source(file) => sample = sample.or(Some(file)),
            RowClass::Rejected(why) => rejected.push(format!("fid {}: {why}", row.fid)),
            RowClass::Temporary | RowClass::Ignored => {}
        }
    }
    let fact = "its first rows can be migrated";
    checks.push(match rejected.first() {
        None => Check::good(subject, fact, "none is rejected"),
        Some(first) => {
            Check::bad(subject, fact, format!("{} are rejected; {first}", rejected.len()))
        }
    });
    sample
}

async fn examine_replicas(ports: &Ports, file: &SourceFile) -> Check {
    let (subject, fact) = (format!("fid {}", file.fid), "a replica of it can be opened");
    let replicas = match ports.files.replicas(file).await {
        Ok(replicas) => replicas,
        Err(error) => return failed(subject, fact, &error),
    };
    let mut last = None;
    for replica in replicas {
        match open(ports, replica).await {
            Ok(replica) => return Check::good(subject, fact, replica.to_string()),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => failed(subject, fact, &error),
        None => Check::bad(subject, fact, "the trackers know of none"),
    }
}

async fn open(
    ports: &Ports,
    replica: Result<Replica, SourceError>,
) -> Result<Replica, SourceError> {
    let replica = replica?;
    ports.files.open(&replica).await?;
    Ok(replica)
}

async fn examine_ledger(ports: &Ports) -> Check {
    let (subject, fact) = ("ledger", "its records can be read");
    match ports.ledger.read(&[Fid(0)]).await {
        Ok(_) => Check::good(subject, fact, "read"),
        Err(error) => failed(subject, fact, &error),
    }
}

fn failed(subject: impl Into<String>, fact: &str, error: &impl Classed) -> Check {
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
