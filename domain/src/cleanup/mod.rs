//! The clean-up of MogileFS's index: unfinished uploads, which no reader asks for, and keys that name
//! other content than their files have.

mod control;
mod deciding;
mod deleting;
mod deletion;
mod elsewhere;
mod gate;
mod listing;
pub(crate) mod look;
mod newest;
mod references;
mod rekey;
pub(crate) mod replicas;
pub(crate) mod stop;
mod temporary;
pub(crate) mod witness;

pub use deletion::{Deletion, DeletionPlan, Mode, Refused, TemporaryPorts, delete_temporary};
pub use gate::CleanupRefusal;
pub use listing::{Listing, list_temporary};
pub use rekey::{
    KeyScan, ReadReplica, ReferringRow, RekeyMode, RekeyOutcome, RekeyPlan, RekeyPorts, RekeyWay,
    Rekeying, ScanPorts, Unrecorded, WrongKey, rekey, scan_keys,
};
pub(crate) use stop::is_asked;
pub use stop::{DeletionObserver, StopRequest, never};
pub use temporary::OnlyCopy;
