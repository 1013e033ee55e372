//! Replicas in a folder, under the paths of their URLs.

use std::io;
use std::path::{Path, PathBuf};

use crate::world::mogile::{Content, DeviceId, Fid, MogileFs, fid_path, parse_fid_path};

/// Writes a replica, whole or not at all.
pub(super) fn keep(folder: &Path, fid: Fid, device: DeviceId, bytes: &[u8]) -> io::Result<Content> {
    let path = folder.join(fid_path(device, fid).trim_start_matches('/'));
    std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
    let unfinished = path.with_extension("part");
    std::fs::write(&unfinished, bytes)?;
    std::fs::rename(&unfinished, &path)?;
    Content::file(path)
}

/// Finds the replicas that an earlier run has left.
pub(super) fn load(mogile: &MogileFs, folder: &Path) -> io::Result<()> {
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        std::fs::create_dir_all(&next)?;
        for entry in std::fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let below = path.strip_prefix(folder).ok().and_then(Path::to_str);
            let replica = below.and_then(|below| parse_fid_path(&format!("/{below}")));
            if let Some((device, fid)) = replica {
                mogile.set_replica(fid, device, Content::file(path)?);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_is_started_again_has_its_replicas() {
        let folder = tempfile::tempdir().unwrap();
        let (fid, device) = (Fid(3), DeviceId(2));
        keep(folder.path(), fid, device, b"old").unwrap();
        keep(folder.path(), fid, device, b"abc").unwrap();
        std::fs::write(folder.path().join("dev2/0/000/000/0000000004.part"), "ab").unwrap();
        let mogile = MogileFs::default();
        load(&mogile, folder.path()).unwrap();
        let replicas = mogile.replicas();
        assert_eq!(replicas.len(), 1);
        assert_eq!(replicas[&(fid, device)].read().unwrap(), "abc");
    }
}
