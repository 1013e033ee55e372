//! What is wrong with whole services, for a while in every run.

use serde::Serialize;
use stand_ins::fault::{Fault, Rule, Service};

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
    /// A tracker that answers what no tracker says.
    TrackerGarbled,
    /// A tracker that says nothing.
    TrackerSilent,
    /// A tracker that cannot list for a moment, in the pass that lists by trackers.
    ListingBusy,
    /// A database that takes no more logins for a moment.
    DatabaseFull,
    /// A database that waited for a lock too long.
    DatabaseBusy,
    /// A database whose answer breaks off inside a row.
    DatabaseCut,
    /// A listing that S3 refuses.
    ListRefused,
    /// A look that S3 refuses.
    HeadRefused,
    /// An object that breaks off while it is read back.
    ReadBroken,
    /// A delete that S3 refuses.
    DeleteRefused,
    /// A scan of the ledger that is throttled.
    ScanThrottled,
    /// Batches for the ledger that are throttled.
    WritesThrottled,
    /// Batches of which a part comes back unprocessed.
    WritesUnprocessed,
    /// A batch whose answer is lost after it took effect.
    WriteAnswerLost,
}

/// Behind the columns of a page (some 330 bytes), and before the end of the first row.
const INSIDE_A_ROW: usize = 360;

impl Trouble {
    /// All of it.
    pub const ALL: [Self; 17] = [
        Self::TrackerDown,
        Self::TrackerBusy,
        Self::TrackerCut,
        Self::TrackerGarbled,
        Self::TrackerSilent,
        Self::ListingBusy,
        Self::DatabaseFull,
        Self::DatabaseBusy,
        Self::DatabaseCut,
        Self::ListRefused,
        Self::HeadRefused,
        Self::ReadBroken,
        Self::DeleteRefused,
        Self::ScanThrottled,
        Self::WritesThrottled,
        Self::WritesUnprocessed,
        Self::WriteAnswerLost,
    ];

    /// In words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::TrackerDown => "a second tracker that is down",
            Self::TrackerBusy => "get_paths answered with ERR failure",
            Self::TrackerCut => "get_paths cut off before the answer",
            Self::TrackerGarbled => "get_paths answered with nonsense",
            Self::TrackerSilent => "get_paths never answered",
            Self::ListingBusy => "list_fids answered with ERR failure",
            Self::DatabaseFull => "MySQL login refused with error 1040",
            Self::DatabaseBusy => "page of rows refused with error 1205",
            Self::DatabaseCut => "page of rows broken off inside a row",
            Self::ListRefused => "LIST refused with 503 SlowDown",
            Self::HeadRefused => "HEAD refused with 503 SlowDown",
            Self::ReadBroken => "GET broken off in the middle",
            Self::DeleteRefused => "DELETE refused with 503 SlowDown",
            Self::ScanThrottled => "Scan throttled",
            Self::WritesThrottled => "BatchWriteItem throttled",
            Self::WritesUnprocessed => "BatchWriteItem with unprocessed items",
            Self::WriteAnswerLost => "BatchWriteItem's answer lost after it took effect",
        }
    }

    /// The requests that it strikes, and so many times: as often they are made once more.
    #[must_use]
    pub const fn strikes(self) -> Option<(Service, &'static str, u32)> {
        Some(match self {
            Self::TrackerDown => return None,
            Self::TrackerBusy | Self::TrackerCut => (Service::Tracker, "get_paths", 2),
            Self::TrackerGarbled | Self::TrackerSilent => (Service::Tracker, "get_paths", 1),
            Self::ListingBusy => (Service::Tracker, "list_fids", 1),
            Self::DatabaseFull => (Service::Mysql, "CONNECT", 1),
            Self::DatabaseBusy | Self::DatabaseCut => (Service::Mysql, "SELECT file", 1),
            Self::ListRefused => (Service::S3, "LIST", 1),
            Self::HeadRefused => (Service::S3, "HEAD", 1),
            Self::ReadBroken => (Service::S3, "GET", 1),
            Self::DeleteRefused => (Service::S3, "DELETE", 1),
            Self::ScanThrottled => (Service::DynamoDb, "Scan", 1),
            Self::WritesThrottled | Self::WritesUnprocessed => {
                (Service::DynamoDb, "BatchWriteItem", 2)
            }
            Self::WriteAnswerLost => (Service::DynamoDb, "BatchWriteItem", 1),
        })
    }

    /// The request, by its name in the table of hazards, and how many of it there must be anyway:
    /// what meets nobody rehearses nothing, and no one file is to meet all of it.
    pub(super) const fn needs(self) -> Option<(&'static str, u64)> {
        match self {
            Self::TrackerBusy | Self::TrackerCut | Self::TrackerGarbled | Self::TrackerSilent => {
                Some(("paths", 30))
            }
            Self::HeadRefused => Some(("HEAD", 1)),
            Self::ReadBroken => Some(("GET", 1)),
            Self::DeleteRefused => Some(("DELETE", 1)),
            Self::TrackerDown
            | Self::ListingBusy
            | Self::DatabaseFull
            | Self::DatabaseBusy
            | Self::DatabaseCut
            | Self::ListRefused
            | Self::ScanThrottled
            | Self::WritesThrottled
            | Self::WritesUnprocessed
            | Self::WriteAnswerLost => None,
        }
    }

    /// Whether it befalls only the pass whose index the trackers list.
    #[must_use]
    pub fn is_of_listings(self) -> bool {
        self == Self::ListingBusy
    }

    /// As a rule of the script.
    pub(crate) fn rule(self) -> Option<Rule> {
        let (service, operation, times) = self.strikes()?;
        let refuse = |status, code: &str| Fault::Refuse { status, code: code.to_owned() };
        let fault = match self {
            Self::TrackerDown | Self::TrackerBusy | Self::ListingBusy => refuse(0, "failure"),
            Self::DatabaseFull => refuse(1040, "Too many connections"),
            Self::DatabaseBusy => {
                refuse(1205, "Lock wait timeout exceeded; try restarting transaction")
            }
            Self::DatabaseCut => Fault::TruncateBody(INSIDE_A_ROW),
            Self::TrackerCut | Self::WriteAnswerLost => Fault::AnswerLost,
            Self::TrackerGarbled => Fault::CorruptBody,
            Self::TrackerSilent => Fault::Hang,
            Self::ListRefused | Self::HeadRefused | Self::DeleteRefused => refuse(503, "SlowDown"),
            Self::ReadBroken => Fault::TruncateBody(10),
            Self::ScanThrottled | Self::WritesThrottled => refuse(400, "ThrottlingException"),
            Self::WritesUnprocessed => Fault::Unprocessed { processed: 2 },
        };
        Some(Rule { times, ..Rule::once(service, operation, "", fault) })
    }
}
