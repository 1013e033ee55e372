//! What `runbook done` prints.

use std::fmt::{self, Write};

use domain::checklist::{CheckList, Next, Step, StepProof};
use domain::digest::Sha256;
use domain::journal::Head;
use serde::Serialize;

use super::next::{write_must_stay_stopped, write_next};
use crate::exit::Verdict;
use crate::report::Report;
use crate::report::shell::printable;

/// Commands that are shown of the next step.
const COMMANDS: usize = 3;

/// A step is confirmed, or was done before.
#[derive(Debug, Serialize)]
pub struct DoneReport<'a> {
    migration: &'a str,
    table: &'a str,
    /// Whether it was done before: nothing was written then.
    already: bool,
    /// The number of the entry that says that the step is done.
    sequence: u64,
    /// The hash of the entry that was written.
    hash: Option<Sha256>,
    /// What to do next.
    next: Next,
    #[serde(skip)]
    step: Step,
    /// What has said before that the step is done.
    #[serde(skip)]
    before: Option<String>,
    #[serde(skip)]
    clients_must_stay_stopped: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

impl<'a> DoneReport<'a> {
    /// Of a step that this entry confirms, by a journal that has it.
    #[must_use]
    pub fn written(
        (migration, table): (&'a str, &'a str),
        step: Step,
        head: &Head,
        (list, next): (&CheckList, Next),
    ) -> Self {
        Self {
            migration,
            table,
            already: false,
            sequence: head.sequence,
            hash: Some(head.hash),
            next,
            step,
            before: None,
            clients_must_stay_stopped: list.clients_must_stay_stopped,
            verdict: Verdict::of_checks(false, false),
        }
    }

    /// Of a step that was done before, by this entry. Nothing was written.
    #[must_use]
    pub fn already(
        names: (&'a str, &'a str),
        step: Step,
        proof: &StepProof,
        now: (&CheckList, Next),
    ) -> Self {
        let head = Head { sequence: proof.entry, hash: Sha256::of(b"") };
        let written = Self::written(names, step, &head, now);
        Self { already: true, hash: None, before: Some(proof.what.clone()), ..written }
    }
}

impl Report for DoneReport<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        let Self { migration, table, sequence, hash, step, before, .. } = self;
        let (number, name) = (step.number(), step.name());
        match (hash, before) {
            (Some(hash), _) => writeln!(
                out,
                "entry {sequence} is written into the journal of `{migration}`, in the table `{table}`: {hash}"
            )?,
            (None, before) => {
                let before = printable(before.as_deref().unwrap_or_default());
                writeln!(
                    out,
                    "DONE already: step {number}, {name}, by entry {sequence}, `{before}`. Nothing was written; \
                     `mogile2s3 runbook note TEXT` keeps more words"
                )?;
            }
        }
        write_must_stay_stopped(out, self.clients_must_stay_stopped)?;
        write_next(out, &self.next, COMMANDS)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    #[test]
    fn a_step_that_is_done_says_what_comes_now() {
        let proof = StepProof {
            entry: 21,
            at: Timestamp(0),
            by: "ann".to_owned(),
            what: "done 10".to_owned(),
            counted: [].into(),
            note: None,
        };
        let next = Next {
            step: Some(Step::Test),
            why: Vec::new(),
            commands: Vec::new(),
            open: Vec::new(),
            way_back: None,
        };
        let list = CheckList {
            steps: Vec::new(),
            convergence: None,
            clients_must_stay_stopped: true,
            unknown_entries: 0,
        };
        let report =
            DoneReport::already(("ledger", "journal"), Step::KeepMogile, &proof, (&list, next));
        let mut text = String::new();
        report.write(&mut text).expect("a text");
        for words in [
            "DONE already: step 10, keep MogileFS readable, by entry 21, `done 10`",
            "CLIENTS MUST STAY STOPPED",
            "Next: step 11, test",
        ] {
            assert!(text.contains(words), "no `{words}` in: {text}");
        }
    }
}
