//! What must hold before names in a client's database are changed. Pure decisions: what they rest on was read
//! before.

mod evidence;
mod overriding;
mod queue;

use std::collections::BTreeSet;

pub use self::evidence::{EvidenceSeen, Frozen, VerifiedSeen};
pub use self::overriding::NoOverride;
pub use self::queue::{QueueLook, QueueSeen, watch_queues};
use super::check::FreezeCheck;
use super::evidence::GateEvidence;
use super::held::{ClientsHeld, LeftBehind, UnmappedBucket};
use super::standing::{Cutovers, Phase};
use crate::BucketMap;
use crate::journal::{ClientDatabase, Direction, MigrationPlace};

/// A gate, and what was found at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// Nothing changes while names do.
    Freeze(Box<FreezeSeen>),
    /// No bucket that the settings do not know is left.
    Unmapped(Vec<UnmappedBucket>),
    /// No content becomes unreadable that the operator has not named.
    LeftBehind(LeftBehindSeen),
    /// The other database comes first.
    Order(OrderSeen),
    /// No content was ingested since the cut-over, or it is listed.
    Ingested(IngestedSeen),
    /// The last audit is clean, complete, behind the freeze and of its content.
    Audit(Box<EvidenceSeen>),
    /// So is the last local verification.
    Verify(Box<EvidenceSeen>),
    /// The workers' verification covers every file, or without a queue `verify --deep`.
    Verified(VerifiedSeen),
    /// No job is in the queue, and no dead letter behind it.
    Queue(QueueSeen),
}

/// What the gates of a cut-over rest on.
pub struct GateGrounds<'a> {
    /// What the journal says of both databases.
    pub cutovers: &'a Cutovers,
    /// How the freeze was looked at.
    pub freeze: FreezeSeen,
    /// What the clients hold, by bucket.
    pub held: &'a ClientsHeld,
    /// Where buckets go.
    pub buckets: &'a BucketMap,
    /// The ignored buckets whose content the operator leaves behind.
    pub named: &'a BTreeSet<String>,
    /// What the journal has of audits and verifications.
    pub evidence: &'a GateEvidence,
    /// Today's systems.
    pub place: &'a MigrationPlace,
    /// What was seen of the queue.
    pub queue: QueueSeen,
}

/// How a freeze was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeSeen {
    /// What was found.
    pub check: FreezeCheck,
    /// Whether every row was read, or the last ones only.
    pub is_full: bool,
}

/// The buckets whose content becomes unreadable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftBehindSeen {
    /// The operator has not named them.
    pub unnamed: Vec<LeftBehind>,
    /// The operator has named them.
    pub named: Vec<LeftBehind>,
}

/// Where a change of one database stands in the order of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderSeen {
    /// It is its turn.
    InTurn,
    /// rhino's cut-over comes behind contentrepo's.
    ContentrepoFirst,
    /// contentrepo's way back comes behind rhino's.
    RhinoFirst(Phase),
    /// The journal knows nothing of rhino's cut-over, and this number of rhino's rows bear new names.
    RhinoHasNewNames(u64),
    /// The way back of this database was begun, and comes to its end first.
    UnderWayBack,
}

/// Content that came behind a cut-over. Behind the way back it is readable from S3 only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestedSeen {
    /// The number of contentrepo's objects.
    pub objects: u64,
    /// The number of rhino's rows above the highest one of before.
    pub files: u64,
    /// Whether the operator has them listed in a file.
    pub is_listed: bool,
}

impl Gate {
    /// The names of the gates of a cut-over.
    pub const NAMES: [&str; 8] =
        ["order", "freeze", "audit", "verify", "verified", "queue", "unmapped", "left-behind"];

    /// The gate's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Freeze(_) => "freeze",
            Self::Unmapped(_) => "unmapped",
            Self::LeftBehind(_) => "left-behind",
            Self::Order(_) => "order",
            Self::Ingested(_) => "ingested",
            Self::Audit(_) => "audit",
            Self::Verify(_) => "verify",
            Self::Verified(_) => "verified",
            Self::Queue(_) => "queue",
        }
    }

    /// Whether it lets the change go on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Freeze(seen) => seen.check.holds(),
            Self::Unmapped(all) => all.is_empty(),
            Self::LeftBehind(seen) => seen.unnamed.is_empty(),
            Self::Order(seen) => *seen == OrderSeen::InTurn,
            Self::Ingested(seen) => seen.is_listed || (seen.objects == 0 && seen.files == 0),
            Self::Audit(seen) | Self::Verify(seen) => seen.holds(),
            Self::Verified(seen) => seen.holds(),
            Self::Queue(seen) => seen.is_empty(),
        }
    }
}

/// The gates of a cut-over of this database.
#[must_use]
pub fn cutover_gates(database: ClientDatabase, grounds: GateGrounds<'_>) -> Vec<Gate> {
    let GateGrounds { cutovers, freeze, held, buckets, named, evidence, place, queue } = grounds;
    let left = held.left_behind(buckets).into_iter().partition(|it| named.contains(&it.bucket));
    let (named, unnamed) = left;
    let frozen = freeze.frozen();
    let audit = evidence.audit(place, frozen.as_ref());
    let verify = evidence.verify(place, frozen.as_ref());
    let verified = if queue == (QueueSeen::NotUsed { but: None }) {
        VerifiedSeen::without_queue(&audit, &verify)
    } else {
        VerifiedSeen::of(&audit)
    };
    vec![
        Gate::Order(order(database, Direction::ToS3, cutovers, 0)),
        Gate::Freeze(Box::new(freeze)),
        Gate::Audit(Box::new(audit)),
        Gate::Verify(Box::new(verify)),
        Gate::Verified(verified),
        Gate::Queue(queue),
        Gate::Unmapped(held.unmapped(buckets)),
        Gate::LeftBehind(LeftBehindSeen { unnamed, named }),
    ]
}

impl FreezeSeen {
    /// The freeze; [`None`] where there is none that counts.
    fn frozen(&self) -> Option<Frozen> {
        match &self.check {
            FreezeCheck::Compared { freeze, .. } | FreezeCheck::OtherSettings { freeze, .. } => {
                Some(Frozen { entry: freeze.sequence, content: freeze.freeze.state.content })
            }
            FreezeCheck::None | FreezeCheck::Ended(_) | FreezeCheck::Overtaken => None,
        }
    }
}

/// The gates of a way back. `renamed` is the number of rhino's rows with new names.
#[must_use]
pub fn revert_gates(
    database: ClientDatabase,
    cutovers: &Cutovers,
    renamed: u64,
    ingested: IngestedSeen,
) -> Vec<Gate> {
    vec![
        Gate::Order(order(database, Direction::ToMogile, cutovers, renamed)),
        Gate::Ingested(ingested),
    ]
}

/// Whether it is a change's turn: contentrepo before rhino, and back the other way round.
fn order(
    database: ClientDatabase,
    direction: Direction,
    cutovers: &Cutovers,
    renamed: u64,
) -> OrderSeen {
    let phase = |database| cutovers.of(database).phase();
    let (contentrepo, rhino) = (phase(ClientDatabase::Contentrepo), phase(ClientDatabase::Rhino));
    match (direction, database) {
        (Direction::ToS3, _) if phase(database) == Phase::UnderWayBack => OrderSeen::UnderWayBack,
        (Direction::ToS3, ClientDatabase::Rhino) if contentrepo != Phase::CutOver => {
            OrderSeen::ContentrepoFirst
        }
        (Direction::ToMogile, ClientDatabase::Contentrepo) if rhino != Phase::Before => {
            OrderSeen::RhinoFirst(rhino)
        }
        (Direction::ToMogile, ClientDatabase::Contentrepo)
            if cutovers.rhino.taken_back.is_none() && renamed > 0 =>
        {
            OrderSeen::RhinoHasNewNames(renamed)
        }
        (Direction::ToS3 | Direction::ToMogile, _) => OrderSeen::InTurn,
    }
}

#[cfg(test)]
mod tests;
