//! A file's number in MogileFS, and the path that MogileFS makes of it.

use std::fmt;

/// A MogileFS file id. The ids of a store have gaps, since every upload that is begun uses one up.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Fid(pub u64);

impl Fid {
    /// The path of a replica below its device, without a leading slash: the fid is padded to ten
    /// digits `ABBBCCCDDD` and lies at `A/BBB/CCC/ABBBCCCDDD.fid`. Longer fids keep all their
    /// digits in the last part alone: `1/234/567/12345678901.fid`.
    #[must_use]
    pub fn path(self) -> String {
        let digits = self.padded();
        format!("{}{digits}.fid", Self::folder_of(&digits))
    }

    /// The folder that [`path`](Self::path) is in, with a slash at its end: `0/000/001/`. A
    /// thousand ten-digit fids share one.
    #[must_use]
    pub fn folder(self) -> String {
        Self::folder_of(&self.padded())
    }

    /// Returns the fid that has exactly this [`path`](Self::path); [`None`] for any other text.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        let digits = path.rsplit('/').next()?.strip_suffix(".fid")?;
        let fid = Self(digits.parse().ok()?);
        (fid.path() == path).then_some(fid)
    }

    fn padded(self) -> String {
        format!("{:010}", self.0)
    }

    fn folder_of(digits: &str) -> String {
        format!("{}/{}/{}/", &digits[..1], &digits[1..4], &digits[4..7])
    }
}

impl fmt::Display for Fid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn recorded_paths() {
        for (fid, path) in [
            (1, "0/000/000/0000000001.fid"),
            (564_879_786, "0/564/879/0564879786.fid"),
            (9_999_999_999, "9/999/999/9999999999.fid"),
            (12_345_678_901, "1/234/567/12345678901.fid"),
        ] {
            assert_eq!(Fid(fid).path(), path);
            assert_eq!(Fid::from_path(path), Some(Fid(fid)));
            assert!(path.starts_with(&Fid(fid).folder()));
        }
    }

    #[test]
    fn paths_of_no_fid() {
        for path in [
            "",
            "1.fid",
            "0000000001.fid",
            "/0/000/000/0000000001.fid",
            "0/000/000/0000000001",
            "0/000/000/1.fid",
            "0/000/001/0000000001.fid",
            "0/000/000/+000000001.fid",
            "0/000/000/99999999999999999999.fid",
        ] {
            assert_eq!(Fid::from_path(path), None, "`{path}`");
        }
    }

    proptest! {
        #[test]
        fn every_fid_comes_back_from_its_path(fid: u64) {
            prop_assert_eq!(Fid::from_path(&Fid(fid).path()), Some(Fid(fid)));
        }
    }
}
