//! A job names a file and the work on it. It carries identity, never conclusions.

use crate::named::named;
use crate::{
    ByteCount, Fid, IntermediaryForm, ObjectKey, S3Bucket, SourceFile, TypeAndName, limits,
};

/// The work that a job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobAction {
    /// Migrate the file to S3 and prove its content there.
    Migrate,
    /// Prove again the content that is in S3.
    Verify,
}

named!(JobAction { Migrate = "migrate", Verify = "verify" });

/// One file's job. `fid`, `dkey` and `length` are the fields of s3migrate's messages. The key is
/// the unparsed text of the index: the receiver of a message parses it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The work to be done on the file.
    pub action: JobAction,
    /// The file's number in MogileFS.
    pub fid: Fid,
    /// Its key there.
    pub dkey: String,
    /// The length in the index.
    pub length: ByteCount,
    /// What the sender also knew. No result depends on it.
    pub hints: Hints,
}

impl Job {
    /// The job for a file, without hints.
    #[must_use]
    pub fn new(action: JobAction, file: &SourceFile) -> Self {
        Self {
            action,
            fid: file.fid,
            dkey: file.dkey.to_string(),
            length: file.length,
            hints: Hints::default(),
        }
    }
}

/// Knowledge that a job carries and that may be lost on the way. Without it a worker makes more
/// requests and comes to the same result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// Where the content was seen when the job was sent.
    pub route: Option<RouteHint>,
    /// Whether the file has a failure record, which is to be cleared when it succeeds.
    pub failed_before: bool,
    /// Whether an object is expected at the final key. If so, the worker looks there before it
    /// writes.
    pub look_first: bool,
    /// The verification that the job belongs to.
    pub run: Option<String>,
    /// The MogileFS domain that the file is in. A worker with another domain would not find the
    /// file and must not take it for deleted.
    pub domain: Option<String>,
    /// The S3 bucket to which the sender's map takes the file. A worker with another map would write
    /// it elsewhere, or would not find it there.
    pub bucket: Option<S3Bucket>,
    /// The type and the name that S3 is to give to readers with the content.
    pub type_and_name: TypeAndName,
}

/// Whether this can be the name of a verification: 1 to [`limits::LONGEST_RUN_BYTES`] bytes without
/// control characters.
#[must_use]
pub fn is_run_name(name: &str) -> bool {
    (1..=limits::LONGEST_RUN_BYTES).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// Where the content was seen when a job was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteHint {
    /// Its intermediary is in the bucket.
    Copy,
    /// Its intermediary is in the bucket, under a key with a leading slash.
    CopyLeadingSlash,
    /// There is no intermediary, or none that one COPY can take.
    Mogile,
}

named!(RouteHint {
    Copy = "copy",
    CopyLeadingSlash = "copy-leading-slash",
    Mogile = "mogile",
});

impl RouteHint {
    /// Returns the hint for a file with this intermediary; [`None`] when the key is no
    /// intermediary's.
    #[must_use]
    pub fn of_intermediary(key: &ObjectKey) -> Option<Self> {
        let (_, form) = key.as_intermediary()?;
        Some(match form {
            IntermediaryForm::Plain => Self::Copy,
            IntermediaryForm::LeadingSlash => Self::CopyLeadingSlash,
        })
    }

    /// Returns the key of the intermediary to copy; [`None`] when the content comes from MogileFS.
    #[must_use]
    pub fn intermediary(self, fid: Fid) -> Option<ObjectKey> {
        let form = match self {
            Self::Copy => IntermediaryForm::Plain,
            Self::CopyLeadingSlash => IntermediaryForm::LeadingSlash,
            Self::Mogile => return None,
        };
        Some(ObjectKey::intermediary(fid, form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_name_stands_in_one_line_and_in_a_key() {
        for (name, is_one) in [
            ("2026-05-03".to_owned(), true),
            ("May 3, für alle".to_owned(), true),
            (String::new(), false),
            ("a\nb".to_owned(), false),
            ("x".repeat(256), true),
            ("x".repeat(257), false),
        ] {
            assert_eq!(is_run_name(&name), is_one, "{name}");
        }
    }
}
