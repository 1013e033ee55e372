//! What to do about it.

mod settings;

use domain::index_row::{NO_KEY, NO_LENGTH, NOT_CONTENT_ADDRESSED, UNMAPPED_BUCKET};
use domain::redelivery::is_own_failure;
use domain::{KeyTrouble, Obstacle, Reason, ReasonKind, Thing, limits};

pub use self::settings::advice_on_settings;

/// Who takes the files again, when the cause is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The command that prints the advice.
    ThisCommand,
    /// The same, and it writes to the keys of intermediaries.
    Sync,
    /// `doctor`, which brings no file, and looks whether all is well now.
    Doctor,
    /// The queue: their jobs are in it.
    Queue,
    /// Nobody: their jobs are dead letters.
    DeadLetters,
    /// Nobody: they have no job.
    NoJobs,
}

impl Again {
    fn words(self, kind: ReasonKind) -> String {
        match self {
            Self::ThisCommand | Self::Sync | Self::Doctor => "run this again".to_owned(),
            Self::Queue if is_own_failure(kind) => format!(
                "the queue delivers these jobs again, {} times in all; `mogile2s3 dlq redrive --reason \
                 {kind}` sends those that are dead letters",
                limits::TRIES
            ),
            Self::Queue => "the queue delivers these jobs again".to_owned(),
            Self::DeadLetters => {
                format!("`mogile2s3 dlq redrive --reason {kind}` sends their jobs again")
            }
            Self::NoJobs => {
                "`mogile2s3 enqueue migrate` sends a job for each that is not proven".to_owned()
            }
        }
    }
}

/// What an operator does about a reason that ended a command: by what stands in the way, where that is
/// known, or else by its kind.
#[must_use]
pub fn advice_on(reason: &Reason) -> String {
    match (advice_on_obstacle(reason), reason.obstacle) {
        (Some(advice), Obstacle::Absent(Thing::Table)) => {
            format!("{advice}. `mogile2s3 doctor` looks for the first two")
        }
        (Some(advice), _) => advice.to_owned(),
        (None, _) => advice(reason.kind, Again::ThisCommand),
    }
}

/// What an operator does about what stands in the way, where that is more than the kind says.
#[must_use]
pub const fn advice_on_obstacle(reason: &Reason) -> Option<&'static str> {
    Some(match (reason.obstacle, reason.kind) {
        (Obstacle::Absent(Thing::Bucket), _) => {
            "correct BUCKETS, or make the bucket with `mogile2s3 provision`, which needs \
             --access-profile. Then run this again"
        }
        (Obstacle::Absent(Thing::Table), _) => {
            "correct DYNAMODB_TABLE, DYNAMODB_FAILURES_TABLE, DYNAMODB_VERIFICATIONS_TABLE, \
             DYNAMODB_JOURNAL_TABLE or the region; or make the table with `mogile2s3 provision`, which \
             needs --access-profile. Then run this again"
        }
        (Obstacle::Absent(Thing::JobQueue), _) => {
            "correct SQS_URL or the region; or make the queue with `mogile2s3 provision`, which \
             needs --access-profile. Then run this again"
        }
        (Obstacle::Absent(Thing::DeadLetterQueue), _) => {
            "correct SQS_DLQ_URL or the region; or make the queue with `mogile2s3 provision`, which \
             needs --access-profile. Then run this again"
        }
        (Obstacle::Keys(trouble), _) => advice_on_keys(trouble),
        (Obstacle::Unreachable, ReasonKind::LedgerUnavailable) => {
            "check the way to DynamoDB, the region, and AWS_ENDPOINT_URL or \
             AWS_ENDPOINT_URL_DYNAMODB where it is set, then run this again: it finds the objects \
             that are in S3 already, and records them"
        }
        (Obstacle::Unreachable, ReasonKind::QueueUnavailable) => {
            "check the way to SQS, the region, and AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_SQS where it \
             is set, then run this again"
        }
        (Obstacle::Refusal, ReasonKind::LedgerUnavailable) => {
            "mend what DynamoDB names. Where it denies access, correct the account's policy for this \
             table. Then run this again"
        }
        (Obstacle::Refusal, ReasonKind::QueueUnavailable) => {
            "mend what SQS names. Where it denies access, correct the account's policy for this queue. \
             Then run this again"
        }
        (Obstacle::OfItsKind | Obstacle::Unreachable | Obstacle::Refusal, _) => return None,
    })
}

/// What an operator does about keys that AWS does not accept.
#[must_use]
pub const fn advice_on_keys(trouble: KeyTrouble) -> &'static str {
    match trouble {
        KeyTrouble::Unknown => {
            "correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile that AWS_PROFILE \
             names; temporary keys need AWS_SESSION_TOKEN too. Then run this again"
        }
        KeyTrouble::Expired => {
            "log in to AWS again (`aws sso login`, or new temporary keys), then run this again"
        }
        KeyTrouble::WrongClock => {
            "set the clock of this machine, by NTP for example: AWS refuses requests that are signed with \
             a time more than five minutes from its own. Then run this again"
        }
        KeyTrouble::NotSignedUp => {
            "give the keys of the account that has the buckets, tables and queues; or complete the \
             account's registration in the AWS console, which can take a day. Then run this again"
        }
    }
}

/// What an operator does about files that failed so, beside what the reason itself says.
#[must_use]
pub fn advice(kind: ReasonKind, again: Again) -> String {
    let again_words = again.words(kind);
    let look = match look(kind) {
        Some(look) if again != Again::Doctor => format!(" ({look})"),
        _ => String::new(),
    };
    let mend = mend(kind, again);
    match (kind, again) {
        // Another command takes these.
        (kind, Again::Queue | Again::NoJobs) if is_found_by_verifying(kind) => {
            format!("{mend}. Then verify again")
        }
        (kind, Again::DeadLetters) if is_found_by_verifying(kind) => {
            format!("{mend}. Then `mogile2s3 dlq redrive --reason done-since` verifies them again")
        }
        (ReasonKind::BadMessage, _) => mend.to_owned(),
        (ReasonKind::NoReplica | ReasonKind::WrongContent, _) if again != Again::Doctor => format!(
            "{mend}. Then {again_words}. What cannot be restored: exclude it with --exclude-file"
        ),
        (ReasonKind::Killed, _) => format!(
            "{mend}. Then {again_words}; or move these files from here, with `mogile2s3 migrate \
             --fids LIST`"
        ),
        _ => format!("{mend}{look}. Then {again_words}"),
    }
}

/// Whether a verification has found it, and another command mends it.
const fn is_found_by_verifying(kind: ReasonKind) -> bool {
    matches!(
        kind,
        ReasonKind::Missing
            | ReasonKind::WrongObject
            | ReasonKind::NoRecord
            | ReasonKind::OtherRecord
    )
}

/// Where an operator looks for what is to be mended.
const fn look(kind: ReasonKind) -> Option<&'static str> {
    Some(match kind {
        ReasonKind::SourceUnreachable => "`mogile2s3 doctor` shows which",
        ReasonKind::ReplicasUnreachable => "`mogile2s3 doctor` opens a replica on each of them",
        ReasonKind::SourceRefused => "`mogile2s3 doctor` tries each",
        ReasonKind::KeyUnknown => "`mogile2s3 doctor` compares the two",
        ReasonKind::StoreUnreachable => "`mogile2s3 doctor` asks each bucket",
        ReasonKind::StoreDenied => {
            "`mogile2s3 doctor` shows which permission is missing, or that AWS does not know the key"
        }
        ReasonKind::StoreRefused => "`mogile2s3 doctor` tries each kind of request",
        ReasonKind::IndexUnreadable => "`mogile2s3 doctor` asks each",
        ReasonKind::LedgerUnavailable => "`mogile2s3 doctor` reads each table",
        ReasonKind::TypesAndNames
        | ReasonKind::References
        | ReasonKind::NoIntermediary
        | ReasonKind::NoReplica
        | ReasonKind::WrongContent
        | ReasonKind::WrongObject
        | ReasonKind::Contended
        | ReasonKind::NoBucket
        | ReasonKind::QueueUnavailable
        | ReasonKind::BadMessage
        | ReasonKind::BadJob
        | ReasonKind::OtherSettings
        | ReasonKind::NotStarted
        | ReasonKind::Killed
        | ReasonKind::Missing
        | ReasonKind::NoRecord
        | ReasonKind::OtherRecord => return None,
    })
}

const BAD_JOB: &str = "give the worker the BUCKETS and the MOGILE_DOMAIN of the sender of these jobs. Where \
                       BUCKETS was changed on purpose, `mogile2s3 enqueue migrate` sends new jobs, and \
                       the old ones are of no use";

const OTHER_SETTINGS: &str = "give the worker the MOGILE_DOMAIN and the BUCKETS of the sender of these jobs, or another SQS_URL. \
     Where BUCKETS was changed on purpose, delete all jobs of the queue, verifications too (`aws sqs \
     purge-queue --queue-url \"$SQS_URL\"`), and send new ones: `mogile2s3 enqueue migrate`";

const INDEX: &str = "where it does not answer, start the database of MOGILE_DATABASE_URL, or MOGILE_TRACKERS \
     where that is not set, or correct the setting; where it refuses, correct MOGILE_DOMAIN, or user and \
     password in MOGILE_DATABASE_URL; where the disk of this machine is named, give --spool-dir a directory \
     with more room";

const TYPES_AND_NAMES: &str = "where contentrepo's database does not answer or refuses, start it or correct \
     CONTENTREPO_DATABASE_URL; where the disk of this machine is named, give --spool-dir a \
     directory with more room (`mogile2s3 plan` says how much is needed). An empty \
     CONTENTREPO_DATABASE_URL does without types and names";

const MISSING: &str = "`mogile2s3 migrate`, or `mogile2s3 enqueue migrate`, checks these files and migrates \
     what is missing";

const RECORD: &str = "the objects are whole, and the ledger does not say so. `mogile2s3 migrate`, or `mogile2s3 \
     enqueue migrate` and a worker, looks at each of them and writes its record";

const REFERENCES: &str = "where a database does not answer or refuses, start it or correct \
     CONTENTREPO_DATABASE_URL or RHINO_DATABASE_URL; where the disk of this machine is named, give --spool-dir \
     a directory with more room";

/// What is to be mended. It names no command that says the same.
const fn mend(kind: ReasonKind, again: Again) -> &'static str {
    match kind {
        ReasonKind::NoIntermediary => {
            "let MogileFS supply these files: --route auto, for a worker too"
        }
        ReasonKind::NoReplica => {
            "start a storage node that is down; if the words name MOGILE_STORAGE_HOSTS, or a storage \
             node that MogileFS does not register, correct that; restore what no replica has"
        }
        ReasonKind::WrongContent => {
            "MogileFS has other content under these keys: restore the right content there, or correct the keys \
             (`mogile2s3 rekey scan`)"
        }
        ReasonKind::SourceUnreachable => {
            "start the tracker, or MogileFS's database, that cannot be reached, or open the way to it"
        }
        ReasonKind::ReplicasUnreachable => {
            "the trackers answer: start the storage nodes named here, or open the way to them"
        }
        ReasonKind::SourceRefused => {
            "correct what the words name: MOGILE_TRACKERS, MOGILE_DOMAIN, MOGILE_DATABASE_URL or the \
             rights of its account, or MOGILE_STORAGE_HOSTS; or mend the trackers"
        }
        ReasonKind::KeyUnknown => {
            "correct MOGILE_DATABASE_URL: it must name the database of MOGILE_TRACKERS"
        }
        ReasonKind::WrongObject => match again {
            Again::ThisCommand => {
                "MogileFS did not give the content that replaces these objects: restore it there, or \
                 allow --route auto. `mogile2s3 migrate`, or `mogile2s3 enqueue migrate` and a worker, \
                 then replaces them. Where nothing can be restored, delete the objects yourself: the \
                 files then end as no-replica"
            }
            Again::Sync => {
                "these are objects at the keys of intermediaries, with other content than the files. \
                 MogileFS did not give the content that replaces them: restore it there, or delete \
                 them yourself. No reader of the archive sees them, and `mogile2s3 migrate` takes no \
                 copy of them for proven"
            }
            Again::Doctor | Again::Queue | Again::DeadLetters | Again::NoJobs => {
                "`mogile2s3 migrate`, or `mogile2s3 enqueue migrate`, replaces these objects where \
                 MogileFS has the content. Where it has not, restore the content there first, or \
                 examine the objects yourself"
            }
        },
        ReasonKind::Contended => "stop the other program that writes to these buckets",
        ReasonKind::StoreUnreachable => {
            "check the way to S3, the region, and AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_S3 where it is \
             set; where keys have expired, log in to AWS again"
        }
        ReasonKind::StoreDenied => "correct the account's policy, the bucket's, or the access key",
        ReasonKind::NoBucket => match again {
            Again::Queue | Again::DeadLetters => {
                "make the bucket with `mogile2s3 provision`, which needs --access-profile. Where BUCKETS \
                 has a wrong name, correct it, delete all jobs of the queue, verifications too (`aws sqs \
                 purge-queue --queue-url \"$SQS_URL\"`), and send new ones: `mogile2s3 enqueue migrate`"
            }
            Again::ThisCommand | Again::Sync | Again::Doctor | Again::NoJobs => {
                "correct BUCKETS, or make the bucket with `mogile2s3 provision`, which needs \
                 --access-profile"
            }
        },
        ReasonKind::StoreRefused => "mend what S3 names",
        ReasonKind::IndexUnreadable => INDEX,
        ReasonKind::TypesAndNames => TYPES_AND_NAMES,
        ReasonKind::References => REFERENCES,
        ReasonKind::LedgerUnavailable => match again {
            Again::Sync | Again::Doctor => {
                "check the way to DynamoDB, DYNAMODB_TABLE, the region and the account's policy; \
                 `mogile2s3 provision`, which needs --access-profile, makes a missing table"
            }
            Again::ThisCommand | Again::Queue | Again::DeadLetters | Again::NoJobs => {
                "check the way to DynamoDB, DYNAMODB_TABLE, the region and the account's policy; \
                 `mogile2s3 provision`, which needs --access-profile, makes a missing table. Objects \
                 that are in S3 already are found there and recorded"
            }
        },
        ReasonKind::QueueUnavailable => {
            "check the way to SQS, SQS_URL and SQS_DLQ_URL, the region and the account's policy"
        }
        ReasonKind::BadMessage => {
            "`mogile2s3 enqueue migrate` sends jobs for all files that are not proven. Then find the \
             sender of these messages, and delete them from the dead-letter queue"
        }
        ReasonKind::BadJob => BAD_JOB,
        ReasonKind::OtherSettings => OTHER_SETTINGS,
        ReasonKind::NotStarted => {
            "the worker stopped before these jobs were done: its time was over, or it got a signal"
        }
        ReasonKind::Killed => {
            "each time that it was begun its worker ended, by memory or by time: give the function \
             more of both"
        }
        ReasonKind::Missing => MISSING,
        ReasonKind::NoRecord | ReasonKind::OtherRecord => RECORD,
    }
}

/// What an operator does about rows that were rejected for this reason, by its name.
#[must_use]
pub fn advice_on_rejected(name: &str) -> &'static str {
    match name {
        NO_KEY => {
            "nothing says which content such a row should have. Decide that these rows are left, and \
             exclude them with --exclude-file"
        }
        NO_LENGTH => {
            "store the content again in MogileFS under the same key, which writes a length, then run \
             this again"
        }
        NOT_CONTENT_ADDRESSED => {
            "no content can be proven for such a key. Store what is needed again in MogileFS under its \
             right key, and exclude the other rows with --exclude-file"
        }
        UNMAPPED_BUCKET => "add the bucket to BUCKETS or to IGNORE_BUCKETS, then run this again",
        _ => {
            "register the class with `mogadm class add`, or set MOGILE_DATABASE_URL, where the row can \
             be read. Then run this again"
        }
    }
}

#[cfg(test)]
mod tests;
