//! Compares the deployed worker function with this program before jobs are sent to it: its formats,
//! its MogileFS domain and its buckets.

use std::collections::BTreeMap;

use adapters::sqs::QueueUrl;
use domain::ports::{FunctionError, WorkerFunction};
use domain::retry::{Classed, ErrorClass};
use domain::{BucketMap, Check, Formats, FunctionHealth, JobAction, WorkerReport};

use crate::config::{AwsSettings, DEAD_LETTERS, FUNCTION, QUEUE, QueueSettings};
use crate::exit::UsageError;

/// The version of this program, and of the function that is built with it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How to deploy this version of the function.
const DEPLOY: &str = "Deploy this version: build the zip with apps/build-lambda-zip.sh, upload it \
                      under a new key, and run `aws cloudformation deploy` as docs/OPERATING.md \
                      shows, with that key as CodeKey";

/// How to give the function the same buckets.
const SAME_BUCKETS: &str = "Correct BUCKETS here, or run `aws cloudformation deploy` as \
                            docs/OPERATING.md shows, with the parameters Buckets and BucketNames \
                            corrected";

/// How to give the function the same domain.
const SAME_DOMAIN: &str = "Correct MOGILE_DOMAIN here, or run `aws cloudformation deploy` as \
                           docs/OPERATING.md shows, with the parameter MogileDomain corrected";

/// What this program reports of itself with these settings. A function must report the same.
#[must_use]
pub fn ours(domain: &str, buckets: &BucketMap) -> WorkerReport {
    WorkerReport::of(VERSION, domain, buckets)
}

/// Settings that are no secrets, by their variables: those of the function must be these. A queue that is
/// not named is left out.
#[must_use]
pub fn settings(
    region: &str,
    queue: &QueueSettings,
    aws: &AwsSettings,
) -> BTreeMap<String, String> {
    let url = |url: QueueUrl| url.to_string();
    let settings = [
        (REGION, Some(region.to_owned()).filter(|region| !region.is_empty())),
        ("DYNAMODB_TABLE", aws.ledger_table().ok()),
        ("DYNAMODB_FAILURES_TABLE", queue.tables.failures_table(aws).ok()),
        ("DYNAMODB_VERIFICATIONS_TABLE", queue.tables.verifications_table(aws).ok()),
        (QUEUE, queue.queue_url().ok().map(url)),
        (DEAD_LETTERS, queue.dead_letters_url_if_named().ok().flatten().map(url)),
    ];
    let given = settings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    given.collect()
}

const REGION: &str = "AWS_S3_REGION_NAME";

/// What this program is, and what its settings are.
pub struct Ours {
    /// What a function must report.
    pub report: WorkerReport,
    /// Its settings, as [`settings`] has them.
    pub settings: BTreeMap<String, String>,
}

/// Asks the function of this name, checks its answer, and has it look at everything from where it runs.
/// With `is_read_only` it is not made to look, since it writes for that; and the keys need no right to
/// invoke it.
pub async fn checks(
    function: &dyn WorkerFunction,
    name: &str,
    Ours { report: ours, settings }: &Ours,
    is_read_only: bool,
) -> Vec<Check> {
    let subject = || format!("function {name}");
    let answers = "it answers";
    let report = match function.report().await {
        Ok(report) => report,
        Err(error) if error.class() == ErrorClass::Retry => {
            return vec![Check::unreachable(subject(), answers, error.to_string())];
        }
        Err(error @ FunctionError::Denied { .. }) if is_read_only => {
            let detail = format!(
                "{error}. Keys that only read need no such right: ask with those that migrate whether it is \
                 this program's function, by `mogile2s3 doctor`"
            );
            return vec![Check::caution(subject(), answers, detail)];
        }
        Err(error @ FunctionError::Older { .. }) => {
            return vec![Check::bad(subject(), answers, format!("{error}. {DEPLOY}"))];
        }
        Err(error) => return vec![Check::bad(subject(), answers, error.to_string())],
    };
    let check = |fact: &str, good: String, bad: Option<String>| match bad {
        None => Check::good(subject(), fact, good),
        Some(bad) => Check::bad(subject(), fact, bad),
    };
    let version = format!("version {}, and this is {VERSION}", report.version);
    let other_version = (report.version != VERSION).then(|| format!("{version}. {DEPLOY}"));
    let mut checks = vec![
        Check::good(subject(), answers, version.clone()),
        check("its version is this program's", version.clone(), other_version),
        check("its formats are this program's", version, other_formats(&report, JobAction::ALL)),
        check("its MOGILE_DOMAIN is this", report.domain.clone(), other_domain(&report, ours)),
        check("its BUCKETS are these", report.buckets.clone(), other_buckets(&report, ours)),
    ];
    if !is_read_only {
        checks.extend(look_from_there(function, &subject(), settings).await);
    }
    checks
}

/// What the function sees with its own role and in its own network, and whether its settings are these.
async fn look_from_there(
    function: &dyn WorkerFunction,
    subject: &str,
    ours: &BTreeMap<String, String>,
) -> Vec<Check> {
    let fact = "it looks at everything that it uses, from where it runs";
    let FunctionHealth { settings, checks } = match function.examine().await {
        Ok(health) => health,
        Err(error) if error.class() == ErrorClass::Retry => {
            return vec![Check::unreachable(subject, fact, error.to_string())];
        }
        Err(error @ FunctionError::Older { .. }) => {
            return vec![Check::bad(subject, fact, format!("{error}. {DEPLOY}"))];
        }
        Err(error) => return vec![Check::bad(subject, fact, error.to_string())],
    };
    let looked = Check::good(subject, fact, format!("{} checks, which follow", checks.len()));
    let same = compare_settings(subject, &settings, ours);
    [looked, same].into_iter().chain(checks.into_iter().map(|it| it.seen_by(subject))).collect()
}

/// Tables, queues and region of the function and of these settings.
fn compare_settings(
    subject: &str,
    theirs: &BTreeMap<String, String>,
    ours: &BTreeMap<String, String>,
) -> Check {
    let fact = "its tables, queues and region are these";
    if theirs.is_empty() {
        let detail = format!("it does not report them, and they were not compared. {DEPLOY}");
        return Check::caution(subject, fact, detail);
    }
    let (mut same, mut other) = (Vec::new(), Vec::new());
    for (name, ours) in ours {
        match theirs.get(name) {
            Some(theirs) if is_same(theirs, ours) => same.push(name.as_str()),
            Some(theirs) => {
                other.push(format!("its {name} is `{theirs}`, and here it is `{ours}`"))
            }
            None => other.push(format!("it has no {name}, and here it is `{ours}`")),
        }
    }
    if other.is_empty() {
        return Check::good(subject, fact, same.join(", "));
    }
    let detail = format!(
        "{}. It works on other jobs, or records them elsewhere. Correct the settings here, or run `aws \
         cloudformation deploy` as docs/OPERATING.md shows, with its parameters corrected",
        other.join("; ")
    );
    Check::bad(subject, fact, detail)
}

/// A queue has more than one way to be written.
fn is_same(theirs: &str, ours: &str) -> bool {
    let urls = (theirs.parse::<QueueUrl>(), ours.parse::<QueueUrl>());
    theirs == ours || matches!(urls, (Ok(theirs), Ok(ours)) if theirs == ours)
}

/// Asks the function of this name whether jobs of this kind may be sent to it. Errors before
/// anything is sent: [`UsageError`] where it must be deployed or set otherwise, [`FunctionError`]
/// where it could not be reached.
pub async fn require(
    function: &dyn WorkerFunction,
    name: &str,
    action: JobAction,
    ours: &WorkerReport,
) -> anyhow::Result<()> {
    let refused = |why: String| UsageError(format!("nothing was sent. {why}"));
    let report = match function.report().await {
        Ok(report) => report,
        Err(error) => {
            let why = match &error {
                FunctionError::Unavailable { .. } => return Err(error.into()),
                FunctionError::Older { .. } => {
                    format!("{error}. This program is version {VERSION}. {DEPLOY}")
                }
                FunctionError::NoFunction { .. }
                | FunctionError::Denied { .. }
                | FunctionError::Refused { .. } => {
                    format!("{error}. Without {FUNCTION} no function is asked")
                }
            };
            return Err(refused(why).into());
        }
    };
    match other_formats(&report, &[action])
        .or_else(|| other_domain(&report, ours))
        .or_else(|| other_buckets(&report, ours))
    {
        None => Ok(()),
        Some(why) => Err(refused(format!("The function `{name}`: {why}")).into()),
    }
}

/// What is wrong with the formats of this function, and what to do.
fn other_formats(report: &WorkerReport, actions: &[JobAction]) -> Option<String> {
    let differences = report.formats.differences_from(Formats::OURS, actions);
    if differences.is_empty() {
        return None;
    }
    Some(format!(
        "its version {} has {}, and this program is version {VERSION}. Each of them would miss or \
         destroy what the other writes. {DEPLOY}; or use mogile2s3 of version {} here",
        report.version,
        differences.join(" and "),
        report.version,
    ))
}

/// What is wrong with the domain of this function, and what to do.
fn other_domain(report: &WorkerReport, ours: &WorkerReport) -> Option<String> {
    (report.domain != ours.domain).then(|| {
        format!(
            "its MOGILE_DOMAIN is `{}`, and here it is `{}`. It would find none of the files, and \
             count them as deleted. {SAME_DOMAIN}",
            report.domain, ours.domain
        )
    })
}

/// What is wrong with the buckets of this function, and what to do.
fn other_buckets(report: &WorkerReport, ours: &WorkerReport) -> Option<String> {
    (report.buckets != ours.buckets).then(|| {
        format!(
            "its BUCKETS are `{}`, and here they are `{}`. It writes to other S3 buckets than these \
             settings name. {SAME_BUCKETS}",
            report.buckets, ours.buckets
        )
    })
}

#[cfg(test)]
mod tests {
    use domain::Health::{self, Bad, Caution, Good};

    use super::*;

    /// `-` for a setting that is not there.
    #[test]
    fn settings_of_the_function_are_compared_by_name() {
        let of = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
            let given = all.iter().filter(|(_, value)| *value != "-");
            given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let check =
            |theirs: &[(&str, &str)], ours: &[(&str, &str)], health: Health, words: &str| {
                let found = compare_settings("function f", &of(theirs), &of(ours));
                assert_eq!(found.health, health, "{found:?}");
                assert!(found.detail.contains(words), "{words}: {found:?}");
            };
        let table = |name| [("DYNAMODB_TABLE", name)];
        check(&table("ledger"), &table("ledger"), Good, "DYNAMODB_TABLE");
        check(&table("other"), &table("ledger"), Bad, "its DYNAMODB_TABLE is `other`");
        check(&[("SQS_URL", "x")], &table("ledger"), Bad, "it has no DYNAMODB_TABLE");
        // What is not set here may be set there.
        check(&table("ledger"), &table("-"), Good, "");
        check(&[], &table("ledger"), Caution, "it does not report them");
        let queue = |host| format!("https://{host}/123456789012/jobs");
        let (new, old) =
            (queue("sqs.us-east-1.amazonaws.com"), queue("us-east-1.queue.amazonaws.com"));
        check(&[("SQS_URL", &old)], &[("SQS_URL", &new)], Good, "SQS_URL");
        let elsewhere = queue("sqs.eu-west-1.amazonaws.com");
        check(&[("SQS_URL", &elsewhere)], &[("SQS_URL", &new)], Bad, "its SQS_URL is");
    }
}
