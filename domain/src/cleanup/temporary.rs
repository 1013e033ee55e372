//! The rules: when an unfinished upload may be deleted.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::{ByteCount, ContentDigests, Fid, ObjectAddress, Sha1, Timestamp, limits};

/// How long an upload is known to be unfinished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// A listing saw it long enough ago.
    Over,
    /// A listing saw it, and it may still be under way until this moment.
    MayGoOn(Timestamp),
    /// No listing saw it with this fid and this key.
    Unseen,
}

impl Age {
    /// By the first listing that saw it. One of the future is as good as one of now: its moment has yet
    /// to come.
    pub(super) fn of(first_seen: Option<Timestamp>, now: Timestamp) -> Self {
        let Some(seen) = first_seen else { return Self::Unseen };
        let over = seen.after(limits::UPLOAD_OVER_AFTER);
        if now >= over { Self::Over } else { Self::MayGoOn(over) }
    }
}

/// An unfinished upload, as the index has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leftover {
    /// The file's number.
    pub(super) fid: Fid,
    /// Its key.
    pub(super) key: String,
    /// The length in the index.
    pub(super) length: Option<ByteCount>,
    /// When a listing first saw it with this key.
    pub(super) first_seen: Option<Timestamp>,
}

/// The content of one replica, or why it cannot be read.
pub(super) type Read = Result<ContentDigests, String>;

/// What the content of a file is, by all of its replicas. Nobody knows what it should be: so all that
/// can be read must be the same, and as long as the index says. Errors with why they are not.
pub(super) fn content_of_all(
    replicas: &[Read],
    length: Option<ByteCount>,
) -> Result<ContentDigests, String> {
    let mut read = replicas.iter().flatten();
    let Some(first) = read.next() else {
        let failures: Vec<_> = replicas.iter().filter_map(|read| read.as_ref().err()).collect();
        let none = "the trackers know of no usable replica".to_owned();
        let failures = failures.into_iter().cloned().reduce(|all, next| format!("{all}; {next}"));
        return Err(failures.unwrap_or(none));
    };
    if let Some(other) = read.find(|other| other.sha1 != first.sha1) {
        let (one, two) = (first.sha1, other.sha1);
        return Err(format!("its replicas differ: one has SHA-1 {one}, another {two}"));
    }
    match length.filter(|length| *length != first.length) {
        Some(length) => {
            let actual = first.length;
            Err(format!("its replicas have {actual} bytes, and the index says {length}"))
        }
        None => Ok(*first),
    }
}

/// Where the same content is, too. Its bytes were seen there, not only its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// An object of S3.
    Object(ObjectAddress),
    /// Another file of MogileFS.
    File {
        /// Its number.
        fid: Fid,
        /// Its key.
        key: String,
    },
}

/// Whether contentrepo refers to some content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    /// It does. The names of its buckets, where they are known.
    From(BTreeSet<String>),
    /// It does not.
    None,
    /// Nobody knows.
    Unknown,
}

/// What is to be done with a file whose upload is over, and whose content was found nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Delete it, for this reason.
    Delete(String),
    /// Keep it: contentrepo refers to its content, in buckets of these names, and no other copy is known.
    OnlyCopy(BTreeSet<String>),
    /// Keep it: no other copy is known, nor whether anybody needs it.
    Undecided,
}

impl Decision {
    /// About what exists nowhere else. With `also_unique` the operator has named the file.
    pub(super) fn on(reference: Reference, also_unique: bool) -> Self {
        match reference {
            Reference::None => Self::Delete("contentrepo does not refer to its content".to_owned()),
            Reference::From(_) if also_unique => {
                Self::Delete("--also-unique, though contentrepo refers to its content".to_owned())
            }
            Reference::Unknown if also_unique => Self::Delete("--also-unique".to_owned()),
            Reference::From(buckets) => Self::OnlyCopy(buckets),
            Reference::Unknown => Self::Undecided,
        }
    }
}

/// As the reason for a deletion.
impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(at) => write!(f, "`{at}` has its content"),
            Self::File { fid, key } => write!(f, "fid {fid}, `{key}`, has its content"),
        }
    }
}

/// An unfinished upload with the only bytes of some content that contentrepo refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OnlyCopy {
    /// The file's number.
    pub fid: Fid,
    /// Its key.
    pub key: String,
    /// The SHA-1 of its content.
    pub sha1: Sha1,
    /// The number of its bytes.
    pub length: ByteCount,
    /// The keys under which contentrepo looks for the content. A rename to the one that is free heals
    /// it. None where contentrepo's row names no bucket.
    pub belongs_at: Vec<String>,
    /// Those of them that another file has already: its content is lost, or is another one.
    pub taken: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ContentHasher;

    #[test]
    fn replicas_that_do_not_agree_say_nothing_of_the_content() {
        let read = |content: &str| Ok(ContentHasher::of(content.as_bytes()));
        let out = |why: &str| Err::<ContentDigests, _>(why.to_owned());
        for (replicas, length, words) in [
            (vec![read("one")], Some(3), ""),
            (vec![read("one")], None, ""),
            (vec![read("one"), read("one")], Some(3), ""),
            (vec![out("away"), read("one")], Some(3), ""),
            (vec![read("one"), read("two")], Some(3), "its replicas differ"),
            (vec![read("one"), out("away"), read("on")], Some(3), "its replicas differ"),
            (vec![read("on"), out("away")], Some(3), "2 bytes, and the index says 3"),
            (vec![out("away"), out("gone")], Some(3), "away; gone"),
            (vec![], Some(3), "no usable replica"),
        ] {
            let content = content_of_all(&replicas, length.map(ByteCount));
            match content {
                Ok(content) => assert_eq!((content, words), (ContentHasher::of(b"one"), "")),
                Err(why) => assert!(!words.is_empty() && why.contains(words), "{why}"),
            }
        }
    }

    #[test]
    fn an_upload_is_over_a_day_after_the_first_listing_that_saw_it() {
        let now = Timestamp(1_767_225_600_000);
        let before = |minutes: u64| Some(Timestamp(now.0 - minutes * 60_000));
        let due = |minutes: u64| Timestamp(now.0 + minutes * 60_000);
        // 24 hours, and 10 minutes for the two clocks.
        for (seen, age) in [
            (None, Age::Unseen),
            (Some(now), Age::MayGoOn(due(1450))),
            (before(1440), Age::MayGoOn(due(10))),
            (before(1449), Age::MayGoOn(due(1))),
            (before(1450), Age::Over),
            (before(100_000), Age::Over),
            // Of the future: a clock was wrong.
            (Some(due(60)), Age::MayGoOn(due(1510))),
            (Some(Timestamp(u64::MAX)), Age::MayGoOn(Timestamp(u64::MAX))),
        ] {
            assert_eq!(Age::of(seen, now), age, "{seen:?}");
        }
    }

    /// References: `R` there is one, `-` none, `?` unknown. Decisions: `D` delete, `K` keep the only
    /// copy, `?` undecided; the second one is with `--also-unique`.
    #[test]
    fn what_exists_nowhere_else_is_deleted_where_nobody_needs_it() {
        for (reference, decisions) in [('R', "KD"), ('-', "DD"), ('?', "?D")] {
            for (also_unique, expected) in [false, true].into_iter().zip(decisions.chars()) {
                let reference = match reference {
                    'R' => Reference::From(BTreeSet::from(["repo".to_owned()])),
                    '-' => Reference::None,
                    _ => Reference::Unknown,
                };
                let found = match Decision::on(reference, also_unique) {
                    Decision::Delete(_) => 'D',
                    Decision::OnlyCopy(_) => 'K',
                    Decision::Undecided => '?',
                };
                assert_eq!(found, expected, "{also_unique}");
            }
        }
    }
}
