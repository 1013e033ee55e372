//! What can be wrong with a reference.

use crate::named::named;

/// What is wrong with a row of contentrepo's `objects` or rhino's `articleFile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// The row has no object, and MogileFS has the file: it is not migrated, or its object went.
    ByMigration,
    /// The row has no object, MogileFS has no such file either, and nothing shows that S3 ever had it.
    Before,
    /// The row has no object and MogileFS has no such file, but S3 had it: the ledger has a record of it, or
    /// the row is newer than MogileFS's last file.
    Lost,
    /// The row has no object, and MogileFS does not show the file. Evidence lacks that it was so before.
    Undecided,
    /// The row has no object, and its file is accepted by name.
    Accepted,
    /// The row has no object, and MogileFS was not asked.
    Missing,
    /// The object has another size than the row, and nothing shows that its content is the right one.
    WrongObject,
    /// The object is in an archive: no reader gets it.
    Archived,
    /// S3 did not give what had to be looked at.
    Unseen,
    /// The object's content is the right one, and the row has another size.
    WrongSize,
    /// The column `checksum` has no SHA-1.
    NoChecksum,
    /// The column `checksum` has its SHA-1 in capitals or with white space. contentrepo asks S3 for the column
    /// as it is, and S3 has no such key; MogileFS found it, because its keys are compared without case.
    OtherKey,
    /// The row's bucket is NULL, or has no row in the table `buckets`.
    NoBucket,
    /// The row's bucket is neither in `BUCKETS` nor in `IGNORE_BUCKETS`.
    UnmappedBucket,
    /// The column `status` has none of the numbers that contentrepo knows.
    UnknownStatus,
    /// rhino's row names a row that contentrepo does not have.
    NoRow,
    /// rhino's row names a row that contentrepo has purged.
    Purged,
    /// A column by which rhino's row names one of contentrepo is NULL.
    NullColumn,
    /// rhino's row names a row of contentrepo that is one of the above.
    NoObject,
}

named!(Broken {
    ByMigration = "broken-by-migration",
    Before = "broken-before",
    Lost = "lost",
    Undecided = "undecided",
    Accepted = "accepted",
    Missing = "missing",
    WrongObject = "wrong-object",
    Archived = "archived",
    Unseen = "unseen",
    WrongSize = "wrong-size",
    NoChecksum = "no-checksum",
    OtherKey = "other-key",
    NoBucket = "no-bucket",
    UnmappedBucket = "unmapped-bucket",
    UnknownStatus = "unknown-status",
    NoRow = "no-row",
    Purged = "purged",
    NullColumn = "null-column",
    NoObject = "no-object",
});

impl Broken {
    /// Whether it was so before the migration, which could not mend it: nothing that was migrated
    /// changes these columns.
    #[must_use]
    pub const fn is_of_before(self) -> bool {
        match self {
            Self::Before
            | Self::WrongSize
            | Self::NoChecksum
            | Self::NoBucket
            | Self::UnknownStatus
            | Self::NoRow
            | Self::Purged
            | Self::NullColumn => true,
            Self::ByMigration
            | Self::Lost
            | Self::Undecided
            | Self::Accepted
            | Self::Missing
            | Self::WrongObject
            | Self::Archived
            | Self::Unseen
            | Self::OtherKey
            | Self::UnmappedBucket
            | Self::NoObject => false,
        }
    }

    /// Whether it stands in no one's way: an operator has decided about the file, or contentrepo's row
    /// counts already.
    #[must_use]
    pub const fn is_a_note(self) -> bool {
        matches!(self, Self::Accepted | Self::NoObject)
    }

    /// Whether it could not be judged, so that the comparison is not complete.
    #[must_use]
    pub const fn is_not_judged(self) -> bool {
        matches!(self, Self::Unseen | Self::Undecided)
    }

    /// Whether `migrate` may mend it.
    #[must_use]
    pub const fn is_mended_by_migrate(self) -> bool {
        matches!(self, Self::ByMigration | Self::WrongObject)
    }
}
