//! What can be another way on one server than on the next.

use std::time::{SystemTime, UNIX_EPOCH};

/// How a server is set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerOptions {
    /// Seconds by which its clock is ahead of this machine's; below zero it is behind.
    pub clock_ahead_seconds: i64,
    /// What `SHOW GRANTS` says of the account, a line each. Where there is none, the account may do
    /// everything. No statement is refused by them.
    pub grants: Vec<String>,
    /// Whether MogileFS's fids are described as `INT UNSIGNED`, as older installations have them.
    pub narrow_fids: bool,
    /// Statements of others that `SHOW GLOBAL STATUS` counts as under way.
    pub other_threads_running: u64,
    /// Which of several servers it is: `server_id` is one more, and `server_uuid` ends in it.
    pub number: u8,
}

impl ServerOptions {
    /// The variables that tell it from another server.
    pub(super) fn ids(&self) -> [(&'static str, String); 2] {
        let uuid = format!("5e57e4aa-0000-4000-8000-0000000000{:02x}", self.number);
        [("server_id", (u16::from(self.number) + 1).to_string()), ("server_uuid", uuid)]
    }

    /// The server's time, in seconds since 1970.
    pub(super) fn seconds(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        i64::try_from(now).unwrap_or(i64::MAX).saturating_add(self.clock_ahead_seconds)
    }
}
