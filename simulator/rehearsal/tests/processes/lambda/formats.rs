//! What the function says of itself over Lambda's own API, and what the commands make of it.

use std::net::SocketAddr;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use adapters::aws;
use adapters::calls::{Calls, Outcomes, System};
use adapters::lambda::LambdaWorkerFunction;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use bytes::Bytes;
use domain::Formats;
use domain::ports::{FunctionError, WorkerFunction};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use stand_ins::embedded::{BUCKETS, DOMAIN, QUEUE};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::wire::lambda::{self, Ended, Fleet, Function, Invocable, InvokeApi};
use stand_ins::wire::listener;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::stage::Stage;

mod doctor;
mod queue;

const NAME: &str = "mogile2s3";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A function that answers everything alike.
struct Scripted(Ended);

impl Invocable for Scripted {
    fn name(&self) -> &str {
        NAME
    }

    fn invoke(&self, _: Bytes) -> BoxFuture<'_, anyhow::Result<Ended>> {
        let Self(ended) = self;
        Box::pin(async { Ok(ended.clone()) })
    }
}

impl Scripted {
    fn answer(answer: &Value) -> Self {
        Self(Ended::Answer(answer.to_string().into()))
    }

    /// What a function of before answers to `{"report": true}`.
    fn older() -> Self {
        Self(Ended::Error(lambda::FunctionError {
            kind: "UnknownEvent".to_owned(),
            message: "nothing was done: what came is an object with `report`".to_owned(),
        }))
    }

    /// With this program's formats, but for the verifications'.
    fn with_verifications_in(format: u32) -> Self {
        Self::with(Formats { verifications: format, ..Formats::OURS })
    }

    fn with(formats: Formats) -> Self {
        Self::answer(&json!({
            "version": "0.0.9",
            "formats": formats,
            "domain": DOMAIN,
            "buckets": buckets(),
        }))
    }
}

/// The world's bucket map, sorted.
fn buckets() -> String {
    let mut pairs: Vec<_> = BUCKETS.iter().map(|(old, new)| format!("{old}:{new}")).collect();
    pairs.sort();
    pairs.join(",")
}

/// Lambda, with one function, as long as this is held.
struct Account {
    address: SocketAddr,
    #[expect(dead_code, reason = "the API answers as long as this is held")]
    tasks: JoinSet<()>,
}

impl Account {
    async fn with(stage: &Stage, function: impl Invocable) -> Self {
        Self::mapped(stage, function, &[]).await
    }

    /// These functions are mapped to the queue.
    async fn mapped(stage: &Stage, function: impl Invocable, functions: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let api = Arc::new(InvokeApi::new(Arc::new(function)).with_mapped(functions));
        let mut tasks = JoinSet::new();
        tasks.spawn(listener::serve(listener, api, stage.world.faults.clone()));
        Self { address, tasks }
    }

    async fn with_real(stage: &Stage, function: Function) -> Self {
        Self::with(stage, Fleet::new(function, stage.world.faults.clone())).await
    }

    /// The production adapter.
    async fn adapter(&self, name: &str, calls: &Arc<Calls>) -> LambdaWorkerFunction {
        let keys = Credentials::new("AKIA", "secret", None, None, "tests");
        let config = aws::load(Some("us-east-1".to_owned())).await.into_builder();
        let config = config.endpoint_url(format!("http://{}", self.address));
        let config = config.credentials_provider(SharedCredentialsProvider::new(keys)).build();
        LambdaWorkerFunction::new(&config, name.to_owned(), calls.clone())
    }
}

/// `mogile2s3` with these arguments, as an operator runs it who named this function.
async fn mogile2s3(stage: &Stage, lambda: SocketAddr, name: &str, arguments: &[&str]) -> Output {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_rehearse"))
        .arg("mogile2s3")
        .args(arguments)
        .env_clear()
        .envs(stage.world.environment())
        // The clients have no rows in this world, which is no fault here.
        .envs([("CONTENTREPO_DATABASE_URL", ""), ("RHINO_DATABASE_URL", "")])
        .env("AWS_ENDPOINT_URL_LAMBDA", format!("http://{lambda}"))
        .env("LAMBDA_FUNCTION", name)
        .current_dir("/")
        .kill_on_drop(true)
        .output()
        .await
        .expect("started")
}

const VERIFY: [&str; 5] = ["enqueue", "verify", "--run", "one", "--json"];
const MIGRATE: [&str; 3] = ["enqueue", "migrate", "--json"];

/// Sends a job for every file of the stage.
async fn sends(stage: &Stage, lambda: SocketAddr, name: &str, arguments: &[&str]) {
    let output = mogile2s3(stage, lambda, name, arguments).await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {told}");
    assert_eq!(in_queue(stage), stage.files.len(), "{arguments:?}");
}

/// Outcomes with this exit code, says these words, and sends nothing.
async fn refuses(
    stage: &Stage,
    lambda: SocketAddr,
    name: &str,
    arguments: &[&str],
    (code, said): (i32, &[&str]),
) {
    let output = mogile2s3(stage, lambda, name, arguments).await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    assert!(said.iter().all(|said| told.contains(said)), "{said:?}: {told}");
    assert_eq!(in_queue(stage), 0, "{arguments:?}");
}

fn in_queue(stage: &Stage) -> usize {
    stage.world.sqs.messages(QUEUE).expect("the queue is there").len()
}

/// A port on which nobody listens.
async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("bound")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_function_reports_its_version_formats_and_buckets() {
    let stage = Stage::with(0).await;
    let account = Account::with_real(&stage, stage.function()).await;
    let before = stage.world.faults.counts();
    let calls = Arc::new(Calls::default());
    let report = account.adapter(NAME, &calls).await.report().await.expect("a report");
    assert_eq!(report.version, VERSION);
    assert_eq!(report.formats, Formats::OURS);
    assert_eq!((report.domain.as_str(), report.buckets), (DOMAIN, buckets()));
    let once = Outcomes { ok: 1, failed: 0 };
    assert_eq!(calls.all().into_iter().collect::<Vec<_>>(), [((System::Lambda, "Invoke"), once)]);
    let reached = stage.world.faults.counts_since(&before);
    let others: Vec<_> =
        reached.keys().filter(|(service, _)| *service != Service::Lambda).collect();
    assert!(others.is_empty(), "nothing else is reached: {others:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gives_no_report_is_told_apart() {
    let stage = Stage::with(0).await;
    let calls = Arc::new(Calls::default());
    let mut function = stage.function();
    function.environment.remove("SQS_URL");
    let account = Account::with_real(&stage, function).await;
    let error = account.adapter(NAME, &calls).await.report().await.expect_err("it cannot start");
    assert!(matches!(error, FunctionError::Refused { .. }), "{error:?}");
    let error = account.adapter("another", &calls).await.report().await.expect_err("unknown");
    assert!(matches!(error, FunctionError::NoFunction { .. }), "{error:?}");

    let account = Account::with(&stage, Scripted::older()).await;
    let error = account.adapter(NAME, &calls).await.report().await.expect_err("an older one");
    assert!(matches!(error, FunctionError::Older { .. }), "{error:?}");

    let account = Account::with(&stage, Scripted(Ended::Throttled)).await;
    let error = account.adapter(NAME, &calls).await.report().await.expect_err("throttled");
    assert!(matches!(error, FunctionError::Unavailable { .. }), "{error:?}");

    let account = Account::with(&stage, Scripted::with_verifications_in(2)).await;
    stage.world.faults.add(Rule::once(Service::Lambda, "Invoke", NAME, Fault::Hang));
    let adapter = account.adapter(NAME, &calls).await;
    let adapter = adapter.with_timeouts(aws::Timeouts { request: Duration::from_millis(300) });
    let asked = tokio::time::timeout(Duration::from_secs(10), adapter.report()).await;
    let error = asked.expect("it does not wait for ever").expect_err("no answer");
    assert!(matches!(error, FunctionError::Unavailable { .. }), "{error:?}");
    assert!(adapter.report().await.is_ok(), "the fault is over");

    let lambda = calls.all()[&(System::Lambda, "Invoke")];
    assert_eq!(lambda, Outcomes { ok: 1, failed: 5 });
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_sent_to_a_function_that_is_this_program() {
    for arguments in [VERIFY.as_slice(), &MIGRATE] {
        let stage = Stage::with(3).await;
        let account = Account::with_real(&stage, stage.function()).await;
        sends(&stage, account.address, NAME, arguments).await;
        let asked = stage.world.faults.counts();
        assert_eq!(asked.get(&(Service::Lambda, "Invoke".to_owned())), Some(&1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_a_lambda_that_is_away_stops_nothing() {
    for name in ["", " "] {
        let stage = Stage::with(2).await;
        sends(&stage, nobody().await, name, &VERIFY).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_function_gets_no_verifications() {
    let stage = Stage::with(3).await;
    let without_formats = json!({"version": "0.0.9", "buckets": buckets()});
    for function in [
        Scripted::older(),
        Scripted::answer(&without_formats),
        Scripted::answer(&json!({"batchItemFailures": []})),
    ] {
        let account = Account::with(&stage, function).await;
        let said = ["nothing was sent", NAME, "older zip", VERSION, "apps/build-lambda-zip.sh"];
        refuses(&stage, account.address, NAME, &VERIFY, (2, &said)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_of_other_formats_gets_only_the_jobs_that_do_not_need_them() {
    let stage = Stage::with(3).await;
    for format in [1, Formats::OURS.verifications + 1] {
        let account = Account::with(&stage, Scripted::with_verifications_in(format)).await;
        let named =
            format!("verifications in format {format}, not {}", Formats::OURS.verifications);
        let said = ["nothing was sent", "0.0.9", VERSION, named.as_str(), "build-lambda-zip.sh"];
        refuses(&stage, account.address, NAME, &VERIFY, (2, &said)).await;
    }
    // It would write over what verifications doubt.
    let failures = Formats { failures: 1, ..Formats::OURS };
    let account = Account::with(&stage, Scripted::with(failures)).await;
    let said = ["nothing was sent", "failure records in format 1", "build-lambda-zip.sh"];
    for arguments in [VERIFY.as_slice(), &MIGRATE] {
        refuses(&stage, account.address, NAME, arguments, (2, &said)).await;
    }
    let account = Account::with(&stage, Scripted::with_verifications_in(1)).await;
    sends(&stage, account.address, NAME, &MIGRATE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_with_other_buckets_gets_no_jobs() {
    let stage = Stage::with(3).await;
    let mut function = stage.function();
    let others = format!("{}:elsewhere", BUCKETS[0].0);
    function.environment.insert("BUCKETS".to_owned(), others.clone());
    let account = Account::with_real(&stage, function).await;
    let ours = buckets();
    let said = ["nothing was sent", others.as_str(), ours.as_str(), "aws cloudformation deploy"];
    for arguments in [VERIFY.as_slice(), &MIGRATE] {
        refuses(&stage, account.address, NAME, arguments, (2, &said)).await;
    }
}

/// It would take every file for deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_with_another_domain_gets_no_jobs() {
    let stage = Stage::with(3).await;
    let mut function = stage.function();
    function.environment.insert("MOGILE_DOMAIN".to_owned(), "other_domain".to_owned());
    let account = Account::with_real(&stage, function).await;
    let said = ["nothing was sent", "`other_domain`", DOMAIN, "MOGILE_DOMAIN", "MogileDomain"];
    for arguments in [VERIFY.as_slice(), &MIGRATE] {
        refuses(&stage, account.address, NAME, arguments, (2, &said)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_does_not_exist_is_a_wrong_setting() {
    let stage = Stage::with(1).await;
    let account = Account::with_real(&stage, stage.function()).await;
    for arguments in [VERIFY.as_slice(), &MIGRATE] {
        let said = ["`another` does not exist", "LAMBDA_FUNCTION"];
        refuses(&stage, account.address, "another", arguments, (2, &said)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_cannot_be_reached_ends_with_3() {
    let stage = Stage::with(1).await;
    for arguments in [VERIFY.as_slice(), &MIGRATE] {
        let said = [NAME, "cannot be asked now"];
        refuses(&stage, nobody().await, NAME, arguments, (3, &said)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_compares_the_function_with_this_program() {
    let stage = Stage::with(1).await;
    let subject = format!("function {NAME}");
    let facts = async |lambda: SocketAddr, code: i32| {
        let output = mogile2s3(&stage, lambda, NAME, &["doctor", "--read-only", "--json"]).await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
        let checks = report["checks"].as_array().expect("checks").clone();
        checks.into_iter().filter(|check| check["subject"] == *subject).collect::<Vec<_>>()
    };
    let healths = |checks: &[Value]| {
        let healths = checks.iter().map(|check| (check["fact"].clone(), check["health"].clone()));
        let pairs = healths.map(|(fact, health)| json!([fact, health]));
        pairs.collect::<Vec<_>>()
    };
    let (answers, formats) = ("it answers", "its formats are this program's");
    let version = "its version is this program's";
    let (domain, same) = ("its MOGILE_DOMAIN is this", "its BUCKETS are these");
    let good = |fact: &str| json!([fact, "good"]);

    let account = Account::with_real(&stage, stage.function()).await;
    let seen = healths(&facts(account.address, 0).await);
    assert_eq!(seen, [answers, version, formats, domain, same].map(good));

    // The read-only policy has no right to invoke it.
    let denied = Fault::Refuse { status: 403, code: "AccessDeniedException".to_owned() };
    stage.world.faults.add(Rule::once(Service::Lambda, "Invoke", NAME, denied));
    let checks = facts(account.address, 0).await;
    assert_eq!(healths(&checks), [json!([answers, "caution"])]);
    assert!(checks[0].to_string().contains("lambda:InvokeFunction"), "{}", checks[0]);

    let account = Account::with(&stage, Scripted::with_verifications_in(1)).await;
    let checks = facts(account.address, 1).await;
    let seen = healths(&checks);
    let bad = |fact: &str| json!([fact, "bad"]);
    assert_eq!(seen, [good(answers), bad(version), bad(formats), good(domain), good(same)]);
    for check in &checks[1..3] {
        assert!(check.to_string().contains("build-lambda-zip.sh"), "{check}");
    }

    let account = Account::with(&stage, Scripted::older()).await;
    let checks = facts(account.address, 1).await;
    assert_eq!(healths(&checks), [json!([answers, "bad"])]);
    assert!(checks[0].to_string().contains("build-lambda-zip.sh"), "{}", checks[0]);

    let checks = facts(nobody().await, 3).await;
    assert_eq!(healths(&checks), [json!([answers, "unreachable"])]);
}
