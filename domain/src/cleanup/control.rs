//! Whether contentrepo's database is this store's, and how far it has come.

use std::collections::{BTreeMap, VecDeque};

use super::references::{AllObjects, content_of};
use crate::ports::{Clock, ContentRepoDatabase, DatabaseError};
use crate::{Dkey, Misconfigured, MogileBucket, Sha1, limits};

/// Files that migrate, for which contentrepo's database is searched: one of a test, or of another store,
/// would call every upload needless.
///
/// Some are spread over the whole index: it must refer to one in ten of them, and of each bucket that has
/// many of them, since there may be a contentrepo for each bucket. Some are the newest: it must know
/// nearly all of those, or it is a replica that lags behind, or an old copy.
#[derive(Debug)]
pub(super) struct Control {
    files: Vec<Dkey>,
    newest: VecDeque<Sha1>,
    /// Every so many files one is taken.
    stride: u64,
    seen: u64,
}

impl Default for Control {
    fn default() -> Self {
        Self { files: Vec::new(), newest: VecDeque::new(), stride: 1, seen: 0 }
    }
}

impl Control {
    /// Takes note of a file, one of those spread over the index, perhaps.
    pub(super) fn add(&mut self, dkey: Dkey) {
        if self.seen.is_multiple_of(self.stride) {
            if self.files.len() >= limits::CONTROL_FILES {
                let mut number = 0;
                self.files.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.stride *= 2;
            }
            self.files.push(dkey);
        }
        self.seen += 1;
    }

    /// Takes note of a file that is newer than all others so far.
    pub(super) fn add_newest(&mut self, sha1: Sha1) {
        if self.newest.len() >= limits::NEWEST_FILES {
            self.newest.pop_front();
        }
        self.newest.push_back(sha1);
    }

    /// The number of files that migrate.
    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    /// Says why the database must not be believed; [`None`] where it may be. It reads no further than to
    /// where that is known.
    pub(super) async fn why_not(
        &self,
        database: &dyn ContentRepoDatabase,
        clock: &dyn Clock,
    ) -> Result<Option<Misconfigured>, DatabaseError> {
        let mut known = Known::of(self);
        let mut rows = AllObjects::new(database, clock);
        let mut why_not = known.why_not();
        while let Some(page) = rows.next().await? {
            for row in page {
                // A purged row refers to nothing any more, and shows how far the database has come.
                if let Some(sha1) = row.content() {
                    known.has(&sha1);
                }
                if let Some(sha1) = content_of(&row) {
                    known.refers_to(&sha1);
                }
            }
            why_not = known.why_not();
            if why_not.is_none() {
                break;
            }
        }
        Ok(why_not)
    }
}

/// What of the control files a database knows.
struct Known<'a> {
    unknown: BTreeMap<&'a Sha1, Vec<&'a MogileBucket>>,
    /// Of each bucket, how many are looked for, and how many are found.
    buckets: BTreeMap<&'a MogileBucket, (u64, u64)>,
    newest: usize,
    /// Those of the newest files that were not found, each as often as it is there.
    newest_unknown: BTreeMap<Sha1, usize>,
}

impl<'a> Known<'a> {
    fn of(control: &'a Control) -> Self {
        let (mut unknown, mut buckets) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::new());
        for Dkey { sha1, bucket } in &control.files {
            unknown.entry(sha1).or_default().push(bucket);
            buckets.entry(bucket).or_insert((0, 0)).0 += 1;
        }
        let mut newest_unknown = BTreeMap::new();
        for sha1 in &control.newest {
            *newest_unknown.entry(*sha1).or_insert(0) += 1;
        }
        Self { unknown, buckets, newest: control.newest.len(), newest_unknown }
    }

    fn has(&mut self, sha1: &Sha1) {
        self.newest_unknown.remove(sha1);
    }

    fn refers_to(&mut self, sha1: &Sha1) {
        for bucket in self.unknown.remove(sha1).unwrap_or_default() {
            if let Some((_, found)) = self.buckets.get_mut(bucket) {
                *found += 1;
            }
        }
    }

    /// Why the database must not be believed, by what was read of it so far. Some contents are in every
    /// store, the empty one for example.
    fn why_not(&self) -> Option<Misconfigured> {
        let is_enough = |found: u64, of: u64| found * limits::KNOWN_OF_A_STORE >= of;
        let counts = self.buckets.values();
        let (looked_for, found) =
            counts.fold((0, 0), |(all, known), (of, found)| (all + of, known + found));
        if found == 0 || !is_enough(found, looked_for) {
            return Some(Misconfigured::OtherContentRepo { looked_for, found });
        }
        let is_foreign = |(_, (of, found)): &(&&MogileBucket, &(u64, u64))| {
            *of >= limits::FILES_OF_A_STORE && !is_enough(*found, *of)
        };
        if let Some((bucket, &(looked_for, found))) = self.buckets.iter().find(is_foreign) {
            let bucket = bucket.to_string();
            return Some(Misconfigured::PartOfContentRepo { bucket, looked_for, found });
        }
        let (newest, unknown) = (self.newest, self.newest_unknown.values().sum::<usize>());
        // One in ten; of very few files one.
        if unknown > 1.max(newest / limits::UNKNOWN_OF_THE_NEWEST) {
            let (looked_for, found) = (newest as u64, (newest - unknown) as u64);
            return Some(Misconfigured::OldContentRepo { looked_for, found });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dkey(number: u64, bucket: &str) -> Dkey {
        let bucket = MogileBucket::new(bucket).expect("a name");
        Dkey { sha1: Sha1::of(&number.to_be_bytes()), bucket }
    }

    #[test]
    fn the_files_that_are_looked_for_are_few_and_of_the_whole_index() {
        for all in [0, 1, 999, 1000, 1001, 5000, 100_000] {
            let mut control = Control::default();
            (0..all).for_each(|number| control.add(dkey(number, "repo")));
            let few = usize::try_from(all).expect("small").min(limits::CONTROL_FILES / 2);
            assert!((few..=limits::CONTROL_FILES).contains(&control.files.len()), "{all}");
            assert_eq!(control.seen(), all);
            let evenly = (0..all).filter(|number| number % control.stride == 0);
            let evenly: Vec<_> = evenly.map(|number| dkey(number, "repo")).collect();
            assert_eq!(control.files, evenly, "of {all}");
        }
    }

    /// `-` it is believed, `O` it is another store's, `P` only of some buckets, `L` it lags behind.
    #[test]
    fn a_database_is_believed_that_knows_each_bucket_and_the_newest_files() {
        for (files, is_known, expected) in [
            (200, &(|_: u64| true) as &dyn Fn(u64) -> bool, '-'),
            (200, &|_| false, 'O'),
            (200, &|number| number == 199, 'O'),
            // Of the other bucket, with the odd numbers, it knows nothing.
            (200, &|number| number % 2 == 0, 'P'),
            // Too few to say so, and the newest say it.
            (198, &|number| number % 2 == 0, 'L'),
            (200, &|number| number < 190, '-'),
            (200, &|number| number < 189, 'L'),
            (200, &|number| number >= 100, '-'),
            (5, &|number| number != 4, '-'),
            (5, &|number| number < 3, 'L'),
            (1, &|_| true, '-'),
            (1, &|_| false, 'O'),
        ] {
            let mut control = Control::default();
            let all = (0..files).map(|number| {
                (number, dkey(number, if number % 2 == 0 { "repo" } else { "other" }))
            });
            for (_, dkey) in all.clone() {
                control.add_newest(dkey.sha1);
                control.add(dkey);
            }
            let mut known = Known::of(&control);
            for (_, dkey) in all.filter(|(number, _)| is_known(*number)) {
                known.has(&dkey.sha1);
                known.refers_to(&dkey.sha1);
            }
            let found = match known.why_not() {
                None => '-',
                Some(Misconfigured::OtherContentRepo { .. }) => 'O',
                Some(Misconfigured::PartOfContentRepo { bucket, .. }) => {
                    assert_eq!(bucket, "other");
                    'P'
                }
                Some(Misconfigured::OldContentRepo { .. }) => 'L',
                Some(other) => panic!("{other}"),
            };
            assert_eq!(found, expected, "of {files}");
        }
    }
}
