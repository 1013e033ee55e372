//! What is wrong with whole services, for a while in every run.

use serde::Serialize;

use crate::fault::{Fault, Rule, Service};

/// Trouble that befalls a service rather than a file. Every run must ride it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// A second tracker that does not answer.
    TrackerDown,
    /// A tracker whose database is away for a moment.
    TrackerBusy,
    /// A tracker that closes the connection where the answer should be.
    TrackerCut,
    /// A tracker that cannot list for a moment.
    IndexBusy,
    /// A listing that S3 refuses.
    ListRefused,
    /// A look that S3 refuses.
    HeadRefused,
    /// A scan of the ledger that is throttled.
    ScanThrottled,
    /// Batches for the ledger that are throttled.
    WritesThrottled,
    /// Batches of which a part comes back unprocessed.
    WritesUnprocessed,
    /// A batch whose answer is lost after it took effect.
    WriteAnswerLost,
}

impl Trouble {
    /// All of it.
    pub const ALL: [Self; 10] = [
        Self::TrackerDown,
        Self::TrackerBusy,
        Self::TrackerCut,
        Self::IndexBusy,
        Self::ListRefused,
        Self::HeadRefused,
        Self::ScanThrottled,
        Self::WritesThrottled,
        Self::WritesUnprocessed,
        Self::WriteAnswerLost,
    ];

    /// In words.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::TrackerDown => "a second tracker that is down",
            Self::TrackerBusy => "get_paths answered with ERR failure",
            Self::TrackerCut => "get_paths cut off before the answer",
            Self::IndexBusy => "list_fids answered with ERR failure",
            Self::ListRefused => "LIST refused with 503 SlowDown",
            Self::HeadRefused => "HEAD refused with 503 SlowDown",
            Self::ScanThrottled => "Scan throttled",
            Self::WritesThrottled => "BatchWriteItem throttled",
            Self::WritesUnprocessed => "BatchWriteItem with unprocessed items",
            Self::WriteAnswerLost => "BatchWriteItem's answer lost after it took effect",
        }
    }

    /// The requests that it strikes, and so many times: as often they are made once more.
    #[must_use]
    pub const fn strikes(self) -> Option<(Service, &'static str, u32)> {
        match self {
            Self::TrackerDown => None,
            Self::TrackerBusy | Self::TrackerCut => Some((Service::Tracker, "get_paths", 2)),
            Self::IndexBusy => Some((Service::Tracker, "list_fids", 1)),
            Self::ListRefused => Some((Service::S3, "LIST", 1)),
            Self::HeadRefused => Some((Service::S3, "HEAD", 1)),
            Self::ScanThrottled => Some((Service::DynamoDb, "Scan", 1)),
            Self::WritesThrottled | Self::WritesUnprocessed => {
                Some((Service::DynamoDb, "BatchWriteItem", 2))
            }
            Self::WriteAnswerLost => Some((Service::DynamoDb, "BatchWriteItem", 1)),
        }
    }

    /// As rules of the script.
    pub(super) fn rules(self) -> Option<Rule> {
        let (service, operation, times) = self.strikes()?;
        let refuse = |status, code: &str| Fault::Refuse { status, code: code.to_owned() };
        let fault = match self {
            Self::TrackerDown | Self::TrackerBusy | Self::IndexBusy => refuse(0, "failure"),
            Self::TrackerCut | Self::WriteAnswerLost => Fault::AnswerLost,
            Self::ListRefused | Self::HeadRefused => refuse(503, "SlowDown"),
            Self::ScanThrottled | Self::WritesThrottled => refuse(400, "ThrottlingException"),
            Self::WritesUnprocessed => Fault::Unprocessed { processed: 2 },
        };
        Some(Rule { times, ..Rule::once(service, operation, "", fault) })
    }
}
