//! What the tracker answers about the files that are there: the commands that list and describe
//! them, `rename` and `delete`.

use regex_lite::Regex;

use super::file_table::FileRow;
use super::ids::{DeviceId, Dmid, Fid};
use super::refusal::Refusal;
use super::{MogileFs, State};

/// The answer of `file_info`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// The fid.
    pub fid: Fid,
    /// The domain's name.
    pub domain: String,
    /// The class's name.
    pub class: String,
    /// The index's length; an empty value on the wire when NULL.
    pub length: Option<u64>,
    /// The devices, ascending.
    pub devids: Vec<DeviceId>,
}

/// One file in the answer of `list_fids`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFid {
    /// The fid.
    pub fid: Fid,
    /// The domain's name.
    pub domain: String,
    /// The class's name.
    pub class: String,
    /// The key; an empty value on the wire when NULL.
    pub key: Option<String>,
    /// The index's length; an empty value on the wire when NULL.
    pub length: Option<u64>,
    /// How many devices are said to hold it.
    pub devcount: usize,
}

const FIDS_BY_DEFAULT: usize = 100;
const MOST_FIDS: usize = 500;
const MOST_KEYS: usize = 1000;
const LONGEST_KEY: usize = 255;

impl MogileFs {
    /// `file_info`.
    pub fn file_info(&self, domain: &str, key: &str) -> Result<FileInfo, Refusal> {
        self.state(|state| {
            let dmid = state.domain(domain)?;
            let row = state.file(dmid, key)?;
            if state.hidden.contains(&row.fid) {
                return Err(Refusal::UnknownKey);
            }
            let (domain, class) = state.names(row)?;
            let devids = row.devids.clone();
            Ok(FileInfo { fid: row.fid, domain, class, length: row.length, devids })
        })
    }

    /// `list_fids`: the files of every domain above fid `from`, ascending; `to` is how many, 100
    /// for 0, and 500 when it is negative or more.
    pub fn list_fids(&self, from: Fid, to: i64) -> Result<Vec<ListedFid>, Refusal> {
        let count = match usize::try_from(to) {
            Ok(0) => FIDS_BY_DEFAULT,
            Ok(count) => count.min(MOST_FIDS),
            Err(_) => MOST_FIDS,
        };
        self.state(|state| {
            let rows = state.files.rows_after(from).take(count);
            rows.map(|row| {
                let (domain, class) = state.names(row)?;
                Ok(ListedFid {
                    fid: row.fid,
                    domain,
                    class,
                    key: row.dkey.clone(),
                    length: row.length,
                    devcount: row.devids.len(),
                })
            })
            .collect()
        })
    }

    /// `list_keys`: the keys that begin with `prefix` and come after `after`, in the database's
    /// order; `limit` is how many, 1000 for 0 and for more. None is an error.
    pub fn list_keys(
        &self,
        domain: &str,
        prefix: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<String>, Refusal> {
        self.state(|state| {
            let dmid = state.domain(domain)?;
            if !after.is_empty() && !matches_as_regex(prefix, after)? {
                return Err(Refusal::AfterMismatch);
            }
            // A negative limit is a syntax error of the tracker's SQL.
            let limit = match usize::try_from(limit).map_err(|_| Refusal::Failure)? {
                0 => MOST_KEYS,
                limit => limit.min(MOST_KEYS),
            };
            let keys = state.files.keys_after(dmid, prefix, after).take(limit);
            let keys: Vec<String> = keys.map(str::to_owned).collect();
            if keys.is_empty() { Err(Refusal::NoneMatch) } else { Ok(keys) }
        })
    }

    /// `rename`: the file keeps its fid.
    pub fn rename(&self, domain: &str, from_key: &str, to_key: &str) -> Result<(), Refusal> {
        self.state(|state| {
            let dmid = state.domain(domain)?;
            if to_key.is_empty() {
                return Err(Refusal::NoKey);
            }
            // The column holds no longer one, and the tracker dies of the database's error.
            if to_key.len() > LONGEST_KEY {
                return Err(Refusal::Failure);
            }
            let row = state.file(dmid, from_key)?.clone();
            let holder = state.files.row_by_key(dmid, to_key);
            if holder.is_some_and(|holder| holder.fid != row.fid) {
                return Err(Refusal::KeyExists);
            }
            state.files.replace(FileRow { dkey: Some(to_key.to_owned()), ..row });
            Ok(())
        })
    }

    /// `delete`: the row goes at once, the bytes when [`MogileFs::run_delete_worker`] is called.
    pub fn delete(&self, domain: &str, key: &str) -> Result<(), Refusal> {
        self.state(|state| {
            let dmid = state.domain(domain)?;
            let fid = state.file(dmid, key)?.fid;
            state.delete_file(fid);
            Ok(())
        })
    }
}

impl State {
    /// The domain that a request names.
    pub(super) fn domain(&self, name: &str) -> Result<Dmid, Refusal> {
        if name.is_empty() {
            return Err(Refusal::NoDomain);
        }
        self.namespaces.domain_id(name).ok_or(Refusal::UnregisteredDomain)
    }

    /// The file that a request names.
    pub(super) fn file(&self, dmid: Dmid, key: &str) -> Result<&FileRow, Refusal> {
        if key.is_empty() {
            return Err(Refusal::NoKey);
        }
        self.files.row_by_key(dmid, key).ok_or(Refusal::UnknownKey)
    }

    /// The names of a row's domain and class.
    pub(super) fn names(&self, row: &FileRow) -> Result<(String, String), Refusal> {
        let domain = self.namespaces.domain_name(row.dmid).ok_or(Refusal::Failure)?;
        let class = self.namespaces.class_name(row.dmid, row.classid).ok_or(Refusal::Failure)?;
        Ok((domain.to_owned(), class.to_owned()))
    }
}

/// The tracker puts the prefix into a regular expression as it is (`$after !~ /^$prefix/`), and fails
/// where that is none.
fn matches_as_regex(prefix: &str, after: &str) -> Result<bool, Refusal> {
    let regex = Regex::new(&format!("^{prefix}")).map_err(|_| Refusal::Failure)?;
    Ok(regex.is_match(after))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::{ClassId, Content};
    use super::*;

    const DOMAIN: &str = "plos_repo";
    const DMID: Dmid = Dmid(1);

    /// Three hosts of one device each.
    fn mogile() -> (MogileFs, [DeviceId; 3]) {
        let mogile = MogileFs::default();
        mogile.add_domain(DOMAIN);
        let devices = [1, 2, 3].map(|last| {
            mogile.add_device(mogile.add_host(Ipv4Addr::new(127, 0, 0, last).into(), 7500))
        });
        (mogile, devices)
    }

    #[test]
    fn fids_are_listed_from_exclusive_with_gaps_and_nulls() {
        let (mogile, devices) = mogile();
        for number in 0..600 {
            let key = format!("k{number}");
            mogile.store(DMID, &key, &Content::from("abc"), &devices[..1]);
        }
        for (to, count) in [(0, 100), (3, 3), (500, 500), (501, 500), (-1, 500)] {
            let listed = mogile.list_fids(Fid(10), to).unwrap();
            assert_eq!((listed[0].fid, listed.len()), (Fid(11), count));
        }
        mogile.plant(FileRow {
            fid: Fid(1000),
            dmid: DMID,
            dkey: None,
            length: None,
            classid: ClassId(0),
            devids: Vec::new(),
        });
        let listed = mogile.list_fids(Fid(600), 5).unwrap();
        assert_eq!((listed.len(), listed[0].fid, &listed[0].key), (1, Fid(1000), &None));
        assert_eq!(mogile.list_fids(Fid(u64::MAX), 5), Ok(Vec::new()));
    }

    #[test]
    fn a_row_of_an_unregistered_class_fails_the_listing() {
        let (mogile, devices) = mogile();
        let fid = mogile.store(DMID, "k", &Content::from("abc"), &devices);
        let class = mogile.add_class(DMID, "alone");
        let row = mogile.row(fid).unwrap();
        mogile.plant(FileRow { classid: class, ..row.clone() });
        assert_eq!(mogile.file_info(DOMAIN, "k").unwrap().class, "alone");
        mogile.plant(FileRow { classid: ClassId(9), ..row });
        assert_eq!(mogile.list_fids(Fid(0), 0), Err(Refusal::Failure));
        assert_eq!(mogile.file_info(DOMAIN, "k"), Err(Refusal::Failure));
    }

    #[test]
    fn the_default_class_has_a_row_once_it_was_changed() {
        let (mogile, devices) = mogile();
        mogile.store(DMID, "k", &Content::from("abc"), &devices);
        let told = |mogile: &MogileFs| {
            let classes = mogile.classes(DOMAIN).into_iter();
            classes.map(|(id, class)| (id.0, class.name, class.mindevcount)).collect::<Vec<_>>()
        };
        assert_eq!(told(&mogile), [(0, "default".to_owned(), 2)]);
        assert!(mogile.class_rows().is_empty());
        mogile.set_mindevcount(DMID, ClassId(0), 3);
        assert_eq!(mogile.add_class(DMID, "rare"), ClassId(1));
        // Of a class that is not there.
        mogile.set_mindevcount(DMID, ClassId(7), 9);
        assert_eq!(told(&mogile), [(0, "default".to_owned(), 3), (1, "rare".to_owned(), 2)]);
        assert_eq!(mogile.class_rows().len(), 2);
        assert_eq!(mogile.file_info(DOMAIN, "k").unwrap().class, "default");
        mogile.update_class(DOMAIN, "k", "rare").unwrap();
        mogile.update_class(DOMAIN, "k", "default").unwrap();
        assert!(mogile.classes("nowhere").is_empty());
    }

    #[test]
    fn a_rename_keeps_the_fid_and_never_overwrites() {
        let (mogile, devices) = mogile();
        let fid = mogile.store(DMID, "a", &Content::from("abc"), &devices);
        mogile.store(DMID, "b", &Content::from("abc"), &devices);
        assert_eq!(mogile.rename(DOMAIN, "a", "B"), Err(Refusal::KeyExists));
        assert_eq!(mogile.rename(DOMAIN, "a", ""), Err(Refusal::NoKey));
        assert_eq!(mogile.rename(DOMAIN, "x", "y"), Err(Refusal::UnknownKey));
        assert_eq!(mogile.rename(DOMAIN, "a", "A "), Ok(()));
        assert_eq!(mogile.file_info(DOMAIN, "a").unwrap().fid, fid);
    }

    #[test]
    fn a_deleted_row_goes_before_its_bytes() {
        let (mogile, devices) = mogile();
        let fid = mogile.store(DMID, "k", &Content::from("abc"), &devices);
        assert_eq!(mogile.delete(DOMAIN, "K"), Ok(()));
        assert_eq!(mogile.delete(DOMAIN, "k"), Err(Refusal::UnknownKey));
        assert!(mogile.row(fid).is_none() && mogile.replica(fid, devices[0]).is_some());
        mogile.run_delete_worker();
        assert!(mogile.replica(fid, devices[0]).is_none());
    }
}
