//! Looks at all gates of a change.

use std::collections::BTreeSet;

use domain::BucketMap;
use domain::cutover::{
    CheckTrouble, ClientsHeld, CurrentFreeze, Cutovers, FreezeCheck, FreezePorts, FreezeSeen, Gate,
    Phase, check_freeze, cutover_gates, glance_at_freeze, read_cutovers, read_held,
};
use domain::journal::ClientDatabase;
use domain::ports::Journal;
use indicatif::HumanCount;

use super::reading;
use crate::commands::freeze::{trouble, unreadable, words};
use crate::journal::random;
use crate::report::Teller;

/// What a change rests on.
pub(super) struct Looked {
    /// What the journal says of both databases.
    pub(super) cutovers: Cutovers,
    pub(super) gates: Vec<Gate>,
    /// The freeze that holds.
    pub(super) freeze: Option<CurrentFreeze>,
    pub(super) held: ClientsHeld,
}

impl Looked {
    pub(super) fn are_open(&self) -> bool {
        self.gates.iter().all(Gate::is_open)
    }
}

/// Reads the journal, and then all that the gates of a cut-over rest on. A dry run reads the last rows of
/// MogileFS alone. Behind a cut-over that is done there is no gate.
pub(super) async fn look(
    database: ClientDatabase,
    ports: &FreezePorts,
    journal: &dyn Journal,
    (buckets, named): (&BucketMap, &BTreeSet<String>),
    is_full: bool,
) -> anyhow::Result<Looked> {
    let teller = Teller::plain();
    let cutovers = read_cutovers(journal, &*ports.clock, random()).await.map_err(unreadable)?;
    let standing = cutovers.of(database);
    if standing.phase() == Phase::CutOver {
        let (gates, freeze, held) = (Vec::new(), None, ClientsHeld::default());
        return Ok(Looked { cutovers, gates, freeze, held });
    }
    // The shorter reading first.
    let progress =
        |objects| teller.say(&format!("{} objects of contentrepo read", HumanCount(objects)));
    let held = read_held(ports, &progress).await.map_err(|error| reading(&error))?;
    let check = if is_full {
        let progress = |progress| teller.say(&words(progress));
        check_freeze(ports, journal, buckets, random(), &progress).await
    } else {
        glance_at_freeze(ports, journal, buckets, random()).await
    };
    let check = check.map_err(|why| match why {
        CheckTrouble::Journal(why) => unreadable(why),
        CheckTrouble::Store(why) => trouble(why),
    })?;
    let freeze = match &check {
        FreezeCheck::Compared { freeze, .. } if check.holds() => Some(freeze.clone()),
        FreezeCheck::None
        | FreezeCheck::Ended(_)
        | FreezeCheck::OtherSettings { .. }
        | FreezeCheck::Compared { .. }
        | FreezeCheck::Overtaken => None,
    };
    // What was accepted by name when the change was begun stays so.
    let begun = standing.forth.iter().flat_map(|run| run.begun.left_behind.iter().cloned());
    let named: BTreeSet<_> = named.iter().cloned().chain(begun).collect();
    let seen = FreezeSeen { check, is_full };
    let gates = cutover_gates(database, &cutovers, seen, &held, (buckets, &named));
    Ok(Looked { cutovers, gates, freeze, held })
}
