//! The freeze, and the steps that rest on it.

use super::{Found, View, because, not_begun, typed_as};
use crate::checklist::State;
use crate::checklist::facts::Recorded;
use crate::cutover::CurrentFreeze;
use crate::journal::{ContentRead, Staleness};

impl View<'_> {
    /// Why a freeze does not count any more.
    pub(super) fn why_stale(&self, freeze: &CurrentFreeze) -> Option<String> {
        if let Some(ended) = &freeze.ended {
            let (entry, fid) = (ended.sequence, ended.fid);
            return Some(format!("`rekey` changed the key of fid {fid} behind it (entry {entry})"));
        }
        let (seen, today) = (&freeze.freeze.state, self.today);
        let server = seen.servers.first();
        let other = [
            (Staleness::Domain, seen.domain != today.domain),
            (Staleness::Buckets, seen.buckets != today.buckets),
            (Staleness::Database, server.is_some() && server != today.database.as_ref()),
        ];
        let other = other.into_iter().find_map(|(what, is_other)| is_other.then_some(what));
        other.map(|what| format!("it is of {what}")).or_else(|| self.why_broken(freeze))
    }

    /// Why files came or went behind a freeze, by two commands that have read the same other content. Behind the
    /// cut-over MogileFS may change.
    fn why_broken(&self, freeze: &CurrentFreeze) -> Option<String> {
        let of = |step: &str| {
            let last = self.facts.last(step).filter(|it| it.began_behind(freeze.sequence))?;
            let is_here = last.evidence.stale(self.today, None).is_empty();
            last.evidence.content.as_ref().filter(|_| is_here).map(|content| (last.entry, content))
        };
        let ((audit, content), (verify, verified)) = (of("audit")?, of("verify")?);
        let is_other = content == verified && *content != freeze.freeze.state.content;
        (is_other && self.facts.cut_over().is_none()).then(|| {
            format!(
                "files came or went behind it: `audit`, entry {audit}, and `verify`, entry {verify}, have read the same \
                 other content"
            )
        })
    }

    /// The freeze on which later steps can rest, or why there is none.
    fn frozen(&self) -> Option<Result<&CurrentFreeze, String>> {
        let freeze = self.facts.freeze()?;
        Some(match self.why_stale(freeze) {
            Some(_) => Err(format!("the freeze, entry {}, is stale", freeze.sequence)),
            None => Ok(freeze),
        })
    }

    pub(super) fn migrate_again(&self) -> Found {
        let behind = |it: &&Recorded, freeze: u64| it.began_behind(freeze);
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

    /// The last comparison of references behind the freeze. No gate looks at it, so its findings count also where it
    /// began before; a clean one that began before says nothing.
    pub(in crate::checklist) fn references(&self, freeze: u64) -> Option<&Recorded> {
        let last = self.facts.last("verify references").filter(|it| it.entry > freeze)?;
        (last.began_behind(freeze) || !self.holds(last, None)).then_some(last)
    }

    pub(super) fn verify(&self) -> Found {
        let Some(frozen) = self.frozen() else { return not_begun() };
        let sequence = self.facts.freeze().map_or(0, |freeze| freeze.sequence);
        let last = |step: &str| self.facts.last(step).filter(|it| it.began_behind(sequence));
        let [audit, verify] = ["audit", "verify"].map(last);
        let (references, jobs) = (self.references(sequence), last("enqueue verify"));
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
            why.extend(part.filter(|_| state == State::Done).and_then(allowed));
            if state == State::NotBegun {
                why.push(format!("`{name}` has not run behind the freeze"));
            }
        }
        // Of the ways that are optional one that was gone and is not clean counts. Clients' tables have no digest.
        if let Some(references) = references {
            let (state, words, _) = self.of_command(Some(references), None);
            states.push(state);
            why.extend(words);
            why.extend(Some(references).filter(|_| state == State::Done).and_then(allowed));
        }
        if let Some(unread) = verify.filter(|verify| !verify.evidence.reads_content()) {
            states.push(State::UnderWay);
            let entry = unread.entry;
            why.push(format!("`verify`, entry {entry}, read no content: leave out `--sample 0`"));
        }
        // `verify --deep` reads each file, as the workers do. A sample does not.
        let is_deep = verify.is_some_and(|it| it.evidence.read == Some(ContentRead::Everything));
        if audit.is_some_and(|audit| audit.evidence.run.is_none()) {
            if !self.is_without_queue() {
                states.push(State::UnderWay);
                if self.today.queue.is_none() {
                    let urls: Vec<_> =
                        self.facts.queues.iter().map(|it| format!("`{it}`")).collect();
                    why.push(format!(
                        "jobs were sent to {}, and SQS_URL is not set",
                        urls.join(", ")
                    ));
                }
                why.push("the audit compared no verification: give it `--run`".to_owned());
            } else if !is_deep {
                states.push(State::UnderWay);
                let text =
                    "no queue was used, and so no worker verified: `verify --deep` reads each file";
                why.push(text.to_owned());
            }
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
}

/// What an operator allowed of what would be findings: it is done, and its reader must know.
fn allowed(recorded: &Recorded) -> Option<String> {
    let (step, entry) = (typed_as(&recorded.evidence.step), recorded.entry);
    let flags = recorded.evidence.allow_flags()?;
    Some(format!("`{step}`, entry {entry}, was given {flags}: what that allows is no finding"))
}
