//! What `doctor` prints.

use std::fmt::{self, Write};

use domain::{Check, Health, Reason, doctor};
use serde::Serialize;

use crate::commands::doctor::{SETTINGS, Unseen};
use crate::config::CONTENT_REPO;

use super::Report;
use super::advice::{Again, advice, advice_on_obstacle};
use crate::exit::{Exit, Verdict};

/// What it costs that no content types can be written with the files: a COPY of each object onto itself
/// afterwards (ten million at $5 a million).
const WITHOUT_CONTENT_REPO: &str = "without CONTENTREPO_DATABASE_URL the objects in S3 get no content types and \
     no download names. contentrepo's own readers do not need them; to add them later costs a COPY of each \
     object, about $50 for ten million";

/// The checks of all systems.
#[derive(Debug, Serialize)]
pub struct DoctorReport {
    checks: Vec<Check>,
    /// Settings that name a database of MogileFS's clients, and are not given.
    unset: Vec<&'static str>,
    /// What was not looked at for want of a setting.
    not_looked_at: Vec<Unseen>,
    #[serde(flatten)]
    verdict: Verdict,
}

impl DoctorReport {
    /// Bad checks are findings; a system that cannot be reached makes the report incomplete. A setting that
    /// is missing makes it incomplete, too, and is configuration, whatever else was found: until it is there
    /// nothing can be started, and waiting does not help.
    pub fn new(checks: Vec<Check>) -> Self {
        let any = |health| checks.iter().any(|check| check.health == health);
        let verdict = match wrong_settings(&checks) {
            0 => Verdict::of_checks(any(Health::Unreachable), any(Health::Bad)),
            _ => Verdict { exit: Exit::Usage, incomplete: true, differs: true },
        };
        Self { checks, unset: Vec::new(), not_looked_at: Vec::new(), verdict }
    }

    /// These were not looked at for want of a setting.
    pub fn with_unseen(self, not_looked_at: Vec<Unseen>) -> Self {
        Self { not_looked_at, ..self }
    }

    /// The databases that these settings would name were not looked at. A migration needs none of
    /// them.
    pub fn without(self, unset: Vec<&'static str>) -> Self {
        Self { unset, ..self }
    }
}

impl Report for DoctorReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        for check in &self.checks {
            let Check { subject, fact, health, detail, reason } = check;
            match health {
                Health::Good => writeln!(out, "ok   {subject}: {fact} ({detail})")?,
                Health::Caution => {
                    writeln!(out, "!    {subject}: does not hold: {fact}\n     {detail}")?;
                }
                Health::Bad => {
                    writeln!(out, "BAD  {subject}: does not hold: {fact}\n     {detail}")?;
                }
                Health::Unreachable => {
                    writeln!(out, "OUT  {subject}: not checked: {fact}\n     {detail}")?;
                }
            }
            let advice = match reason {
                Some(reason) => Some(advice_in_doctor(reason)),
                None if *health == Health::Bad => {
                    advice_on_settings_of(subject, fact).map(str::to_owned)
                }
                None => None,
            };
            if let Some(advice) = advice {
                writeln!(out, "     → {advice}")?;
            }
        }
        for Unseen { subject, why } in &self.not_looked_at {
            writeln!(out, "-    {subject}: not looked at, for want of a setting\n     {why}")?;
        }
        if !self.unset.is_empty() {
            let unset = self.unset.join(", ");
            writeln!(
                out,
                "note MogileFS's clients: not looked at, for want of {unset}; no file needs it"
            )?;
        }
        if self.unset.contains(&CONTENT_REPO) {
            writeln!(out, "note content types: {WITHOUT_CONTENT_REPO}")?;
        }
        let all = self.checks.len();
        let count = |wanted: &[Health]| {
            self.checks.iter().filter(|check| wanted.contains(&check.health)).count()
        };
        let cautions = match count(&[Health::Caution]) {
            0 => String::new(),
            cautions => format!(" {cautions} begin with `!`: they stop nothing, read them."),
        };
        let settings = wrong_settings(&self.checks);
        if settings > 0 {
            writeln!(
                out,
                "{settings} settings are missing or cannot be used. Each is a flag, a variable of the \
                 environment or a line of the file .env. What needs them was not looked at: correct them, then \
                 run this again."
            )?;
        }
        match count(&[Health::Bad, Health::Unreachable]) {
            0 if cautions.is_empty() => writeln!(out, "All {all} checks are good."),
            0 => writeln!(out, "The checks are good.{cautions}"),
            sick => {
                writeln!(out, "{sick} of {all} checks are not good: mend them first.{cautions}")
            }
        }
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// How many settings are missing or cannot be used.
fn wrong_settings(checks: &[Check]) -> usize {
    let is_wrong = |check: &&Check| check.subject == SETTINGS && check.health == Health::Bad;
    checks.iter().filter(is_wrong).count()
}

fn advice_in_doctor(reason: &Reason) -> String {
    advice_on_obstacle(reason).map_or_else(|| advice(reason.kind, Again::Doctor), str::to_owned)
}

/// Which settings say what these checks compare.
fn advice_on_settings_of(subject: &str, fact: &str) -> Option<&'static str> {
    match subject {
        "index" if fact == doctor::BUCKETS_OF_FIRST_ROWS => Some(
            "add the bucket to BUCKETS or to IGNORE_BUCKETS, then run this again. `mogile2s3 plan` \
             names the buckets of all rows",
        ),
        "index" if fact == doctor::FIRST_ROWS => Some(
            "the other files can be migrated. `mogile2s3 plan` counts all such rows, and says what to \
             do about each kind",
        ),
        "files" => Some(
            "correct BUCKETS, then run this again. `mogile2s3 plan` names the buckets of all rows",
        ),
        "index" => Some("correct MOGILE_DOMAIN, or MOGILE_DATABASE_URL, then run this again"),
        _ if fact == doctor::TABLE_KEY => Some(
            "correct the table's setting, or give a new name there and make that table with `mogile2s3 \
             provision`, which needs --access-profile",
        ),
        // These say themselves what to do.
        "queue" if fact != doctor::DELIVERIES => None,
        "ledger" => Some(
            "correct BUCKETS, then run this again; if the files are to move, see --moved-from in \
             `mogile2s3 migrate --help`",
        ),
        "queue" => Some(
            "`mogile2s3 provision`, which needs --access-profile, gives the queue what it lacks; \
             --dry-run shows first what it would do",
        ),
        doctor::CONTENT_REPO => Some(
            "correct CONTENTREPO_DATABASE_URL or its account, or BUCKETS and IGNORE_BUCKETS, then run \
             this again",
        ),
        doctor::MOGILE => Some("correct MOGILE_DATABASE_URL or its account, then run this again"),
        doctor::KEY_CHANGES => Some(
            "correct MOGILE_DATABASE_WRITE_URL or its account, then run this again. Only `rekey \
             --execute` needs it: leave it empty to do without",
        ),
        doctor::RHINO => Some("correct RHINO_DATABASE_URL or its account, then run this again"),
        "dead-letter queue" => Some("set SQS_DLQ_URL, for the function too, then run this again"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::{Obstacle, Reason, ReasonKind, Thing};

    use super::*;

    #[test]
    fn what_cannot_be_reached_is_incomplete_and_what_is_bad_differs() {
        let good = || Check::good("index", "it answers", "noop");
        let bad = || Check::bad("bucket b", "it is there", "it is not");
        let out = || Check::unreachable("tracker t", "it answers", "refused");
        for (checks, exit, incomplete, differs) in [
            (vec![good()], Exit::Clean, false, false),
            (vec![good(), bad()], Exit::Findings, false, true),
            (vec![out(), good()], Exit::Unreachable, true, false),
            (vec![out(), bad()], Exit::Unreachable, true, true),
        ] {
            let verdict = DoctorReport::new(checks).verdict();
            assert_eq!(verdict, Verdict { exit, incomplete, differs });
        }
    }

    /// Whatever the other checks are: nothing can be started without the setting.
    #[test]
    fn a_setting_that_is_missing_is_configuration_and_the_rest_is_shown() {
        let missing = || Check::bad(SETTINGS, "they are there", "X is not set: give its name");
        for other in [
            Check::good("index", "it answers", "noop"),
            Check::bad("bucket b", "it is there", "it is not"),
            Check::unreachable("tracker t", "it answers", "refused"),
        ] {
            let unseen = Unseen { subject: "ledger".to_owned(), why: "X is not set".to_owned() };
            let report = DoctorReport::new(vec![missing(), other]).with_unseen(vec![unseen]);
            let expected = Verdict { exit: Exit::Usage, incomplete: true, differs: true };
            assert_eq!(report.verdict(), expected);
            let mut said = String::new();
            report.write(&mut said).expect("a string takes it");
            for words in [
                "BAD  settings: does not hold: they are there\n     X is not set: give its name\n",
                "-    ledger: not looked at, for want of a setting\n     X is not set\n",
                "1 settings are missing or cannot be used",
            ] {
                assert!(said.contains(words), "{words}: {said}");
            }
        }
    }

    #[test]
    fn what_is_not_looked_at_is_no_failure() {
        let good = || vec![Check::good("index", "it answers", "noop")];
        let report = DoctorReport::new(good()).without(vec!["A_URL", "B_URL"]);
        assert_eq!(report.verdict(), DoctorReport::new(good()).verdict());
        let mut said = String::new();
        report.write(&mut said).expect("a string takes it");
        assert!(said.contains("not looked at, for want of A_URL, B_URL;"), "{said}");
        assert!(said.contains("All 1 checks are good."), "{said}");
    }

    #[test]
    fn a_check_that_is_not_good_says_what_to_correct() {
        let no_table = Reason::new(ReasonKind::LedgerUnavailable, "no such table");
        let no_table = no_table.because_of(Obstacle::Absent(Thing::Table));
        let checks = vec![
            Check::bad("index", "it has the domain", "it has not"),
            Check::bad("ledger", "it can be read", "no such table").because_of(no_table),
            Check::good("ledger", "it can be read", "read"),
        ];
        let mut said = String::new();
        DoctorReport::new(checks).write(&mut said).expect("a string takes it");
        assert!(said.contains("→ correct MOGILE_DOMAIN"), "{said}");
        assert!(said.contains("→ correct DYNAMODB_TABLE"), "{said}");
        assert_eq!(said.matches('→').count(), 2, "{said}");
    }

    /// Each rejected row needs a setting of its own; and `doctor` never sends to `doctor`.
    #[test]
    fn advice_is_of_what_is_wrong_and_leads_away_from_here() {
        let said = |check: Check| {
            let mut said = String::new();
            DoctorReport::new(vec![check]).write(&mut said).expect("a string takes it");
            let (_, advice) = said.split_once("→ ").unwrap_or_else(|| panic!("no advice: {said}"));
            advice.to_owned()
        };
        let index = |fact| said(Check::bad("index", fact, "1 are rejected"));
        let unmapped = index(doctor::BUCKETS_OF_FIRST_ROWS);
        assert!(unmapped.contains("BUCKETS or to IGNORE_BUCKETS"), "{unmapped}");
        let odd = index(doctor::FIRST_ROWS);
        assert!(odd.contains("`mogile2s3 plan` counts"), "{odd}");
        for advice in [&unmapped, &odd] {
            assert!(!advice.contains("MOGILE_DOMAIN"), "{advice}");
        }
        for kind in [ReasonKind::SourceRefused, ReasonKind::KeyUnknown, ReasonKind::StoreRefused] {
            let check = Check::bad("fid 7", "it can be read", "words");
            let advice = said(check.because_of(Reason::new(kind, "words")));
            let again = advice.contains("Then run this again");
            assert!(again && !advice.contains("mogile2s3"), "{kind}: {advice}");
        }
    }
}
