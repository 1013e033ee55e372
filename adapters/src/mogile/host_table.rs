//! MogileFS's table `host`: the storage nodes that MogileFS itself registers.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use async_trait::async_trait;
use domain::SourceError;
use domain::ports::IndexError;

use super::error::TrackerError;
use super::trackers::Trackers;

/// Where MogileFS's table `host` is read: the trackers, or the database.
#[async_trait]
pub trait HostTable: Send + Sync {
    /// Returns all rows, and at least one: an empty table is an error.
    async fn rows(&self) -> Result<Vec<HostRow>, HostTableError>;

    /// Says where the rows come from, for reports.
    fn origin(&self) -> String;
}

/// A row of the table as MogileFS has it. Nothing in it is checked. [`None`] is NULL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRow {
    /// The host's name, which no URL contains.
    pub hostname: Option<String>,
    /// `alive`, `readonly`, `down` or `dead`.
    pub status: Option<String>,
    /// Its address.
    pub hostip: Option<String>,
    /// Its address for clients in another network.
    pub altip: Option<String>,
    /// The port of its storage node.
    pub http_port: Option<String>,
    /// Another port, for reads alone.
    pub http_get_port: Option<String>,
}

/// The table could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostTableError {
    /// Its source cannot be reached, or is too busy. A later try may succeed.
    Unavailable {
        /// Trackers or database.
        at: String,
        /// What happened.
        cause: String,
    },
    /// Its source refuses.
    Refused {
        /// Trackers or database.
        at: String,
        /// In its own words.
        why: String,
    },
    /// The answer cannot be understood.
    BadAnswer {
        /// Trackers or database.
        at: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The storage nodes of one row. A host has up to four: two addresses with two ports each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// Its name and status, for people.
    pub(super) name: String,
    /// The nodes that may stand in a URL.
    pub(super) nodes: BTreeSet<SocketAddr>,
    /// Those of them that a tracker hands out to readers.
    pub(super) read: BTreeSet<SocketAddr>,
    /// Those that it hands out instead to readers within `altmask`.
    pub(super) read_by_altip: BTreeSet<SocketAddr>,
    /// Whether MogileFS reads from it.
    pub(super) is_read_from: bool,
    /// What in the row cannot be used.
    pub(super) unusable: Vec<String>,
}

impl Host {
    /// Reads a row. A tracker builds a replica's URL of `hostip`, or of `altip` for a client within
    /// `altmask`, and for a reader of `http_get_port`, or of `http_port` where that is NULL or 0
    /// (MogileFS-Server 2.73, `Host.pm`: `ip` and `http_get_port`; `DevFID.pm`: `_make_full_url`).
    /// Each of these addresses counts with each of these ports.
    ///
    /// The status says nothing about what may be asked. A tracker names a replica on a host that is
    /// down or dead only when it knows no other (`Query.pm`, `cmd_get_paths`: `$backup_path`). That
    /// replica may be the file's last, and its content is proven like any other.
    pub(super) fn of(row: &HostRow) -> Self {
        let mut unusable = Vec::new();
        let mut address = |column: &str, text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.is_empty())?;
            let parsed = parse_address(text);
            if parsed.is_none() {
                unusable.push(format!("{column} {} is not an address", shown(text)));
            }
            parsed
        };
        let hostip = address("hostip", &row.hostip);
        let altip = address("altip", &row.altip);
        let mut port = |column: &str, text: &Option<String>| {
            let text = text.as_deref().filter(|text| !matches!(*text, "" | "0"))?;
            let parsed = text.parse::<u16>().ok();
            if parsed.is_none() {
                unusable.push(format!("{column} {} is not a port", shown(text)));
            }
            parsed
        };
        let http = port("http_port", &row.http_port);
        let get = port("http_get_port", &row.http_get_port);

        if hostip.or(altip).is_none() {
            unusable.push("it has no address".to_owned());
        }
        if http.or(get).is_none() {
            unusable.push("it has no port".to_owned());
        }
        let nodes_at = |addresses: &[Option<IpAddr>], ports: &[Option<u16>]| {
            let mut nodes = BTreeSet::new();
            for port in ports.iter().flatten() {
                nodes.extend(addresses.iter().flatten().map(|ip| SocketAddr::new(*ip, *port)));
            }
            nodes
        };
        let status = row.status.as_deref().unwrap_or_default();
        let name = shown(row.hostname.as_deref().unwrap_or_default());
        Self {
            name: if status.is_empty() { name } else { format!("{name} ({})", cut(status)) },
            nodes: nodes_at(&[hostip, altip], &[http, get]),
            read: nodes_at(&[hostip], &[get.or(http)]),
            read_by_altip: nodes_at(&[altip], &[get.or(http)]),
            // `Host.pm`, `should_read_from`.
            is_read_from: matches!(status, "alive" | "readonly"),
            unusable,
        }
    }
}

/// An address of IPv4 or IPv6, the latter also in the brackets that a URL needs. No other text is
/// one: names are not looked up.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bracketed {
        Some(v6) => v6.parse::<Ipv6Addr>().ok()?.into(),
        None => text.parse::<IpAddr>().ok()?,
    };
    Some(address.to_canonical())
}

/// A text of the table between backticks, cut and without control characters.
fn shown(text: &str) -> String {
    format!("`{}`", cut(text))
}

fn cut(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

#[async_trait]
impl HostTable for Trackers {
    async fn rows(&self) -> Result<Vec<HostRow>, HostTableError> {
        Ok(self.get_hosts().await?)
    }

    fn origin(&self) -> String {
        format!("`get_hosts` of the trackers {}", self.addresses())
    }
}

impl From<TrackerError> for HostTableError {
    fn from(error: TrackerError) -> Self {
        match error {
            TrackerError::Refused { at, code, text } => {
                Self::Refused { at, why: format!("get_hosts: {code}: {text}") }
            }
            TrackerError::Gone { at } => Self::Refused { at, why: "get_hosts".to_owned() },
            TrackerError::BadAnswer { at, why } => {
                Self::BadAnswer { at, why: format!("get_hosts: {why}") }
            }
            TrackerError::Busy { at, code, text } => {
                Self::Unavailable { at, cause: format!("get_hosts: {code}: {text}") }
            }
            TrackerError::Unreachable { at, cause } | TrackerError::Uncertain { at, cause } => {
                Self::Unavailable { at, cause: format!("get_hosts: {cause}") }
            }
        }
    }
}

impl From<IndexError> for HostTableError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Unavailable { at, cause } => {
                Self::Unavailable { at, cause: cause.to_string() }
            }
            IndexError::Refused { at, why } => Self::Refused { at, why },
            IndexError::BadAnswer { at, why } | IndexError::UnreadableRow { at, why, .. } => {
                Self::BadAnswer { at, why }
            }
        }
    }
}

impl From<HostTableError> for SourceError {
    fn from(error: HostTableError) -> Self {
        match error {
            HostTableError::Unavailable { at, cause } => {
                Self::Unreachable { at, cause: cause.into() }
            }
            HostTableError::Refused { at, why } => Self::Refused { at, why },
            HostTableError::BadAnswer { at, why } => Self::BadAnswer { at, why },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of `hostip`, `altip`, `http_port` and `http_get_port`; `-` is NULL.
    fn host(columns: &str) -> Host {
        let column = |at: usize| {
            let text = columns.split(' ').nth(at).expect("four columns");
            (text != "-").then(|| text.to_owned())
        };
        Host::of(&HostRow {
            hostname: Some("store1".to_owned()),
            status: Some("alive".to_owned()),
            hostip: column(0),
            altip: column(1),
            http_port: column(2),
            http_get_port: column(3),
        })
    }

    fn listed(nodes: &BTreeSet<SocketAddr>) -> String {
        nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn addresses_and_ports_of_a_row_are_its_nodes() {
        for (row, nodes, read) in [
            ("10.0.0.7 - 7500 -", "10.0.0.7:7500", "10.0.0.7:7500"),
            ("10.0.0.7 - 7500 0", "10.0.0.7:7500", "10.0.0.7:7500"),
            ("10.0.0.7 - 7500 7600", "10.0.0.7:7500 10.0.0.7:7600", "10.0.0.7:7600"),
            ("10.0.0.7 - - 7600", "10.0.0.7:7600", "10.0.0.7:7600"),
            (
                "10.0.0.7 8.8.8.8 7500 7600",
                "8.8.8.8:7500 8.8.8.8:7600 10.0.0.7:7500 10.0.0.7:7600",
                "10.0.0.7:7600, or 8.8.8.8:7600",
            ),
            ("[fc00::7] - 7500 -", "[fc00::7]:7500", "[fc00::7]:7500"),
            ("fc00::7 - 7500 -", "[fc00::7]:7500", "[fc00::7]:7500"),
            ("::ffff:10.0.0.7 - 7500 -", "10.0.0.7:7500", "10.0.0.7:7500"),
        ] {
            let host = host(row);
            let by_altip = listed(&host.read_by_altip);
            let or = if by_altip.is_empty() { "" } else { ", or " };
            let read_from = format!("{}{or}{by_altip}", listed(&host.read));
            assert_eq!((&*listed(&host.nodes), &*read_from), (nodes, read), "{row}");
            assert_eq!(host.unusable, [] as [&str; 0], "{row}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named_and_the_rest_counts() {
        for (row, nodes, words) in [
            ("- - 7500 -", "", "it has no address"),
            ("store1 - 7500 -", "", "hostip `store1` is not an address, it has no address"),
            ("[10.0.0.7] - 7500 -", "", "hostip `[10.0.0.7]` is not an address, it has no address"),
            ("10.0.0.7 - - -", "", "it has no port"),
            ("10.0.0.7 - -1 -", "", "http_port `-1` is not a port, it has no port"),
            ("10.0.0.7 ? 7500 -", "10.0.0.7:7500", "altip `?` is not an address"),
            ("\u{7} 10.0.0.7 7500 -", "10.0.0.7:7500", "hostip `\\u{7}` is not an address"),
            ("10.0.0.7 - 7500 16777215", "10.0.0.7:7500", "http_get_port `16777215` is not a port"),
        ] {
            let host = host(row);
            assert_eq!(
                (&*listed(&host.nodes), &*host.unusable.join(", ")),
                (nodes, words),
                "{row}"
            );
        }
    }

    #[test]
    fn mogilefs_reads_from_hosts_that_are_alive_or_readonly() {
        for (status, name, is_read_from) in [
            (Some("alive"), "`store1` (alive)", true),
            (Some("readonly"), "`store1` (readonly)", true),
            (Some("down"), "`store1` (down)", false),
            (Some("dead"), "`store1` (dead)", false),
            (Some(""), "`store1`", false),
            (None, "`store1`", false),
        ] {
            let host = Host::of(&HostRow {
                hostname: Some("store1".to_owned()),
                status: status.map(str::to_owned),
                ..HostRow::default()
            });
            assert_eq!((&*host.name, host.is_read_from), (name, is_read_from), "{status:?}");
        }
    }
}
