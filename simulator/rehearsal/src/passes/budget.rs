//! The requests that a pass may make: computed from what was planted, before anything is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::limits::{PAGE_ROWS, PROVEN_FILES_LOOKED_AT, SAMPLED_PLACES};
use oracle::Outcome;
use stand_ins::embedded::{BUCKETS, PART_BYTES};
use stand_ins::fault::{RequestCounts, Service};
use stand_ins::world::dynamodb::Fields;

use super::{Index, Round};
use crate::hazard::{self, Hazard};
use crate::planting::{Expected, Trouble};
use crate::stage::Stage;

/// The most requests of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget(BTreeMap<(Service, &'static str), u64>);

/// Rows that a tracker lists at once.
const LISTED: usize = 500;

/// Sessions with the database at once.
const SESSIONS: u64 = 4;

/// Statements that set up a session: two of ours, and sqlx's own before them.
const SETS: u64 = 3;

/// Items that one `BatchWriteItem` takes.
const BATCH: u64 = 25;

/// Segments in which the ledger is read, and what a page of one holds: a megabyte of items.
const SEGMENTS: u64 = 4;
const ITEMS_A_PAGE: u64 = 2500;

/// For a storage node that MogileFS does not register its hosts are read again, once in so many
/// seconds.
const HOSTS_AGAIN_SECONDS: u64 = 15;

impl Budget {
    /// For one `migrate`, which takes so long: it may write to the ledger once a second, whether
    /// a batch is full or not, and read MogileFS's hosts again from time to time.
    #[must_use]
    pub fn of_migrate(stage: &Stage, round: Round, index: Index, took: Duration) -> Self {
        let mut budget = Self::of_files(stage, round, index);
        let files = || stage.planted.expected.iter().filter(|file| round.takes(file));
        let taken: BTreeMap<u64, &Expected> = files().map(|file| (file.fid, file)).collect();
        budget.add_index(stage, round, index, &taken);
        budget.add_types(stage, index);

        let proven = files().filter(|file| file.outcome().is_proven()).count() as u64;
        if proven > 0 {
            let seconds = took.as_secs() + 1;
            budget.add(Service::DynamoDb, "BatchWriteItem", proven.div_ceil(BATCH) + seconds);
        }
        let before = match round {
            Round::First => stage.planted.records.len(),
            Round::Again => stage.planted.records.len() + stage.planted.expected.len(),
        };
        budget.add(Service::DynamoDb, "Scan", SEGMENTS + before as u64 / ITEMS_A_PAGE);
        let (service, operation) = match index {
            Index::Mysql => (Service::Mysql, "SELECT host"),
            Index::Trackers => (Service::Tracker, "get_hosts"),
        };
        budget.add(service, operation, 1 + took.as_secs() / HOSTS_AGAIN_SECONDS);
        // Before the first file: what could delete or lock it, and the keys of both tables.
        for setting in ["GET_LIFECYCLE", "GET_OBJECT_LOCK"] {
            budget.add(Service::S3, setting, BUCKETS.len() as u64);
        }
        budget.add(Service::DynamoDb, "DescribeTable", 2);
        // Where the journal ends when the run begins: the result counts from there.
        budget.add(Service::DynamoDb, "Query", 1);
        budget.add(Service::DynamoDb, "BatchGetItem", 1);
        // The journal: its entries, and its head. It says which files are accepted by name.
        budget.add(Service::DynamoDb, "Query", 1);
        budget.add(Service::DynamoDb, "BatchGetItem", 1);
        // At the end the result is written into it, behind its last entry, with the account of the keys.
        budget.add(Service::DynamoDb, "Query", 1);
        budget.add(Service::DynamoDb, "BatchGetItem", 1);
        budget.add(Service::DynamoDb, "TransactWriteItems", 1);
        budget.add(Service::Sts, "GetCallerIdentity", 1);
        // What failed before, and what was found missing or wrong since.
        budget.add(Service::DynamoDb, "Scan", 1);
        let befalls = |trouble: &&Trouble| match index {
            Index::Mysql => round == Round::First && !trouble.is_of_listings(),
            Index::Trackers => trouble.is_of_listings(),
        };
        let troubles: Vec<_> = stage.planted.troubles.iter().filter(befalls).copied().collect();
        for trouble in &troubles {
            budget.add_trouble(*trouble);
        }
        if index == Index::Mysql {
            budget.add_sessions(&troubles);
        }
        budget
    }

    /// For the files alone, however they are told of: what is asked of MogileFS and S3 about each.
    #[must_use]
    pub fn of_files(stage: &Stage, round: Round, index: Index) -> Self {
        let mut budget = Self::default();
        for file in stage.planted.expected.iter().filter(|file| round.takes(file)) {
            budget.add_file(file, index);
        }
        budget
    }

    /// The most requests of a kind.
    #[must_use]
    pub fn most(&self, service: Service, operation: &str) -> u64 {
        let kinds = self.0.iter().find(|((of, kind), _)| *of == service && *kind == operation);
        kinds.map_or(0, |(_, most)| *most)
    }

    /// Each kind with what was asked and what might have been, those with neither left out.
    #[must_use]
    pub fn beside(&self, asked: &RequestCounts) -> BTreeMap<(Service, String), (u64, u64)> {
        let mut beside = BTreeMap::new();
        for ((service, operation), most) in &self.0 {
            beside.insert((*service, (*operation).to_owned()), (0, *most));
        }
        for (kind, count) in asked {
            beside.entry(kind.clone()).or_insert((0, 0)).0 = *count;
        }
        beside.retain(|_, (asked, most)| *asked > 0 || *most > 0);
        beside
    }

    /// Allows so many more of a kind.
    pub fn add(&mut self, service: Service, operation: &'static str, count: u64) {
        *self.0.entry((service, operation)).or_default() += count;
    }

    /// What one file may take: words and numbers, as the table of hazards has them.
    fn add_file(&mut self, file: &Expected, index: Index) {
        if file.goes_in_parts() {
            // Its final key is looked at first.
            self.add(Service::S3, "HEAD", 1);
        }
        for (name, count) in hazard::requests(file.requests()) {
            match name {
                "paths" => self.add(Service::Tracker, "get_paths", count),
                "row" => self.add_rows(index, count),
                "open" => self.add(Service::StorageNode, "GET", count),
                "write" if file.goes_in_parts() => {
                    let parts = file.file.content.length().div_ceil(PART_BYTES);
                    self.add(Service::S3, "CREATE_MULTIPART", count);
                    self.add(Service::S3, "PART", parts * count);
                    self.add(Service::S3, "COMPLETE", count);
                }
                "write" => self.add(Service::S3, "PUT", count),
                _ => self.add(Service::S3, s3_operation(name), count),
            }
        }
    }

    /// The index is read once, page by page; for each page each folder is listed that has
    /// intermediaries of its files, in both forms where the bucket has keys with a leading slash.
    fn add_index(
        &mut self,
        stage: &Stage,
        round: Round,
        index: Index,
        taken: &BTreeMap<u64, &Expected>,
    ) {
        let gone: BTreeSet<u64> = stage
            .planted
            .expected
            .iter()
            .filter(|file| round == Round::Again && file.outcome() == Outcome::Gone)
            .filter(|file| file.hazard != Some(Hazard::Renamed))
            .map(|file| file.fid)
            .collect();
        let fids: Vec<u64> =
            stage.before.rows.keys().copied().filter(|fid| !gone.contains(fid)).collect();
        match index {
            // Whether there is such a domain, and its number; then how many rows it has.
            Index::Mysql => {
                self.add(Service::Mysql, "SELECT domain", 2);
                self.add(Service::Mysql, "COUNT file", 1);
            }
            // Whether there is such a domain.
            Index::Trackers => self.add(Service::Tracker, "get_domains", 1),
        }
        // Once more where proofs of another bucket are to be counted. The last page is empty.
        let is_elsewhere = |file: &Expected| file.hazard == Some(Hazard::ProvenElsewhere);
        let counted = round == Round::First && stage.planted.expected.iter().any(is_elsewhere);
        let times = if counted { 2 } else { 1 };
        let rows_a_page = match index {
            Index::Mysql => PAGE_ROWS,
            Index::Trackers => LISTED,
        };
        let pages = fids.len().div_ceil(rows_a_page) as u64 + 1;
        self.add_rows(index, times * pages + looked_at(stage, round));

        let slashed: BTreeSet<_> = stage
            .planted
            .intermediaries
            .keys()
            .filter_map(|(bucket, key)| key.starts_with('/').then_some(*bucket))
            .collect();
        let forms = |bucket: &str| if slashed.contains(bucket) { 2 } else { 1 };
        for page in fids.chunks(rows_a_page) {
            let files = page.iter().filter_map(|fid| taken.get(fid));
            let folders: BTreeSet<_> = files.map(|file| (file.bucket, file.fid / 1000)).collect();
            let listings = folders.iter().map(|(bucket, _)| forms(bucket)).sum::<u64>();
            self.add(Service::S3, "LIST", listings);
        }
        // Whether it has such keys is asked of each bucket once.
        let buckets: BTreeSet<_> = taken.values().map(|file| file.bucket).collect();
        self.add(Service::S3, "LIST", buckets.len() as u64);
    }

    /// contentrepo's rows are read once for their types and names, and a few rows of the index, to see
    /// that they are of this store.
    fn add_types(&mut self, stage: &Stage, index: Index) {
        // The last page is empty.
        let pages = stage.planted.repo_objects.div_ceil(PAGE_ROWS) as u64 + 1;
        self.add(Service::Mysql, "SELECT buckets", 1);
        self.add(Service::Mysql, "SELECT objects", pages);
        let highest = stage.before.rows.keys().next_back().copied().unwrap_or_default();
        // Fids that double to behind the last one, four halvings, and the places that lie evenly.
        let doubled = u64::from(highest.checked_ilog2().unwrap_or_default()) + 2;
        // Where that is few files, the first page of all rows, and the empty one behind it.
        self.add_rows(index, doubled + 4 + SAMPLED_PLACES + 1 + 2);
        // In one session, each statement prepared once.
        self.add(Service::Mysql, "CONNECT", 1);
        self.add(Service::Mysql, "SET", SETS);
        self.add(Service::Mysql, "PREPARE", 2);
    }

    /// So many questions for rows.
    fn add_rows(&mut self, index: Index, count: u64) {
        match index {
            Index::Mysql => self.add(Service::Mysql, "SELECT file", count),
            Index::Trackers => self.add(Service::Tracker, "list_fids", count),
        }
    }

    /// What the sessions with the database take. A session that was struck is not used again:
    /// another takes its place.
    fn add_sessions(&mut self, troubles: &[Trouble]) {
        let is_lost = |trouble: &&Trouble| {
            matches!(trouble.strikes(), Some((Service::Mysql, "SELECT file", _)))
        };
        let sessions = SESSIONS + troubles.iter().filter(is_lost).count() as u64;
        self.add(Service::Mysql, "CONNECT", sessions);
        self.add(Service::Mysql, "SET", SETS * sessions);
        // The domains, their rows' count, a page, a row and the hosts: each statement in each session
        // once.
        self.add(Service::Mysql, "PREPARE", 5 * sessions);
    }

    fn add_trouble(&mut self, trouble: Trouble) {
        if let Some((service, operation, times)) = trouble.strikes() {
            // A page that fails once is looked at more closely: another page, and this one again.
            let looks = u64::from(trouble == Trouble::ListingBusy);
            self.add(service, operation, u64::from(times) + looks);
            // Where that page was of a single row, the row is looked at by itself.
            self.add(Service::Tracker, "file_debug", looks);
        }
    }
}

/// Rows that are looked up before anything is begun: a few of the proven files of each bucket.
fn looked_at(stage: &Stage, round: Round) -> u64 {
    let mut proven = BTreeMap::<&str, u64>::new();
    for item in stage.planted.records.values().map(Fields) {
        if let Ok(Some(bucket)) = item.text("bucket") {
            *proven.entry(bucket).or_default() += 1;
        }
    }
    let expected = stage.planted.expected.iter();
    for file in expected.filter(|file| round == Round::Again && file.outcome().is_proven()) {
        *proven.entry(file.bucket).or_default() += 1;
    }
    let of =
        |(_, bucket)| proven.get(bucket).map_or(0, |files| (*files).min(PROVEN_FILES_LOOKED_AT));
    BUCKETS.into_iter().map(of).sum()
}

/// The kinds of requests to S3 that the table of hazards names.
const S3_OPERATIONS: [(&str, &str); 7] = [
    ("COPY", "COPY"),
    ("HEAD", "HEAD"),
    ("GET", "GET"),
    ("DELETE", "DELETE"),
    ("ABORT", "ABORT"),
    ("CREATE", "CREATE_MULTIPART"),
    ("PART", "PART"),
];

fn s3_operation(name: &str) -> &'static str {
    let known = S3_OPERATIONS.iter().find(|(known, _)| *known == name);
    known.map_or("OTHER", |(_, operation)| operation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::of_bytes;
    use crate::hazard::Hazard;
    use crate::planting::Headers;

    fn budget(bytes: usize, synced: bool, hazard: Option<Hazard>) -> Budget {
        let file = of_bytes(vec![7; bytes].into());
        let mut budget = Budget::default();
        let (bucket, headers) = ("corpus-prod", Headers::default());
        let file = Expected { fid: 1, bucket, file, hazard, synced, headers };
        budget.add_file(&file, Index::Mysql);
        budget
    }

    #[test]
    fn a_clean_file_costs_what_the_readme_says() {
        let copied = Budget([((Service::S3, "COPY"), 1)].into());
        assert_eq!(budget(100, true, None), copied);
        let kinds = [(Service::Tracker, "get_paths"), (Service::StorageNode, "GET")];
        let streamed = kinds.into_iter().chain([(Service::S3, "PUT")]).map(|kind| (kind, 1));
        assert_eq!(budget(100, false, None), Budget(streamed.collect()));
        let in_parts = budget(5 << 20, true, None);
        assert_eq!((in_parts.most(Service::S3, "PUT"), in_parts.most(Service::S3, "PART")), (0, 5));
    }

    #[test]
    fn every_word_of_the_table_is_a_request() {
        for hazard in Hazard::ALL {
            let budget = budget(100, false, Some(*hazard));
            assert_eq!(budget.most(Service::S3, "OTHER"), 0, "{hazard:?}");
            assert!(budget.0.values().all(|count| *count > 0), "{hazard:?}");
        }
    }
}
