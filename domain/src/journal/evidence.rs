//! What the gates of the cut-over and the runbook rest on.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::store_state::RowsDigest;

/// What a command found when it came to its end, or what people say that they did.
///
/// Whether it still counts is decided by comparison: of its place with today's, of its digest with the
/// freeze's, and of its begin with the entries of the journal. Its age says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The command without its flags, such as `audit` or `enqueue migrate`, or the runbook's step that people did.
    pub step: String,
    /// How it ended.
    pub outcome: EvidenceOutcome,
    /// The number of the journal's last entry when it began, 0 where there was none. A run takes hours, and
    /// what others write meanwhile it may not have seen. [`None`] where that is not known, as in a journal of an
    /// earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Where it looked.
    pub place: MigrationPlace,
    /// The rows of mapped buckets that it read, where it read all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<RowsDigest>,
    /// The verification run that it compared with, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// How much of the content in S3 it read and hashed, where it is a command that may. [`None`] also in journals
    /// of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ContentRead>,
    /// What its operator allowed of what would be findings: the names of its flags, such as `allow-extra`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// What it counted, by the names of its report.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counted: BTreeMap<String, u64>,
    /// An operator's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What counts of a look say that something is missing or wrong, and not accepted.
const WRONG: [&str; 11] = [
    "without_record",
    "claimed",
    "of_another",
    "doubted",
    "rejected",
    "acceptance_ended",
    "missing",
    "wrong-length",
    "wrong-content",
    "archived",
    // Of `smoke`.
    "findings",
];

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceOutcome {
    /// It looked at everything, and everything is as it must be.
    Clean,
    /// It looked at everything, and something is not as it must be.
    Differs,
    /// It could not look at everything.
    Incomplete,
    /// A word that a later version of this program has written.
    #[serde(other)]
    Other,
}

/// How much content a comparison has read and hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentRead {
    /// None: only the listings were compared.
    Nothing,
    /// That of files drawn over all buckets, sizes and ages.
    Sample,
    /// That of every file.
    Everything,
    /// A word that a later version of this program has written.
    #[serde(other)]
    Other,
}

/// The systems of a migration. Evidence of other ones counts for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationPlace {
    /// The AWS account, in digits; [`None`] where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The AWS region.
    pub region: String,
    /// The endpoint of S3 that is not Amazon's, without a password; [`None`] for Amazon's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_endpoint: Option<String>,
    /// The MogileFS domain.
    pub domain: String,
    /// The mapped buckets: `old:new`, ascending.
    pub buckets: Vec<String>,
    /// The tables of the ledger, the failures, the verifications and the journal, in this order.
    pub tables: Vec<String>,
    /// The queue's URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The database of MogileFS, as [`StoreState::servers`](crate::store_state::StoreState) has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

/// Why evidence counts for nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Staleness {
    /// It is of another AWS account.
    Account,
    /// It is of another AWS region.
    Region,
    /// It is of another S3: its buckets have the same names and other content.
    S3Endpoint,
    /// It is of another MogileFS domain.
    Domain,
    /// It is of another bucket map.
    Buckets,
    /// It is of other tables.
    Tables,
    /// It is of another queue.
    Queue,
    /// It is of another database of MogileFS.
    Database,
    /// It is of other content than the freeze has.
    Content,
}

impl fmt::Display for Staleness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Account => "another AWS account",
            Self::Region => "another AWS region",
            Self::S3Endpoint => "another S3 endpoint",
            Self::Domain => "another MogileFS domain",
            Self::Buckets => "another bucket map",
            Self::Tables => "other tables",
            Self::Queue => "another queue",
            Self::Database => "another database of MogileFS",
            Self::Content => "other content than the freeze has",
        })
    }
}

impl Evidence {
    /// Evidence of a step without counts, which says nothing of content and whose begin is not known.
    #[must_use]
    pub fn new(step: impl Into<String>, outcome: EvidenceOutcome, place: MigrationPlace) -> Self {
        let (step, counted) = (step.into(), BTreeMap::new());
        let (from, content, run, read, note) = (None, None, None, None, None);
        let allowed = Vec::new();
        Self { step, outcome, from, place, content, run, read, allowed, counted, note }
    }

    /// Whether it read and hashed content, of all files or of a sample.
    #[must_use]
    pub fn reads_content(&self) -> bool {
        matches!(self.read, Some(ContentRead::Sample | ContentRead::Everything))
    }

    /// The flags by which its operator allowed what would be findings.
    #[must_use]
    pub fn allow_flags(&self) -> Option<String> {
        let flags: Vec<_> = self.allowed.iter().map(|flag| format!("--{flag}")).collect();
        (!flags.is_empty()).then(|| flags.join(" "))
    }

    /// Whether the journal had this entry when the command began. Evidence whose begin is not known began behind
    /// no entry: it counts for nothing that is decided by order. `own` is the number of its own entry: a begin that
    /// does not come before it is of another journal.
    #[must_use]
    pub fn began_behind(&self, entry: u64, own: u64) -> bool {
        self.from.is_some_and(|from| from >= entry && from < own)
    }

    /// The queue to which the command sent jobs, where no entry `jobs-begun` says that: a version before this one
    /// wrote none.
    #[must_use]
    pub fn queue_used(&self) -> Option<&String> {
        let is_old = self.step.starts_with("enqueue") && self.from.is_none();
        self.place.queue.as_ref().filter(|_| is_old)
    }

    /// Whether it counted something that is missing or wrong, and not accepted, however it ended.
    #[must_use]
    pub fn says_wrong(&self) -> bool {
        WRONG.iter().any(|name| self.counted.get(*name).is_some_and(|files| *files > 0))
    }

    /// What differs between this evidence and today's systems, or the content of the freeze. A part of the
    /// place that the evidence does not name was not used by its command, and is not compared.
    ///
    /// With `frozen` the evidence must have the same digest of content: evidence without a digest is stale.
    #[must_use]
    pub fn stale(&self, today: &MigrationPlace, frozen: Option<&RowsDigest>) -> Vec<Staleness> {
        let Self { place, content, .. } = self;
        let differs = |then: &Option<String>, now: &Option<String>| then.is_some() && then != now;
        let is_other_content = frozen.is_some() && content.as_ref() != frozen;
        [
            (Staleness::Account, differs(&place.account, &today.account)),
            (Staleness::Region, place.region != today.region),
            // Every command reads or names S3, and none is Amazon's.
            (Staleness::S3Endpoint, place.s3_endpoint != today.s3_endpoint),
            (Staleness::Domain, place.domain != today.domain),
            (Staleness::Buckets, place.buckets != today.buckets),
            (Staleness::Tables, place.tables != today.tables),
            (Staleness::Queue, differs(&place.queue, &today.queue)),
            (Staleness::Database, differs(&place.database, &today.database)),
            (Staleness::Content, is_other_content),
        ]
        .into_iter()
        .filter_map(|(what, is_other)| is_other.then_some(what))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fid;

    fn digest(fids: &[u64]) -> RowsDigest {
        let mut digest = RowsDigest::default();
        for fid in fids {
            digest.add_unreadable(Fid(*fid));
        }
        digest
    }

    fn place() -> MigrationPlace {
        let text = |text: &str| Some(text.to_owned());
        MigrationPlace {
            account: text("123456789012"),
            region: "us-east-1".to_owned(),
            s3_endpoint: None,
            domain: "plos_repo".to_owned(),
            buckets: vec!["repo:corpus".to_owned()],
            tables: vec!["ledger".to_owned()],
            queue: text("https://sqs/jobs"),
            database: text("db:3306/mogilefs"),
        }
    }

    fn evidence(place: MigrationPlace, content: Option<RowsDigest>) -> Evidence {
        Evidence { content, ..Evidence::new("audit", EvidenceOutcome::Clean, place) }
    }

    #[test]
    fn evidence_whose_begin_is_not_known_began_behind_no_entry() {
        for (from, entry, own, expected) in [
            (Some(7), 6, 8, true),
            (Some(7), 7, 8, true),
            (Some(7), 8, 9, false),
            (None, 1, 9, false),
            // Of another journal.
            (Some(200), 7, 9, false),
        ] {
            let evidence = Evidence { from, ..evidence(place(), None) };
            assert_eq!(evidence.began_behind(entry, own), expected, "{from:?} {entry} {own}");
        }
        // A journal of an earlier version can be read.
        let text = serde_json::to_string(&evidence(place(), None)).expect("JSON");
        assert!(!text.contains("from"), "{text}");
        let read: Evidence = serde_json::from_str(&text).expect("evidence");
        assert_eq!(read.from, None);
    }

    #[test]
    fn evidence_of_another_place_is_stale() {
        let change = |change: fn(&mut MigrationPlace)| {
            let mut other = place();
            change(&mut other);
            evidence(other, None).stale(&place(), None)
        };
        let other = || Some("other".to_owned());
        assert_eq!(change(|_| {}), []);
        assert_eq!(change(|it| it.account = Some("2".to_owned())), [Staleness::Account]);
        assert_eq!(change(|it| it.region = "eu-west-1".to_owned()), [Staleness::Region]);
        // Also where one of the two is Amazon's own.
        let own = |it: &mut MigrationPlace| it.s3_endpoint = Some("http://127.0.0.1:1".to_owned());
        assert_eq!(change(own), [Staleness::S3Endpoint]);
        let mut today = place();
        own(&mut today);
        assert_eq!(evidence(place(), None).stale(&today, None), [Staleness::S3Endpoint]);
        assert_eq!(change(|it| it.domain.clear()), [Staleness::Domain]);
        assert_eq!(change(|it| it.buckets.clear()), [Staleness::Buckets]);
        assert_eq!(change(|it| it.tables.clear()), [Staleness::Tables]);
        assert_eq!(change(|it| it.queue = Some(String::new())), [Staleness::Queue]);
        assert_eq!(change(|it| it.database = Some(String::new())), [Staleness::Database]);
        // What the command did not use is not compared; what is not set today is.
        let (without, with) = (MigrationPlace { queue: None, ..place() }, place());
        assert_eq!(evidence(without.clone(), None).stale(&with, None), []);
        assert_eq!(evidence(with, None).stale(&without, None), [Staleness::Queue]);
        let today = MigrationPlace { account: other(), queue: other(), ..place() };
        let both = [Staleness::Account, Staleness::Queue];
        assert_eq!(evidence(place(), None).stale(&today, None), both);
    }

    #[test]
    fn evidence_of_other_content_than_the_freeze_has_is_stale() {
        for (content, frozen, is_stale) in [
            (None, None, false),
            (Some(digest(&[1])), None, false),
            (Some(digest(&[1])), Some(digest(&[1])), false),
            (Some(digest(&[1, 2])), Some(digest(&[2, 1])), false),
            (Some(digest(&[1])), Some(digest(&[2])), true),
            (None, Some(digest(&[])), true),
        ] {
            let stale = evidence(place(), content).stale(&place(), frozen.as_ref());
            assert_eq!(stale == [Staleness::Content], is_stale, "{content:?} {frozen:?}");
        }
    }
}
