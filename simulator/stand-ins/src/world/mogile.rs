//! A whole MogileFS as plain state: hosts and devices, domains and classes, the `file` table, the
//! uploads in progress, and the replicas' bytes. No socket and no clock in it; the wire face is in
//! [`crate::wire::tracker`] and [`crate::wire::storage_node`].
//!
//! What it answers follows exchanges recorded from a tracker of version 2.73. Where the real one
//! draws lots (the order of a file's devices) this one decides by fid, so that the same calls give
//! the same answers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

mod admin;
mod commands;
mod content;
mod file_table;
mod ids;
mod namespaces;
mod paths;
mod plant;
mod refusal;
mod tables;
mod topology;
mod upload;

pub use admin::{DeviceRow, FileDebug};
pub use commands::{FileInfo, ListedFid};
pub use content::{CHUNK_BYTES, Chunks, Content};
pub use file_table::FileRow;
pub use ids::{ClassId, DeviceId, Dmid, Fid, HostId, fid_path, parse_fid_path};
pub use namespaces::Class;
pub use paths::PathOptions;
pub use refusal::{Refusal, text_of};
pub use tables::Tables;
pub use topology::DeviceStatus;
pub use upload::{CloseFile, Destination, OpenFile, OpenedFile};

use file_table::FileTable;
use namespaces::Namespaces;
use topology::Topology;

/// A MogileFS. Share it as an `Arc`; each method is one atomic step.
#[derive(Debug, Default)]
pub struct MogileFs {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    topology: Topology,
    namespaces: Namespaces,
    files: FileTable,
    uploads: BTreeMap<Fid, Upload>,
    /// The bytes on the devices' disks, whatever the tables say of them.
    replicas: BTreeMap<(Fid, DeviceId), Content>,
    /// The table `file_to_delete2`: no longer in `file`, still on the disks.
    to_delete: BTreeSet<Fid>,
    /// What somebody does to files in the moment in which their paths are asked for.
    meanwhile: BTreeMap<Fid, Meanwhile>,
    /// Files whose keys the trackers do not find.
    hidden: BTreeSet<Fid>,
    /// What the trackers' memcached has of a key: a fid and its devices.
    cached: BTreeMap<(Dmid, String), (Fid, Vec<DeviceId>)>,
    last_fid: Fid,
}

/// What somebody does to a file who was a little faster.
#[derive(Debug)]
enum Meanwhile {
    Deletes,
    /// Gives it this key.
    Renames(String),
}

/// A row of the table `tempfile`: opened by `create_open`, not closed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The fid that the file will have.
    pub fid: Fid,
    /// Its domain.
    pub dmid: Dmid,
    /// The key given when it was opened; the one given at `create_close` counts.
    pub dkey: String,
    /// Its class.
    pub classid: ClassId,
    /// The devices that were offered.
    pub devids: Vec<DeviceId>,
}

impl MogileFs {
    /// Adds a storage host, whose node serves HTTP there.
    pub fn add_host(&self, ip: IpAddr, http_port: u16) -> HostId {
        self.state(|state| state.topology.add_host(ip, http_port))
    }

    /// `get_hosts` leaves the host out, while `get_paths` names it: no real tracker does that, but one
    /// that lies.
    pub fn unlist_host(&self, host: HostId) {
        self.state(|state| state.topology.unlist(host));
    }

    /// Adds a device to a host, alive; ids count from 1.
    pub fn add_device(&self, host: HostId) -> DeviceId {
        self.state(|state| state.topology.add_device(host))
    }

    /// What the tracker believes of a device; its node goes on serving it all the same.
    pub fn set_device_status(&self, device: DeviceId, status: DeviceStatus) {
        self.state(|state| state.topology.set_status(device, status));
    }

    /// The host that a device is in.
    #[must_use]
    pub fn host_of(&self, device: DeviceId) -> Option<HostId> {
        self.state(|state| state.topology.host_of(device))
    }

    /// Registers a domain, and its default class with it; ids count from 1.
    pub fn add_domain(&self, namespace: &str) -> Dmid {
        self.state(|state| state.namespaces.add_domain(namespace))
    }

    /// Registers a class of a domain. A row of a class that nobody registered makes `list_fids`
    /// and `file_info` fail, as with the real tracker.
    pub fn add_class(&self, dmid: Dmid, name: &str) -> ClassId {
        self.state(|state| state.namespaces.add_class(dmid, name))
    }

    /// Changes the `mindevcount` of a class, as `mogadm class modify` does. Nothing is replicated by that.
    pub fn set_mindevcount(&self, dmid: Dmid, class: ClassId, mindevcount: u8) {
        self.state(|state| state.namespaces.set_mindevcount(dmid, class, mindevcount));
    }

    /// One atomic step. A poisoned lock is opened: the panic that poisoned it is reported anyway.
    fn state<T>(&self, step: impl FnOnce(&mut State) -> T) -> T {
        step(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Hands out the next fid; every one is handed out once.
    fn next_fid(&mut self) -> Fid {
        self.last_fid = Fid(self.last_fid.0.saturating_add(1));
        self.last_fid
    }

    /// Keeps fids ascending after one was chosen from outside.
    fn note_fid(&mut self, fid: Fid) {
        self.last_fid = self.last_fid.max(fid);
    }

    /// Takes a row away as the tracker does: the bytes stay until the delete worker has run.
    fn delete_file(&mut self, fid: Fid) {
        self.files.remove(fid);
        self.to_delete.insert(fid);
    }
}
