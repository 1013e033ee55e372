//! Which S3 bucket each MogileFS bucket goes to: the settings `BUCKETS` and `IGNORE_BUCKETS`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::MogileBucket;

/// The name of an S3 bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct S3Bucket(Arc<str>);

impl S3Bucket {
    /// A general purpose bucket's name: 3 to 63 of `a-z 0-9 . -`, a letter or digit at both ends
    /// (Amazon S3 user guide, "Bucket naming rules").
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let ends = |name: &[u8]| {
            name.first().copied().is_some_and(plain) && name.last().copied().is_some_and(plain)
        };
        let bytes = name.as_bytes();
        let valid = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|&c| plain(c) || c == b'.' || c == b'-')
            && ends(bytes)
            && !name.contains("..");
        valid.then(|| Self(name.into()))
    }

    /// How a name is to be written that [`new`](Self::new) refuses: an address of S3 holds it.
    #[must_use]
    pub fn how_to_write(refused: &str) -> String {
        let name = refused.trim_start_matches("s3:").trim_matches('/');
        match Self::new(name) {
            Some(name) if refused.contains('/') => {
                format!("write `{name}`, without `s3:` and slashes")
            }
            Some(_) | None => {
                "a name has 3 to 63 of a-z 0-9 . - and no slash, such as `corpus-prod`".to_owned()
            }
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for S3Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a MogileFS bucket's files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination<'a> {
    /// To this S3 bucket.
    Bucket(&'a S3Bucket),
    /// Nowhere: the operator listed the bucket in `IGNORE_BUCKETS`.
    Ignored,
    /// Nobody said: files of it are rejected.
    Unmapped,
}

/// What one of contentrepo's buckets is to a map, by its name there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepoBucketName<'a> {
    /// It has the name of this MogileFS bucket, which is mapped.
    Mapped(&'a MogileBucket),
    /// It has the new name of this MogileFS bucket: it is behind its cut-over.
    Renamed(&'a MogileBucket),
    /// The operator listed it in `IGNORE_BUCKETS`.
    Ignored,
    /// Neither setting names it.
    Unmapped,
}

impl<'a> RepoBucketName<'a> {
    /// The MogileFS bucket whose keys name its files, before the cut-over and behind it; [`None`] where it
    /// is not mapped.
    #[must_use]
    pub const fn mogile_bucket(self) -> Option<&'a MogileBucket> {
        match self {
            Self::Mapped(bucket) | Self::Renamed(bucket) => Some(bucket),
            Self::Ignored | Self::Unmapped => None,
        }
    }
}

/// `BUCKETS=old:new,old2:new2` and `IGNORE_BUCKETS=old3,old4`.
///
/// One-to-one: two old names on one new name could not be cut over (contentrepo's names are
/// unique) and would share purges; a new name that is another entry's old name would make an
/// interrupted cut-over ambiguous. `x:x` is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketMap {
    mapped: BTreeMap<MogileBucket, S3Bucket>,
    ignored: BTreeSet<MogileBucket>,
}

/// What is wrong with the entries of a bucket map, or with the buckets to be ignored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BucketMapError {
    /// No entry at all.
    #[error("no bucket is mapped: give `old:new`, separated by commas")]
    Empty,
    /// An entry is not `old:new`.
    #[error("`{0}` is not `old:new`")]
    NotAPair(String),
    /// The new name cannot be an S3 bucket.
    #[error(
        "`{old}` is mapped to `{new}`, which is no S3 bucket name: {}",
        S3Bucket::how_to_write(new)
    )]
    NotABucketName {
        /// The MogileFS bucket.
        old: String,
        /// The refused name.
        new: String,
    },
    /// One old name twice.
    #[error("`{0}` is mapped twice")]
    OldTwice(String),
    /// Two old names on one new name.
    #[error(
        "both `{first}` and `{second}` are mapped to `{new}`: a bucket of its own for each, \
             or they cannot be cut over"
    )]
    NewTwice {
        /// One old name.
        first: String,
        /// The other.
        second: String,
        /// The name they share.
        new: String,
    },
    /// A new name is another entry's old name.
    #[error(
        "`{old}` is mapped to `{new}`, which is itself mapped elsewhere: choose another \
             name, or an interrupted cut-over could not be resumed"
    )]
    Chain {
        /// The MogileFS bucket.
        old: String,
        /// The new name that is an old one too.
        new: String,
    },
    /// A name in both settings, or an unusable one.
    #[error("`{0}` cannot be ignored: it is empty, unusable, or mapped too")]
    Ignored(String),
}

impl BucketMap {
    /// Parses both settings. White space around names is not part of them; `ignored` may be empty.
    pub fn parse(buckets: &str, ignored: &str) -> Result<Self, BucketMapError> {
        let mut map = Self { mapped: BTreeMap::new(), ignored: BTreeSet::new() };
        for entry in entries(buckets) {
            map.add(entry)?;
        }
        if map.mapped.is_empty() {
            return Err(BucketMapError::Empty);
        }
        map.refuse_chains()?;
        for name in entries(ignored) {
            match MogileBucket::new(name) {
                Some(bucket) if !map.mapped.contains_key(&bucket) => map.ignored.insert(bucket),
                _ => return Err(BucketMapError::Ignored(name.to_owned())),
            };
        }
        Ok(map)
    }

    /// Where this bucket's files go.
    #[must_use]
    pub fn destination(&self, bucket: &MogileBucket) -> Destination<'_> {
        match self.mapped.get(bucket) {
            Some(new) => Destination::Bucket(new),
            None if self.ignored.contains(bucket) => Destination::Ignored,
            None => Destination::Unmapped,
        }
    }

    /// What contentrepo's bucket of this name is. The cut-over gives its buckets their new names, and MogileFS's
    /// keys keep the old ones.
    #[must_use]
    pub fn repo_bucket(&self, name: &str) -> RepoBucketName<'_> {
        let bucket = MogileBucket::new(name);
        let mapped = bucket.as_ref().and_then(|bucket| self.mapped.get_key_value(bucket));
        if let Some((old, _)) = mapped {
            return RepoBucketName::Mapped(old);
        }
        // Before it is looked up among those to be ignored: contentrepo's names are unique, and one of a
        // cut-over may have been added there by mistake.
        if let Some((old, _)) = self.pairs().find(|(_, new)| new.as_str() == name) {
            return RepoBucketName::Renamed(old);
        }
        match bucket {
            Some(bucket) if self.ignored.contains(&bucket) => RepoBucketName::Ignored,
            Some(_) | None => RepoBucketName::Unmapped,
        }
    }

    /// All MogileFS buckets that either setting names.
    pub fn names(&self) -> impl Iterator<Item = &MogileBucket> {
        self.mapped.keys().chain(&self.ignored)
    }

    /// How the settings write this MogileFS bucket, which may differ from them in case.
    #[must_use]
    pub fn written(&self, bucket: &str) -> Option<&str> {
        let all = || self.names().map(MogileBucket::as_str);
        all()
            .find(|name| *name == bucket)
            .or_else(|| all().find(|name| name.eq_ignore_ascii_case(bucket)))
    }

    /// All pairs, by old name.
    pub fn pairs(&self) -> impl Iterator<Item = (&MogileBucket, &S3Bucket)> {
        self.mapped.iter()
    }

    fn add(&mut self, entry: &str) -> Result<(), BucketMapError> {
        let not_a_pair = || BucketMapError::NotAPair(entry.to_owned());
        let (old, new) = entry.split_once(':').ok_or_else(not_a_pair)?;
        let old = MogileBucket::new(old.trim()).ok_or_else(not_a_pair)?;
        let new = S3Bucket::new(new.trim()).ok_or_else(|| BucketMapError::NotABucketName {
            old: old.to_string(),
            new: new.trim().to_owned(),
        })?;
        if let Some((first, _)) =
            self.mapped.iter().find(|(first, taken)| **taken == new && **first != old)
        {
            return Err(BucketMapError::NewTwice {
                first: first.to_string(),
                second: old.to_string(),
                new: new.to_string(),
            });
        }
        if self.mapped.contains_key(&old) {
            return Err(BucketMapError::OldTwice(old.to_string()));
        }
        self.mapped.insert(old, new);
        Ok(())
    }

    fn refuse_chains(&self) -> Result<(), BucketMapError> {
        let chain = self.mapped.iter().find(|(old, new)| {
            old.as_str() != new.as_str()
                && self.mapped.keys().any(|other| other.as_str() == new.as_str())
        });
        chain.map_or(Ok(()), |(old, new)| {
            Err(BucketMapError::Chain { old: old.to_string(), new: new.to_string() })
        })
    }
}

/// As `BUCKETS` is written, sorted by old name and without white space: two maps are the same where
/// their texts are. The ignored buckets are not part of it.
impl fmt::Display for BucketMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (old, new)) in self.pairs().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{old}:{new}")?;
        }
        Ok(())
    }
}

fn entries(setting: &str) -> impl Iterator<Item = &str> {
    setting.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bucket(name: &str) -> MogileBucket {
        MogileBucket::new(name).expect("a name")
    }

    #[test]
    fn a_map_tells_every_destination() {
        let map = BucketMap::parse(" repo:corpus-1 , x-y:x-y ,", "old").expect("valid");
        let to = |name: &str| map.destination(&bucket(name));
        assert_eq!(to("repo"), Destination::Bucket(&S3Bucket::new("corpus-1").expect("valid")));
        assert_eq!(to("x-y"), Destination::Bucket(&S3Bucket::new("x-y").expect("valid")));
        assert_eq!(to("old"), Destination::Ignored);
        assert_eq!(to("REPO"), Destination::Unmapped);
    }

    #[test]
    fn contentrepos_buckets_are_known_by_both_names() {
        let map = BucketMap::parse("repo:corpus-1,x-y:x-y", "old,corpus-1").expect("valid");
        let (repo, same) = (bucket("repo"), bucket("x-y"));
        for (name, expected) in [
            ("repo", RepoBucketName::Mapped(&repo)),
            ("corpus-1", RepoBucketName::Renamed(&repo)),
            ("x-y", RepoBucketName::Mapped(&same)),
            ("old", RepoBucketName::Ignored),
            ("Repo", RepoBucketName::Unmapped),
            ("a b", RepoBucketName::Unmapped),
            ("", RepoBucketName::Unmapped),
        ] {
            assert_eq!(map.repo_bucket(name), expected, "`{name}`");
        }
        assert_eq!(map.repo_bucket("corpus-1").mogile_bucket(), Some(&repo));
        assert_eq!(map.repo_bucket("old").mogile_bucket(), None);
    }

    #[test]
    fn a_map_has_one_text_however_its_setting_was_written() {
        let map = BucketMap::parse(" x-y:x-y ,, repo:corpus-1", "old").expect("valid");
        assert_eq!(map.to_string(), "repo:corpus-1,x-y:x-y");
        let again = BucketMap::parse(&map.to_string(), "old").expect("valid");
        assert_eq!(again, map);
    }

    #[test]
    fn settings_that_are_refused() {
        use BucketMapError as E;
        let text = str::to_owned;
        let chain = |old: &str, new: &str| E::Chain { old: text(old), new: text(new) };
        for (buckets, ignored, error) in [
            ("", "", E::Empty),
            (" , ", "", E::Empty),
            ("repo", "", E::NotAPair(text("repo"))),
            (":new", "", E::NotAPair(text(":new"))),
            ("a b:new", "", E::NotAPair(text("a b:new"))),
            ("a:New", "", E::NotABucketName { old: text("a"), new: text("New") }),
            ("a:ne", "", E::NotABucketName { old: text("a"), new: text("ne") }),
            ("a:-new", "", E::NotABucketName { old: text("a"), new: text("-new") }),
            ("a:new:er", "", E::NotABucketName { old: text("a"), new: text("new:er") }),
            ("a:new,a:newer", "", E::OldTwice(text("a"))),
            (
                "a:new,b:new",
                "",
                E::NewTwice { first: text("a"), second: text("b"), new: text("new") },
            ),
            ("aaa:bbb,bbb:ccc", "", chain("aaa", "bbb")),
            ("bbb:bbb,aaa:bbb2,ccc:aaa", "", chain("ccc", "aaa")),
            ("aaa:bbb,bbb:aaa", "", chain("aaa", "bbb")),
            ("a:new", "a", E::Ignored(text("a"))),
            ("a:new", "b c", E::Ignored(text("b c"))),
        ] {
            assert_eq!(BucketMap::parse(buckets, ignored), Err(error), "`{buckets}` `{ignored}`");
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_is_one_to_one_and_free_of_chains(
            pairs in prop::collection::vec(("[a-e]{3}", "[a-e]{3}"), 0..6)
        ) {
            let text: Vec<_> = pairs.iter().map(|(old, new)| format!("{old}:{new}")).collect();
            if let Ok(map) = BucketMap::parse(&text.join(","), "") {
                prop_assert_eq!(map.pairs().count(), pairs.len());
                let new: BTreeSet<_> = map.pairs().map(|(_, new)| new).collect();
                prop_assert_eq!(new.len(), pairs.len());
                for (old, new) in map.pairs() {
                    let target = map.destination(&bucket(new.as_str()));
                    prop_assert!(old.as_str() == new.as_str() || target == Destination::Unmapped);
                }
            }
        }
    }
}
