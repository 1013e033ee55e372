//! Splits messages into requests, and reads from an answer which entries failed.

use std::collections::BTreeMap;

use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, MessageAttributeValue, SendMessageBatchRequestEntry,
};
use domain::{AttributeContent, Job, MessageAttribute, MessageContent, SendFailure, SendReport};

use super::error::passes;
use super::message::{attributes_of, body_of};

/// The most entries of one request.
pub(super) const MOST_ENTRIES: usize = 10;

/// The most bytes of all messages of one request, and so of a single message: 1 MiB.
const MOST_BYTES: usize = 1024 * 1024;

/// The type of each attribute of a job.
const STRING: &str = "String";

/// The id of an entry: its place in the request. The fid would not do, since two jobs may be for
/// one file.
pub(super) fn place(at: usize) -> String {
    at.to_string()
}

/// A job with its body and attributes ready to be sent.
pub(super) struct Prepared<'a> {
    job: &'a Job,
    body: String,
    attributes: Vec<(&'static str, String)>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(job: &'a Job) -> Self {
        Self { job, body: body_of(job), attributes: attributes_of(job) }
    }

    /// The message's size as SQS counts it: the body, and the name, type and value of each
    /// attribute.
    pub(super) fn bytes(&self) -> usize {
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|(name, value)| name.len() + STRING.len() + value.len());
        self.body.len() + attributes.sum::<usize>()
    }

    /// Builds the request's entry for this job, with the place `at` as its id.
    pub(super) fn entry(&self, at: usize) -> Result<SendMessageBatchRequestEntry, BuildError> {
        let mut entry =
            SendMessageBatchRequestEntry::builder().id(place(at)).message_body(&self.body);
        for (name, value) in &self.attributes {
            let value = MessageAttributeValue::builder().data_type(STRING).string_value(value);
            entry = entry.message_attributes(*name, value.build()?);
        }
        entry.build()
    }
}

/// Separates the jobs that SQS may take from those that are too large for it. The report has the
/// latter as lasting failures.
pub(super) fn fitting(jobs: Vec<Prepared<'_>>) -> (Vec<Prepared<'_>>, SendReport) {
    let (fitting, large): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|job| job.bytes() <= MOST_BYTES);
    let failure = |job: &Prepared<'_>| SendFailure {
        fid: job.job.fid,
        why: format!("the message has {} bytes, SQS takes {MOST_BYTES}", job.bytes()),
        lasting: true,
    };
    let failed = large.iter().map(failure).collect();
    (fitting, SendReport { sent: Vec::new(), failed })
}

/// Builds an entry that repeats a message of another queue, with the place `at` as its id.
pub(super) fn entry_of(
    message: &MessageContent,
    at: usize,
) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let mut entry =
        SendMessageBatchRequestEntry::builder().id(place(at)).message_body(&message.body);
    for (name, MessageAttribute { data_type, value }) in &message.attributes {
        let attribute = MessageAttributeValue::builder().data_type(data_type);
        let attribute = match value {
            AttributeContent::Text(text) => attribute.string_value(text),
            AttributeContent::Binary(bytes) => attribute.binary_value(Blob::new(bytes.clone())),
        };
        entry = entry.message_attributes(name, attribute.build()?);
    }
    entry.build()
}

/// The size of an entry as SQS counts it.
pub(super) fn bytes_of(entry: &SendMessageBatchRequestEntry) -> usize {
    let bytes = |(name, value): (&String, &MessageAttributeValue)| {
        let text = value.string_value().map_or(0, str::len);
        let binary = value.binary_value().map_or(0, |bytes| bytes.as_ref().len());
        name.len() + value.data_type().len() + text + binary
    };
    let attributes = entry.message_attributes().into_iter().flatten().map(bytes);
    entry.message_body().len() + attributes.sum::<usize>()
}

/// Splits messages into requests of at most [`MOST_ENTRIES`] entries and [`MOST_BYTES`] bytes, in
/// their order.
pub(super) fn requests<T>(messages: &[T], bytes_of: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut requests = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (at, message) in messages.iter().enumerate() {
        if at - from == MOST_ENTRIES || bytes + bytes_of(message) > MOST_BYTES {
            requests.push(&messages[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += bytes_of(message);
    }
    if from < messages.len() {
        requests.push(&messages[from..]);
    }
    requests
}

/// Why SQS did not carry out an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) why: String,
    pub(super) lasting: bool,
}

/// Returns the failed entries of a request with `entries` entries, by their places. An entry counts
/// as failed unless the answer lists it as done and only as done.
pub(super) fn failures<'a>(
    entries: usize,
    done: impl Iterator<Item = &'a str>,
    failed: &[BatchResultErrorEntry],
) -> BTreeMap<usize, Failed> {
    let untold = Failed { why: "the answer does not tell of it".to_owned(), lasting: false };
    let mut failures: BTreeMap<_, _> = (0..entries).map(|at| (at, untold.clone())).collect();
    for at in done.filter_map(|id| id.parse().ok()) {
        failures.remove(&at);
    }
    for entry in failed {
        let Some(at) = entry.id().parse().ok().filter(|at| *at < entries) else { continue };
        let why = format!("{}: {}", entry.code(), entry.message().unwrap_or("no words"));
        let lasting = entry.sender_fault() && !passes(entry.code());
        failures.insert(at, Failed { why, lasting });
    }
    failures
}

/// Builds the report of one request from its failures.
pub(super) fn report(jobs: &[Prepared<'_>], failures: &BTreeMap<usize, Failed>) -> SendReport {
    let mut report = SendReport::default();
    for (at, Prepared { job, .. }) in jobs.iter().enumerate() {
        match failures.get(&at).cloned() {
            None => report.sent.push(job.fid),
            Some(Failed { why, lasting }) => {
                report.failed.push(SendFailure { fid: job.fid, why, lasting });
            }
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ByteCount, Fid, Hints, JobAction};

    fn job(fid: u64, dkey_bytes: usize) -> Job {
        Job {
            action: JobAction::Migrate,
            fid: Fid(fid),
            dkey: "k".repeat(dkey_bytes),
            length: ByteCount(7),
            hints: Hints::default(),
        }
    }

    fn entry(id: &str, code: &str, sender_fault: bool) -> BatchResultErrorEntry {
        let entry = BatchResultErrorEntry::builder().id(id).code(code);
        entry.sender_fault(sender_fault).build().expect("all fields")
    }

    #[test]
    fn requests_have_ten_entries_and_a_mebibyte_at_most() {
        let shape = |sizes: &[usize]| {
            let jobs: Vec<_> = (1..).zip(sizes).map(|(fid, size)| job(fid, *size)).collect();
            let prepared: Vec<_> = jobs.iter().map(Prepared::new).collect();
            requests(&prepared, Prepared::bytes).into_iter().map(<[_]>::len).collect::<Vec<_>>()
        };
        assert_eq!(shape(&[]), [0; 0]);
        assert_eq!(shape(&[60; 10]), [10]);
        assert_eq!(shape(&[60; 21]), [10, 10, 1]);
        assert_eq!(shape(&[500_000; 5]), [2, 2, 1]);
        assert_eq!(shape(&[60, 1_048_000, 1_048_000, 60]), [2, 2]);
        assert_eq!(shape(&[600, 1_048_000, 60]), [1, 2]);
    }

    #[test]
    fn a_message_that_is_too_large_fails_alone() {
        let jobs = [job(1, 60), job(2, MOST_BYTES), job(3, 60)];
        let overhead = Prepared::new(&job(2, 0)).bytes();
        let largest = job(4, MOST_BYTES - overhead);
        let jobs = jobs.iter().chain([&largest]).map(Prepared::new).collect();
        let (fitting, report) = fitting(jobs);
        assert_eq!(fitting.iter().map(|job| job.job.fid.0).collect::<Vec<_>>(), [1, 3, 4]);
        let [SendFailure { fid: Fid(2), why, lasting: true }] = &*report.failed else {
            panic!("{report:?}");
        };
        assert!(why.contains("1048576"), "{why}");
    }

    #[test]
    fn every_entry_is_told_whatever_the_answer_is_like() {
        let jobs = [7, 7, 8, 9, 10].map(|fid| job(fid, 60));
        let prepared: Vec<_> = jobs.iter().map(Prepared::new).collect();
        let done = ["0", "0", "2", "77", "a stranger", "3"];
        let failed = [
            entry("1", "InternalError", false),
            entry("3", "InvalidMessageContents", true),
            entry("88", "InternalError", false),
        ];
        let failures = failures(prepared.len(), done.into_iter(), &failed);
        let report = report(&prepared, &failures);
        assert_eq!(report.sent, [Fid(7), Fid(8)]);
        let failed: Vec<_> =
            report.failed.iter().map(|failed| (failed.fid.0, failed.lasting)).collect();
        assert_eq!(failed, [(7, false), (9, true), (10, false)]);
        assert!(report.failed[2].why.contains("does not tell"), "{report:?}");
    }

    #[test]
    fn throttling_passes_whosever_fault_it_is() {
        let failed =
            [entry("0", "RequestThrottled", true), entry("1", "KMS.ThrottlingException", true)];
        let failures = failures(2, std::iter::empty(), &failed);
        assert!(failures.values().all(|failed| !failed.lasting), "{failures:?}");
    }
}
