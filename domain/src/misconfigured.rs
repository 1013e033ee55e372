//! Settings that would make nothing of a run, or far too much.

use std::fmt;

use crate::{Dollars, Tally, limits};

/// Why a run is not begun, or means nothing: something is set wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misconfigured {
    /// MogileFS has no such domain.
    NoSuchDomain {
        /// The configured one.
        domain: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The domain has no row at all.
    EmptyDomain {
        /// The configured one.
        domain: String,
        /// Those that there are.
        known: Vec<String>,
        /// Rows of these that were seen.
        other_domains: u64,
    },
    /// The queue has jobs about files of another domain.
    OtherDomain {
        /// Theirs.
        jobs: String,
        /// The configured one.
        domain: String,
    },
    /// What was selected has no row of the domain.
    NothingSelected {
        /// The configured one.
        domain: String,
    },
    /// No row is in a bucket that the map names.
    NothingMapped {
        /// Rows that were read.
        rows: u64,
        /// The map's old names.
        mapped: Vec<String>,
    },
    /// The queue has jobs for another S3 bucket than the one to which the map takes their files.
    OtherBucket {
        /// The files' MogileFS bucket.
        files: String,
        /// The S3 bucket for which the jobs were sent.
        jobs: String,
        /// The S3 bucket of the map; [`None`] where it does not name theirs.
        mapped_to: Option<String>,
    },
    /// A client's database has no row in any bucket that the map names: nothing would be compared.
    NoReferences {
        /// Whose database.
        client: &'static str,
        /// Rows that were read.
        rows: u64,
        /// The map, as `BUCKETS` is written.
        mapped: String,
    },
    /// contentrepo's database refers to no file of this store, or to hardly any: the empty file and
    /// the like are in every store.
    OtherContentRepo {
        /// The number of files that were looked for.
        looked_for: u64,
        /// The number of those to which it refers.
        found: u64,
    },
    /// contentrepo's database refers to files of this store, and to hardly any of one bucket: that one may
    /// have another contentrepo.
    PartOfContentRepo {
        /// The MogileFS bucket.
        bucket: String,
        /// The number of its files that were looked for.
        looked_for: u64,
        /// The number of those to which it refers.
        found: u64,
    },
    /// contentrepo's database does not know the newest files of this store: it is a replica that lags
    /// behind, or an old copy.
    OldContentRepo {
        /// The number of files that were looked for.
        looked_for: u64,
        /// The number of those that it knows.
        found: u64,
    },
    /// The database in which keys are to be changed does not have the newest files of the index.
    OtherWriteDatabase {
        /// The number of files that were looked for.
        looked_for: u64,
        /// The number of those that it has under the same keys.
        found: u64,
    },
    /// A bucket deletes by itself what is to be written.
    ExpiringObjects {
        /// The bucket.
        bucket: String,
        /// Its lifecycle rules that do, each with what it is for.
        rules: Vec<String>,
    },
    /// A bucket keeps each new object: one that comes out wrong could not be taken away.
    LockedObjects {
        /// The bucket.
        bucket: String,
        /// The default retention: `COMPLIANCE, 30 days`.
        retention: String,
    },
    /// A table has the key of another one: it takes no record.
    OtherTableKey {
        /// The table.
        table: String,
        /// Its key.
        found: String,
        /// The key that is needed.
        wanted: String,
    },
    /// Another function than ours takes jobs from the queue.
    OtherConsumer {
        /// Its name.
        function: String,
        /// The event source mapping, by which it takes them.
        mapping: String,
        /// The function that the settings name.
        named: Option<String>,
    },
    /// Many files are proven in a bucket that the map does not name, and would be copied again.
    Moved(Vec<Moved>),
    /// Files are proven in buckets that the map names for other files, and would be copied again.
    Swapped(Vec<Swapped>),
}

/// Files that are proven in one bucket of the map, and that the map takes to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swapped {
    /// Where they are.
    pub recorded_in: String,
    /// Where most of those that were looked at would go.
    pub mapped_to: String,
    /// The number of files that are proven there.
    pub files: u64,
    /// The number of them whose rows were looked at.
    pub looked_at: u64,
    /// The number of rows, of those, that the map takes to `mapped_to`.
    pub moved: u64,
}

/// Files that are proven in one bucket, and that the map sends to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Where they are.
    pub recorded_in: String,
    /// Where they would go.
    pub mapped_to: String,
    /// How many.
    pub files: Tally,
}

impl fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchDomain { domain, known } => {
                write!(f, "MogileFS has no domain `{domain}`; it has {}", Names(known))
            }
            Self::EmptyDomain { domain, known, other_domains } => write!(
                f,
                "the MogileFS domain `{domain}` has no rows, {other_domains} rows are of other \
                 domains; MogileFS has the domains {}",
                Names(known)
            ),
            Self::OtherDomain { jobs, domain } => write!(
                f,
                "the queue has jobs of the MogileFS domain `{jobs}`, and this worker's is `{domain}`"
            ),
            Self::NothingSelected { domain } => {
                write!(f, "the selection has no row of the MogileFS domain `{domain}`")
            }
            Self::NothingMapped { rows, mapped } => write!(
                f,
                "none of the {rows} rows is in a bucket that is mapped; mapped are {}",
                Names(mapped)
            ),
            Self::NoReferences { client, rows, mapped } => write!(
                f,
                "none of the {rows} rows of {client}'s database is in a bucket that is mapped, by its old or \
                 its new name; mapped are `{mapped}`"
            ),
            Self::OtherBucket { files, jobs, mapped_to } => {
                let ours = mapped_to.as_ref().map_or_else(
                    || format!("leaves `{files}` out (BUCKETS, IGNORE_BUCKETS)"),
                    |bucket| format!("takes them to `{bucket}` (BUCKETS)"),
                );
                write!(
                    f,
                    "the queue has jobs for files of `{files}` in bucket `{jobs}`, and this worker {ours}"
                )
            }
            Self::OtherContentRepo { looked_for, found } => write!(
                f,
                "contentrepo's database refers to {found} of {looked_for} files of this store that were \
                 looked for: one of the two is of another store, or the database is empty"
            ),
            Self::PartOfContentRepo { bucket, looked_for, found } => write!(
                f,
                "contentrepo's database refers to {found} of {looked_for} files of bucket `{bucket}` that \
                 were looked for, and to more of the others: this bucket may have another contentrepo"
            ),
            Self::OldContentRepo { looked_for, found } => write!(
                f,
                "contentrepo's database knows {found} of the {looked_for} newest files of this store: it is a \
                 replica that lags behind, or an old copy"
            ),
            Self::OtherWriteDatabase { looked_for, found } => write!(
                f,
                "the database of MOGILE_DATABASE_WRITE_URL has {found} of the {looked_for} newest files of the \
                 index under the same keys: it is another one, or a copy"
            ),
            Self::ExpiringObjects { bucket, rules } => {
                write!(f, "bucket `{bucket}` deletes objects by itself: {}", rules.join("; "))
            }
            Self::LockedObjects { bucket, retention } => write!(
                f,
                "bucket `{bucket}` keeps each new object by Object Lock ({retention}): a copy that comes \
                 out wrong could not be taken away, nor could intermediaries"
            ),
            Self::OtherTableKey { table, found, wanted } => {
                write!(f, "table `{table}` has the key {found}, and {wanted} is needed")
            }
            Self::OtherConsumer { function, named, .. } => {
                let ours = named.as_ref().map_or_else(
                    || "and LAMBDA_FUNCTION is not set".to_owned(),
                    |named| format!("and LAMBDA_FUNCTION is `{named}`"),
                );
                write!(f, "the function `{function}` takes jobs from the queue, {ours}")
            }
            Self::Swapped(swapped) => write_swapped(f, swapped),
            Self::Moved(moved) => write_moved(f, moved),
        }
    }
}

fn write_swapped(f: &mut fmt::Formatter<'_>, swapped: &[Swapped]) -> fmt::Result {
    for (number, one) in swapped.iter().enumerate() {
        let and = if number == 0 { "" } else { "; " };
        let Swapped { recorded_in, mapped_to, files, looked_at, moved } = one;
        write!(
            f,
            "{and}{files} files are recorded in bucket `{recorded_in}`, and BUCKETS takes \
             {moved} of the {looked_at} that were looked at to `{mapped_to}`"
        )?;
    }
    Ok(())
}

fn write_moved(f: &mut fmt::Formatter<'_>, moved: &[Moved]) -> fmt::Result {
    for (number, Moved { recorded_in, mapped_to, files }) in moved.iter().enumerate() {
        let and = if number == 0 { "" } else { "; " };
        let Tally { files, bytes } = files;
        write!(
            f,
            "{and}{files} files ({bytes} bytes) are recorded in bucket `{recorded_in}`, \
             which the map does not name, and would be written again to `{mapped_to}`, \
             for about {} of requests and the storage of a second copy",
            Dollars { millionths: files.saturating_mul(limits::WRITE_COST_MICRODOLLARS) }
        )?;
    }
    Ok(())
}

struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let names: Vec<_> = self.0.iter().map(|name| format!("`{name}`")).collect();
        f.write_str(&names.join(", "))
    }
}

/// Whether `moved` of `files` is enough to make a typing error more likely than a wish.
#[must_use]
pub const fn is_likely_a_mistake(moved: u64, files: u64) -> bool {
    moved > limits::MOVED_FILES || moved.saturating_mul(100) > files
}

/// Whether so much that no row of the index explains makes it more likely that the index is another
/// store's, or an old copy, than that so many files were deleted.
#[must_use]
pub const fn is_likely_another_store(unexplained: u64, files: u64) -> bool {
    unexplained > limits::UNEXPLAINED && unexplained.saturating_mul(100) > files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_files_or_one_in_a_hundred_may_move() {
        for (moved, files, mistake) in [
            (0, 0, false),
            (1, 100, false),
            (2, 100, true),
            (1_000, 10_000_000, false),
            (1_001, 10_000_000, true),
            (312, 312, true),
            (u64::MAX, u64::MAX, true),
        ] {
            assert_eq!(is_likely_a_mistake(moved, files), mistake, "{moved} of {files}");
        }
    }

    #[test]
    fn both_buckets_and_the_price_are_named() {
        let files = Tally { files: 10_000_000, bytes: 7 };
        let moved = Misconfigured::Moved(vec![Moved {
            recorded_in: "corpus-prod".to_owned(),
            mapped_to: "corpus-new".to_owned(),
            files,
        }]);
        let text = moved.to_string();
        let words = ["10000000 files", "`corpus-prod`", "`corpus-new`", "$50.00"];
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}
