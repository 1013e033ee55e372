//! Planting files and damage behind the tracker's back, and reading the truth for an oracle.

use std::collections::BTreeMap;

use super::file_table::FileRow;
use super::ids::{ClassId, DeviceId, Dmid, Fid};
use super::{Class, Content, Meanwhile, MogileFs, State, Upload};

impl MogileFs {
    /// Stores a file as a finished upload would: the next fid, the same bytes on each device, and
    /// a former file of that key deleted.
    pub fn store(&self, dmid: Dmid, key: &str, content: &Content, devids: &[DeviceId]) -> Fid {
        self.state(|state| {
            let fid = state.next_fid();
            state.store(fid, dmid, key, content, devids);
            fid
        })
    }

    /// Like [`MogileFs::store`], under a fid of the caller's choice; later fids are above it.
    pub fn store_as(
        &self,
        fid: Fid,
        dmid: Dmid,
        key: &str,
        content: &Content,
        devids: &[DeviceId],
    ) {
        self.state(|state| {
            state.note_fid(fid);
            state.store(fid, dmid, key, content, devids);
        });
    }

    /// Spends so many fids on nothing, as uploads that never ended do.
    pub fn skip_fids(&self, count: u64) {
        self.state(|state| state.last_fid = Fid(state.last_fid.0.saturating_add(count)));
    }

    /// Opens an upload that nobody closes, under a fid of the caller's choice.
    pub fn plant_upload(&self, fid: Fid, dmid: Dmid) {
        self.state(|state| {
            state.note_fid(fid);
            let (dkey, classid, devids) = (String::new(), ClassId(0), Vec::new());
            state.uploads.insert(fid, Upload { fid, dmid, dkey, classid, devids });
        });
    }

    /// Writes a row as it is, true or not, in place of what had its fid or its key. The bytes on
    /// the devices stay as they are.
    pub fn plant(&self, row: FileRow) {
        self.state(|state| {
            state.note_fid(row.fid);
            state.files.replace(row);
        });
    }

    /// Gives a row another key, as a statement in the database does. Returns false, and changes nothing,
    /// where the row has not this key any more, or another row has the new one.
    pub fn change_key(&self, fid: Fid, from: Option<&str>, to: &str) -> bool {
        self.state(|state| {
            let Some(row) = state.files.row(fid).filter(|row| row.dkey.as_deref() == from) else {
                return false;
            };
            let holder = state.files.row_by_key(row.dmid, to).map(|row| row.fid);
            if holder.is_some_and(|holder| holder != fid) {
                return false;
            }
            let row = FileRow { dkey: Some(to.to_owned()), ..row.clone() };
            state.files.replace(row);
            true
        })
    }

    /// Takes a row away behind the tracker's back; the bytes stay for ever.
    pub fn drop_row(&self, fid: Fid) -> Option<FileRow> {
        self.state(|state| state.files.remove(fid))
    }

    /// Has the file deleted in the very moment in which its paths are next asked for, by somebody
    /// who was a little faster: whoever has just listed it finds it gone.
    pub fn delete_at_next_lookup(&self, fid: Fid) {
        self.state(|state| state.meanwhile.insert(fid, Meanwhile::Deletes));
    }

    /// Has the file renamed in the very moment in which its paths are next asked for: whoever has just
    /// listed it asks for a key that is none any more, while the fid is still there.
    pub fn rename_at_next_lookup(&self, fid: Fid, key: &str) {
        self.state(|state| state.meanwhile.insert(fid, Meanwhile::Renames(key.to_owned())));
    }

    /// Has the trackers not find the file by its key, as when they read a replica of the database that
    /// lags behind.
    pub fn hide_from_lookups(&self, fid: Fid) {
        self.state(|state| state.hidden.insert(fid));
    }

    /// Has the trackers' memcached say that this is the key's fid and that these are its devices, true
    /// or not: `get_paths` with `noverify` answers so, as the real one does for an hour.
    pub fn cache_paths(&self, dmid: Dmid, key: &str, fid: Fid, devids: &[DeviceId]) {
        let cached = (fid, devids.to_vec());
        self.state(|state| state.cached.insert((dmid, key.to_owned()), cached));
    }

    /// Puts bytes on a device, in place of the replica there and without a word to the index.
    pub fn set_replica(&self, fid: Fid, device: DeviceId, content: Content) {
        self.state(|state| state.replicas.insert((fid, device), content));
    }

    /// Takes a replica's bytes off a device without a word to the index.
    pub fn remove_replica(&self, fid: Fid, device: DeviceId) -> Option<Content> {
        self.state(|state| state.replicas.remove(&(fid, device)))
    }

    /// Does what the delete worker does some seconds after a `delete`: the bytes go.
    pub fn run_delete_worker(&self) {
        self.state(|state| {
            for fid in std::mem::take(&mut state.to_delete) {
                let of_fid = (fid, DeviceId(0))..=(fid, DeviceId(u32::MAX));
                let keys: Vec<_> = state.replicas.range(of_fid).map(|(key, _)| *key).collect();
                for key in keys {
                    state.replicas.remove(&key);
                }
            }
        });
    }

    /// The row of a fid.
    #[must_use]
    pub fn row(&self, fid: Fid) -> Option<FileRow> {
        self.state(|state| state.files.row(fid).cloned())
    }

    /// The row of a key, by the database's comparison.
    #[must_use]
    pub fn row_by_key(&self, dmid: Dmid, key: &str) -> Option<FileRow> {
        self.state(|state| state.files.row_by_key(dmid, key).cloned())
    }

    /// Up to `limit` rows above a fid, ascending.
    #[must_use]
    pub fn rows_after(&self, after: Fid, limit: usize) -> Vec<FileRow> {
        self.state(|state| state.files.rows_after(after).take(limit).cloned().collect())
    }

    /// Up to `limit` of what `map` makes of the rows from fid `first` to `last`, ascending.
    pub fn map_rows<T>(
        &self,
        first: Fid,
        last: Fid,
        limit: usize,
        map: impl FnMut(&FileRow) -> Option<T>,
    ) -> Vec<T> {
        self.state(|state| {
            state.files.rows_between(first, last).filter_map(map).take(limit).collect()
        })
    }

    /// The same, descending.
    pub fn map_rows_descending<T>(
        &self,
        first: Fid,
        last: Fid,
        limit: usize,
        map: impl FnMut(&FileRow) -> Option<T>,
    ) -> Vec<T> {
        self.state(|state| {
            state.files.rows_between(first, last).rev().filter_map(map).take(limit).collect()
        })
    }

    /// Up to `limit` of what `map` makes of the rows of a domain whose key is at the first of these or
    /// behind it and before the second, by the database's comparison and in its order.
    pub fn map_rows_by_key<T>(
        &self,
        dmid: Dmid,
        (from, end): (Option<&str>, Option<&str>),
        limit: usize,
        map: impl FnMut(&FileRow) -> Option<T>,
    ) -> Vec<T> {
        self.state(|state| {
            state.files.rows_by_key(dmid, from, end).filter_map(map).take(limit).collect()
        })
    }

    /// The rows of a domain whose key is at `from` or behind it and before `end`, by the database's
    /// comparison and in its order, up to `limit`.
    #[must_use]
    pub fn rows_by_key(
        &self,
        dmid: Dmid,
        from: Option<&str>,
        end: Option<&str>,
        limit: usize,
    ) -> Vec<FileRow> {
        self.map_rows_by_key(dmid, (from, end), limit, |row| Some(row.clone()))
    }

    /// The number of rows.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.state(|state| state.files.count())
    }

    /// What a device holds of a fid, whatever the index says.
    #[must_use]
    pub fn replica(&self, fid: Fid, device: DeviceId) -> Option<Content> {
        self.state(|state| state.replicas.get(&(fid, device)).cloned())
    }

    /// Every replica on every device, for a judge that looks past the requests.
    #[must_use]
    pub fn replicas(&self) -> BTreeMap<(Fid, DeviceId), Content> {
        self.state(|state| state.replicas.clone())
    }

    /// The URL that a replica has or would have.
    #[must_use]
    pub fn url(&self, fid: Fid, device: DeviceId) -> Option<String> {
        self.state(|state| state.topology.url(device, fid))
    }

    /// The uploads in progress, ascending.
    #[must_use]
    pub fn uploads(&self) -> Vec<Upload> {
        self.state(|state| state.uploads.values().cloned().collect())
    }

    /// The name of a domain.
    #[must_use]
    pub fn domain_name(&self, dmid: Dmid) -> Option<String> {
        self.state(|state| state.namespaces.domain_name(dmid).map(str::to_owned))
    }

    /// The names of all domains.
    #[must_use]
    pub fn domain_names(&self) -> Vec<String> {
        self.state(|state| state.namespaces.domain_names())
    }

    /// The table `domain`.
    #[must_use]
    pub fn domain_rows(&self) -> Vec<(Dmid, String)> {
        self.state(|state| state.namespaces.domain_rows())
    }

    /// The table `class`: the classes that were made, and default classes that were changed.
    #[must_use]
    pub fn class_rows(&self) -> Vec<(Dmid, ClassId, Class)> {
        self.state(|state| state.namespaces.class_rows())
    }
}

impl State {
    fn store(&mut self, fid: Fid, dmid: Dmid, key: &str, content: &Content, devids: &[DeviceId]) {
        let former = self.files.row_by_key(dmid, key).map(|row| row.fid);
        if let Some(former) = former.filter(|former| *former != fid) {
            self.delete_file(former);
        }
        self.to_delete.remove(&fid);
        for device in devids {
            self.replicas.insert((fid, *device), content.clone());
        }
        self.files.replace(FileRow {
            fid,
            dmid,
            dkey: Some(key.to_owned()),
            length: Some(content.length()),
            classid: ClassId(0),
            devids: devids.to_vec(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICES: [DeviceId; 2] = [DeviceId(1), DeviceId(2)];

    #[test]
    fn rows_can_be_planted_with_any_fields() {
        let mogile = MogileFs::default();
        let fid = mogile.store(Dmid(1), "k", &Content::from("abc"), &DEVICES);
        let row = mogile.row(fid).unwrap();
        mogile.plant(FileRow { fid: Fid(9), dkey: None, length: None, ..row.clone() });
        mogile.plant(FileRow { length: Some(99), ..row.clone() });
        mogile.plant(FileRow { fid: Fid(8), dmid: Dmid(2), ..row });
        let fids: Vec<Fid> = mogile.rows_after(Fid(0), 10).iter().map(|row| row.fid).collect();
        assert_eq!(fids, [fid, Fid(8), Fid(9)]);
        assert_eq!(mogile.row(fid).unwrap().length, Some(99));
        assert_eq!(mogile.store(Dmid(1), "n", &Content::from("n"), &DEVICES), Fid(10));
    }

    #[test]
    fn damage_stays_on_its_device() {
        let mogile = MogileFs::default();
        let fid = mogile.store(Dmid(1), "k", &Content::from("abc"), &DEVICES);
        mogile.set_replica(fid, DEVICES[0], Content::from("abX"));
        assert_eq!(mogile.replica(fid, DEVICES[1]), Some(Content::from("abc")));
        mogile.remove_replica(fid, DEVICES[0]);
        assert_eq!(mogile.replica(fid, DEVICES[0]), None);
        assert_eq!(mogile.drop_row(fid).unwrap().devids, DEVICES);
        mogile.run_delete_worker();
        assert!(mogile.replica(fid, DEVICES[1]).is_some(), "nobody asked for its deletion");
    }

    #[test]
    fn storing_a_key_again_gives_it_a_new_fid() {
        let mogile = MogileFs::default();
        mogile.skip_fids(4);
        let old = mogile.store(Dmid(1), "k", &Content::from("abc"), &DEVICES);
        let new = mogile.store(Dmid(1), "K", &Content::from("abcd"), &DEVICES);
        assert_eq!((old, new, mogile.row_count()), (Fid(5), Fid(6), 1));
        assert_eq!(mogile.row_by_key(Dmid(1), "k").unwrap().fid, new);
        mogile.store_as(new, Dmid(1), "k", &Content::from("z"), &DEVICES);
        mogile.run_delete_worker();
        assert_eq!(mogile.replica(new, DEVICES[0]), Some(Content::from("z")));
        assert_eq!(mogile.replica(old, DEVICES[0]), None);
    }
}
