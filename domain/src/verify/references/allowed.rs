//! References that an operator allows to be broken, because they were so before the migration: each by its
//! name, of which memory holds 16 bytes.

use serde::Serialize;

use super::observer::NamedReference;
use super::tables::OBJECTS;
use crate::BucketMap;
use crate::digest::Sha256;

/// The bytes of a name's digest that are kept.
const PRINT_BYTES: usize = 16;

/// The names, as prints in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedReferences(Vec<[u8; PRINT_BYTES]>);

/// What became of the allowed names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AllowedCounts {
    /// Names that are allowed.
    pub names: u64,
    /// Rows that are broken and allowed.
    pub rows: u64,
    /// Names of no row that is broken so any more; unknown, and 0, where not both tables were
    /// compared to their end.
    pub stale: u64,
}

/// A text as a list has it: in one line, and in one column of it. `\N` stands for NULL, as in MySQL's own
/// files.
#[must_use]
pub fn column(text: Option<&str>) -> String {
    let Some(text) = text else { return "\\N".to_owned() };
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// Takes names one by one.
#[derive(Debug)]
pub struct AllowedBuilder<'a> {
    map: &'a BucketMap,
    prints: Vec<[u8; PRINT_BYTES]>,
}

impl<'a> AllowedBuilder<'a> {
    /// With no name yet.
    #[must_use]
    pub const fn new(map: &'a BucketMap) -> Self {
        Self { map, prints: Vec::new() }
    }

    /// Allows a reference, its texts as they are or as a list has them. Returns whether it can be allowed: only
    /// what [was so before](super::Broken::is_of_before) can.
    pub fn add(&mut self, name: &NamedReference<'_>) -> bool {
        let print = print(self.map, name);
        self.prints.extend(print);
        print.is_some()
    }

    /// All of them. A name that came twice is one.
    #[must_use]
    pub fn build(self) -> AllowedReferences {
        let mut prints = self.prints;
        prints.sort_unstable();
        prints.dedup();
        AllowedReferences(prints)
    }
}

impl AllowedReferences {
    /// The number of names.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The place of a name, where it is allowed.
    pub(super) fn find(&self, map: &BucketMap, name: &NamedReference<'_>) -> Option<u64> {
        let place = self.0.binary_search(&print(map, name)?).ok()?;
        u64::try_from(place).ok()
    }
}

/// The digest of what is wrong and of what names the reference: of contentrepo its bucket, key, uuid and SHA-1;
/// of rhino the row's id and the bucket, key and uuid that it refers to. A bucket is the same under its old and
/// its new name. [`None`] of what cannot be allowed.
fn print(map: &BucketMap, name: &NamedReference<'_>) -> Option<[u8; PRINT_BYTES]> {
    let broken = name.broken.filter(|broken| broken.is_of_before())?;
    let old = |bucket: &str| match map.repo_bucket(bucket).mogile_bucket() {
        Some(old) => old.to_string(),
        None => column(Some(bucket)),
    };
    let bucket = name.bucket.map_or_else(|| column(None), old);
    let last = if name.table == OBJECTS { column(name.checksum) } else { name.id.to_string() };
    let [key, uuid] = [name.key, name.uuid].map(column);
    // No column has a control character.
    let parts = [broken.name(), name.table, &bucket, &key, &uuid, &last];
    let digest = Sha256::of(parts.join("\n").as_bytes());
    digest.as_bytes()[..PRINT_BYTES].try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::RowId;
    use crate::verify::references::Broken;

    fn map() -> BucketMap {
        BucketMap::parse("repo:corpus", "").expect("a map")
    }

    fn name() -> NamedReference<'static> {
        NamedReference {
            table: OBJECTS,
            id: RowId(7),
            bucket: Some("repo"),
            key: Some("a\tkey"),
            uuid: None,
            checksum: Some("0123"),
            broken: Some(Broken::Before),
            detail: "words",
            fid: None,
        }
    }

    fn allowed(names: &[NamedReference<'_>]) -> AllowedReferences {
        let map = map();
        let mut builder = AllowedBuilder::new(&map);
        for name in names {
            assert!(builder.add(name), "{name:?}");
        }
        builder.build()
    }

    #[test]
    fn a_name_is_what_it_refers_to_and_what_is_wrong() {
        let allowed_twice = allowed(&[name(), name()]);
        let all = &allowed_twice;
        assert_eq!(all.len(), 1, "a name twice is one");
        let is = |name: NamedReference<'_>| all.find(&map(), &name).is_some();
        for same in [
            NamedReference { id: RowId(8), detail: "", ..name() },
            NamedReference { bucket: Some("corpus"), ..name() },
            NamedReference { key: Some("a key"), uuid: Some("\\N"), ..name() },
        ] {
            assert!(is(same), "{same:?}");
        }
        for other in [
            NamedReference { table: "articleFile", ..name() },
            NamedReference { bucket: Some("else"), ..name() },
            NamedReference { bucket: None, ..name() },
            NamedReference { key: Some("b"), ..name() },
            NamedReference { uuid: Some("u"), ..name() },
            NamedReference { checksum: Some("0124"), ..name() },
            NamedReference { broken: Some(Broken::WrongSize), ..name() },
            NamedReference { broken: Some(Broken::Lost), ..name() },
            NamedReference { broken: None, ..name() },
        ] {
            assert!(!is(other), "{other:?}");
        }
        let rhino = NamedReference { table: "articleFile", checksum: None, ..name() };
        let rhino = NamedReference { broken: Some(Broken::NoRow), ..rhino };
        let all = allowed(&[rhino]);
        assert!(all.find(&map(), &rhino).is_some());
        let moved = NamedReference { id: RowId(8), ..rhino };
        assert!(all.find(&map(), &moved).is_none(), "another row of rhino");
    }

    #[test]
    fn what_was_not_broken_before_cannot_be_allowed() {
        for broken in Broken::ALL.iter().filter(|broken| !broken.is_of_before()) {
            let name = NamedReference { broken: Some(*broken), ..name() };
            assert!(!AllowedBuilder::new(&map()).add(&name), "{broken}");
        }
    }
}
