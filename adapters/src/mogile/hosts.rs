//! `MOGILE_STORAGE_HOSTS`: which of the registered storage nodes may be asked.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::location::Unfit;

/// The setting that narrows the storage nodes which MogileFS registers. The default leaves none out
/// but those on loopback, because on a machine of its own that would be the machine's own services.
///
/// A public address needs no entry: the table `host` is the operator's own, and says where the files
/// are. Link-local addresses and others that no storage node has are never asked, whatever the
/// setting lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(Option<Vec<Allowed>>);

/// Addresses, and the one port there that may be asked, or any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Allowed {
    range: IpNet,
    port: Option<u16>,
}

/// `MOGILE_STORAGE_HOSTS` is not a list of addresses and ranges.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither an address, with or without a port like `10.0.0.7:7500`, nor a range like \
     `10.0.0.0/8`"
)]
pub struct AllowedHostsError(String);

impl std::str::FromStr for AllowedHosts {
    type Err = AllowedHostsError;

    /// Addresses, with or without a port, and ranges, separated by commas; at least one.
    fn from_str(text: &str) -> Result<Self, AllowedHostsError> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let listed = entries.map(|entry| {
            if let Ok(node) = entry.parse::<SocketAddr>() {
                let port = Some(node.port());
                return Ok(Allowed { range: node.ip().to_canonical().into(), port });
            }
            let range = entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
            let range = range.map_err(|_| AllowedHostsError(entry.to_owned()))?;
            Ok(Allowed { range: canonical(range), port: None })
        });
        let listed = listed.collect::<Result<Vec<_>, _>>()?;
        if listed.is_empty() {
            return Err(AllowedHostsError(text.to_owned()));
        }
        Ok(Self(Some(listed)))
    }
}

impl AllowedHosts {
    /// Whether the setting lets a registered storage node be asked.
    pub(super) fn judge(&self, node: SocketAddr) -> Result<(), Unfit> {
        let address = node.ip().to_canonical();
        if is_never_asked(address) {
            return Err(Unfit::NeverAsked);
        }
        let is_loopback = address.is_loopback();
        let lists = |allowed: &Allowed| {
            // A range that is wider than loopback does not mean this machine.
            let means = !is_loopback || allowed.range.network().is_loopback();
            let has_port = allowed.port.is_none_or(|port| port == node.port());
            means && has_port && allowed.range.contains(&address)
        };
        match &self.0 {
            Some(listed) if listed.iter().any(lists) => Ok(()),
            Some(_) if !is_loopback => Err(Unfit::LeftOut),
            None if !is_loopback => Ok(()),
            Some(_) | None => Err(Unfit::Loopback),
        }
    }
}

/// The first 32 bits of the unique local addresses at which AWS serves the keys of a machine or of a
/// container (EC2 user guide, "Instance metadata"; EKS user guide, "Pod Identity").
const AWS: [u16; 2] = [0xfd00, 0x0ec2];

/// The first 96 bits of IPv6 addresses that stand for those of IPv4 (RFC 6052).
const TRANSLATED: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

/// Whether no storage node can be there. Clouds serve the metadata of a machine, with its keys, at
/// link-local addresses, and AWS at unique local addresses too.
fn is_never_asked(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast()
        }
        IpAddr::V6(v6) => {
            let parts = v6.segments();
            let [.., a, b, c, d] = v6.octets();
            v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
                || parts.starts_with(&AWS)
                || parts.starts_with(&TRANSLATED) && is_never_asked([a, b, c, d].into())
        }
    }
}

/// A range of IPv4 that is written in IPv6, as IPv4: addresses are compared so.
fn canonical(range: IpNet) -> IpNet {
    let mapped = match range.network().to_canonical() {
        IpAddr::V4(v4) if range.addr().is_ipv6() && range.prefix_len() >= MAPPED => {
            IpNet::new(v4.into(), range.prefix_len() - MAPPED)
        }
        IpAddr::V4(_) | IpAddr::V6(_) => return range,
    };
    mapped.unwrap_or(range)
}

/// The bits in front of an IPv4 address that is written in IPv6.
const MAPPED: u8 = 96;

#[cfg(test)]
mod tests {
    use super::*;
    use Unfit::{LeftOut, Loopback, NeverAsked};

    #[test]
    fn only_listed_addresses_and_never_metadata() {
        let unset = AllowedHosts::default();
        let listed: AllowedHosts = "127.0.0.1, 203.0.113.0/24".parse().expect("valid");
        let all: AllowedHosts = "0.0.0.0/0,::/0".parse().expect("valid");
        let loopback: AllowedHosts = "127.0.0.0/8,::1".parse().expect("valid");
        let mapped = "::ffff:10.0.0.7, ::ffff:192.168.1.0/120".parse().expect("valid");
        for (hosts, address, judged) in [
            (&unset, "10.0.0.7", Ok(())),
            (&unset, "8.8.8.8", Ok(())),
            (&unset, "fc00::7", Ok(())),
            (&unset, "127.0.0.1", Err(Loopback)),
            (&unset, "::1", Err(Loopback)),
            (&unset, "::ffff:127.0.0.1", Err(Loopback)),
            (&unset, "169.254.169.254", Err(NeverAsked)),
            (&unset, "255.255.255.255", Err(NeverAsked)),
            (&listed, "127.0.0.1", Ok(())),
            (&listed, "127.0.0.2", Err(Loopback)),
            (&listed, "203.0.113.9", Ok(())),
            (&listed, "::ffff:203.0.113.9", Ok(())),
            (&listed, "10.0.0.7", Err(LeftOut)),
            (&loopback, "127.1.2.3", Ok(())),
            (&loopback, "::1", Ok(())),
            (&all, "8.8.8.8", Ok(())),
            (&all, "127.0.0.1", Err(Loopback)),
            (&all, "::1", Err(Loopback)),
            (&all, "169.254.169.254", Err(NeverAsked)),
            (&all, "::ffff:169.254.169.254", Err(NeverAsked)),
            (&all, "fe80::1", Err(NeverAsked)),
            (&all, "fd00:ec2::254", Err(NeverAsked)),
            (&all, "fd00:ec2::23", Err(NeverAsked)),
            (&all, "64:ff9b::a9fe:a9fe", Err(NeverAsked)),
            (&all, "64:ff9b::a00:7", Ok(())),
            (&all, "224.0.0.1", Err(NeverAsked)),
            (&all, "ff02::1", Err(NeverAsked)),
            (&mapped, "10.0.0.7", Ok(())),
            (&mapped, "192.168.1.2", Ok(())),
            (&mapped, "192.168.2.2", Err(LeftOut)),
            (&all, "0.0.0.0", Err(NeverAsked)),
            (&all, "::", Err(NeverAsked)),
        ] {
            let node = SocketAddr::new(address.parse().expect("an address"), 7500);
            assert_eq!(hosts.judge(node), judged, "{address} by {hosts:?}");
        }
    }

    #[test]
    fn a_listed_port_is_the_only_one_of_its_address() {
        let hosts = "10.0.0.7:7500,[fc00::7]:7500,10.1.0.0/16,169.254.169.254:80,127.0.0.1:7500";
        let hosts: AllowedHosts = hosts.parse().expect("valid");
        for (node, judged) in [
            ("10.0.0.7:7500", Ok(())),
            ("10.0.0.7:22", Err(LeftOut)),
            ("10.0.0.8:7500", Err(LeftOut)),
            ("[fc00::7]:7500", Ok(())),
            ("[fc00::7]:80", Err(LeftOut)),
            ("[::ffff:10.0.0.7]:7500", Ok(())),
            ("10.1.2.3:1", Ok(())),
            ("169.254.169.254:80", Err(NeverAsked)),
            ("127.0.0.1:7500", Ok(())),
            ("127.0.0.1:80", Err(Loopback)),
        ] {
            assert_eq!(hosts.judge(node.parse().expect("an address")), judged, "{node}");
        }
    }

    #[test]
    fn names_are_no_addresses() {
        assert!("node1.example".parse::<AllowedHosts>().is_err());
        assert!("10.0.0.0/33".parse::<AllowedHosts>().is_err());
        assert!("node1.example:7500".parse::<AllowedHosts>().is_err());
        assert!("10.0.0.0/8:7500".parse::<AllowedHosts>().is_err());
        assert!("10.0.0.7:99999".parse::<AllowedHosts>().is_err());
        assert!(" , ".parse::<AllowedHosts>().is_err());
    }
}
