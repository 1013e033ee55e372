//! MogileFS's storage classes, and how many replicas each asks for.

use std::collections::BTreeMap;
use std::fmt;

/// The storage class of a file within its domain, as the index names it. One index names all classes
/// the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StorageClass {
    /// Its number, as MogileFS's database has it in `file.classid` and `class.classid`. 0 is the
    /// default class (MogileFS-Server 2.73, `Store.pm`: `TABLE_domain`).
    Numbered(u64),
    /// Its name, as trackers give it in the answers to `list_fids` and `get_domains`. The default
    /// class is `default` (MogileFS-Server 2.73, `Factory/Domain.pm`).
    Named(String),
}

impl StorageClass {
    /// The default class by its number.
    pub const DEFAULT: Self = Self::Numbered(0);
}

impl fmt::Display for StorageClass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbered(number) => number.fmt(out),
            Self::Named(name) => write!(out, "`{name}`"),
        }
    }
}

/// The storage classes of a domain with their `mindevcount`: the number of devices on which MogileFS
/// keeps each file of the class (MogileFS-Server 2.73, `Store.pm`: `TABLE_domain`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageClasses(BTreeMap<StorageClass, u64>);

impl StorageClasses {
    /// The `mindevcount` of a class, or [`None`] when the domain has no such class.
    #[must_use]
    pub fn mindevcount(&self, class: &StorageClass) -> Option<u64> {
        self.0.get(class).copied()
    }
}

impl FromIterator<(StorageClass, u64)> for StorageClasses {
    /// Of two entries of one class the later one counts.
    fn from_iter<I: IntoIterator<Item = (StorageClass, u64)>>(classes: I) -> Self {
        Self(classes.into_iter().collect())
    }
}
