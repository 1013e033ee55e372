//! The ids by which one database server differs from another that is reached by the same name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The ids that a MySQL or MariaDB server has, as far as it has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerIds {
    /// `@@server_id`, which an operator gives it for replication. Servers without replication often have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_id: Option<String>,
    /// `@@server_uuid`, which a server makes for itself at its first start (MySQL 5.6 and later: MySQL reference,
    /// "Replication and Binary Logging Options and Variables"). MariaDB has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_uuid: Option<String>,
}

impl ServerIds {
    /// Whether both can be the ids of one server. An id that one of them lacks says nothing. Where both have a UUID
    /// it decides alone, because `server_id` is a setting.
    #[must_use]
    pub fn may_be_of_one(&self, other: &Self) -> bool {
        let is_same = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => Some(one == other),
            (None, _) | (_, None) => None,
        };
        is_same(&self.server_uuid, &other.server_uuid)
            .or_else(|| is_same(&self.server_id, &other.server_id))
            .unwrap_or(true)
    }
}

impl fmt::Display for ServerIds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.server_id, &self.server_uuid) {
            (Some(id), Some(uuid)) => write!(out, "server_id {id}, server_uuid {uuid}"),
            (Some(id), None) => write!(out, "server_id {id}"),
            (None, Some(uuid)) => write!(out, "server_uuid {uuid}"),
            (None, None) => out.write_str("no known id"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `server_id` and `server_uuid` of two servers, `-` where one has none; then whether they may be one server.
    #[test]
    fn a_uuid_decides_and_what_is_lacking_says_nothing() {
        let ids = |id: &str, uuid: &str| {
            let known = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
            ServerIds { server_id: known(id), server_uuid: known(uuid) }
        };
        for (one, other, expected) in [
            (("1", "a"), ("1", "a"), true),
            (("1", "a"), ("2", "a"), true),
            (("1", "a"), ("1", "b"), false),
            (("1", "-"), ("1", "-"), true),
            (("1", "-"), ("2", "-"), false),
            (("1", "a"), ("2", "-"), false),
            (("1", "a"), ("-", "-"), true),
            (("-", "a"), ("1", "-"), true),
        ] {
            let (one, other) = (ids(one.0, one.1), ids(other.0, other.1));
            assert_eq!(one.may_be_of_one(&other), expected, "{one}; {other}");
            assert_eq!(other.may_be_of_one(&one), expected, "{other}; {one}");
        }
    }
}
