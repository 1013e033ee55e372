//! A job: which file, and what to do with it. It carries identity, never conclusions.

use crate::named::named;
use crate::{ByteCount, Fid, IntermediaryForm, ObjectKey, SourceFile, limits};

/// What a job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobAction {
    /// Bring the file to S3, proven.
    Migrate,
    /// Prove again what is in S3.
    Verify,
}

named!(JobAction { Migrate = "migrate", Verify = "verify" });

/// One file's job, with the three fields that s3migrate's messages have too. The key is the text
/// of the index: what a message holds is parsed again by whoever receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What to do.
    pub action: JobAction,
    /// The file's number in MogileFS.
    pub fid: Fid,
    /// Its key there.
    pub dkey: String,
    /// The length that the index tells.
    pub length: ByteCount,
    /// What whoever sent it knew beside. Nothing depends on it.
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

/// What travels beside a job and may be lost on the way: a worker without it asks more, and does
/// the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// Where the content was seen when the job was sent.
    pub route: Option<RouteHint>,
    /// Whether the file has a failure record, which is to be cleared when it succeeds.
    pub failed_before: bool,
    /// Whether something is known to be at the final key, which is looked at before anything is
    /// written.
    pub look_first: bool,
    /// The verification that the job belongs to.
    pub run: Option<String>,
    /// The MogileFS domain that the file is in. A worker of another domain does not find the file
    /// there, and must not take it for deleted.
    pub domain: Option<String>,
}

/// Whether this can be the name of a verification: in one line, and not too long.
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
    /// There is none that one COPY can take.
    Mogile,
}

named!(RouteHint {
    Copy = "copy",
    CopyLeadingSlash = "copy-leading-slash",
    Mogile = "mogile",
});

impl RouteHint {
    /// The hint for a file whose intermediary this is; [`None`] when it is none.
    #[must_use]
    pub fn of_intermediary(key: &ObjectKey) -> Option<Self> {
        let (_, form) = key.as_intermediary()?;
        Some(match form {
            IntermediaryForm::Plain => Self::Copy,
            IntermediaryForm::LeadingSlash => Self::CopyLeadingSlash,
        })
    }

    /// The intermediary to copy, if that is the way.
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
