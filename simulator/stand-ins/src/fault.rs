//! The script of faults, and the count of requests, that the listeners in front of every wire
//! service share. No backend knows of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;

mod connections;

use connections::Connections;
pub use connections::{MostConnections, Open};

/// The services of the world that are reached over a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// A MogileFS tracker.
    Tracker,
    /// A MogileFS storage node.
    StorageNode,
    /// Amazon S3.
    S3,
    /// Amazon DynamoDB.
    DynamoDb,
    /// AWS Lambda: the Runtime API of its execution environments, and its Invoke API.
    Lambda,
    /// Amazon SQS.
    Sqs,
    /// AWS Security Token Service.
    Sts,
    /// The MySQL server.
    Mysql,
    /// contentrepo's HTTP API.
    ContentRepo,
    /// rhino's HTTP API.
    Rhino,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tracker => "tracker",
            Self::StorageNode => "storage node",
            Self::S3 => "S3",
            Self::DynamoDb => "DynamoDB",
            Self::Lambda => "Lambda",
            Self::Sqs => "SQS",
            Self::Sts => "STS",
            Self::Mysql => "MySQL",
            Self::ContentRepo => "contentrepo",
            Self::Rhino => "rhino",
        })
    }
}

/// One thing that goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed; the backend never sees the request.
    RequestLost,
    /// The backend carries the request out in full; the connection is closed instead of an answer.
    AnswerLost,
    /// The backend carries the request out in full; no answer is ever sent, the connection stays.
    Hang,
    /// The answer comes this much later.
    Delay(Duration),
    /// The listener answers in the backend's place, which never sees the request: an HTTP status
    /// with its error code (`503`, `SlowDown`); for a tracker an `ERR` line with that code; for
    /// MySQL an error with that number and that text (`1205`, `Lock wait timeout exceeded`).
    Refuse {
        /// HTTP status, or MySQL's number of the error; a tracker ignores it.
        status: u16,
        /// The service's error code, or MySQL's text.
        code: String,
    },
    /// The answer has the status 200 and an error in its body, as S3 gives it to a long COPY or
    /// COMPLETE. A tracker, whose answers have no status, only refuses; MySQL answers with its
    /// error 1105.
    RefuseInside200 {
        /// The service's error code.
        code: String,
        /// Whether the backend has carried the request out all the same. If it refused, its own
        /// refusal is the answer.
        carried_out: bool,
    },
    /// Of a batch only so many entries, the first, are carried out; the others come back as
    /// unprocessed, from SQS each as failed for now. With none left DynamoDB refuses the whole
    /// batch. What is no batch is carried out in full.
    Unprocessed {
        /// The entries that are carried out.
        processed: usize,
    },
    /// The answer's body stops after so many bytes and the connection is closed.
    TruncateBody(usize),
    /// The answer's body stops after so many bytes and the connection stays open, silent.
    HangInBody(usize),
    /// The answer's body comes a byte at a time with this pause between.
    Trickle(Duration),
    /// The first byte of the answer's body is another one.
    CorruptBody,
    /// The head of the answer announces so many bytes; its body is as it was, and then the connection
    /// is closed. A tracker, whose answers have no head, answers as usual.
    Announce(u64),
}

/// Which requests a fault strikes: all that match, after the first `skip`, `times` times.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The service it strikes.
    pub service: Service,
    /// The operation (`COPY`, `get_paths`, `BatchWriteItem` …), or every one.
    pub operation: Option<String>,
    /// A part of the request's target (path and query, the tracker's line, or the SQL), or every
    /// one.
    pub target: Option<String>,
    /// So many matching requests pass first.
    pub skip: u32,
    /// So many are struck; [`Rule::ALWAYS`] for all.
    pub times: u32,
    /// What happens to them.
    pub fault: Fault,
}

impl Rule {
    /// For [`Rule::times`]: no end.
    pub const ALWAYS: u32 = u32::MAX;

    /// Strikes the first request of `operation` whose target contains `target`.
    #[must_use]
    pub fn once(service: Service, operation: &str, target: &str, fault: Fault) -> Self {
        Self {
            service,
            operation: Some(operation.to_owned()),
            target: Some(target.to_owned()),
            skip: 0,
            times: 1,
            fault,
        }
    }

    /// Strikes every request of a service.
    #[must_use]
    pub fn always(service: Service, fault: Fault) -> Self {
        Self { service, operation: None, target: None, skip: 0, times: Self::ALWAYS, fault }
    }

    fn matches(&self, service: Service, operation: &str, target: &str) -> bool {
        self.service == service
            && self.operation.as_deref().is_none_or(|wanted| wanted == operation)
            && self.target.as_deref().is_none_or(|part| target.contains(part))
    }
}

/// How many requests of each kind came: service, operation → count.
pub type RequestCounts = BTreeMap<(Service, String), u64>;

/// The script and the counts; shared by every listener of a world.
#[derive(Debug, Default)]
pub struct Faults {
    inner: Mutex<Script>,
    connections: Connections,
}

#[derive(Debug, Default)]
struct Script {
    rules: Vec<Rule>,
    counts: RequestCounts,
}

impl Faults {
    /// Adds a rule at the end of the script.
    pub fn add(&self, rule: Rule) {
        self.script(|script| script.rules.push(rule));
    }

    /// Forgets every rule.
    pub fn clear(&self) {
        self.script(|script| script.rules.clear());
    }

    /// The rules that have an end and have not come to it: what was planned and never struck.
    #[must_use]
    pub fn unspent(&self) -> Vec<Rule> {
        let due = |rule: &&Rule| rule.times > 0 && rule.times != Rule::ALWAYS;
        self.script(|script| script.rules.iter().filter(due).cloned().collect())
    }

    /// Counts one request, and tells what goes wrong with it: the first rule that matches and is
    /// due decides.
    pub fn strike(&self, service: Service, operation: &str, target: &str) -> Option<Fault> {
        self.script(|script| {
            *script.counts.entry((service, operation.to_owned())).or_default() += 1;
            for at in 0..script.rules.len() {
                let rule = &mut script.rules[at];
                if !rule.matches(service, operation, target) || rule.times == 0 {
                    continue;
                }
                if rule.skip > 0 {
                    rule.skip -= 1;
                    continue;
                }
                let fault = rule.fault.clone();
                if rule.times != Rule::ALWAYS {
                    rule.times -= 1;
                }
                if rule.times == 0 {
                    // Every request looks through all rules: spent ones are not kept.
                    script.rules.remove(at);
                }
                return Some(fault);
            }
            None
        })
    }

    /// The requests that came since these were counted.
    #[must_use]
    pub fn counts_since(&self, before: &RequestCounts) -> RequestCounts {
        let mut counts = self.counts();
        counts.retain(|kind, count| {
            *count -= before.get(kind).copied().unwrap_or_default();
            *count > 0
        });
        counts
    }

    /// The requests counted so far.
    #[must_use]
    pub fn counts(&self) -> RequestCounts {
        self.script(|script| script.counts.clone())
    }

    /// Counts a connection that a listener accepted, for as long as what comes back is held.
    pub fn connected(&self, service: Service, stream: &TcpStream) -> Option<Open> {
        self.connections.open(service, stream)
    }

    /// The most connections that each listener has had at once so far.
    #[must_use]
    pub fn most_connections(&self) -> MostConnections {
        self.connections.most()
    }

    fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
