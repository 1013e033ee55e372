//! Where a replica is: URLs from a tracker are data.

use std::net::{IpAddr, SocketAddr};

use domain::{Fid, SourceError};

/// The port of a URL that names none.
const HTTP_PORT: u16 = 80;

/// The parts of a replica's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location {
    /// The storage node.
    pub(super) node: SocketAddr,
    /// The fid that the path belongs to.
    pub(super) fid: Fid,
}

/// Why a URL is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    NotAReplica,
    OtherFid,
    NotRegistered,
    LeftOut,
    Loopback,
    NeverAsked,
}

impl Unfit {
    /// The failure of a replica with this URL.
    pub(super) fn of(self, at: String) -> SourceError {
        let why = self.why().to_owned();
        match self {
            Self::NotAReplica | Self::OtherFid => SourceError::BadAnswer { at, why },
            Self::NotRegistered | Self::NeverAsked => {
                SourceError::NotAsked { at, why, by_settings: false }
            }
            Self::LeftOut | Self::Loopback => SourceError::NotAsked { at, why, by_settings: true },
        }
    }

    /// The reason, and what to do where the operator can do something.
    pub(super) const fn why(self) -> &'static str {
        match self {
            Self::NotAReplica => "not the URL of a replica: http://ADDRESS:PORT/devN/….fid",
            Self::OtherFid => "the path of another fid",
            Self::NotRegistered => {
                "MogileFS registers no storage node at this address and port: if it is one, register \
                 it there (`mogadm host list` shows the table)"
            }
            Self::LeftOut => {
                "MOGILE_STORAGE_HOSTS leaves this storage node out: add its address there"
            }
            Self::Loopback => {
                "a loopback address is asked only where MOGILE_STORAGE_HOSTS names it: add it there \
                 if the storage node runs on this machine"
            }
            Self::NeverAsked => {
                "no storage node can be at a link-local, metadata, multicast, unspecified or broadcast \
                 address, so it is never asked: correct it in MogileFS's table `host`"
            }
        }
    }
}

impl Location {
    /// Takes `http://ADDRESS[:PORT]/devN/{a fid's path}` apart; it must be that to the letter.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let (authority, path) = url.strip_prefix("http://")?.split_once('/')?;
        let (device, path) = path.split_once('/')?;
        let number = device.strip_prefix("dev")?;
        if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        Some(Self { node: address_of(authority)?, fid: Fid::from_path(path)? })
    }

    /// The storage node of a URL, where that is one of this file's replicas.
    pub(super) fn node_of(url: &str, fid: Fid) -> Result<SocketAddr, Unfit> {
        let location = Self::parse(url).ok_or(Unfit::NotAReplica)?;
        if location.fid == fid { Ok(location.node) } else { Err(Unfit::OtherFid) }
    }
}

/// The address of `ADDRESS` or `ADDRESS:PORT`, one of IPv6 in brackets. Names are none: MogileFS
/// keeps addresses in its `host` table.
fn address_of(authority: &str) -> Option<SocketAddr> {
    if let Ok(with_port) = authority.parse() {
        return Some(with_port);
    }
    let bracketed = authority.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let ip = match bracketed {
        Some(v6) => IpAddr::V6(v6.parse().ok()?),
        None => IpAddr::V4(authority.parse().ok()?),
    };
    Some(SocketAddr::new(ip, HTTP_PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fids_own_path_on_an_address() {
        let node = |text: &str| Ok(text.parse().expect("an address"));
        let path = "dev3/0/564/879/0564879786.fid";
        for (url, judged) in [
            (format!("http://10.0.0.7:7500/{path}"), node("10.0.0.7:7500")),
            (format!("http://10.0.0.7/{path}"), node("10.0.0.7:80")),
            (format!("http://[fc00::7]:7500/{path}"), node("[fc00::7]:7500")),
            (format!("http://[fc00::7]/{path}"), node("[fc00::7]:80")),
            (format!("http://fc00::7/{path}"), Err(Unfit::NotAReplica)),
            (format!("http://[10.0.0.7]/{path}"), Err(Unfit::NotAReplica)),
            (format!("https://10.0.0.7:7500/{path}"), Err(Unfit::NotAReplica)),
            (format!("file:///{path}"), Err(Unfit::NotAReplica)),
            (format!("http://10.0.0.7:7500/{path}?x=1"), Err(Unfit::NotAReplica)),
            (format!("http://10.0.0.7:7500/{path}#x"), Err(Unfit::NotAReplica)),
            (format!("http://10.0.0.7:7500//{path}"), Err(Unfit::NotAReplica)),
            (format!("http://10.0.0.7:7500/dev/../{path}"), Err(Unfit::NotAReplica)),
            (format!("http://u:p@10.0.0.7:7500/{path}"), Err(Unfit::NotAReplica)),
            (format!("http://10.0.0.7:99999/{path}"), Err(Unfit::NotAReplica)),
            (format!("http://storage1:7500/{path}"), Err(Unfit::NotAReplica)),
            (format!("http://167772167:7500/{path}"), Err(Unfit::NotAReplica)),
            ("http://10.0.0.7:7500/latest/meta-data".to_owned(), Err(Unfit::NotAReplica)),
            ("http://169.254.169.254/latest/meta-data/".to_owned(), Err(Unfit::NotAReplica)),
            ("http://10.0.0.7:7500/dev3/0/000/000/0000000001.fid".to_owned(), Err(Unfit::OtherFid)),
        ] {
            assert_eq!(Location::node_of(&url, Fid(564_879_786)), judged, "{url}");
        }
    }
}
