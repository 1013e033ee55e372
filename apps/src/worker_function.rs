//! Compares the deployed worker function with this program before jobs are sent to it: its formats,
//! its MogileFS domain and its buckets.

use domain::ports::{FunctionError, WorkerFunction};
use domain::retry::{Classed, ErrorClass};
use domain::{BucketMap, Check, Formats, JobAction, WorkerReport};

use crate::config::FUNCTION;
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

/// Asks the function of this name, and checks its answer. With `is_read_only` the keys need no right to
/// invoke it: whoever may, can have it write.
pub async fn checks(
    function: &dyn WorkerFunction,
    name: &str,
    ours: &WorkerReport,
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
    vec![
        Check::good(subject(), answers, version.clone()),
        check("its formats are this program's", version, other_formats(&report, JobAction::ALL)),
        check("its MOGILE_DOMAIN is this", report.domain.clone(), other_domain(&report, ours)),
        check("its BUCKETS are these", report.buckets.clone(), other_buckets(&report, ours)),
    ]
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
