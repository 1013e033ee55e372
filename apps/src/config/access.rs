//! Who reads the buckets after the migration.

use clap::{Args, ValueEnum};
use domain::blueprint::AccessProfile;

/// Who reads the buckets after the migration.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessSettings {
    /// Who may read the buckets, and whether writes may carry ACLs. `provision` has no default;
    /// `doctor` compares the buckets with it, and with `contentrepo-legacy` `doctor` and `plan` check
    /// what a stock contentrepo needs
    #[arg(long, env = "ACCESS_PROFILE", value_enum, value_name = "PROFILE")]
    pub access_profile: Option<Profile>,
}

/// `ACCESS_PROFILE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Only holders of AWS keys read files; writes carry no ACLs
    Private,
    /// Anybody may read files by their SHA-1, and nothing else; writes may carry ACLs. A stock
    /// contentrepo needs more than that (docs/OPERATING.md)
    ContentrepoLegacy,
    /// Anybody may read files by their SHA-1, and nothing else; writes carry no ACLs
    PublicPolicy,
}

impl AccessSettings {
    /// The profile, where it is given.
    #[must_use]
    pub fn profile(&self) -> Option<AccessProfile> {
        self.access_profile.map(AccessProfile::from)
    }
}

impl From<Profile> for AccessProfile {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Private => Self::Private,
            Profile::ContentrepoLegacy => Self::ContentrepoLegacy,
            Profile::PublicPolicy => Self::PublicPolicy,
        }
    }
}
