//! What the tracker answers to administrators: hosts, devices, classes, and all that it knows of one
//! file.

use std::net::SocketAddr;

use super::file_table::FileRow;
use super::ids::{ClassId, DeviceId, Fid, HostId};
use super::refusal::Refusal;
use super::topology::DeviceStatus;
use super::{Class, MogileFs, State};

/// A row of the table `device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceRow {
    /// Its number.
    pub device: DeviceId,
    /// The host that it is in.
    pub host: HostId,
    /// What the tracker believes of it.
    pub status: DeviceStatus,
}

/// The answer of `file_debug`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileDebug {
    /// The row with the names of its domain and class, if there is one.
    pub row: Option<(FileRow, String, String)>,
    /// Its devices, each with the replica's URL.
    pub places: Vec<(DeviceId, String)>,
}

impl MogileFs {
    /// `get_hosts`: each host with its storage node's address.
    #[must_use]
    pub fn listed_host_rows(&self) -> Vec<(HostId, SocketAddr)> {
        self.state(|state| state.topology.listed_hosts().collect())
    }

    /// The same, with the hosts that are not listed.
    #[must_use]
    pub fn host_rows(&self) -> Vec<(HostId, SocketAddr)> {
        self.state(|state| state.topology.hosts().collect())
    }

    /// `get_devices`.
    #[must_use]
    pub fn device_rows(&self) -> Vec<DeviceRow> {
        self.state(|state| state.topology.devices().collect())
    }

    /// `get_domains`: the classes of a domain, its default class first. None where there is no such
    /// domain.
    #[must_use]
    pub fn classes(&self, domain: &str) -> Vec<(ClassId, Class)> {
        self.state(|state| {
            let dmid = state.namespaces.domain_id(domain);
            dmid.map_or_else(Vec::new, |dmid| state.namespaces.classes(dmid))
        })
    }

    /// `file_debug` of a fid. No row is no error; a row of a class or domain that is not registered
    /// is one.
    pub fn debug_fid(&self, fid: Fid) -> Result<FileDebug, Refusal> {
        self.state(|state| match state.files.row(fid) {
            Some(row) => state.debug(row),
            None => Ok(FileDebug::default()),
        })
    }

    /// `file_debug` of a key.
    pub fn debug_key(&self, domain: &str, key: &str) -> Result<FileDebug, Refusal> {
        self.state(|state| {
            let dmid = state.domain(domain)?;
            state.debug(state.file(dmid, key)?)
        })
    }

    /// `updateclass`.
    pub fn update_class(&self, domain: &str, key: &str, class: &str) -> Result<(), Refusal> {
        self.state(|state| {
            let dmid = state.domain(domain)?;
            if key.is_empty() {
                return Err(Refusal::NoKey);
            }
            if class.is_empty() {
                return Err(Refusal::NoClass);
            }
            let classid = state.namespaces.class_id(dmid, class).ok_or(Refusal::ClassNotFound)?;
            let row = state.files.row_by_key(dmid, key).ok_or(Refusal::InvalidKey)?.clone();
            state.files.replace(FileRow { classid, ..row });
            Ok(())
        })
    }
}

impl State {
    fn debug(&self, row: &FileRow) -> Result<FileDebug, Refusal> {
        let (domain, class) = self.names(row)?;
        let places = row
            .devids
            .iter()
            .filter_map(|device| self.topology.url(*device, row.fid).map(|url| (*device, url)));
        Ok(FileDebug { places: places.collect(), row: Some((row.clone(), domain, class)) })
    }
}
