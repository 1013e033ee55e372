use serde::Serialize;

/// What became of one setting of one thing, or of the thing as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The thing: `bucket corpus-prod`.
    pub thing: String,
    /// The setting; none for the thing as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<&'static str>,
    /// What became of it.
    pub outcome: Outcome,
    /// How it is, what differs, what to do.
    pub detail: String,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was there, as it must be.
    Found,
    /// It was made.
    Made,
    /// It was changed.
    Changed,
    /// It is missing, and a run that may write would make it.
    WouldMake,
    /// A run that may write would change it.
    WouldChange,
    /// It is otherwise, and was left so.
    Left,
    /// It was refused.
    Refused,
    /// It could not be reached, or was not ready in time.
    Unreachable,
}

impl Outcome {
    /// Whether somebody has to look at it.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        matches!(self, Self::Left | Self::Refused | Self::Unreachable)
    }
}
