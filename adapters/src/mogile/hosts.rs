//! Which storage nodes may be asked: URLs from a tracker are data.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The addresses that may be asked for content. Link-local addresses (where clouds serve their
/// metadata) never are, whatever is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts(Vec<Allowed>);

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

impl Default for AllowedHosts {
    /// The private ranges of RFC 1918 and RFC 4193. Loopback is not among them: on a machine of
    /// its own that would be the machine's own services.
    fn default() -> Self {
        let ranges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
        let ranges = ranges.iter().filter_map(|range| range.parse().ok());
        Self(ranges.map(|range| Allowed { range, port: None }).collect())
    }
}

impl std::str::FromStr for AllowedHosts {
    type Err = AllowedHostsError;

    /// Addresses, with or without a port, and ranges, separated by commas.
    fn from_str(text: &str) -> Result<Self, AllowedHostsError> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| {
                if let Ok(node) = entry.parse::<SocketAddr>() {
                    let port = Some(node.port());
                    return Ok(Allowed { range: node.ip().into(), port });
                }
                let range = entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
                let range = range.map_err(|_| AllowedHostsError(entry.to_owned()))?;
                Ok(Allowed { range, port: None })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl AllowedHosts {
    /// Whether a storage node at this address and port may be asked.
    #[must_use]
    pub fn allow(&self, node: SocketAddr) -> bool {
        let address = node.ip().to_canonical();
        let never = match address {
            IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast(),
            IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified(),
        };
        // AWS serves instance metadata at this unique local address too.
        let metadata = "fd00:ec2::254".parse() == Ok(address);
        let is_listed = |allowed: &Allowed| {
            allowed.range.contains(&address) && allowed.port.is_none_or(|port| port == node.port())
        };
        !never && !metadata && self.0.iter().any(is_listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_addresses_and_never_metadata() {
        let private = AllowedHosts::default();
        let listed: AllowedHosts = "127.0.0.1, 203.0.113.0/24".parse().expect("valid");
        let all: AllowedHosts = "0.0.0.0/0,::/0".parse().expect("valid");
        for (hosts, address, allowed) in [
            (&private, "10.0.0.7", true),
            (&private, "172.31.255.255", true),
            (&private, "::ffff:192.168.1.1", true),
            (&private, "127.0.0.1", false),
            (&private, "8.8.8.8", false),
            (&listed, "127.0.0.1", true),
            (&listed, "127.0.0.2", false),
            (&listed, "203.0.113.9", true),
            (&listed, "10.0.0.7", false),
            (&all, "169.254.169.254", false),
            (&all, "::ffff:169.254.169.254", false),
            (&all, "fe80::1", false),
            (&all, "fd00:ec2::254", false),
            (&all, "0.0.0.0", false),
            (&all, "8.8.8.8", true),
        ] {
            let node = SocketAddr::new(address.parse().expect("an address"), 7500);
            assert_eq!(hosts.allow(node), allowed, "{address} by {hosts:?}");
        }
    }

    #[test]
    fn a_listed_port_is_the_only_one_of_its_address() {
        let hosts = "10.0.0.7:7500,[fc00::7]:7500,10.1.0.0/16,169.254.169.254:80".parse();
        let hosts: AllowedHosts = hosts.expect("valid");
        for (node, allowed) in [
            ("10.0.0.7:7500", true),
            ("10.0.0.7:22", false),
            ("10.0.0.8:7500", false),
            ("[fc00::7]:7500", true),
            ("[fc00::7]:80", false),
            ("[::ffff:10.0.0.7]:7500", true),
            ("10.1.2.3:1", true),
            ("169.254.169.254:80", false),
        ] {
            assert_eq!(hosts.allow(node.parse().expect("an address")), allowed, "{node}");
        }
    }

    #[test]
    fn names_are_no_addresses() {
        assert!("node1.example".parse::<AllowedHosts>().is_err());
        assert!("10.0.0.0/33".parse::<AllowedHosts>().is_err());
        assert!("node1.example:7500".parse::<AllowedHosts>().is_err());
        assert!("10.0.0.0/8:7500".parse::<AllowedHosts>().is_err());
        assert!("10.0.0.7:99999".parse::<AllowedHosts>().is_err());
    }
}
