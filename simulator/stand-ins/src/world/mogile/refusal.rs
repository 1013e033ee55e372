//! The tracker's `ERR` answers, word by word.

use std::fmt;

use super::ids::DeviceId;

/// Why the tracker does not do as it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The command is none.
    UnknownCommand,
    /// No domain was given.
    NoDomain,
    /// The domain is not registered.
    UnregisteredDomain,
    /// No key was given.
    NoKey,
    /// No file has that key.
    UnknownKey,
    /// `list_keys` found nothing.
    NoneMatch,
    /// `list_keys` was to go on after a key without the prefix.
    AfterMismatch,
    /// `rename` to a key that another file has.
    KeyExists,
    /// `create_open` with a class that is not registered.
    UnregisteredClass,
    /// `updateclass` without a class.
    NoClass,
    /// `updateclass` to a class that is not registered.
    ClassNotFound,
    /// `updateclass` of a key that no file has.
    InvalidKey,
    /// The database refuses what it was given, as a fid that is no number.
    Database,
    /// `create_open` with a fid that is taken.
    FidInUse,
    /// `create_open` while no device takes files.
    NoDevices,
    /// `create_close` without a fid.
    NoFid,
    /// `create_close` without a device.
    NoDevice,
    /// `create_close` without a path.
    NoPath,
    /// `create_close` with another path than that fid's on that device.
    BogusArguments,
    /// `create_close` of what is not open, or no longer.
    NoTempFile,
    /// `create_close` with a device that was not offered.
    InvalidDestination {
        /// The device named.
        given: DeviceId,
        /// The devices that were offered.
        offered: Vec<DeviceId>,
    },
    /// `create_close` with another size than the replica's.
    SizeMismatch {
        /// As the client said.
        expected: u64,
        /// As on the device.
        actual: u64,
        /// The replica's URL.
        path: String,
    },
    /// `create_close` of a replica that is not there.
    SizeVerifyError {
        /// As the client said, if it did.
        expected: Option<u64>,
        /// The replica's URL.
        path: String,
    },
    /// What a tracker says of any trouble of its own: its database is down, a row names a domain
    /// or class that is not registered.
    Failure,
}

impl Refusal {
    /// The first word after `ERR`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownCommand => "unknown_command",
            Self::NoDomain => "no_domain",
            Self::UnregisteredDomain => "unreg_domain",
            Self::NoKey => "no_key",
            Self::UnknownKey => "unknown_key",
            Self::NoneMatch => "none_match",
            Self::AfterMismatch => "after_mismatch",
            Self::KeyExists => "key_exists",
            Self::UnregisteredClass => "unreg_class",
            Self::NoClass => "no_class",
            Self::ClassNotFound => "class_not_found",
            Self::InvalidKey => "invalid_key",
            Self::Database => "db",
            Self::FidInUse => "fid_in_use",
            Self::NoDevices => "no_devices",
            Self::NoFid => "no_fid",
            Self::NoDevice => "no_devid",
            Self::NoPath => "no_path",
            Self::BogusArguments => "bogus_args",
            Self::NoTempFile => "no_temp_file",
            Self::InvalidDestination { .. } => "invalid_destdev",
            Self::SizeMismatch { .. } => "size_mismatch",
            Self::SizeVerifyError { .. } => "size_verify_error",
            Self::Failure => "failure",
        }
    }

    /// The text after the code, before its encoding.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others' text is looked up by code")]
    pub fn text(&self) -> String {
        match self {
            Self::InvalidDestination { given, offered } => {
                let offered: Vec<String> = offered.iter().map(ToString::to_string).collect();
                format!(
                    "File uploaded to invalid dest {given}. Valid devices were: {}",
                    offered.join(",")
                )
            }
            Self::SizeMismatch { expected, actual, path } => {
                format!("Expected: {expected}; actual: {actual}; path: {path}")
            }
            Self::SizeVerifyError { expected, path } => {
                let expected = expected.map_or_else(|| "-1".to_owned(), |size| size.to_string());
                format!("Expected: {expected}; actual: 0 (missing); path: {path}; error: ")
            }
            other => text_of(other.code()).to_owned(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the tracker refused: {} ({})", self.code(), self.text())
    }
}

impl std::error::Error for Refusal {}

/// The text that the tracker sends with a code; the code itself where it has none.
#[must_use]
pub fn text_of(code: &str) -> &str {
    match code {
        "after_mismatch" => "Pattern does not match the after-value?",
        "bad_params" => "Invalid parameters to command; please see documentation",
        "class_not_found" => "Class not found",
        "db" => "Database error",
        "failure" => "Operation failed",
        "key_exists" => "Target key name already exists; can't overwrite.",
        "no_class" => "No class provided",
        "no_devices" => "No devices found to store file",
        "no_domain" => "No domain provided",
        "no_temp_file" => "No tempfile or file already closed",
        "none_match" => "No keys match that pattern and after-value (if any).",
        "unknown_command" => "Unknown server command",
        "unreg_domain" => "Domain name invalid/not found",
        code => code,
    }
}
