//! How far each step is.

mod behind_freeze;

use super::facts::{Facts, PASSES, Recorded};
use super::{State, Step, StepProof, StepState};
use crate::cutover::Phase;
use crate::journal::{EvidenceOutcome, MigrationPlace, Staleness};
use crate::store_state::RowsDigest;

/// All steps, in their order.
pub(super) fn steps(facts: &Facts, today: &MigrationPlace) -> Vec<StepState> {
    let view = View { facts, today };
    let found = |step| {
        let (state, why, proof) = view.found(step);
        StepState { step, state, why, proof }
    };
    let mut all: Vec<_> = Step::ALL.into_iter().map(found).collect();
    for at in 0..all.len() {
        let (before, behind) = all.split_at_mut(at + 1);
        let Some(stale) = before.last_mut().filter(|it| it.state == State::Stale) else { continue };
        let is_done = |it: &&StepState| it.state == State::Done && it.proof.is_some();
        if let Some(later) = behind.iter().rfind(is_done) {
            stale.why.push(format!("step {} was done on it", later.step.number()));
        }
    }
    all
}

/// A state, why, and the entry on which it rests.
type Found = (State, Vec<String>, Option<StepProof>);

/// A journal, seen from the systems of today.
pub(super) struct View<'a> {
    pub(super) facts: &'a Facts,
    pub(super) today: &'a MigrationPlace,
}

/// Commands to which an accepted file is none that is missing.
const ON_ACCEPTANCES: [&str; 6] =
    ["migrate", "enqueue migrate", "audit", "verify", "verify references", "smoke"];

/// What became of evidence.
enum Judged {
    Holds,
    Stale(String),
    Failed(EvidenceOutcome),
    /// It is clean, and began before the findings of this entry were written.
    Unrefuted(u64),
}

fn not_begun() -> Found {
    (State::NotBegun, Vec::new(), None)
}

fn because(state: State, why: impl Into<String>, proof: Option<StepProof>) -> Found {
    (state, vec![why.into()], proof)
}

impl View<'_> {
    fn found(&self, step: Step) -> Found {
        match step {
            Step::Build => self.of_command(self.facts.last("doctor"), None),
            Step::Sync => self.sync(),
            Step::BadData => self.bad_data(),
            Step::Migrate => self.migrate(),
            Step::StopIngest => self.stop_ingest(),
            Step::MigrateAgain => self.migrate_again(),
            Step::Verify => self.verify(),
            Step::ConfigureClients => self.configure_clients(),
            Step::CutOver => self.cut_over(),
            Step::KeepMogile | Step::EnableIngest => {
                let cut_over = self.facts.cut_over();
                let last = self.facts.last(&step.confirmation());
                let last = last.filter(|it| cut_over.is_some_and(|done| it.entry > done));
                self.of_command(last, None)
            }
            Step::Test => {
                let cut_over = self.facts.cut_over();
                let last = self.facts.last("smoke");
                let last = last.filter(|it| cut_over.is_some_and(|done| it.began_behind(done)));
                self.of_command(last, None)
            }
        }
    }

    fn judged(&self, recorded: &Recorded, frozen: Option<&RowsDigest>) -> Judged {
        let stale = recorded.evidence.stale(self.today, frozen);
        if !stale.is_empty() {
            // What failed elsewhere says nothing of these systems.
            return Judged::Stale(in_words(recorded, &stale));
        }
        let ended = self.facts.acceptance_ended.filter(|ended| !recorded.began_behind(*ended));
        if let Some(ended) = ended.filter(|_| ON_ACCEPTANCES.contains(&&*recorded.evidence.step)) {
            let (step, entry) = (typed_as(&recorded.evidence.step), recorded.entry);
            let why = format!(
                "`{step}`, entry {entry}: entry {ended} took acceptances back behind its begin"
            );
            return Judged::Stale(why);
        }
        match recorded.evidence.outcome {
            EvidenceOutcome::Clean => match self.found_before(recorded) {
                Some(found) => Judged::Unrefuted(found),
                None => Judged::Holds,
            },
            outcome @ (EvidenceOutcome::Differs
            | EvidenceOutcome::Incomplete
            | EvidenceOutcome::Other) => Judged::Failed(outcome),
        }
    }

    /// A step that is done where this evidence holds.
    fn of_command(&self, last: Option<&Recorded>, frozen: Option<&RowsDigest>) -> Found {
        let Some(last) = last else { return not_begun() };
        let proof = Some(last.proof());
        match self.judged(last, frozen) {
            Judged::Holds => (State::Done, Vec::new(), proof),
            Judged::Stale(why) => because(State::Stale, why, proof),
            Judged::Failed(outcome) => because(State::Failed, ended(last, outcome), proof),
            Judged::Unrefuted(found) => {
                let (step, entry) = (typed_as(&last.evidence.step), last.entry);
                let why = format!(
                    "entry {found} of `{step}` has findings, and no clean run of these systems began behind it: \
                     that of entry {entry} began before"
                );
                because(State::Failed, why, proof)
            }
        }
    }

    /// The findings of an earlier entry of the same step that neither this clean evidence refutes nor another one
    /// before it.
    fn found_before(&self, clean: &Recorded) -> Option<u64> {
        let mut found = None;
        let all = self.facts.looks(&clean.evidence.step).iter();
        for look in all.take_while(|look| look.entry <= clean.entry) {
            match look.evidence.outcome {
                _ if !look.evidence.stale(self.today, None).is_empty() => {}
                _ if look.evidence.says_wrong() => found = Some(look.entry),
                EvidenceOutcome::Differs | EvidenceOutcome::Other => found = Some(look.entry),
                EvidenceOutcome::Clean if found.is_some_and(|it| look.began_behind(it)) => {
                    found = None;
                }
                EvidenceOutcome::Clean | EvidenceOutcome::Incomplete => {}
            }
        }
        found
    }

    /// Whether the migration goes without a queue: today's settings name none, and none got jobs.
    pub(super) fn is_without_queue(&self) -> bool {
        self.today.queue.is_none() && self.facts.queues.is_empty()
    }

    /// Whether the journal has something of a step behind the second and third one.
    fn is_migration_begun(&self) -> bool {
        !self.facts.passes.is_empty() || self.facts.freeze().is_some()
    }

    fn sync(&self) -> Found {
        let confirmed = self.facts.last(&Step::Sync.confirmation());
        let ran = self.facts.last("sync");
        match (confirmed, ran) {
            (Some(confirmed), ran) if ran.is_none_or(|ran| ran.entry < confirmed.entry) => {
                let (state, mut why, proof) = self.of_command(Some(confirmed), None);
                let is_brought = ran.is_some_and(|ran| self.holds(ran, None));
                if state == State::Done && !is_brought {
                    why.extend(
                        ran.map(|ran| {
                            format!("people went on without `sync`, entry {}", ran.entry)
                        }),
                    );
                    return (State::Skipped, why, proof);
                }
                (state, why, proof)
            }
            (_, Some(ran)) => self.of_command(Some(ran), None),
            (_, None) if self.is_migration_begun() => {
                because(State::Skipped, "optional, and the migration was begun without it", None)
            }
            (_, None) => not_begun(),
        }
    }

    fn bad_data(&self) -> Found {
        if let Some((entry, fid)) = self.facts.changes.open_rekey {
            let why = format!("`rekey` of fid {fid} was begun by entry {entry} and has no end");
            return because(State::UnderWay, why, None);
        }
        if let Some(entry) = self.facts.open_deletion {
            let why = format!("`tmp delete` was begun by entry {entry} and has no end");
            return because(State::UnderWay, why, None);
        }
        let mended = self.facts.mended.as_ref();
        if let Some(confirmed) = self.facts.last(&Step::BadData.confirmation()) {
            let (state, why, proof) = self.of_command(Some(confirmed), None);
            let is_skipped = state == State::Done && mended.is_none();
            return (if is_skipped { State::Skipped } else { state }, why, proof);
        }
        let clean = [self.facts.last("migrate"), self.facts.last("audit")];
        let clean = clean.into_iter().flatten().filter(|it| self.holds(it, None));
        if let Some(clean) = clean.max_by_key(|it| it.entry) {
            return (State::Done, Vec::new(), Some(clean.proof()));
        }
        if self.facts.freeze().is_some() {
            return because(State::Skipped, "the freeze came before it: the audit decides", None);
        }
        match mended {
            Some(mended) => because(
                State::UnderWay,
                "bad data was corrected, and `runbook done 3` does not say yet that this was all",
                Some(mended.clone()),
            ),
            None => not_begun(),
        }
    }

    /// Whether this evidence counts, and is of the freeze's content where that is given.
    pub(super) fn holds(&self, recorded: &Recorded, frozen: Option<&RowsDigest>) -> bool {
        matches!(self.judged(recorded, frozen), Judged::Holds)
    }

    fn migrate(&self) -> Found {
        let freeze = self.facts.freeze().map(|freeze| freeze.sequence);
        let before = |it: &&Recorded| freeze.is_none_or(|freeze| !it.began_behind(freeze));
        let found = self.of_pass(self.facts.passes.iter().rfind(before), None);
        let again = self.migrate_again();
        match (freeze, found.0) {
            (_, State::Done) | (None, _) => found,
            (Some(_), _) if again.0 == State::Done => again,
            (Some(freeze), _) => because(
                State::Skipped,
                format!(
                    "the freeze, entry {freeze}, came before it was clean: step 6 does the same"
                ),
                found.2,
            ),
        }
    }

    /// A pass is done where it left nothing to do. Jobs that were sent are not done yet.
    fn of_pass(&self, pass: Option<&Recorded>, frozen: Option<&RowsDigest>) -> Found {
        let found = self.of_command(pass, frozen);
        let Some(pass) = pass.filter(|_| found.0 == State::Done) else { return found };
        let left = pass.counted("left");
        if pass.evidence.step == PASSES[0] || left == Some(0) {
            return found;
        }
        let left = left.map_or("an unknown number of".to_owned(), |left| left.to_string());
        let why = format!("{left} files were left to migrate when the jobs were sent");
        because(State::UnderWay, why, found.2)
    }

    fn stop_ingest(&self) -> Found {
        let Some(freeze) = self.facts.freeze() else {
            let said = self.facts.last(&Step::StopIngest.confirmation());
            let said = said.filter(|it| self.facts.taken_back.is_none_or(|back| it.entry > back));
            let Some(said) = said else { return not_begun() };
            let why = "people say that ingest has stopped, and no freeze proves it";
            return because(State::UnderWay, why, Some(said.proof()));
        };
        let (sequence, means) = (freeze.sequence, freeze.freeze.means.clone());
        let content = ("content".to_owned(), freeze.freeze.state.content.rows);
        let proof = Some(StepProof {
            entry: sequence,
            at: freeze.at,
            by: freeze.by.clone(),
            what: "freeze".to_owned(),
            counted: [content].into(),
            note: Some(means),
        });
        match self.why_stale(freeze) {
            Some(why) => because(State::Stale, why, proof),
            None => (State::Done, Vec::new(), proof),
        }
    }

    fn configure_clients(&self) -> Found {
        let taken_back = self.facts.taken_back;
        let all = [
            self.facts.last("config check"),
            self.facts.last(&Step::ConfigureClients.confirmation()),
        ];
        let all = all.into_iter().flatten();
        let all = all.filter(|it| taken_back.is_none_or(|back| it.entry > back));
        let is_wrong = |it: &&Recorded| it.evidence.outcome == EvidenceOutcome::Differs;
        // No word of people makes a wrong file right.
        let wrong = all.clone().find(is_wrong);
        self.of_command(wrong.or_else(|| all.max_by_key(|it| it.entry)), None)
    }

    fn cut_over(&self) -> Found {
        let cutovers = &self.facts.cutovers;
        let phase = |standing: &crate::cutover::Standing| in_phase(standing.phase());
        let (repo, rhino) = (phase(&cutovers.contentrepo), phase(&cutovers.rhino));
        let run = [&cutovers.rhino, &cutovers.contentrepo].into_iter().find_map(|it| it.run());
        let proof = run.map(|run| StepProof {
            entry: run.done.unwrap_or(run.sequence),
            at: run.at,
            by: run.by.clone(),
            what: format!("cutover {}", run.begun.database),
            counted: run.begun.names.rows.clone(),
            note: None,
        });
        if self.facts.is_between() {
            let why = format!("contentrepo {repo}, rhino {rhino}: the clients must stand still");
            return because(State::UnderWay, why, proof);
        }
        let Some(_) = self.facts.cut_over() else {
            let why = self.facts.taken_back.map(|it| format!("it was taken back by entry {it}"));
            return (State::NotBegun, why.into_iter().collect(), None);
        };
        let done = |standing: &crate::cutover::Standing| {
            standing.forth.as_ref().and_then(|run| run.done).unwrap_or_default()
        };
        let last = done(&cutovers.contentrepo).max(done(&cutovers.rhino));
        match self.facts.freeze() {
            Some(freeze) if freeze.sequence < last => {
                let later = self.facts.later_freeze().map(|later| {
                    format!("the freeze of entry {later} came behind it, and says nothing of it")
                });
                (State::Done, later.into_iter().collect(), proof)
            }
            Some(freeze) => {
                let why =
                    format!("no freeze before it counts: entry {} came behind", freeze.sequence);
                because(State::Stale, why, proof)
            }
            None => because(State::Stale, "the journal has no freeze that it rests on", proof),
        }
    }
}

fn in_phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "has the MogileFS names",
        Phase::UnderWay => "is half changed",
        Phase::CutOver => "has the S3 names",
        Phase::UnderWayBack => "is half changed back",
    }
}

fn in_words(recorded: &Recorded, stale: &[Staleness]) -> String {
    let stale: Vec<_> = stale.iter().map(ToString::to_string).collect();
    let (step, entry) = (typed_as(&recorded.evidence.step), recorded.entry);
    format!("`{step}`, entry {entry}, is of {}", stale.join(", "))
}

/// The command of evidence, as an operator types it.
pub(super) fn typed_as(step: &str) -> &str {
    match step {
        "verify references" => "verify --references",
        "config check" => "config --check",
        "smoke trial" => "smoke --trial",
        "smoke shadow" => "smoke --shadow",
        step => step,
    }
}

fn ended(recorded: &Recorded, outcome: EvidenceOutcome) -> String {
    let how = match outcome {
        EvidenceOutcome::Clean => "is clean",
        EvidenceOutcome::Differs => "found something that is not as it must be",
        EvidenceOutcome::Incomplete => "could not look at everything",
        EvidenceOutcome::Other => "ended in a way that this version does not know",
    };
    format!("`{}`, entry {}, {how}", typed_as(&recorded.evidence.step), recorded.entry)
}
