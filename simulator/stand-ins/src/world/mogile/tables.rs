//! MogileFS's tables as a whole, for a tracker whose tables are in a database that others write, too.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::file_table::{FileRow, FileTable};
use super::ids::{ClassId, Dmid, Fid, HostId};
use super::namespaces::Namespaces;
use super::topology::Topology;
use super::{Class, DeviceRow, MogileFs, Upload};

/// The tables of MogileFS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    /// `host`: where each storage node serves.
    pub hosts: BTreeMap<HostId, SocketAddr>,
    /// `device`.
    pub devices: Vec<DeviceRow>,
    /// `domain`.
    pub domains: BTreeMap<Dmid, String>,
    /// `class`.
    pub classes: BTreeMap<(Dmid, ClassId), Class>,
    /// `file`, with the rows of `file_on`.
    pub files: BTreeMap<Fid, FileRow>,
    /// `tempfile`: the uploads in progress.
    pub uploads: BTreeMap<Fid, Upload>,
    /// `file_to_delete2`: the fids of which only the bytes are left.
    pub to_delete: BTreeSet<Fid>,
}

impl Tables {
    /// The highest fid in any table: the next one is above it.
    fn highest_fid(&self) -> Fid {
        let keys =
            [self.files.keys().next_back(), self.uploads.keys().next_back(), self.to_delete.last()];
        keys.into_iter().flatten().max().copied().unwrap_or_default()
    }
}

impl MogileFs {
    /// All tables, as they are now.
    #[must_use]
    pub fn tables(&self) -> Tables {
        self.state(|state| Tables {
            hosts: state.topology.hosts().collect(),
            devices: state.topology.devices().collect(),
            domains: state.namespaces.domain_rows().into_iter().collect(),
            classes: {
                let rows = state.namespaces.class_rows().into_iter();
                rows.map(|(dmid, id, class)| ((dmid, id), class)).collect()
            },
            files: state.files.rows_after(Fid(0)).map(|row| (row.fid, row.clone())).collect(),
            uploads: state.uploads.clone(),
            to_delete: state.to_delete.clone(),
        })
    }

    /// Replaces all tables. The bytes on the devices stay as they are, and a fid that was handed out before is
    /// not handed out again.
    pub fn set_tables(&self, tables: Tables) {
        self.state(|state| {
            state.note_fid(tables.highest_fid());
            state.topology = Topology::of(tables.hosts, tables.devices);
            state.namespaces = Namespaces::of(tables.domains, tables.classes);
            state.files = FileTable::default();
            tables.files.into_values().for_each(|row| state.files.replace(row));
            state.uploads = tables.uploads;
            state.to_delete = tables.to_delete;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CloseFile, Content, DeviceId, OpenFile};
    use super::*;

    #[test]
    fn tables_that_are_set_are_the_tables() {
        let mogile = MogileFs::default();
        let dmid = mogile.add_domain("d");
        mogile.add_class(dmid, "rare");
        let device = mogile.add_device(mogile.add_host([127, 0, 0, 1].into(), 7500));
        let gone = mogile.store(dmid, "gone", &Content::from("abc"), &[device]);
        mogile.delete("d", "gone").unwrap();
        mogile.store(dmid, "k", &Content::from("abc"), &[device]);
        let open = OpenFile { domain: "d", key: "new", ..OpenFile::default() };
        let opened = mogile.create_open(open).unwrap();
        let tables = mogile.tables();
        assert!(tables.to_delete.contains(&gone) && tables.uploads.contains_key(&opened.fid));

        let other = MogileFs::default();
        other.set_tables(tables.clone());
        assert_eq!(other.tables(), tables);
        other.set_replica(opened.fid, device, Content::from("abc"));
        let path = &opened.destinations[0].path;
        let close =
            CloseFile { domain: "d", key: "new", fid: opened.fid, device, path, size: None };
        other.create_close(close).unwrap();
        assert_eq!(other.row_by_key(dmid, "new").unwrap().devids, [DeviceId(1)]);
    }

    #[test]
    fn a_fid_is_handed_out_once_also_where_its_row_is_gone() {
        let mogile = MogileFs::default();
        mogile.add_domain("d");
        mogile.add_device(mogile.add_host([127, 0, 0, 1].into(), 7500));
        let before = mogile.tables();
        let open = OpenFile { domain: "d", key: "new", ..OpenFile::default() };
        let first = mogile.create_open(open).unwrap().fid;
        mogile.set_tables(before);
        assert_eq!(mogile.create_open(open).unwrap().fid, Fid(first.0 + 1));
    }
}
