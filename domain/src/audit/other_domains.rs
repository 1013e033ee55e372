//! What rows of other MogileFS domains name. They are not compared. But another domain may be migrated with
//! the same ledger, or into the same buckets under other settings: what its rows name is not withdrawn.

use roaring::RoaringTreemap;

use super::expected::last_bits;
use crate::ports::OtherRow;
use crate::{Fid, Sha1};

/// The fids of such rows, and eight bytes of each SHA-1 with which a key of theirs begins.
#[derive(Debug, Default)]
pub(super) struct OtherDomains {
    fids: RoaringTreemap,
    contents: Vec<u64>,
}

impl OtherDomains {
    /// Adds rows.
    pub(super) fn take(&mut self, rows: &[OtherRow]) {
        self.fids.extend(rows.iter().map(|row| row.fid.0));
        let keys = rows.iter().filter_map(|row| row.dkey.as_deref());
        self.contents.extend(keys.filter_map(beginning).map(|sha1| last_bits(&sha1)));
    }

    /// Makes them ready to be asked for contents.
    pub(super) fn sort(&mut self) {
        self.contents.sort_unstable();
        self.contents.dedup();
    }

    /// Whether one of these rows has the fid.
    pub(super) fn has_fid(&self, fid: Fid) -> bool {
        self.fids.contains(fid.0)
    }

    /// Whether the key of one of these rows begins with this SHA-1, in whatever bucket its content belongs.
    pub(super) fn has_content(&self, sha1: &Sha1) -> bool {
        self.contents.binary_search(&last_bits(sha1)).is_ok()
    }
}

/// The SHA-1 with which a key begins, in small letters or in capitals.
fn beginning(key: &str) -> Option<Sha1> {
    Sha1::from_hex(&key.get(..40)?.to_ascii_lowercase()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_begins_with_a_sha1_names_its_content() {
        let sha1 = Sha1::of(b"a");
        let capitals = sha1.to_string().to_uppercase();
        for (key, is_named) in [
            (format!("{sha1}-repo"), true),
            (format!("{sha1}-unknown-bucket"), true),
            (format!("{capitals}-repo"), true),
            (sha1.to_string(), true),
            (format!("x{sha1}-repo"), false),
            (format!("{}-repo", Sha1::of(b"b")), false),
            ("\u{e9}".repeat(30), false),
            ("test".to_owned(), false),
        ] {
            let mut others = OtherDomains::default();
            let dkey = Some(key.clone());
            others.take(&[OtherRow { fid: Fid(7), dkey }, OtherRow { fid: Fid(8), dkey: None }]);
            others.sort();
            assert_eq!(others.has_content(&sha1), is_named, "{key}");
            assert!(others.has_fid(Fid(7)) && others.has_fid(Fid(8)) && !others.has_fid(Fid(9)));
        }
    }
}
