use std::fmt;

use serde::Serialize;

/// Why an intermediary stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptIntermediary {
    /// MogileFS has no row of its fid any more. It may have the only bytes of some content.
    NoRow,
    /// The index cannot give the row of its fid.
    UnreadableRow,
    /// The row of its fid is of no file that migrates.
    NoFile,
    /// The file of its fid belongs into another bucket.
    OtherBucket,
    /// The ledger has no proof of the file with today's bucket and SHA-1, or a verification doubts it.
    Unproven,
    /// The final object is not there, or has another SHA-1, though the ledger has a proof.
    NoFinalObject,
    /// It has another length than the final object: it is no raw copy of this file.
    OtherLength,
    /// Something else was written to its key since it was listed.
    Replaced,
    /// S3 gave no answer to the deletion: it may be gone.
    Unsure,
}

impl KeptIntermediary {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::NoRow,
        Self::UnreadableRow,
        Self::NoFile,
        Self::OtherBucket,
        Self::Unproven,
        Self::NoFinalObject,
        Self::OtherLength,
        Self::Replaced,
        Self::Unsure,
    ];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoRow => "no-row",
            Self::UnreadableRow => "unreadable-row",
            Self::NoFile => "no-file",
            Self::OtherBucket => "other-bucket",
            Self::Unproven => "unproven",
            Self::NoFinalObject => "no-final-object",
            Self::OtherLength => "other-length",
            Self::Replaced => "replaced",
            Self::Unsure => "unsure",
        }
    }
}

impl fmt::Display for KeptIntermediary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
