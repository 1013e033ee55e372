//! Settings that would make nothing of a run, or far too much.

use std::fmt;

use crate::{Tally, limits};

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
    /// Many files are proven in a bucket that the map does not name, and would be copied again.
    Moved(Vec<Moved>),
}

/// Files that are proven in one bucket, and that the map sends to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Where they are.
    pub proven_in: String,
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
            Self::Moved(moved) => {
                for (number, Moved { proven_in, mapped_to, files }) in moved.iter().enumerate() {
                    let and = if number == 0 { "" } else { "; " };
                    let Tally { files, bytes } = files;
                    write!(
                        f,
                        "{and}{files} files ({bytes} bytes) are proven in bucket `{proven_in}`, \
                         which the map does not name, and would be written again to `{mapped_to}`, \
                         for about {} of requests and the storage of a second copy",
                        Dollars(files.saturating_mul(limits::WRITE_COST_MICRODOLLARS))
                    )?;
                }
                Ok(())
            }
        }
    }
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

/// A price, from millionths of a dollar; rounded up to the cent.
struct Dollars(u64);

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.0.div_ceil(10_000);
        write!(f, "${}.{:02}", cents / 100, cents % 100)
    }
}

/// Whether `moved` of `files` is enough to make a typing error more likely than a wish.
#[must_use]
pub const fn is_likely_a_mistake(moved: u64, files: u64) -> bool {
    moved > limits::MOVED_FILES || moved.saturating_mul(100) > files
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
            proven_in: "corpus-prod".to_owned(),
            mapped_to: "corpus-new".to_owned(),
            files,
        }]);
        let text = moved.to_string();
        let words = ["10000000 files", "`corpus-prod`", "`corpus-new`", "$50.00"];
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}
