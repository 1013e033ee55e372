//! Keys of the domain that differ only in case. MogileFS can hold both where its table compares bytes;
//! contentrepo's database, which mostly does not, takes the two for one.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ports::{Clock, KeyRanges, KeyedRow};
use crate::retried::retried;
use crate::summary::Sample;
use crate::{BucketMap, Fid, MogileBucket, Reason, limits};

/// The keys that could have a twin, as many as are looked up.
///
/// Of two keys that differ only in case, at least one is not written as a migration expects it: its SHA-1
/// has capitals, or its bucket is not written as the settings have it. Only such keys are kept. A mapped
/// bucket whose own name has capitals adds none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Whether the settings name a bucket with capitals: then a key without any may be a candidate, too.
    capitals_are_named: bool,
    /// All of them.
    rows: u64,
    /// The first ones, by their key as it is expected. Another with the same key is a pair.
    first: BTreeMap<String, Fid>,
    /// Those whose twin is a candidate, too.
    pairs: Sample,
}

/// What the keys showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KeysAlike {
    /// Rows whose key differs only in case from that of another row.
    pub pairs: Sample,
    /// Rows whose key could have such a twin: it is not written as a migration expects it.
    pub candidates: u64,
    /// Of these: the ones whose twin was found among them, or looked for.
    pub looked_up: u64,
    /// Whether the index finds a key in other case. Without that they are compared only with each other.
    pub by_key: bool,
}

/// How a key would be written if the migration took it: the SHA-1 in small letters, and the bucket as the
/// settings name it. Any other key is written in small letters.
fn expected(key: &str, buckets: &BucketMap) -> String {
    let mut small = key.to_ascii_lowercase();
    let bucket = key.get(41..).and_then(|bucket| buckets.written(bucket));
    if let Some(bucket) = bucket {
        small.truncate(41);
        small.push_str(bucket);
    }
    small
}

fn has_capitals(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_uppercase())
}

impl Candidates {
    /// None yet, under these settings.
    pub(super) fn of(buckets: &BucketMap) -> Self {
        let capitals_are_named = buckets.names().any(|name| has_capitals(name.as_str()));
        Self { capitals_are_named, ..Self::default() }
    }

    /// Takes the key of a row.
    pub(super) fn add(&mut self, fid: Fid, key: &str, buckets: &BucketMap) {
        if !self.capitals_are_named && !has_capitals(key) {
            return;
        }
        let expected = expected(key, buckets);
        if expected == key {
            return;
        }
        self.rows += 1;
        if let Some(twin) = self.first.get(&expected) {
            self.pairs.add(fid, format_args!("`{key}`, and that of fid {twin}"));
        } else if self.first.len() < limits::KEYS_LOOKED_UP {
            self.first.insert(expected, fid);
        }
    }

    /// Looks for the twin of each by its key. Without an index that finds keys it compares them only with
    /// each other. An error of the index is returned with what was seen before.
    pub async fn look_up(
        &self,
        ranges: Option<&dyn KeyRanges>,
        clock: &dyn Clock,
    ) -> (KeysAlike, Option<Reason>) {
        let mut alike = KeysAlike {
            pairs: self.pairs.clone(),
            candidates: self.rows,
            looked_up: self.pairs.files,
            by_key: ranges.is_some(),
        };
        let Some(ranges) = ranges else { return (alike, None) };
        for (expected, fid) in &self.first {
            // The row at this key or behind it. Where the index takes capitals for small letters that is
            // the row itself, which has no twin then: no two rows have equal keys.
            let ask = || ranges.rows_between(Some(expected), None, 1);
            let rows = match retried(clock, fid.0, ask).await {
                Ok(rows) => rows,
                Err(error) => return (alike, Some(Reason::from(&error))),
            };
            alike.looked_up += 1;
            let is_twin = |row: &&KeyedRow| row.dkey() == Some(expected);
            if let Some(twin) = rows.iter().find(is_twin) {
                alike.pairs.add(*fid, format_args!("that of fid {}, `{expected}`", twin.fid()));
            }
        }
        (alike, None)
    }
}

/// The names of buckets in both settings that differ only in case, as they are written there: keys in them
/// are expected, and none is looked for.
#[must_use]
pub fn names_alike(buckets: &BucketMap) -> Vec<(&str, &str)> {
    let mut alike = Vec::new();
    let names: Vec<_> = buckets.names().map(MogileBucket::as_str).collect();
    for (place, name) in names.iter().enumerate() {
        let others = names.iter().skip(place + 1);
        alike.extend(others.filter(|it| it.eq_ignore_ascii_case(name)).map(|it| (*name, *it)));
    }
    alike
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use futures_util::FutureExt;

    use super::*;
    use crate::ports::IndexError;
    use crate::{ByteCount, IndexRow, Timestamp};

    /// An index in the order of its bytes, or one that takes capitals for small letters.
    struct Index {
        keys: Vec<(u64, String)>,
        is_blind: bool,
    }

    #[async_trait]
    impl KeyRanges for Index {
        async fn rows_between(
            &self,
            from: Option<&str>,
            _: Option<&str>,
            limit: usize,
        ) -> Result<Vec<KeyedRow>, IndexError> {
            let order =
                |key: &str| if self.is_blind { key.to_ascii_lowercase() } else { key.to_owned() };
            let mut rows: Vec<_> =
                self.keys.iter().filter(|(_, key)| order(key) >= order(from.unwrap())).collect();
            rows.sort_by_key(|(_, key)| order(key));
            let row = |(fid, key): &(u64, String)| {
                KeyedRow::Read(IndexRow {
                    fid: Fid(*fid),
                    dkey: Some(key.clone()),
                    length: Some(ByteCount(1)),
                    replicas: None,
                    storage_class: None,
                })
            };
            Ok(rows.into_iter().take(limit).map(row).collect())
        }

        async fn rows_without_key(&self, _: Fid, _: usize) -> Result<Vec<KeyedRow>, IndexError> {
            Ok(Vec::new())
        }
    }

    struct Stopped;

    #[async_trait]
    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        async fn sleep(&self, _: std::time::Duration) {}
    }

    const SHA1: &str = "4cb62c588ecdb941e92cbb85cdcb282f0fec0c77";

    /// `a` a SHA-1 in small letters, `A` the same in capitals.
    fn keys(texts: &[&str]) -> Vec<(u64, String)> {
        let key = |text: &str| match text.split_at(1) {
            ("a", rest) => format!("{SHA1}{rest}"),
            ("A", rest) => format!("{}{rest}", SHA1.to_uppercase()),
            _ => text.to_owned(),
        };
        (1..).zip(texts.iter().map(|text| key(text))).collect()
    }

    fn looked_up(buckets: &BucketMap, index: &Index, by_key: bool) -> KeysAlike {
        let mut candidates = Candidates::of(buckets);
        index.keys.iter().for_each(|(fid, key)| candidates.add(Fid(*fid), key, buckets));
        let ranges = by_key.then_some(index as &dyn KeyRanges);
        let looked = candidates.look_up(ranges, &Stopped).now_or_never().expect("no wait");
        assert_eq!(looked.1, None);
        looked.0
    }

    #[test]
    fn two_keys_that_differ_in_case_are_found_whichever_comes_first() {
        let map = BucketMap::parse("repo:corpus,Own:own", "Trash").expect("good settings");
        for (texts, candidates, pairs) in [
            (&["a-repo", "a-Own", "a-Trash", "note"][..], 0, &[][..]),
            (&["a-repo", "A-repo"], 1, &[2]),
            (&["A-repo", "a-repo"], 1, &[1]),
            (&["a-repo", "a-REPO"], 1, &[2]),
            // A bucket that is named with capitals, and the same name in small letters.
            (&["a-Own", "a-own"], 1, &[2]),
            (&["a-trash", "a-Trash"], 1, &[1]),
            (&["a-scratch", "a-Scratch"], 1, &[2]),
            (&["note", "Note", "NOTE"], 2, &[2, 3]),
            // Both are candidates, and neither has the expected key.
            (&["A-repo", "a-Repo"], 2, &[2]),
            (&["A-Own", "A-own"], 2, &[2]),
            // No twin: of another bucket, or of another name.
            (&["A-repo", "a-repo2", "a-other"], 1, &[]),
            (&["a-Scratch", "a-scratch2"], 1, &[]),
        ] {
            let index = Index { keys: keys(texts), is_blind: false };
            let found = looked_up(&map, &index, true);
            assert_eq!((found.candidates, found.looked_up), (candidates, candidates), "{texts:?}");
            let fids: Vec<_> = found.pairs.first_fids.iter().map(|fid| fid.0).collect();
            assert_eq!(fids, pairs, "{texts:?} {found:?}");
        }
    }

    /// Such an index holds no twins: the row at the expected key is the row itself.
    #[test]
    fn an_index_that_is_blind_to_case_has_no_twins() {
        let map = BucketMap::parse("repo:corpus", "").expect("good settings");
        let index = Index { keys: keys(&["A-repo", "a-other", "Note"]), is_blind: true };
        let found = looked_up(&map, &index, true);
        assert_eq!((found.candidates, found.looked_up, found.pairs.files), (2, 2, 0), "{found:?}");
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_rest_counted() {
        let map = BucketMap::parse("repo:corpus", "").expect("good settings");
        let names: Vec<_> = (0..1_500).map(|number| format!("Note-{number:04}")).collect();
        let index = Index {
            keys: (1..).zip(names.iter().cloned().chain(["note-0003".to_owned()])).collect(),
            is_blind: false,
        };
        let found = looked_up(&map, &index, true);
        assert_eq!((found.candidates, found.looked_up, found.pairs.files), (1_500, 1_000, 1));
        let by_trackers = looked_up(&map, &index, false);
        assert_eq!((by_trackers.candidates, by_trackers.looked_up), (1_500, 0));
    }

    #[test]
    fn buckets_of_the_settings_that_differ_in_case_are_named() {
        let alike = |buckets, ignored| {
            let map = BucketMap::parse(buckets, ignored).expect("good settings");
            let named = names_alike(&map);
            named.into_iter().map(|(one, other)| format!("{one} {other}")).collect::<Vec<_>>()
        };
        assert_eq!(alike("repo:new,other:two", "trash"), [""; 0]);
        assert_eq!(alike("Repo:new,repo:two", "REPO"), ["Repo repo", "Repo REPO", "repo REPO"]);
    }
}
