//! `get_paths`: where a client reads a file, in the order in which it should try.

use super::file_table::FileRow;
use super::ids::{DeviceId, Fid};
use super::refusal::Refusal;
use super::topology::{DeviceStatus, in_turn};
use super::{Meanwhile, MogileFs, State};

/// The arguments of `get_paths` beside the key.
#[derive(Debug, Clone, Copy, Default)]
pub struct PathOptions {
    /// Give the first path too without a look at the size of what is there.
    pub noverify: bool,
    /// How many paths at most; below two it is two.
    pub pathcount: usize,
}

const LEAST_PATHS: usize = 2;

impl MogileFs {
    /// `get_paths`: the URLs of a key's replicas, best first; none at all when each was found bad.
    pub fn get_paths(
        &self,
        domain: &str,
        key: &str,
        options: PathOptions,
    ) -> Result<Vec<String>, Refusal> {
        self.state(|state| {
            let dmid = state.domain(domain)?;
            if options.noverify
                && let Some((fid, devids)) = state.cached.get(&(dmid, key.to_owned()))
            {
                return Ok(state.paths(*fid, devids, None, options));
            }
            let fid = state.file(dmid, key)?.fid;
            if state.hidden.contains(&fid) {
                return Err(Refusal::UnknownKey);
            }
            match state.meanwhile.remove(&fid) {
                Some(Meanwhile::Deletes) => state.delete_file(fid),
                Some(Meanwhile::Renames(to)) => {
                    let row = state.file(dmid, key)?.clone();
                    state.files.replace(FileRow { dkey: Some(to), ..row });
                }
                None => {}
            }
            let FileRow { fid, devids, length, .. } = state.file(dmid, key)?;
            Ok(state.paths(*fid, devids, *length, options))
        })
    }
}

impl State {
    /// The paths of a file in the tracker's order: devices that drain last, and one that is out of
    /// reach only when there is no other. Sizes are looked at until one is right.
    fn paths(
        &self,
        fid: Fid,
        devids: &[DeviceId],
        length: Option<u64>,
        options: PathOptions,
    ) -> Vec<String> {
        let most = options.pathcount.max(LEAST_PATHS);
        let mut paths = Vec::new();
        let mut draining = Vec::new();
        let mut backup = None;
        for device in in_turn(fid, devids) {
            let (Some(status), Some(url)) =
                (self.topology.status(device), self.topology.url(device, fid))
            else {
                continue;
            };
            if !status.is_readable() {
                backup = Some(url);
            } else if options.noverify
                || !paths.is_empty()
                || self.size_matches((fid, device), length)
            {
                if status == DeviceStatus::Drain { &mut draining } else { &mut paths }.push(url);
            }
            if paths.len() == most {
                return paths;
            }
        }
        paths.extend(draining);
        paths.truncate(most);
        if paths.is_empty() {
            paths.extend(backup);
        }
        paths
    }

    /// Whether the replica is there with the index's length; NULL counts as 0.
    fn size_matches(&self, at: (Fid, DeviceId), length: Option<u64>) -> bool {
        let replica = self.replicas.get(&at);
        replica.is_some_and(|replica| replica.length() == length.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::{Content, Dmid};
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

    fn paths(mogile: &MogileFs, noverify: bool, pathcount: usize) -> Vec<String> {
        mogile.get_paths(DOMAIN, "k", PathOptions { noverify, pathcount }).unwrap()
    }

    fn is_on(path: &str, device: DeviceId) -> bool {
        path.contains(&format!("/dev{device}/"))
    }

    #[test]
    fn a_pathcount_below_two_is_two() {
        let (mogile, devices) = mogile();
        mogile.store(DMID, "k", &Content::from("abc"), &devices);
        for (pathcount, given) in [(0, 2), (1, 2), (2, 2), (3, 3), (9, 3)] {
            assert_eq!(paths(&mogile, true, pathcount).len(), given);
        }
    }

    #[test]
    fn a_doomed_file_is_away_when_its_paths_are_asked_for() {
        let (mogile, devices) = mogile();
        let fid = mogile.store(DMID, "k", &Content::from("abc"), &devices);
        mogile.delete_at_next_lookup(fid);
        assert!(mogile.row(fid).is_some(), "nobody has asked yet");
        let asked = mogile.get_paths(DOMAIN, "k", PathOptions::default());
        assert_eq!(asked, Err(Refusal::UnknownKey));
        assert!(mogile.row(fid).is_none());
    }

    #[test]
    fn a_file_renamed_meanwhile_has_its_fid_and_another_key() {
        let (mogile, devices) = mogile();
        let fid = mogile.store(DMID, "k", &Content::from("abc"), &devices);
        mogile.rename_at_next_lookup(fid, "other");
        for _ in 0..2 {
            let asked = mogile.get_paths(DOMAIN, "k", PathOptions::default());
            assert_eq!(asked, Err(Refusal::UnknownKey));
        }
        assert_eq!(mogile.row(fid).unwrap().dkey.as_deref(), Some("other"));
    }

    #[test]
    fn only_the_first_path_is_checked() {
        let (mogile, devices) = mogile();
        let fid = mogile.store(DMID, "k", &Content::from("abc"), &devices);
        let [first, second, third] = in_turn(fid, &devices)[..] else { panic!("three devices") };
        mogile.set_replica(fid, first, Content::from("a"));
        mogile.set_replica(fid, third, Content::from("a"));
        assert!(is_on(&paths(&mogile, true, 2)[0], first));
        let verified = paths(&mogile, false, 2);
        assert!(is_on(&verified[0], second) && is_on(&verified[1], third), "{verified:?}");
        mogile.remove_replica(fid, second);
        assert_eq!(paths(&mogile, false, 2), [""; 0]);
    }

    #[test]
    fn draining_comes_last_and_down_only_when_all_are() {
        let (mogile, devices) = mogile();
        let fid = mogile.store(DMID, "k", &Content::from("abc"), &devices);
        let [first, second, third] = in_turn(fid, &devices)[..] else { panic!("three devices") };
        mogile.set_device_status(first, DeviceStatus::Drain);
        mogile.set_device_status(second, DeviceStatus::Readonly);
        mogile.set_device_status(third, DeviceStatus::Down);
        let given = paths(&mogile, true, 3);
        assert!(given.len() == 2 && is_on(&given[0], second) && is_on(&given[1], first));
        for device in devices {
            mogile.set_device_status(device, DeviceStatus::Down);
        }
        let given = paths(&mogile, false, 3);
        assert!(given.len() == 1 && is_on(&given[0], third), "{given:?}");
    }
}
