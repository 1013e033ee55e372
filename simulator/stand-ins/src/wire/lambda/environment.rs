//! One execution environment: a process of the function, and the Runtime API that it alone talks
//! to.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use uuid::Uuid;

use super::runtime_api::{Answer, FunctionError, Init, Invocation, RuntimeApi};
use super::{Ended, Function, Logs};
use crate::fault::Faults;
use crate::wire::listener;

/// A process may take so long until it asks for its first event (AWS Lambda Developer Guide,
/// "Understanding the Lambda execution environment lifecycle").
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// How often a busy process's memory is looked at.
const MEMORY_LOOK: Duration = Duration::from_millis(10);

pub(super) struct Environment {
    process: Child,
    invocations: mpsc::UnboundedSender<Invocation>,
    /// When it became idle.
    pub(super) idle_since: Instant,
    /// From its start to its first question for an event.
    pub(super) init: Duration,
    /// The most memory that it was seen to have, in bytes.
    pub(super) peak_memory_bytes: u64,
    #[expect(dead_code, reason = "the Runtime API answers as long as this is held")]
    tasks: JoinSet<()>,
}

impl Environment {
    /// Starts a process, and waits until it asks for its first event. The inner error is the
    /// function's own fault.
    pub(super) async fn start(
        function: &Function,
        faults: &Arc<Faults>,
        logs: &Arc<Logs>,
    ) -> anyhow::Result<Result<Self, Ended>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listening")?;
        let address = listener.local_addr()?;
        let (invocations, inbox) = mpsc::unbounded_channel();
        let api = Arc::new(RuntimeApi::new(function.arn(), inbox));
        let mut init = api.init();
        let mut tasks = JoinSet::new();
        tasks.spawn(listener::serve(listener, api, Arc::clone(faults)));

        let begun = Instant::now();
        let process = command(function, &address.to_string()).spawn();
        let mut process = process
            .with_context(|| format!("starting the function `{}`", function.program.display()))?;
        // Read to their ends even when this is dropped: the last words are the interesting ones.
        if let (Some(out), Some(err)) = (process.stdout.take(), process.stderr.take()) {
            tokio::spawn(Arc::clone(logs).follow(out));
            tokio::spawn(Arc::clone(logs).follow(err));
        }
        let mut this = Self {
            process,
            invocations,
            idle_since: begun,
            init: Duration::ZERO,
            peak_memory_bytes: 0,
            tasks,
        };
        let started = tokio::select! {
            started = timeout(INIT_LIMIT, init.wait_for(|init| *init != Init::UnderWay)) => started,
            exit = this.process.wait() => return Ok(Err(Ended::crashed(exit.ok()))),
        };
        let failed = match started {
            Ok(Ok(init)) => match &*init {
                Init::Failed(error) => Some(Ended::Error(error.clone())),
                Init::UnderWay | Init::Ready => None,
            },
            Ok(Err(_)) => Some(Ended::crashed(None)),
            Err(_) => Some(Ended::TimedOut),
        };
        this.init = begun.elapsed();
        this.look_at_memory();
        Ok(match failed {
            None => Ok(this),
            Some(ended) => Err(ended),
        })
    }

    /// Hands it one event and waits for what comes of it. Whatever takes longer than the limit is
    /// killed, and so is what takes more memory than there is. Only after an answer the
    /// environment can be used again.
    pub(super) async fn invoke(&mut self, function: &Function, event: Bytes) -> Ended {
        let (answer, answered) = oneshot::channel();
        let invocation = Invocation {
            request_id: Uuid::from_u128(rand::random()).to_string(),
            event,
            deadline: SystemTime::now() + function.time_limit + function.deadline_told_later_by,
            answer,
        };
        if self.invocations.send(invocation).is_err() {
            return Ended::crashed(None);
        }
        let ended = timeout(function.time_limit, self.watch(function, answered)).await;
        let ended = ended.unwrap_or(Ended::TimedOut);
        self.look_at_memory();
        if !ended.leaves_a_process() {
            // It may have gone by itself.
            let _ = self.process.kill().await;
        }
        self.idle_since = Instant::now();
        ended
    }

    async fn watch(&mut self, function: &Function, answered: oneshot::Receiver<Answer>) -> Ended {
        tokio::pin!(answered);
        let mut looks = interval(MEMORY_LOOK);
        loop {
            tokio::select! {
                answer = &mut answered => return match answer {
                    Ok(Answer::Response(bytes)) => Ended::Answer(bytes),
                    Ok(Answer::Error(error)) => Ended::Error(error),
                    Err(_) => Ended::crashed(None),
                },
                exit = self.process.wait() => return Ended::crashed(exit.ok()),
                _ = looks.tick() => {
                    let used = self.look_at_memory();
                    if used > function.memory_mb * 1024 * 1024 {
                        return Ended::OutOfMemory;
                    }
                }
            }
        }
    }

    /// The process's memory now, in bytes; nothing where the system does not tell.
    fn look_at_memory(&mut self) -> u64 {
        let status = self.process.id().map(|id| format!("/proc/{id}/status"));
        let status = status.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        self.peak_memory_bytes = self.peak_memory_bytes.max(kilobytes(&status, "VmHWM:") * 1024);
        kilobytes(&status, "VmRSS:") * 1024
    }
}

fn kilobytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// The process with the variables that Lambda sets, and with the function's own and no others.
fn command(function: &Function, runtime_api: &str) -> Command {
    let mut command = Command::new(&function.program);
    command
        .args(&function.arguments)
        .env_clear()
        .envs(&function.environment)
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb.to_string())
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.name))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", Uuid::from_u128(rand::random()).to_string())
        .env("TZ", ":UTC")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

impl Ended {
    fn crashed(exit: Option<ExitStatus>) -> Self {
        let how = exit.map_or_else(|| "it is gone".to_owned(), |exit| exit.to_string());
        Self::Crashed(FunctionError {
            kind: "Runtime.ExitError".to_owned(),
            message: format!("the runtime exited: {how}"),
        })
    }

    pub(super) const fn leaves_a_process(&self) -> bool {
        match self {
            Self::Answer(_) | Self::Error(_) => true,
            Self::Crashed(_) | Self::TimedOut | Self::OutOfMemory | Self::Throttled => false,
        }
    }
}
