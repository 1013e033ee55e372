//! The rules: when an unfinished upload may be deleted.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::{
    BucketMap, ByteCount, ContentDigests, Fid, IndexRow, MogileBucket, ObjectAddress, S3Bucket,
    Sha1, Timestamp, limits,
};

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

impl Leftover {
    /// The row, where it is of an unfinished upload.
    pub(super) fn of(row: &IndexRow) -> Option<Self> {
        let key = row.temporary_key()?.to_owned();
        Some(Self { fid: row.fid, key, length: row.length, first_seen: None })
    }
}

/// The content of one replica, or why it cannot be read.
pub(super) type Read = Result<ContentDigests, String>;

/// What the content of an upload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownContent {
    /// The content of the replicas that were read: all have the same.
    pub(super) digests: ContentDigests,
    /// Why other replicas could not be read, which may have another content. Only where the readable
    /// content is elsewhere may such an upload go.
    pub(super) unread: Option<String>,
}

/// What the content of a file is, by all of its replicas. Nobody knows what it should be: so all that
/// can be read must be the same, and as long as the index says. Errors with why they are not.
pub(super) fn content_of_all(
    replicas: &[Read],
    length: Option<ByteCount>,
) -> Result<KnownContent, String> {
    let failures = replicas.iter().filter_map(|read| read.as_ref().err()).cloned();
    let unread = failures.reduce(|all, next| format!("{all}; {next}"));
    let mut read = replicas.iter().flatten();
    let Some(first) = read.next() else {
        return Err(
            unread.unwrap_or_else(|| "the index has no replica of it on any device".to_owned())
        );
    };
    if let Some(other) = read.find(|other| other.sha1 != first.sha1) {
        let (one, two) = (first.sha1, other.sha1);
        return Err(format!("its replicas differ: one has SHA-1 {one}, another {two}"));
    }
    match (length, unread) {
        (Some(length), _) if length != first.length => {
            let actual = first.length;
            Err(format!("its replicas have {actual} bytes, and the index says {length}"))
        }
        // What was read may be cut short: the empty content is in every store.
        (None, Some(why)) => Err(format!("{why}; and the index does not say how long it is")),
        (_, unread) => Ok(KnownContent { digests: *first, unread }),
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
    /// It does.
    From(Referring),
    /// It does not.
    None,
    /// Nobody knows.
    Unknown,
}

/// The buckets from which contentrepo refers to some content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Referring {
    /// Their names.
    pub(super) names: BTreeSet<String>,
    /// Whether a row names no bucket, so that it may be any.
    pub(super) nameless: bool,
}

/// In which of the mapped buckets the content of an upload must be before the upload goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Needed {
    /// In each of these: contentrepo refers to it from there, or may. A copy in another bucket is not
    /// found by its readers, and does not migrate to where they look.
    InAll(BTreeSet<MogileBucket>),
    /// In one of them.
    InOne,
    /// In none.
    Nowhere,
}

impl Needed {
    /// By what contentrepo says. Where `is_unread`, replicas could not be read, and what it says is of
    /// the others.
    pub(super) fn of(reference: &Reference, buckets: &BucketMap, is_unread: bool) -> Self {
        let all = || buckets.pairs().map(|(old, _)| old.clone()).collect();
        match reference {
            Reference::None if !is_unread => Self::Nowhere,
            Reference::None => Self::InOne,
            Reference::Unknown => Self::InAll(all()),
            Reference::From(referring) if referring.nameless => Self::InAll(all()),
            Reference::From(Referring { names, .. }) => {
                let mapped: BTreeSet<_> =
                    names.iter().flat_map(|name| mapped_buckets(name, buckets)).collect();
                if mapped.is_empty() { Self::InOne } else { Self::InAll(mapped) }
            }
        }
    }

    /// Whether it is to be looked for in this bucket.
    pub(super) fn is_in(&self, bucket: &MogileBucket) -> bool {
        match self {
            Self::InAll(these) => these.contains(bucket),
            Self::InOne => true,
            Self::Nowhere => false,
        }
    }
}

/// The mapped buckets that contentrepo may mean by a name: behind a cut-over it has the new names.
pub(super) fn mapped_buckets(name: &str, buckets: &BucketMap) -> Vec<MogileBucket> {
    let is_it = |(old, new): &(&MogileBucket, &S3Bucket)| {
        is_same_name(old.as_str(), name) || is_same_name(new.as_str(), name)
    };
    buckets.pairs().filter(is_it).map(|(old, _)| old.clone()).collect()
}

/// Whether contentrepo's database may take two names for one: most collations are blind to case and to
/// blanks at the end.
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    one.trim_end_matches(' ').eq_ignore_ascii_case(other.trim_end_matches(' '))
}

/// Where the content of an upload was found, and where it was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Copies {
    pub(super) found: Vec<Elsewhere>,
    /// The buckets that need it, and do not have it.
    pub(super) missing: BTreeSet<MogileBucket>,
}

/// What is to be done with a file whose upload is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Delete it, for this reason.
    Delete(String),
    /// Keep it: contentrepo refers to its content from a bucket that does not have it.
    OnlyCopy,
    /// Keep it: a bucket does not have its content, and nobody knows whether contentrepo refers to it
    /// from there.
    Undecided,
    /// Keep it: replicas could not be read, which may have another content.
    Unread,
}

impl Decision {
    /// About an upload whose content is in these places. With `also_unique` the operator has named the
    /// file.
    pub(super) fn on(
        reference: &Reference,
        Copies { found, missing }: &Copies,
        is_unread: bool,
        also_unique: bool,
    ) -> Self {
        if missing.is_empty() {
            let found =
                found.iter().map(ToString::to_string).reduce(|all, it| format!("{all}; {it}"));
            return Self::Delete(
                found.unwrap_or_else(|| "contentrepo does not refer to its content".to_owned()),
            );
        }
        match reference {
            Reference::None => Self::Unread,
            Reference::From(_) | Reference::Unknown if also_unique && is_unread => Self::Unread,
            Reference::From(_) if also_unique => {
                Self::Delete("--also-unique, though contentrepo refers to its content".to_owned())
            }
            Reference::Unknown if also_unique => Self::Delete("--also-unique".to_owned()),
            Reference::From(_) => Self::OnlyCopy,
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

/// An unfinished upload with content that contentrepo refers to, and that a bucket does not have from
/// which it does.
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
    /// The keys under which contentrepo looks for the content and does not find it. A rename to one of
    /// them heals that one. None where contentrepo's row names no bucket.
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
            (vec![out("away"), read("one")], None, "does not say how long"),
            (vec![read("one"), read("two")], Some(3), "its replicas differ"),
            (vec![read("one"), out("away"), read("on")], Some(3), "its replicas differ"),
            (vec![read("on"), out("away")], Some(3), "2 bytes, and the index says 3"),
            (vec![out("away"), out("gone")], Some(3), "away; gone"),
            (vec![], Some(3), "no replica of it on any device"),
        ] {
            let content = content_of_all(&replicas, length.map(ByteCount));
            match content {
                Ok(KnownContent { digests, unread }) => {
                    assert_eq!((digests, words), (ContentHasher::of(b"one"), ""));
                    assert_eq!(unread.is_some(), replicas.iter().any(Result::is_err));
                }
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

    /// References: `R` there is one, `-` none, `?` unknown. Where needed: `+` the content is in each
    /// bucket, `-` it is missing in one. Replicas: `A` all were read, `N` not all. Decisions: `D` delete,
    /// `K` keep the only copy, `?` undecided, `U` not all was read; the second one is with
    /// `--also-unique`.
    #[test]
    fn what_is_missing_where_it_is_needed_stays() {
        for (case, decisions) in [
            ("R+A", "DD"),
            ("R+N", "DD"),
            ("R-A", "KD"),
            ("R-N", "KU"),
            ("-+A", "DD"),
            ("-+N", "DD"),
            ("--N", "UU"),
            ("?+A", "DD"),
            ("?-A", "?D"),
            ("?-N", "?U"),
        ] {
            let has = |sign: char| case.contains(sign);
            let reference = match case.as_bytes()[0] {
                b'R' => Reference::From(Referring::default()),
                b'-' => Reference::None,
                _ => Reference::Unknown,
            };
            let mut copies = Copies::default();
            if !has('+') {
                copies.missing.insert(MogileBucket::new("repo").expect("a name"));
            }
            for (also_unique, expected) in [false, true].into_iter().zip(decisions.chars()) {
                let found = match Decision::on(&reference, &copies, has('N'), also_unique) {
                    Decision::Delete(_) => 'D',
                    Decision::OnlyCopy => 'K',
                    Decision::Undecided => '?',
                    Decision::Unread => 'U',
                };
                assert_eq!(found, expected, "{case} {also_unique}");
            }
        }
    }

    #[test]
    fn each_bucket_that_refers_needs_a_copy_of_its_own() {
        let buckets = BucketMap::parse("one:new-one,two:new-two", "trash").expect("good settings");
        let from = |names: &[&str], nameless| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Reference::From(Referring { names, nameless })
        };
        let all = |names: &[&str]| {
            let name = |name: &&str| MogileBucket::new(name).expect("a name");
            Needed::InAll(names.iter().map(name).collect())
        };
        for (reference, is_unread, needed) in [
            (from(&["one"], false), false, all(&["one"])),
            (from(&["ONE "], false), false, all(&["one"])),
            (from(&["new-two", "trash"], false), false, all(&["two"])),
            (from(&["trash"], false), false, Needed::InOne),
            (from(&["one"], true), false, all(&["one", "two"])),
            (Reference::Unknown, false, all(&["one", "two"])),
            (Reference::None, true, Needed::InOne),
            (Reference::None, false, Needed::Nowhere),
        ] {
            assert_eq!(Needed::of(&reference, &buckets, is_unread), needed, "{reference:?}");
        }
    }
}
