//! The twelve steps of the runbook.

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// A step of the runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Make what is needed, and check every system.
    Build,
    /// Bring raw copies to S3 before the migration.
    Sync,
    /// Remove or correct what cannot be migrated.
    BadData,
    /// Migrate while ingest goes on.
    Migrate,
    /// Stop all writes.
    StopIngest,
    /// Migrate what came since.
    MigrateAgain,
    /// Prove every file.
    Verify,
    /// Prepare the clients' configuration.
    ConfigureClients,
    /// Change the bucket names in the clients' databases.
    CutOver,
    /// Keep `MogileFS` readable.
    KeepMogile,
    /// Read through the applications.
    Test,
    /// Let clients write again.
    EnableIngest,
}

/// Who does a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// A command of this program.
    Command,
    /// People.
    People,
    /// People, and a command that looks at what they did.
    Both,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Self; 12] = [
        Self::Build,
        Self::Sync,
        Self::BadData,
        Self::Migrate,
        Self::StopIngest,
        Self::MigrateAgain,
        Self::Verify,
        Self::ConfigureClients,
        Self::CutOver,
        Self::KeepMogile,
        Self::Test,
        Self::EnableIngest,
    ];

    /// The number of the step: 1 to 12.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The step with this number.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.number() == number)
    }

    /// What is done in it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Build => "build and configure",
            Self::Sync => "bring raw copies",
            Self::BadData => "remove or fix bad data",
            Self::Migrate => "migrate at scale",
            Self::StopIngest => "stop ingest",
            Self::MigrateAgain => "migrate again",
            Self::Verify => "verify",
            Self::ConfigureClients => "configure the clients",
            Self::CutOver => "update the databases",
            Self::KeepMogile => "keep MogileFS readable",
            Self::Test => "test",
            Self::EnableIngest => "enable ingest again",
        }
    }

    /// Who does it.
    #[must_use]
    pub const fn actor(self) -> Actor {
        match self {
            Self::Build
            | Self::Sync
            | Self::Migrate
            | Self::MigrateAgain
            | Self::Verify
            | Self::CutOver
            | Self::Test => Actor::Command,
            Self::BadData | Self::StopIngest | Self::ConfigureClients => Actor::Both,
            Self::KeepMogile | Self::EnableIngest => Actor::People,
        }
    }

    /// Whether a migration may go without it.
    #[must_use]
    pub const fn is_optional(self) -> bool {
        matches!(self, Self::Sync | Self::BadData)
    }

    /// The commands whose evidence alone proves the step, in their order; empty for a step that people confirm.
    #[must_use]
    pub const fn proven_by(self) -> &'static [&'static str] {
        match self {
            Self::Build => &["doctor"],
            Self::Migrate | Self::MigrateAgain => &["migrate"],
            Self::Verify => &["verify", "audit"],
            Self::CutOver => &["cutover contentrepo", "cutover rhino"],
            Self::Test => &["smoke"],
            Self::Sync
            | Self::BadData
            | Self::StopIngest
            | Self::ConfigureClients
            | Self::KeepMogile
            | Self::EnableIngest => &[],
        }
    }

    /// The name of the evidence by which people confirm it.
    #[must_use]
    pub fn confirmation(self) -> String {
        format!("done {}", self.number())
    }

    /// How to go back from it.
    #[must_use]
    pub const fn way_back(self) -> &'static str {
        match self {
            Self::Build | Self::Verify => "nothing to take back: it changes no file",
            Self::Sync => "the raw copies may stay; they are deleted when all is over",
            Self::BadData => {
                "a corrected key and a deleted upload stay so; an accepted file is required again by `audit \
                 accept --end`"
            }
            Self::Migrate | Self::MigrateAgain => {
                "nothing to take back: MogileFS is not changed, and clients do not read from S3 yet"
            }
            Self::StopIngest => {
                "let clients write again: the freeze is broken then, and steps 5 to 7 come again"
            }
            Self::ConfigureClients => {
                "put the old files back, before a client is started with the new ones"
            }
            Self::CutOver | Self::KeepMogile | Self::Test => {
                "rhino first, then contentrepo: `cutover rhino --revert --execute`, `cutover contentrepo \
                 --revert --execute`"
            }
            Self::EnableIngest => {
                "the same two commands; what was ingested meanwhile is in S3 only, and `--leave-behind FILE` \
                 lists it"
            }
        }
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("Step", 4)?;
        fields.serialize_field("step", &self.number())?;
        fields.serialize_field("name", self.name())?;
        fields.serialize_field("actor", &self.actor())?;
        fields.serialize_field("optional", &self.is_optional())?;
        fields.end()
    }
}
