use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};
use roaring::RoaringTreemap;

use super::content_set::ContentSet;
use crate::known_files::KnownFilesBuilder;
use crate::ledger_scan::scan_ledger;
use crate::ports::{Clock, FailureLog, Ledger, LedgerError, ObjectStore, StoreError};
use crate::retried::retried;
use crate::{
    BucketMap, FileStanding, KnownFiles, LedgerItem, ListPage, Reason, S3Bucket, SourceFile, limits,
};

/// What S3 and the tables have already, kept in memory for counts: about five bytes for each object at a
/// final key, as many again where no SHA-1 is stored with it, ten bytes for each proof, and a bit or two
/// bytes for each intermediary and each fid with a record. Of ten million files that are migrated and
/// proven this is about 170 MB.
#[derive(Debug, Default)]
pub struct Contents {
    finals: ContentSet,
    /// Those of `finals` with which no SHA-1 of the whole content is stored.
    without_sha1: ContentSet,
    intermediaries: Fids,
    /// What the tables say of each file: the same that `migrate` goes by.
    known: KnownFiles,
    /// The requests that the listings took.
    pub(super) lists: u64,
    /// The items of the ledger; [`None`] where no table is named, or there is none yet.
    pub(super) ledger_items: Option<u64>,
    /// The buckets that do not exist.
    pub(super) absent_buckets: BTreeSet<S3Bucket>,
}

/// Fids by bucket.
type Fids = BTreeMap<S3Bucket, RoaringTreemap>;

/// How a file stands by what S3 and the ledger have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// An object is at its final key.
    pub(super) at_final_key: bool,
    /// No SHA-1 of the whole content is stored with that object: only reading it whole proves it.
    pub(super) without_sha1: bool,
    /// Whether its intermediary is in the bucket; [`None`] where no bucket was listed.
    pub(super) intermediary: Option<bool>,
    /// What a run of `migrate` does with it, by the ledger and the failures table.
    pub(super) standing: FileStanding,
}

impl Arrival {
    /// Of a file that is to be migrated from the start, where nothing is known of its bucket.
    pub(super) const NOWHERE: Self = Self {
        at_final_key: false,
        without_sha1: false,
        intermediary: None,
        standing: FileStanding::New,
    };

    /// Of the same file at the beginning of a migration, when only intermediaries were in the bucket.
    pub(super) const fn at_the_start(self) -> Self {
        Self { intermediary: self.intermediary, ..Self::NOWHERE }
    }
}

impl Contents {
    /// Reads the ledger and the failures table where they are named, then lists the buckets of the map,
    /// several listings at once. In this order a file that a run migrates meanwhile is at most taken to be
    /// left; in the other one its proof would be read, and its object not be listed. `tell` hears how many objects were listed so far. A bucket or a table that
    /// does not exist yet is empty.
    pub async fn gather(
        objects: &dyn ObjectStore,
        tables: Option<(&dyn Ledger, &dyn FailureLog)>,
        clock: &dyn Clock,
        buckets: &BucketMap,
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<Self, Reason> {
        let mut contents = Self::default();
        if let Some(tables) = tables {
            contents.read(tables).await.map_err(|error| Reason::from(&error))?;
        }
        let found = Mutex::new(Found { contents, objects: 0 });
        let gathering = Gathering { objects, clock, tell, found };
        let prefixes = prefixes();
        let listings = buckets
            .pairs()
            .flat_map(|(_, bucket)| prefixes.iter().map(move |prefix| (bucket, prefix.as_str())));
        let listed = stream::iter(listings)
            .map(|(bucket, prefix)| gathering.list(bucket, prefix))
            .buffer_unordered(limits::LISTINGS_AT_ONCE)
            .try_collect::<()>();
        listed.await.map_err(|error| Reason::from(&error))?;
        let found = gathering.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut contents = found.contents;
        contents.finals.sort();
        contents.without_sha1.sort();
        Ok(contents)
    }

    /// Reads both tables. Without the doubts a proof would count that a verification found wrong since: a
    /// failures table that cannot be read is an error.
    async fn read(
        &mut self,
        (ledger, failures): (&dyn Ledger, &dyn FailureLog),
    ) -> Result<(), LedgerError> {
        let (mut known, mut items) = (KnownFilesBuilder::default(), 0);
        let scanned = scan_ledger(ledger, |item: LedgerItem| {
            items += 1;
            known.add_item(&item);
        });
        self.ledger_items = there(scanned.await)?.map(|()| items);
        let mut each = |record| known.add_failure(&record);
        there(failures.scan(&mut each).await)?;
        self.known = known.build();
        Ok(())
    }

    /// How this file stands.
    pub(super) fn arrival(&self, file: &SourceFile) -> Arrival {
        let SourceFile { bucket, fid, dkey, .. } = file;
        let has = |fids: &Fids| fids.get(bucket).is_some_and(|fids| fids.contains(fid.0));
        Arrival {
            at_final_key: self.finals.contains(bucket, &dkey.sha1),
            without_sha1: self.without_sha1.contains(bucket, &dkey.sha1),
            intermediary: Some(has(&self.intermediaries)),
            standing: self.known.standing(file),
        }
    }
}

/// The answer of a table, or nothing where there is no such table yet.
fn there<T>(answer: Result<T, LedgerError>) -> Result<Option<T>, LedgerError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(LedgerError::NoTable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn fids_of<'a>(fids: &'a mut Fids, bucket: &S3Bucket) -> &'a mut RoaringTreemap {
    if !fids.contains_key(bucket) {
        fids.insert(bucket.clone(), RoaringTreemap::new());
    }
    fids.get_mut(bucket).expect("it was put there")
}

/// The listings under way, and what they have found.
struct Gathering<'a> {
    objects: &'a dyn ObjectStore,
    clock: &'a dyn Clock,
    tell: &'a (dyn Fn(u64) + Sync),
    found: Mutex<Found>,
}

struct Found {
    contents: Contents,
    objects: u64,
}

/// Pages between two words about how far the listings are.
const PAGES_A_WORD: u64 = 500;

impl Gathering<'_> {
    /// Lists all keys with this prefix.
    async fn list(&self, bucket: &S3Bucket, prefix: &str) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let ask = || self.objects.list(bucket, prefix, after.as_ref());
            let page = match retried(self.clock, 0, ask).await {
                Ok(page) => page,
                Err(StoreError::NoSuchBucket(_)) => {
                    self.with(|found| found.contents.absent_buckets.insert(bucket.clone()));
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            self.with(|found| found.take(bucket, &page, self.tell));
            match page.objects.into_iter().next_back() {
                Some(last) if page.more => after = Some(last.key),
                _ => return Ok(()),
            }
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Found) -> T) -> T {
        act(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Found {
    fn take(&mut self, bucket: &S3Bucket, page: &ListPage, tell: &dyn Fn(u64)) {
        let contents = &mut self.contents;
        for object in &page.objects {
            if let Some((fid, _)) = object.key.as_intermediary() {
                fids_of(&mut contents.intermediaries, bucket).insert(fid.0);
            } else if let Some(sha1) = object.key.as_content() {
                contents.finals.add(bucket, &sha1);
                if !object.has_sha1 {
                    contents.without_sha1.add(bucket, &sha1);
                }
            }
        }
        contents.lists += 1;
        self.objects += page.objects.len() as u64;
        if contents.lists.is_multiple_of(PAGES_A_WORD) {
            tell(self.objects);
        }
    }
}

/// The fewest requests that the listing of one bucket takes.
const LISTS_A_BUCKET: u64 = 42;

/// About the requests that a listing takes at most: where each of this many files has an object at its
/// final key and an intermediary, and nothing else is in the buckets.
#[must_use]
pub const fn lists_at_most(files: u64, buckets: u64) -> u64 {
    buckets.saturating_mul(LISTS_A_BUCKET).saturating_add(files.saturating_mul(2) / KEYS_A_PAGE)
}

/// Keys that one request lists (Amazon S3 API reference, `ListObjectsV2`: up to 1,000).
const KEYS_A_PAGE: u64 = 1_000;

/// The prefixes by which a bucket is listed, several at once: S3 gives the keys of one listing one
/// page after the other. Every final key and every intermediary has exactly one of them. Most
/// intermediaries begin with `0/`, those of fids below a thousand million.
fn prefixes() -> Vec<String> {
    let digits = || "0123456789abcdef".chars();
    let firsts = digits().skip(1).map(|digit| digit.to_string());
    let zeros = digits().map(|digit| format!("0{digit}"));
    let folders = digits().take(10).map(|digit| format!("0/{digit}"));
    firsts.chain(zeros).chain(folders).chain(["/".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Fid, IntermediaryForm, ObjectKey, Sha1};

    fn listings_of(key: &ObjectKey) -> usize {
        prefixes().iter().filter(|prefix| key.as_str().starts_with(prefix.as_str())).count()
    }

    #[test]
    fn a_bucket_takes_as_many_listings_as_are_told() {
        assert_eq!(prefixes().len() as u64, LISTS_A_BUCKET);
    }

    proptest! {
        #[test]
        fn every_key_is_listed_once(fid: u64, small in 0_u64..2_000_000_000, bytes: [u8; 20]) {
            for fid in [fid, small] {
                for form in IntermediaryForm::ALL {
                    prop_assert_eq!(listings_of(&ObjectKey::intermediary(Fid(fid), form)), 1);
                }
            }
            let mut bytes = bytes;
            prop_assert_eq!(listings_of(&ObjectKey::of_content(&Sha1::from_bytes(bytes))), 1);
            bytes[0] &= 0x0f;
            prop_assert_eq!(listings_of(&ObjectKey::of_content(&Sha1::from_bytes(bytes))), 1);
        }
    }
}
