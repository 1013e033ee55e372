//! The port face of the world: the very state that the wire serves, handed to the domain's steps
//! without a socket, in virtual time and on one thread. The same seed gives the same run.
//!
//! Faults are a script here too ([`PortFaults`]); no state machine knows of them.

use std::sync::Arc;

use bytes::Bytes;
use domain::steps::Ports;
use dynoxide::Database;

use crate::world::bucket::S3World;
use crate::world::mogile::MogileFs;

mod clock;
mod faults;
mod files;
mod index;
mod ledger;
mod objects;

pub use clock::{Stalled, VirtualClock};
pub use faults::{Call, PortFault, PortFaults, PortRule};
pub use files::PortFiles;
pub use index::PortIndex;
pub use ledger::PortLedger;
pub use objects::PortObjects;

use faults::{Met, NoAnswer};

/// The state that a migration reaches, and what befalls its calls.
pub struct PortWorld {
    /// MogileFS.
    pub mogile: Arc<MogileFs>,
    /// The name of the MogileFS domain that is migrated.
    pub domain: String,
    /// S3.
    pub s3: Arc<S3World>,
    /// DynamoDB.
    pub database: Database,
    /// The ledger's table in it.
    pub table: String,
    /// The time.
    pub clock: Arc<VirtualClock>,
    /// The script of faults, and the count of calls.
    pub faults: Arc<PortFaults>,
}

impl PortWorld {
    /// This state as the domain's steps take it.
    #[must_use]
    pub fn ports(&self) -> Ports {
        let faults = || Arc::clone(&self.faults);
        let mogile = || Arc::clone(&self.mogile);
        Ports {
            index: Arc::new(PortIndex::new(mogile(), self.domain.clone(), faults())),
            files: Arc::new(PortFiles::new(mogile(), self.domain.clone(), faults())),
            objects: Arc::new(PortObjects::new(Arc::clone(&self.s3), faults())),
            ledger: Arc::new(PortLedger::new(self.database.clone(), self.table.clone(), faults())),
            clock: Arc::clone(&self.clock) as _,
        }
    }
}

/// Content comes in pieces of this size, so that whoever reads it has to put it together.
const PIECE_BYTES: usize = 64;

/// Content piece by piece; with `broken` in the middle of it, if it breaks off.
fn in_pieces<E>(
    bytes: &Bytes,
    broken: Option<E>,
) -> impl Iterator<Item = Result<Bytes, E>> + use<E> {
    let end = if broken.is_some() { bytes.len() / 2 } else { bytes.len() };
    let bytes = bytes.slice(..end);
    let starts = (0..end).step_by(PIECE_BYTES);
    let pieces = starts.map(move |start| Ok(bytes.slice(start..end.min(start + PIECE_BYTES))));
    pieces.chain(broken.map(Err))
}
