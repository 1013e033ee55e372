//! All verifications of a migrated world, by the real commands: the jobs and their worker, the audit, and
//! the comparison of the buckets with every byte read. What each of them counts must be what was planted,
//! and so what the others count.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context;
use domain::limits;
use serde::Serialize;
use serde_json::Value;
use stand_ins::embedded::{BUCKETS, DEAD_LETTERS, QUEUE};
use stand_ins::fault::{RequestCounts, Service};
use stand_ins::world::bucket::{Algorithm, Coverage, Object};
use stand_ins::world::queue::arn_of;

use crate::hazard::Hazard;
use crate::passes::{Account, Round};
use crate::planting::{Expected, Planted};
use crate::process;
use crate::stage::Stage;
use crate::stall::{StallMeter, TOO_LONG};

/// The results of all verifications.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// What was planted, and must be counted.
    pub(super) due: Counts,
    pub(super) by: Vec<Verification>,
    /// Every count that is not as planted, and every request that no verification may make.
    pub(super) problems: Vec<String>,
    /// What is no problem, and is printed too.
    pub(super) notes: Vec<String>,
}

/// One verification.
#[derive(Debug, Serialize)]
pub struct Verification {
    pub(super) name: &'static str,
    pub(super) counts: Counts,
    /// The highest of its commands.
    pub(super) exit_code: u64,
    #[serde(skip)]
    pub(super) took: Duration,
}

/// What a verification counts. The names of what is wrong differ between them, the sum does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows of the domain.
    pub(super) rows: u64,
    /// Rows of `{uuid}.tmp`.
    pub(super) temporary: u64,
    pub(super) ignored: u64,
    pub(super) rejected: u64,
    /// Files whose object, and record where it is looked at, are right.
    pub(super) whole: u64,
    /// Files that are not.
    pub(super) not_whole: u64,
    /// Of them those without an object, where that is told apart.
    pub(super) missing: Option<u64>,
    /// Whole files of which the index has another length, where that is looked at.
    pub(super) index_length: Option<u64>,
}

/// The name of the verification by jobs.
const RUN: &str = "rehearsal";

impl Verified {
    /// Runs all verifications, one after the other.
    pub(super) async fn run(stage: &Stage) -> anyhow::Result<Self> {
        let mut verified = Self { due: Counts::due(&stage.planted), ..Self::default() };
        let meter = StallMeter::start();
        let mut asked = Vec::new();
        for (name, command) in COMMANDS {
            let (before, begun) = (stage.world.faults.counts(), Instant::now());
            let (counts, exit_code) = match command {
                None => by_jobs(stage).await?,
                Some(command) => by_command(stage, command).await?,
            };
            let took = begun.elapsed();
            asked.push((name, stage.world.faults.counts_since(&before)));
            verified.by.push(Verification { name, counts, exit_code, took });
        }
        let is_stalled = meter.stop() >= TOO_LONG;
        let unsigned = unsigned(stage)?;
        for (name, asked) in &asked {
            verified.problems.extend(forbidden(name, asked));
            // While this machine stands still, requests come too late and are sent again.
            let notes = if is_stalled { &mut verified.notes } else { &mut verified.problems };
            notes.extend(too_many(name, asked, unsigned));
        }
        let dead = stage.world.sqs.counts(DEAD_LETTERS)?.all() as u64;
        verified.problems.extend(differences(&verified.due, &verified.by, dead));
        Ok(verified)
    }
}

/// Each count that is not as planted, in words; also of the dead letters that the jobs have left.
fn differences(due: &Counts, by: &[Verification], dead: u64) -> Vec<String> {
    let mut differences = Vec::new();
    let code = u64::from(due.not_whole + due.rejected > 0);
    for Verification { name, counts, exit_code, .. } in by {
        let expected = Counts {
            missing: due.missing.filter(|_| counts.missing.is_some()),
            index_length: due.index_length.filter(|_| counts.index_length.is_some()),
            ..due.clone()
        };
        if *counts != expected {
            differences.push(format!("{name}: {counts:?} counted, {expected:?} planted"));
        }
        if *exit_code != code {
            differences.push(format!("{name}: exit code {exit_code}, not {code}"));
        }
    }
    if dead != due.not_whole {
        let failed = due.not_whole;
        differences.push(format!("{dead} dead letters, of {failed} files that are not whole"));
    }
    differences
}

/// The verifications; the first is not a single command.
const COMMANDS: [(&str, Option<&[&str]>); 3] = [
    (JOBS, None),
    (AUDIT, Some(&["audit", "--run", RUN, "--json"])),
    (DEEP, Some(&["verify", "--deep", "--json"])),
];

const JOBS: &str = "enqueue verify, work";
const AUDIT: &str = "audit --run";
const DEEP: &str = "verify --deep";

impl Counts {
    /// By what was planted, when it was migrated as far as it can be.
    fn due(planted: &Planted) -> Self {
        let account = Account::due(planted, Round::Again);
        let class = |name| account.classes.get(name).copied().unwrap_or_default();
        let not_whole: u64 = account.failed.values().map(|sample| sample.files).sum();
        let wrong = account.failed.get("wrong-object").map_or(0, |sample| sample.files);
        let other_length = |hazard: &Hazard| {
            matches!(hazard, Hazard::WrongIndexLength | Hazard::WrongIndexLengthSynced)
        };
        let hazards = planted.hazards().into_iter();
        let index_length =
            hazards.filter(|(hazard, _)| other_length(hazard)).map(|(_, files)| files as u64).sum();
        Self {
            rows: class("rows"),
            temporary: class("temporary"),
            ignored: class("ignored"),
            rejected: account.rejected.values().map(|sample| sample.files).sum(),
            whole: class("proven_before"),
            not_whole,
            missing: Some(not_whole - wrong),
            index_length: Some(index_length),
        }
    }

    /// The counts of rows, which all commands give alike.
    fn of_rows(summary: &Value) -> Self {
        let count = |name: &str| summary[name].as_u64().unwrap_or_default();
        Self {
            rows: count("rows"),
            temporary: count("temporary"),
            ignored: count("ignored"),
            rejected: files_of_all(&summary["rejected"]),
            ..Self::default()
        }
    }
}

/// Sends a job for each file and works on all of them, each once: what failed by itself would be tried
/// again, which takes time and changes nothing here.
async fn by_jobs(stage: &Stage) -> anyhow::Result<(Counts, u64)> {
    let policy = stage.world.sqs.attributes(QUEUE)?.remove("RedrivePolicy");
    let policy = policy.context("a queue without dead letters")?;
    let once = serde_json::json!({
        "deadLetterTargetArn": arn_of(DEAD_LETTERS), "maxReceiveCount": 1,
    });
    let have_policy = |policy: String| {
        stage.world.sqs.set_attributes(QUEUE, &[("RedrivePolicy".to_owned(), policy)].into())
    };
    have_policy(once.to_string())?;
    let (sent, code_of_sending) =
        told(stage, &["enqueue", "verify", "--run", RUN, "--json"]).await?;
    let (worked, code) = told(stage, &["work", "--until-empty", "--json"]).await?;
    have_policy(policy)?;
    let counts = Counts {
        whole: files(&worked["verified"]),
        not_whole: files_of_all(&worked["failed"]),
        missing: Some(files(&worked["failed"]["missing"])),
        index_length: Some(files(&worked["findings"]["index-length"])),
        ..Counts::of_rows(&sent)
    };
    Ok((counts, code.max(code_of_sending)))
}

async fn by_command(stage: &Stage, command: &[&str]) -> anyhow::Result<(Counts, u64)> {
    let (said, code) = told(stage, command).await?;
    let rows = Counts::of_rows(&said);
    let counts = if command[0] == "audit" {
        let classes = ["without_record", "claimed", "of_another", "doubted", "without_pass"];
        let not_whole = classes.map(|class| files(&said[class])).into_iter().sum();
        Counts { whole: said["whole"].as_u64().unwrap_or_default(), not_whole, ..rows }
    } else {
        Counts {
            whole: files(&said["whole"]),
            not_whole: files_of_all(&said["different"]) + files_of_all(&said["unseen"]),
            missing: Some(files(&said["different"]["missing"])),
            index_length: Some(files(&said["findings"]["index-length"])),
            ..rows
        }
    };
    Ok((counts, code))
}

/// Runs a command to its end, whatever that is; gives its summary and its exit code.
async fn told(stage: &Stage, command: &[&str]) -> anyhow::Result<(Value, u64)> {
    let ended = process::run(command, &stage.environment()?).await?;
    let name = command.join(" ");
    let summary = serde_json::from_slice(&ended.stdout)
        .with_context(|| format!("`{name}` gave no summary, exit code {}", ended.code))?;
    Ok((summary, ended.code))
}

/// The files whose object has no SHA-1 of the whole content: their bytes must be read.
fn unsigned(stage: &Stage) -> anyhow::Result<u64> {
    let mut unsigned = BTreeSet::new();
    for (_, bucket) in BUCKETS {
        let objects = stage.world.s3.objects(bucket)?;
        let is_signed = |object: &Object| {
            object.checksum.as_ref().is_some_and(|checksum| {
                (checksum.algorithm, checksum.coverage) == (Algorithm::Sha1, Coverage::FullObject)
            })
        };
        let without = objects.into_iter().filter(|(_, object)| !is_signed(object));
        unsigned.extend(without.map(|(key, _)| (bucket, key)));
    }
    let is_unsigned = |it: &&Expected| unsigned.contains(&(it.bucket, it.file.sha1.clone()));
    Ok(stage.planted.expected.iter().filter(is_unsigned).count() as u64)
}

fn count(asked: &RequestCounts, service: Service, operation: &str) -> u64 {
    asked.get(&(service, operation.to_owned())).copied().unwrap_or_default()
}

/// Requests that a verification never makes, and those that it must make and did not: none writes an
/// object; the jobs ask S3, and the ledger for at most as many as a request takes; the audit asks S3
/// nothing and writes its result into the journal alone; the comparison of the buckets asks no queue, and of the
/// tables the journal alone.
fn forbidden(name: &str, asked: &RequestCounts) -> Vec<String> {
    let may = |service: Service, operation: &str| {
        let is_of_journal = matches!(operation, "Query" | "BatchGetItem" | "TransactWriteItems");
        if (name, service) == (DEEP, Service::DynamoDb) && is_of_journal {
            return true;
        }
        !matches!(
            (name, service, operation),
            (_, Service::S3, "PUT" | "COPY" | "DELETE" | "CREATE_MULTIPART" | "PART" | "COMPLETE")
                | (AUDIT, Service::S3, _)
                | (
                    AUDIT,
                    Service::DynamoDb,
                    "BatchWriteItem" | "PutItem" | "UpdateItem" | "DeleteItem"
                )
                | (DEEP, Service::DynamoDb | Service::Sqs, _)
                | (_, Service::Tracker | Service::StorageNode, _)
        )
    };
    let asked_for = asked.iter().filter(|((service, operation), _)| !may(*service, operation));
    let mut problems: Vec<_> = asked_for
        .map(|((service, operation), count)| {
            format!("{name}: {service} {operation} {count}, which it may not ask at all")
        })
        .collect();
    if name == JOBS {
        let heads = count(asked, Service::S3, "HEAD");
        let reads = count(asked, Service::DynamoDb, "BatchGetItem");
        let most = limits::LEDGER_READ as u64;
        if heads == 0 || reads * most < heads {
            problems.push(format!(
                "{name}: {heads} HEADs and {reads} reads of the ledger, which is less than it must ask"
            ));
        }
    }
    problems
}

/// More requests than are needed. Of the jobs one HEAD a file, one read of the ledger for all jobs of an
/// answer, and one GET for each object that is `unsigned`, which is sent again where its answer breaks off.
/// Both they and the comparison of the buckets read the whole journal once, and its end when they begin, when they
/// write their result behind it, and before the first job.
fn too_many(name: &str, asked: &RequestCounts, unsigned: u64) -> Vec<String> {
    let over = |bounds: &[(Service, &str, u64)]| -> Vec<String> {
        let over = bounds.iter().filter_map(|(service, operation, most)| {
            let count = count(asked, *service, operation);
            (count > *most)
                .then(|| format!("{name}: {service} {operation} {count}, more than {most}"))
        });
        over.collect()
    };
    if name == DEEP {
        return over(&[
            (Service::DynamoDb, "Query", 3),
            (Service::DynamoDb, "BatchGetItem", 3),
            (Service::DynamoDb, "TransactWriteItems", 1),
        ]);
    }
    if name != JOBS {
        return over(&[(Service::DynamoDb, "TransactWriteItems", 1)]);
    }
    let answers = count(asked, Service::Sqs, "ReceiveMessage");
    let jobs = 10 * count(asked, Service::Sqs, "SendMessageBatch");
    over(&[
        (Service::S3, "HEAD", jobs),
        (Service::S3, "GET", 2 * unsigned),
        (Service::DynamoDb, "BatchGetItem", answers + 4),
    ])
}

fn files(tally: &Value) -> u64 {
    tally["files"].as_u64().unwrap_or_default()
}

fn files_of_all(samples: &Value) -> u64 {
    samples.as_object().into_iter().flatten().map(|(_, sample)| files(sample)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_an_exit_code_or_a_dead_letter_that_is_not_as_planted_is_noticed() {
        let due = Counts {
            rows: 9,
            whole: 7,
            not_whole: 2,
            missing: Some(1),
            index_length: Some(0),
            ..Counts::default()
        };
        let check = |counts: Counts, exit_code, dead, problems: usize| {
            let took = Duration::ZERO;
            let by = [Verification { name: AUDIT, counts, exit_code, took }];
            let found = differences(&due, &by, dead);
            assert_eq!(found.len(), problems, "{found:?}");
        };
        check(due.clone(), 1, 2, 0);
        // The audit cannot say which of them are missing.
        check(Counts { missing: None, index_length: None, ..due.clone() }, 1, 2, 0);
        check(Counts { whole: 8, not_whole: 1, ..due.clone() }, 1, 2, 1);
        check(Counts { missing: Some(2), ..due.clone() }, 1, 2, 1);
        check(Counts { index_length: Some(1), ..due.clone() }, 1, 2, 1);
        check(due.clone(), 0, 2, 1);
        check(due.clone(), 1, 3, 1);
    }

    #[test]
    fn each_verification_is_held_to_its_requests() {
        let asked = |name, service, operation: &str, count| {
            let mut asked = RequestCounts::new();
            if name == JOBS {
                asked = [
                    ((Service::Sqs, "SendMessageBatch".to_owned()), 2),
                    ((Service::Sqs, "ReceiveMessage".to_owned()), 3),
                    ((Service::S3, "HEAD".to_owned()), 20),
                    ((Service::DynamoDb, "BatchGetItem".to_owned()), 3),
                ]
                .into();
            }
            asked.insert((service, operation.to_owned()), count);
            asked
        };
        let check = |name, service, operation: &str, count, never: usize, many: usize| {
            let asked = asked(name, service, operation, count);
            let found = (forbidden(name, &asked).len(), too_many(name, &asked, 2).len());
            assert_eq!(found, (never, many), "{name} {operation} {count}");
        };
        check(JOBS, Service::S3, "HEAD", 21, 0, 1);
        check(JOBS, Service::S3, "HEAD", 0, 1, 0);
        check(JOBS, Service::S3, "GET", 5, 0, 1);
        check(JOBS, Service::DynamoDb, "BatchGetItem", 7, 0, 0);
        check(JOBS, Service::DynamoDb, "BatchGetItem", 8, 0, 1);
        check(JOBS, Service::DynamoDb, "BatchGetItem", 0, 1, 0);
        check(JOBS, Service::S3, "PUT", 1, 1, 0);
        check(AUDIT, Service::S3, "HEAD", 1, 1, 0);
        check(AUDIT, Service::DynamoDb, "Scan", 9, 0, 0);
        check(AUDIT, Service::DynamoDb, "PutItem", 1, 1, 0);
        check(DEEP, Service::S3, "GET", 9, 0, 0);
        check(DEEP, Service::DynamoDb, "Scan", 1, 1, 0);
        check(DEEP, Service::DynamoDb, "Query", 3, 0, 0);
        check(DEEP, Service::DynamoDb, "Query", 4, 0, 1);
        for name in [AUDIT, DEEP] {
            check(name, Service::DynamoDb, "TransactWriteItems", 1, 0, 0);
            check(name, Service::DynamoDb, "TransactWriteItems", 2, 0, 1);
        }
        check(DEEP, Service::Tracker, "get_paths", 1, 1, 0);
    }
}
