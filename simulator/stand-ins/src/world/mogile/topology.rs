//! Hosts and their devices, and where the tracker sends a client for a file.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::admin::DeviceRow;
use super::ids::{DeviceId, Fid, HostId, fid_path};

/// What the tracker believes of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceStatus {
    /// Read and written.
    Alive,
    /// Read only.
    Readonly,
    /// Being emptied: read when there is no other, not written.
    Drain,
    /// Out of reach for a while: given to readers only when nothing else is left.
    Down,
    /// Gone for good; its paths are given like those of a device that is down.
    Dead,
}

impl DeviceStatus {
    /// Whether the tracker sends readers there.
    #[must_use]
    pub fn is_readable(self) -> bool {
        match self {
            Self::Alive | Self::Readonly | Self::Drain => true,
            Self::Down | Self::Dead => false,
        }
    }
}

/// The tables `host` and `device`.
#[derive(Debug, Default)]
pub(super) struct Topology {
    hosts: BTreeMap<HostId, SocketAddr>,
    /// Hosts that stand in URLs and in no list.
    unlisted: BTreeSet<HostId>,
    devices: BTreeMap<DeviceId, Device>,
}

#[derive(Debug)]
struct Device {
    host: HostId,
    status: DeviceStatus,
}

impl Topology {
    pub(super) fn of(hosts: BTreeMap<HostId, SocketAddr>, devices: Vec<DeviceRow>) -> Self {
        let devices = devices
            .into_iter()
            .map(|DeviceRow { device, host, status }| (device, Device { host, status }));
        Self { hosts, unlisted: BTreeSet::new(), devices: devices.collect() }
    }

    pub(super) fn add_host(&mut self, ip: IpAddr, http_port: u16) -> HostId {
        let last = self.hosts.keys().next_back().map_or(0, |host| host.0);
        let host = HostId(last.saturating_add(1));
        self.hosts.insert(host, SocketAddr::new(ip, http_port));
        host
    }

    pub(super) fn add_device(&mut self, host: HostId) -> DeviceId {
        let last = self.devices.keys().next_back().map_or(0, |device| device.0);
        let device = DeviceId(last.saturating_add(1));
        self.devices.insert(device, Device { host, status: DeviceStatus::Alive });
        device
    }

    pub(super) fn set_status(&mut self, device: DeviceId, status: DeviceStatus) {
        if let Some(device) = self.devices.get_mut(&device) {
            device.status = status;
        }
    }

    pub(super) fn host_of(&self, device: DeviceId) -> Option<HostId> {
        self.devices.get(&device).map(|device| device.host)
    }

    pub(super) fn unlist(&mut self, host: HostId) {
        self.unlisted.insert(host);
    }

    pub(super) fn listed_hosts(&self) -> impl Iterator<Item = (HostId, SocketAddr)> {
        self.hosts().filter(|(host, _)| !self.unlisted.contains(host))
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = (HostId, SocketAddr)> {
        self.hosts.iter().map(|(host, address)| (*host, *address))
    }

    pub(super) fn devices(&self) -> impl Iterator<Item = DeviceRow> {
        let rows = self.devices.iter();
        rows.map(|(id, device)| DeviceRow { device: *id, host: device.host, status: device.status })
    }

    pub(super) fn status(&self, device: DeviceId) -> Option<DeviceStatus> {
        self.devices.get(&device).map(|device| device.status)
    }

    /// The URL of a replica; `None` for a device or host that does not exist.
    pub(super) fn url(&self, device: DeviceId, fid: Fid) -> Option<String> {
        let address = self.hosts.get(&self.host_of(device)?)?;
        Some(format!("http://{address}{}", fid_path(device, fid)))
    }

    /// Up to `wanted` devices that take a new file, no two of one host.
    pub(super) fn destinations(&self, fid: Fid, wanted: usize) -> Vec<DeviceId> {
        let alive = self.devices.iter().filter(|(_, device)| device.status == DeviceStatus::Alive);
        let alive: Vec<DeviceId> = alive.map(|(id, _)| *id).collect();
        let mut hosts = Vec::new();
        let mut chosen = Vec::new();
        for device in in_turn(fid, &alive) {
            let host = self.host_of(device);
            if chosen.len() < wanted && !hosts.contains(&host) {
                hosts.push(host);
                chosen.push(device);
            }
        }
        chosen
    }
}

/// The order in which the devices serve one file: the same for every call, another from file to
/// file. It stands for the real tracker's lots, weighted by free space and load.
pub(super) fn in_turn(fid: Fid, devices: &[DeviceId]) -> Vec<DeviceId> {
    let mut devices = devices.to_vec();
    devices.sort_by_key(|device| (scatter(fid.0 ^ scatter(u64::from(device.0))), *device));
    devices
}

/// The finisher of `SplitMix64`: near inputs, far outputs.
fn scatter(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn two_hosts() -> Topology {
        let mut topology = Topology::default();
        for last in [1, 2] {
            let host = topology.add_host(Ipv4Addr::new(127, 0, 0, last).into(), 7500);
            topology.add_device(host);
            topology.add_device(host);
        }
        topology
    }

    #[test]
    fn a_new_file_goes_to_living_devices_of_different_hosts() {
        let mut topology = two_hosts();
        topology.set_status(DeviceId(1), DeviceStatus::Drain);
        for fid in (1..50).map(Fid) {
            let chosen = topology.destinations(fid, 3);
            assert_eq!(chosen.len(), 2, "{chosen:?}");
            assert_ne!(topology.host_of(chosen[0]), topology.host_of(chosen[1]));
            assert!(!chosen.contains(&DeviceId(1)));
            assert_eq!(topology.destinations(fid, 1), chosen[..1]);
        }
    }

    #[test]
    fn no_device_is_every_files_first() {
        let devices = [DeviceId(1), DeviceId(2), DeviceId(3)];
        for first in devices {
            let led = (1..=300).filter(|fid| in_turn(Fid(*fid), &devices)[0] == first).count();
            assert!((60..=140).contains(&led), "{first}: {led}");
        }
    }

    #[test]
    fn a_url_needs_a_device() {
        let topology = two_hosts();
        let url = "http://127.0.0.2:7500/dev3/0/000/000/0000000003.fid";
        assert_eq!(topology.url(DeviceId(3), Fid(3)).as_deref(), Some(url));
        assert_eq!(topology.url(DeviceId(9), Fid(3)), None);
    }
}
