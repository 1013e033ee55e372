//! The systems that a migration needs, and what the end of a file says of them.

use crate::{ReasonKind, Route};

/// A system that all files, or many, need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    /// MogileFS's trackers.
    Trackers,
    /// Its storage nodes.
    StorageNodes,
    /// Amazon S3.
    S3,
    /// The tables in DynamoDB.
    Tables,
    /// The index, by the trackers or by the database.
    Index,
    /// The queue of jobs.
    Queue,
}

impl System {
    /// The systems that were reached for a file that was proven this way.
    #[must_use]
    pub const fn reached_by(route: Option<Route>) -> &'static [Self] {
        match route {
            Some(Route::Mogile) => &[Self::Trackers, Self::StorageNodes, Self::S3],
            Some(Route::Copy) | None => &[Self::S3],
        }
    }

    /// What a failure of this kind says: the system that could not be reached, if it was one, and
    /// those that were.
    #[must_use]
    pub const fn met_by(kind: ReasonKind) -> (Option<Self>, &'static [Self]) {
        match kind {
            ReasonKind::SourceUnreachable => (Some(Self::Trackers), &[]),
            ReasonKind::ReplicasUnreachable => (Some(Self::StorageNodes), &[Self::Trackers]),
            ReasonKind::StoreUnreachable => (Some(Self::S3), &[]),
            ReasonKind::LedgerUnavailable => (Some(Self::Tables), &[]),
            ReasonKind::IndexUnreadable => (Some(Self::Index), &[]),
            ReasonKind::QueueUnavailable => (Some(Self::Queue), &[]),
            ReasonKind::SourceRefused | ReasonKind::KeyUnknown => (None, &[Self::Trackers]),
            ReasonKind::NoReplica | ReasonKind::WrongContent => {
                (None, &[Self::Trackers, Self::StorageNodes])
            }
            ReasonKind::WrongObject
            | ReasonKind::Contended
            | ReasonKind::StoreDenied
            | ReasonKind::NoBucket
            | ReasonKind::StoreRefused
            | ReasonKind::NoIntermediary
            | ReasonKind::Missing => (None, &[Self::S3]),
            // Both were asked, and answered.
            ReasonKind::NoRecord | ReasonKind::OtherRecord => (None, &[Self::S3, Self::Tables]),
            ReasonKind::TypesAndNames
            | ReasonKind::References
            | ReasonKind::BadMessage
            | ReasonKind::BadJob
            | ReasonKind::OtherSettings
            | ReasonKind::NotStarted
            | ReasonKind::Killed => (None, &[]),
        }
    }
}
