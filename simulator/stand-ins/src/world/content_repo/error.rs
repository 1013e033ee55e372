//! Why contentrepo refuses, by its own codes.

/// A refusal. Its text is the `message` of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RepoRefusal {
    /// The store or the database failed. A missing object of S3 is one of these.
    #[error("Server error")]
    ServerError,
    /// No row has this key and this filter.
    #[error("Object not found")]
    ObjectNotFound,
    /// There is no such bucket.
    #[error("Bucket not found")]
    BucketNotFound,
    /// MogileFS has no file of this key.
    #[error("The content of the object was not found")]
    ContentNotFound,
    /// The request names no bucket.
    #[error("No bucket entered")]
    NoBucketEntered,
    /// The request names no key.
    #[error("No object key entered")]
    NoKeyEntered,
    /// The request does not say whether the object is new.
    #[error("No creation method entered")]
    NoCreationMethod,
    /// The request says it in another word.
    #[error("Invalid creation method")]
    InvalidCreationMethod,
    /// The content is empty.
    #[error("Object data must be non-empty")]
    ObjectDataEmpty,
    /// A deletion names no version.
    #[error("At least one of the filters is required")]
    NoFilterEntered,
    /// The uuid is none.
    #[error("The uuid format is invalid. ")]
    InvalidUuid,
    /// A new object has the key of another one.
    #[error("Can not create an object with a key that already exists")]
    KeyIsUsed,
    /// A new version has no older one.
    #[error("Can not version an object that does not exist")]
    NoOriginal,
    /// The request has no file.
    #[error("No file data entered")]
    NoFileEntered,
}

impl RepoRefusal {
    /// The `repoErrorCode` of the answer.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::ServerError => 0,
            Self::ObjectNotFound => 1,
            Self::BucketNotFound => 2,
            Self::ContentNotFound => 5,
            Self::NoBucketEntered => 10,
            Self::NoKeyEntered => 11,
            Self::NoCreationMethod => 13,
            Self::InvalidCreationMethod => 14,
            Self::ObjectDataEmpty => 19,
            Self::NoFilterEntered => 23,
            Self::InvalidUuid => 27,
            Self::KeyIsUsed => 31,
            Self::NoOriginal => 32,
            Self::NoFileEntered => 38,
        }
    }

    /// The status of the answer (contentrepo's `ObjectController.handleError`).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::ObjectNotFound | Self::BucketNotFound => 404,
            Self::ServerError | Self::NoFileEntered => 500,
            Self::ContentNotFound
            | Self::NoBucketEntered
            | Self::NoKeyEntered
            | Self::NoCreationMethod
            | Self::InvalidCreationMethod
            | Self::ObjectDataEmpty
            | Self::NoFilterEntered
            | Self::InvalidUuid
            | Self::KeyIsUsed
            | Self::NoOriginal => 400,
        }
    }
}

impl From<rusqlite::Error> for RepoRefusal {
    fn from(_: rusqlite::Error) -> Self {
        Self::ServerError
    }
}
