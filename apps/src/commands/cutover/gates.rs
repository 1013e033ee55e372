//! Looks at all gates of a change.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::cutover::{
    CheckTrouble, ClientsHeld, CurrentFreeze, Cutovers, FreezeCheck, FreezePorts, FreezeSeen, Gate,
    GateEvidence, GateGrounds, Phase, QueueSeen, check_freeze, cutover_gates, glance_at_freeze,
    read_cutovers, read_gate_evidence, read_held, watch_queues,
};
use domain::journal::{ClientDatabase, MigrationPlace};
use domain::ports::{Clock, Journal};
use domain::runbook::JournalWriter;
use domain::{BucketMap, Reason};
use indicatif::HumanCount;

use super::overrides::journal_decisions;
use super::{Change, reading};
use crate::commands::freeze::{trouble, unreadable, words};
use crate::evidence::{MogileSettings, PlaceSettings, account_of};
use crate::exit::{RefusedError, TroubleError, in_one_line};
use crate::journal::random;
use crate::report::Teller;
use crate::report::cutover::{CutoverReport, Overriding};
use crate::wiring::Services;

/// What a change rests on.
pub(super) struct Looked {
    /// What the journal says of both databases.
    pub(super) cutovers: Cutovers,
    pub(super) gates: Vec<Gate>,
    /// What becomes of the gates that are to be overridden.
    overrides: Vec<Overriding>,
    /// The freeze that holds, or that is overridden.
    pub(super) freeze: Option<CurrentFreeze>,
    pub(super) held: ClientsHeld,
    evidence: GateEvidence,
    place: MigrationPlace,
}

/// What was read for the gates.
struct Seen {
    cutovers: Cutovers,
    place: MigrationPlace,
    held: ClientsHeld,
    check: FreezeCheck,
    queue: Option<QueueSeen>,
}

/// Which change is looked at.
pub(super) struct Looking<'a> {
    pub(super) database: ClientDatabase,
    pub(super) change: &'a Change,
    pub(super) services: &'a Services<'a>,
    pub(super) ports: &'a FreezePorts,
    pub(super) journal: &'a Arc<dyn Journal>,
    pub(super) buckets: &'a BucketMap,
    pub(super) named: &'a BTreeSet<String>,
}

impl Looked {
    /// Whether each gate is open, or overridden.
    pub(super) fn are_open(&self) -> bool {
        self.gates.iter().all(|gate| self.passes(gate))
    }

    fn passes(&self, gate: &Gate) -> bool {
        let of_gate = self.overrides.iter().find(|it| it.gate == gate.name());
        gate.is_open() || of_gate.is_some_and(|it| it.refusal.is_none())
    }

    /// Shows in a report which gates are overridden, and which cannot be.
    pub(super) fn onto(&self, report: &mut CutoverReport) {
        report.override_gates(&self.overrides);
    }

    /// Writes the operator's decisions into the journal. Errors where the journal has other evidence than when
    /// the gates were looked at. The change goes on with the same writer: an entry of another operator behind
    /// this look is a take-over.
    pub(super) async fn enter(
        &self,
        looking: &Looking<'_>,
        writer: &mut JournalWriter,
    ) -> anyhow::Result<()> {
        if self.gates.is_empty() {
            return Ok(());
        }
        if looking.evidence().await? != self.evidence {
            let text = "an audit or a verification ended, or an acceptance was taken back, while the gates were \
                        looked at. Nothing was changed\n  → run the same command again";
            return Err(RefusedError(text.to_owned()).into());
        }
        let no_queue = looking.change.gates.says_no_queue().then_some(&self.place);
        journal_decisions(writer, looking.database, &self.gates, &self.overrides, no_queue).await
    }
}

impl Looking<'_> {
    /// Reads the journal, and then all that the gates of a cut-over rest on. A dry run reads the last rows of
    /// MogileFS alone, and looks at the queues once; `--execute` does that first, and reads every row and looks at
    /// the queues for minutes where nothing refuses. Behind a cut-over that is done there is no gate.
    pub(super) async fn look(&self) -> anyhow::Result<Looked> {
        let Self { database, change, ports, .. } = *self;
        let (clock, journal) = (&*ports.clock, &**self.journal);
        let cutovers = read_cutovers(journal, clock, random()).await.map_err(unreadable)?;
        if cutovers.of(database).phase() == Phase::CutOver {
            return Ok(Looked {
                cutovers,
                gates: Vec::new(),
                overrides: Vec::new(),
                freeze: None,
                held: ClientsHeld::default(),
                evidence: GateEvidence::default(),
                place: MigrationPlace::default(),
            });
        }
        let place = self.place().await?;
        let progress = |objects| {
            let teller = Teller::plain();
            teller.say(&format!("{} objects of contentrepo read", HumanCount(objects)));
        };
        // The shorter reading first.
        let held = read_held(ports, &progress).await.map_err(|error| reading(&error))?;
        let (check, queue) = tokio::try_join!(self.freeze(false), self.queues(Duration::ZERO))?;
        let seen = Seen { cutovers, place, held, check, queue };
        let looked = self.judge(seen, false).await?;
        if !change.execute || !self.goes_on(&looked) {
            return Ok(looked);
        }
        // A change that goes on has passed the gate of the queue, and clients wait for it.
        let begins = looked.cutovers.of(database).phase() == Phase::Before;
        let window = if begins { change.gates.queue_window() } else { Duration::ZERO };
        let Looked { cutovers, place, held, .. } = looked;
        let (check, queue) = tokio::try_join!(self.freeze(true), self.queues(window))?;
        let seen = Seen { cutovers, place, held, check, queue };
        self.judge(seen, true).await
    }

    /// Whether the longer looks are worth their minutes. That a freeze may be overridden only they say.
    fn goes_on(&self, looked: &Looked) -> bool {
        let waits = |gate: &Gate| {
            matches!(gate, Gate::Freeze(_)) && self.change.gates.overrides(gate.name())
        };
        looked.gates.iter().all(|gate| looked.passes(gate) || waits(gate))
    }

    /// All gates, by what was seen and by the journal.
    async fn judge(&self, seen: Seen, is_full: bool) -> anyhow::Result<Looked> {
        let Self { database, change, buckets, .. } = *self;
        let Seen { cutovers, place, held, check, queue } = seen;
        let evidence = self.evidence().await?;
        let queue = match queue {
            Some(seen) => evidence.queue(seen, place.queue.as_ref()),
            None if change.gates.says_no_queue() => evidence.no_queue(),
            None => QueueSeen::NotNamed,
        };
        // What was accepted by name when the change was begun stays so.
        let standing = cutovers.of(database);
        // What contentrepo leaves behind rhino cannot read either.
        let runs = standing.forth.iter().chain(&cutovers.contentrepo.forth);
        let begun = runs.flat_map(|run| run.begun.left_behind.iter().cloned());
        let named: BTreeSet<_> = self.named.iter().cloned().chain(begun).collect();
        let compared = match &check {
            FreezeCheck::Compared { freeze, .. } => Some(freeze.clone()),
            FreezeCheck::None
            | FreezeCheck::Ended(_)
            | FreezeCheck::OtherSettings { .. }
            | FreezeCheck::Overtaken => None,
        };
        let grounds = GateGrounds {
            cutovers: &cutovers,
            freeze: FreezeSeen { check, is_full },
            held: &held,
            buckets,
            named: &named,
            evidence: &evidence,
            place: &place,
            queue,
        };
        let gates = cutover_gates(database, grounds);
        let overrides = change.gates.decide(&gates);
        let freeze = None;
        let mut looked = Looked { cutovers, gates, overrides, freeze, held, evidence, place };
        let mut of_freeze = looked.gates.iter().filter(|gate| matches!(gate, Gate::Freeze(_)));
        let passes = of_freeze.all(|gate| looked.passes(gate));
        looked.freeze = compared.filter(|_| passes);
        Ok(looked)
    }

    /// How the freeze stands, by every row or by the last ones.
    async fn freeze(&self, is_full: bool) -> anyhow::Result<FreezeCheck> {
        let Self { ports, buckets, .. } = *self;
        let (teller, journal) = (Teller::plain(), &**self.journal);
        let check = if is_full {
            let progress = |progress| teller.say(&words(progress));
            check_freeze(ports, journal, buckets, random(), &progress).await
        } else {
            glance_at_freeze(ports, journal, buckets, random()).await
        };
        check.map_err(|why| match why {
            CheckTrouble::Journal(why) => unreadable(why),
            CheckTrouble::Store(why) => trouble(why),
        })
    }

    /// What is in the queues, where they are named.
    async fn queues(&self, window: Duration) -> anyhow::Result<Option<QueueSeen>> {
        let settings = &self.change.gates.queue;
        if !settings.is_named() {
            return Ok(None);
        }
        let queue = self.services.queue(settings).await?;
        let dead_letters = self.services.dead_letters(settings).await?;
        if !window.is_zero() {
            let seconds = window.as_secs();
            Teller::plain().say(&format!("looking at the queues for {seconds} seconds"));
        }
        let clock: &dyn Clock = &*self.ports.clock;
        let seen = watch_queues((&*queue, &*dead_letters), clock, window).await;
        Ok(Some(seen.map_err(|error| TroubleError(Reason::from(&error)))?))
    }

    async fn evidence(&self) -> anyhow::Result<GateEvidence> {
        let (journal, clock) = (&**self.journal, &*self.ports.clock);
        let domain = &self.change.common.source.domain;
        let read = read_gate_evidence(journal, clock, random(), domain).await;
        read.map_err(unreadable)
    }

    /// Today's systems, with which evidence is compared.
    async fn place(&self) -> anyhow::Result<MigrationPlace> {
        let common = &self.change.common;
        let settings = PlaceSettings {
            source: MogileSettings::All(&common.source),
            buckets: self.buckets,
            aws: &common.aws,
            tables: &self.change.gates.queue.tables,
            journal: &common.journal,
            queue: Some(&self.change.gates.queue),
        };
        let account = match self.services.caller(random()).await {
            Ok(arn) => account_of(&arn),
            Err(why) => {
                Teller::plain().say(&format!(
                    "the AWS account of these keys is not known, and evidence of a known account does not count: {}",
                    in_one_line(&why)
                ));
                None
            }
        };
        Ok(settings.place(self.services, account).await?)
    }
}
