//! How far each step is.

use super::facts::{Facts, PASSES, Recorded};
use super::{State, Step, StepProof, StepState};
use crate::cutover::{CurrentFreeze, Phase};
use crate::journal::{EvidenceOutcome, MigrationPlace, Staleness};
use crate::store_state::RowsDigest;

/// All steps, in their order.
pub(super) fn steps(facts: &Facts, today: &MigrationPlace) -> Vec<StepState> {
    let view = View { facts, today };
    let state = |step| {
        let (state, why, proof) = view.found(step);
        StepState { step, state, why, proof }
    };
    let mut all: Vec<_> = Step::ALL.into_iter().map(state).collect();
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
struct View<'a> {
    facts: &'a Facts,
    today: &'a MigrationPlace,
}

/// What became of evidence.
enum Judged {
    Holds,
    Stale(Vec<Staleness>),
    Failed(EvidenceOutcome),
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
                let last = last.filter(|it| cut_over.is_some_and(|done| it.entry > done));
                self.of_command(last, None)
            }
        }
    }

    fn judged(&self, recorded: &Recorded, frozen: Option<&RowsDigest>) -> Judged {
        let stale = recorded.evidence.stale(self.today, frozen);
        match recorded.evidence.outcome {
            EvidenceOutcome::Clean if stale.is_empty() => Judged::Holds,
            // What failed elsewhere says nothing of these systems.
            _ if !stale.is_empty() => Judged::Stale(stale),
            outcome => Judged::Failed(outcome),
        }
    }

    /// A step that is done where this evidence holds.
    fn of_command(&self, last: Option<&Recorded>, frozen: Option<&RowsDigest>) -> Found {
        let Some(last) = last else { return not_begun() };
        let proof = Some(last.proof());
        match self.judged(last, frozen) {
            Judged::Holds => (State::Done, Vec::new(), proof),
            Judged::Stale(stale) => (State::Stale, vec![in_words(last, &stale)], proof),
            Judged::Failed(outcome) => because(State::Failed, ended(last, outcome), proof),
        }
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
                let (state, why, proof) = self.of_command(Some(confirmed), None);
                let state = if state == State::Done { State::Skipped } else { state };
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
                "bad data was corrected, and nobody says that this was all",
                Some(mended.clone()),
            ),
            None => not_begun(),
        }
    }

    fn holds(&self, recorded: &Recorded, frozen: Option<&RowsDigest>) -> bool {
        matches!(self.judged(recorded, frozen), Judged::Holds)
    }

    fn migrate(&self) -> Found {
        let freeze = self.facts.freeze().map(|freeze| freeze.sequence);
        let before = |it: &&Recorded| freeze.is_none_or(|freeze| it.entry < freeze);
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

    /// Why a freeze does not count any more.
    fn why_stale(&self, freeze: &CurrentFreeze) -> Option<String> {
        if let Some(ended) = &freeze.ended {
            let (entry, fid) = (ended.sequence, ended.fid);
            return Some(format!("`rekey` changed the key of fid {fid} behind it (entry {entry})"));
        }
        let (state, today) = (&freeze.freeze.state, self.today);
        let server = state.servers.first();
        let stale = [
            (Staleness::Domain, state.domain != today.domain),
            (Staleness::Buckets, state.buckets != today.buckets),
            (Staleness::Database, server.is_some() && server != today.database.as_ref()),
        ];
        let stale = stale.into_iter().find_map(|(what, is_other)| is_other.then_some(what));
        stale.map(|what| format!("it is of {what}"))
    }

    /// The freeze on which later steps can rest, or why there is none.
    fn frozen(&self) -> Option<Result<&CurrentFreeze, String>> {
        let freeze = self.facts.freeze()?;
        Some(match self.why_stale(freeze) {
            Some(_) => Err(format!("the freeze, entry {}, is stale", freeze.sequence)),
            None => Ok(freeze),
        })
    }

    fn migrate_again(&self) -> Found {
        let behind = |it: &&Recorded, freeze: u64| it.entry > freeze;
        let Some(frozen) = self.frozen() else { return not_begun() };
        let sequence = self.facts.freeze().map_or(0, |freeze| freeze.sequence);
        let pass = self.facts.passes.last().filter(|it| behind(it, sequence));
        let audit = self.facts.last("audit").filter(|it| behind(it, sequence));
        let freeze = match frozen {
            Ok(freeze) => freeze,
            Err(why) => {
                let proof = pass.or(audit).map(Recorded::proof);
                return proof.map_or_else(not_begun, |it| because(State::Stale, why, Some(it)));
            }
        };
        let content = &freeze.freeze.state.content;
        // A pass that has no digest of what it read is compared by its place alone: the audit has one.
        let of_pass = |pass: &Recorded| pass.evidence.content.is_some().then_some(content);
        let found = self.of_pass(pass, pass.and_then(of_pass));
        match audit {
            Some(audit) if found.0 != State::Done && self.holds(audit, Some(content)) => {
                (State::Done, Vec::new(), Some(audit.proof()))
            }
            Some(_) | None => found,
        }
    }

    fn verify(&self) -> Found {
        let Some(frozen) = self.frozen() else { return not_begun() };
        let sequence = self.facts.freeze().map_or(0, |freeze| freeze.sequence);
        let last = |step: &str| self.facts.last(step).filter(|it| it.entry > sequence);
        let [audit, verify] = ["audit", "verify"].map(last);
        let (references, jobs) = (last("verify references"), last("enqueue verify"));
        let newest = [audit, verify, references, jobs].into_iter().flatten();
        let newest = newest.max_by_key(|it| it.entry).map(Recorded::proof);
        let content = match frozen {
            Ok(freeze) => &freeze.freeze.state.content,
            Err(_) if newest.is_none() => return not_begun(),
            Err(why) => return because(State::Stale, why, newest),
        };
        let (mut states, mut why) = (Vec::new(), Vec::new());
        for (name, part) in [("audit", audit), ("verify", verify)] {
            let (state, words, _) = self.of_command(part, Some(content));
            states.push(state);
            why.extend(words);
            if state == State::NotBegun {
                why.push(format!("`{name}` has not run behind the freeze"));
            }
        }
        // Of the ways that are optional one that was gone and is not clean counts. Clients' tables have no digest.
        if let Some(references) = references {
            let (state, words, _) = self.of_command(Some(references), None);
            states.push(state);
            why.extend(words);
        }
        let has_run = audit.is_none_or(|audit| audit.evidence.run.is_some());
        if !has_run {
            states.push(State::UnderWay);
            why.push("the audit compared no verification: give it `--run`".to_owned());
        }
        let is = |state: State| states.contains(&state);
        let state = match () {
            () if is(State::Failed) => State::Failed,
            () if is(State::Stale) => State::Stale,
            () if states.iter().all(|it| *it == State::Done) => State::Done,
            () if newest.is_none() => return not_begun(),
            () => State::UnderWay,
        };
        let proof = if state == State::Done { audit.map(Recorded::proof) } else { newest };
        (state, why, proof)
    }

    fn configure_clients(&self) -> Found {
        let taken_back = self.facts.taken_back;
        let all = [
            self.facts.last("config check"),
            self.facts.last(&Step::ConfigureClients.confirmation()),
        ];
        let all = all.into_iter().flatten();
        let all = all.filter(|it| taken_back.is_none_or(|back| it.entry > back));
        self.of_command(all.max_by_key(|it| it.entry), None)
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
        let first = done(&cutovers.contentrepo).min(done(&cutovers.rhino));
        match self.facts.freeze() {
            Some(freeze) if freeze.sequence < first => (State::Done, Vec::new(), proof),
            Some(freeze) => {
                let why = format!("entry {} froze the store behind it", freeze.sequence);
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
    format!("`{}`, entry {}, is of {}", recorded.evidence.step, recorded.entry, stale.join(", "))
}

fn ended(recorded: &Recorded, outcome: EvidenceOutcome) -> String {
    let how = match outcome {
        EvidenceOutcome::Clean => "is clean",
        EvidenceOutcome::Differs => "found something that is not as it must be",
        EvidenceOutcome::Incomplete => "could not look at everything",
        EvidenceOutcome::Other => "ended in a way that this version does not know",
    };
    format!("`{}`, entry {}, {how}", recorded.evidence.step, recorded.entry)
}
