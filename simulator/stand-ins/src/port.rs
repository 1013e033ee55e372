//! The port face of the world: the very state that the wire serves, handed to the domain's steps
//! without a socket, in virtual time and on one thread. The same seed gives the same run.
//!
//! Faults are a script here too ([`PortFaults`]); no state machine knows of them.

use std::sync::Arc;

use bytes::Bytes;
use domain::ports::{JobQueue, Ports, QueueRole, WatchPorts, WorkPorts};
use dynoxide::Database;

use crate::world::bucket::S3World;
use crate::world::mogile::MogileFs;

mod clock;
mod failures;
mod faults;
mod files;
mod index;
mod journal;
mod ledger;
mod objects;
mod queue;
mod table;
mod verifications;
mod work;

pub use clock::{Stalled, VirtualClock};
pub use failures::PortFailures;
pub use faults::{Call, PortFault, PortFaults, PortRule};
pub use files::PortFiles;
pub use index::PortIndex;
pub use journal::PortJournal;
pub use ledger::PortLedger;
pub use objects::PortObjects;
pub use queue::PortQueue;
pub use verifications::PortVerifications;
pub use work::PortWork;

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
    /// What jobs come from and leave behind.
    pub work: PortWork,
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
            failures: Arc::new(PortFailures::new(
                self.database.clone(),
                self.work.failures.clone(),
                faults(),
            )),
            clock: Arc::clone(&self.clock) as _,
        }
    }

    /// This state as a worker's steps take it.
    #[must_use]
    pub fn work_ports(&self) -> WorkPorts {
        let faults = || Arc::clone(&self.faults);
        let (database, work) = (|| self.database.clone(), &self.work);
        let verifications = work.verifications.clone();
        WorkPorts {
            files: self.ports(),
            queue: self.queue(&work.queue, QueueRole::Jobs),
            dead_letters: Some(self.dead_letters()),
            verifications: Arc::new(PortVerifications::new(database(), verifications, faults())),
        }
    }

    /// This state as those take it who look after a worker.
    #[must_use]
    pub fn watch_ports(&self) -> WatchPorts {
        let WorkPorts { files, queue, .. } = self.work_ports();
        let (ledger, failures, clock) = (files.ledger, files.failures, files.clock);
        WatchPorts { queue, dead_letters: self.dead_letters(), failures, ledger, clock }
    }

    /// The dead-letter queue, as the domain's steps take it.
    #[must_use]
    pub fn dead_letters(&self) -> Arc<dyn JobQueue> {
        self.queue(&self.work.dead_letters, QueueRole::DeadLetters)
    }

    fn queue(&self, name: &str, role: QueueRole) -> Arc<dyn JobQueue> {
        let (sqs, clock) = (Arc::clone(&self.work.sqs), Arc::clone(&self.clock));
        Arc::new(PortQueue::new(sqs, name.to_owned(), role, clock, Arc::clone(&self.faults)))
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
