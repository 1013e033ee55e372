//! The command lines of each step.

use super::CommandLine;
use crate::checklist::facts::{Facts, PASSES, Recorded};
use crate::checklist::rules::View;
use crate::checklist::{CheckList, State, Step};
use crate::cutover::Phase;
use crate::journal::{ContentRead, EvidenceOutcome, MigrationPlace};

/// What the lines of a step depend on.
pub(super) struct Lines<'a> {
    pub(super) facts: &'a Facts,
    pub(super) today: &'a MigrationPlace,
    pub(super) list: &'a CheckList,
}

fn line(automatic: bool, words: &[&str], purpose: &'static str) -> CommandLine {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    CommandLine { words, automatic, purpose }
}

/// One that may be started without an operator.
fn automatic(words: &[&str], purpose: &'static str) -> CommandLine {
    line(true, words, purpose)
}

/// One that an operator types.
fn typed(words: &[&str], purpose: &'static str) -> CommandLine {
    line(false, words, purpose)
}

/// The audit, with the workers' verification or without a queue.
fn audit_of(run: &str, without_queue: bool) -> Vec<CommandLine> {
    if without_queue {
        return vec![automatic(&["audit", "--no-run"], "compare index and ledger")];
    }
    let work = "work on the jobs from here, or wait until the function has";
    let audit = "compare index, ledger and verification";
    vec![typed(&["work", "--until-empty"], work), automatic(&["audit", "--run", run], audit)]
}

fn confirmed(step: Step, purpose: &'static str) -> CommandLine {
    typed(&["runbook", "done", &step.number().to_string(), "--note", "TEXT"], purpose)
}

impl Lines<'_> {
    /// Of this step.
    pub(super) fn of(&self, step: Step) -> Vec<CommandLine> {
        match step {
            Step::Build => vec![
                automatic(&["doctor"], "check every system"),
                typed(
                    &["provision", "--access-profile", "PROFILE"],
                    "where buckets, queues or tables are missing",
                ),
            ],
            Step::Sync => vec![
                typed(&["sync"], "bring raw copies"),
                confirmed(step, "say that it is done, or not needed"),
            ],
            Step::BadData => self.bad_data(),
            Step::Migrate | Step::MigrateAgain => self.migrate(step),
            Step::StopIngest => {
                let freeze = typed(
                    &["freeze", "--means", "TEXT"],
                    "once ingest is off: prove that nothing moves, and note how it was stopped",
                );
                let check = typed(&["freeze", "check"], "name what has changed since the freeze");
                let is_stale = self.list.state(step) == State::Stale;
                is_stale.then_some(check).into_iter().chain([freeze]).collect()
            }
            Step::Verify => self.verify(),
            Step::ConfigureClients => vec![
                typed(&["config"], "print what to change"),
                typed(
                    &["config", "--check", "context.xml", "--check", "rhino.yaml"],
                    "see that the files have it: both by one command",
                ),
                typed(
                    &["smoke", "--trial", "URL"],
                    "try a second contentrepo on S3 before the window",
                ),
                confirmed(step, "confirm what no file shows: lemur, proxies"),
            ],
            Step::CutOver => self.cut_over(),
            Step::KeepMogile => {
                vec![confirmed(
                    step,
                    "say how long MogileFS stays readable, and who answers for it",
                )]
            }
            Step::Test => vec![automatic(&["smoke"], "read through the applications' tables")],
            Step::EnableIngest => vec![confirmed(step, "say that clients write again")],
        }
    }

    /// When all steps are done.
    #[expect(clippy::unused_self, reason = "the lines of a step are asked in the same way")]
    pub(super) fn behind_all(&self) -> Vec<CommandLine> {
        vec![typed(&["runbook", "export"], "keep the journal elsewhere")]
    }

    fn bad_data(&self) -> Vec<CommandLine> {
        if let Some((_, fid)) = self.facts.changes.open_rekey {
            let fid = fid.0.to_string();
            return vec![typed(&["rekey", "--fid", &fid, "--execute"], "bring it to its end")];
        }
        if self.facts.open_deletion.is_some() {
            return vec![typed(&["tmp", "delete", "--execute"], "bring it to its end")];
        }
        vec![
            typed(&["plan"], "name the rows that cannot be migrated"),
            typed(&["rekey", "scan"], "name keys of other content"),
            typed(&["tmp", "list"], "name unfinished uploads"),
            confirmed(Step::BadData, "say that it is done, or not needed"),
        ]
    }

    /// A pass with the queue, where the settings name one.
    fn migrate(&self, step: Step) -> Vec<CommandLine> {
        let pass = if self.today.queue.is_some() {
            automatic(&["enqueue", "migrate"], "send a job for each file that is left")
        } else {
            automatic(&["migrate"], "migrate each file that is left")
        };
        let last = self.facts.passes.last().map(|it| (&it.evidence.step, it.evidence.outcome));
        let watch = typed(&["status", "--watch"], "wait until the queue is empty");
        let work = typed(&["work", "--until-empty"], "or work on the jobs from here");
        let freeze = typed(
            &["freeze", "--means", "TEXT"],
            "instead, where the rest may wait for the window: stop ingest first",
        );
        match (self.list.state(step), last) {
            (State::UnderWay, _) if step == Step::Migrate => vec![watch, work, pass, freeze],
            (State::UnderWay, _) => vec![watch, work, pass],
            (State::Failed, Some((name, EvidenceOutcome::Differs))) => {
                let mut lines = vec![typed(&["rekey", "scan"], "name keys of other content")];
                if *name == PASSES[1] {
                    lines.insert(0, typed(&["dlq", "list"], "see what failed, and why"));
                }
                let accept = ["audit", "accept", "--fids", "FIDS", "--reason", "TEXT"];
                lines.push(typed(&accept, "accept by name what no replica gives any more"));
                lines.push(pass);
                lines
            }
            (State::NotBegun | State::Done | State::Stale | State::Skipped | State::Failed, _) => {
                vec![pass]
            }
        }
    }

    fn verify(&self) -> Vec<CommandLine> {
        let freeze = self.facts.freeze();
        let sequence = freeze.map_or(0, |freeze| freeze.sequence);
        let content = freeze.map(|freeze| &freeze.freeze.state.content);
        let view = View { facts: self.facts, today: self.today };
        let of = |step: &str| self.facts.last(step).filter(|it| it.began_behind(sequence));
        let holds = |it: &Recorded| view.holds(it, content);
        let (audit, verify) = (of("audit"), of("verify"));
        let without_queue = view.is_without_queue();
        let mut lines = self.failed(audit, verify);
        let jobs = self.facts.last("enqueue verify").filter(|it| view.holds(it, None));
        let run = jobs.and_then(|it| it.evidence.run.clone());
        let run = run.unwrap_or_else(|| format!("freeze-{sequence}"));
        let without_pass =
            |it: &Recorded| it.counted("without_pass").is_some_and(|files| files > 0);
        let sent_behind = |it: &Recorded| jobs.is_some_and(|jobs| !it.began_behind(jobs.entry));
        let is_unverified = audit.is_some_and(|it| without_pass(it) && !sent_behind(it));
        if !without_queue && (jobs.is_none() || is_unverified) {
            let words = ["enqueue", "verify", "--run", &run];
            lines.push(if self.today.queue.is_some() {
                automatic(&words, "have the workers verify each file")
            } else {
                typed(&words, "set SQS_URL and SQS_DLQ_URL; have the workers verify each file")
            });
        }
        let reads_enough = |it: &Recorded| {
            let is_deep = it.evidence.read == Some(ContentRead::Everything);
            is_deep || (!without_queue && it.evidence.reads_content())
        };
        if !verify.is_some_and(|it| holds(it) && reads_enough(it)) {
            lines.push(if without_queue {
                automatic(&["verify", "--deep"], "read each file in S3: no worker has verified it")
            } else {
                automatic(&["verify"], "compare the buckets with the index")
            });
        }
        let is_whole = |it: &Recorded| holds(it) && (without_queue || it.evidence.run.is_some());
        if !audit.is_some_and(is_whole) {
            lines.extend(audit_of(&run, without_queue));
        }
        if let Some(references) = view.references(sequence).filter(|it| !view.holds(it, None)) {
            if references.evidence.outcome == EvidenceOutcome::Differs {
                let words = ["verify", "--references", "--failures", "FILE"];
                lines.push(typed(&words, "name the clients' rows that are broken"));
            }
            let words = ["verify", "--references"];
            lines.push(automatic(&words, "compare the clients' tables with the buckets"));
        }
        lines
    }

    /// What an audit and a verification found, and how to correct it.
    fn failed(&self, audit: Option<&Recorded>, verify: Option<&Recorded>) -> Vec<CommandLine> {
        let failed = |it: &&Recorded| {
            it.evidence.outcome == EvidenceOutcome::Differs
                && it.evidence.stale(self.today, None).is_empty()
        };
        let (audit, verify) = (audit.filter(failed), verify.filter(failed));
        let mut lines = Vec::new();
        if audit.or(verify).is_none() {
            return lines;
        }
        let lost = ["missing", "wrong-length", "wrong-content"];
        let lost = |it: &Recorded| lost.iter().any(|name| it.counted(name) > Some(0));
        if verify.is_some_and(lost) {
            // The ledger may have a proof from before the object went: a pass over what is pending finds nothing.
            lines.push(typed(&["verify", "--failures", "FILE"], "name these files in a new file"));
            let words = ["migrate", "--again", "--fids", "@FILE"];
            lines.push(typed(&words, "migrate them again, whatever the ledger has of them"));
        }
        if self.today.queue.is_some() {
            lines.push(typed(&["status", "--watch"], "wait until the queue is empty"));
        }
        lines.extend(self.migrate(Step::MigrateAgain).pop());
        let accept = ["audit", "accept", "--fids", "FIDS", "--reason", "TEXT"];
        lines.push(typed(&accept, "accept by name what no replica gives any more"));
        lines
    }

    /// The entry by which contentrepo's cut-over was begun.
    fn repo_begun(&self) -> Option<u64> {
        self.facts.cutovers.contentrepo.forth.as_ref().map(|run| run.sequence)
    }

    /// The flag of a cut-over where no queue was used.
    fn no_queue(&self) -> Option<String> {
        let view = View { facts: self.facts, today: self.today };
        view.is_without_queue().then(|| "--no-queue".to_owned())
    }

    /// The lines of a cut-over that is to begin.
    fn first_lines(&self, database: &'static str, file: &str) -> [CommandLine; 2] {
        // rhino's cut-over takes these names from contentrepo's.
        // A bucket that is mapped since then is not left behind any more.
        let is_mapped = |name: &String| {
            self.today.buckets.iter().any(|pair| pair.split(':').next() == Some(name.as_str()))
        };
        let names = self.facts.left_behind.iter().filter(|name| !is_mapped(name)).cloned();
        let left_behind = names.collect::<Vec<_>>().join(",");
        let is_named = database == "contentrepo" && !left_behind.is_empty();
        let left_behind = is_named.then(|| ["--left-behind".to_owned(), left_behind]);
        let look = "look: it changes nothing, and names each flag that is needed";
        let words = ["cutover", database, "--execute", "--backup", file];
        [typed(&["cutover", database], look), typed(&words, "change the names")].map(|mut line| {
            line.words.extend(self.no_queue());
            line.words.extend(left_behind.iter().flatten().cloned());
            line
        })
    }

    fn cut_over(&self) -> Vec<CommandLine> {
        let go_on = |database: &str| {
            let words = ["cutover", database, "--execute"];
            let mut line = typed(&words, "bring it to its end; clients stand still");
            line.words.extend(self.no_queue());
            line
        };
        let back = |database: &str| {
            let words = ["cutover", database, "--revert", "--execute"];
            typed(&words, "bring the way back to its end; clients stand still")
        };
        let cutovers = &self.facts.cutovers;
        // The backup of a cut-over that was taken back stays.
        let file = |database: &str, taken_back: Option<u64>| match taken_back {
            Some(entry) => format!("{database}-names-{entry}.gz"),
            None => format!("{database}-names.gz"),
        };
        let file_of_repo = file("contentrepo", cutovers.contentrepo.taken_back);
        let contentrepo = self.first_lines("contentrepo", &file_of_repo);
        let rhino = self.first_lines("rhino", &file("rhino", cutovers.rhino.taken_back));
        match (cutovers.contentrepo.phase(), cutovers.rhino.phase()) {
            (_, Phase::UnderWayBack) | (Phase::Before, Phase::CutOver) => vec![back("rhino")],
            (Phase::UnderWayBack, _) => vec![back("contentrepo")],
            (Phase::UnderWay, _) => vec![go_on("contentrepo")],
            (_, Phase::UnderWay) => vec![go_on("rhino")],
            (Phase::CutOver, Phase::Before) if cutovers.rhino.taken_back > self.repo_begun() => {
                [vec![back("contentrepo")], rhino.into()].concat()
            }
            (Phase::CutOver, Phase::Before) => rhino.into(),
            (Phase::Before, Phase::Before) | (Phase::CutOver, Phase::CutOver) => {
                contentrepo.into_iter().chain(rhino).collect()
            }
        }
    }
}
