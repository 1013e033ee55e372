//! `mogile2s3 migrate`: the migration from here, without a queue.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use domain::Summary;
use domain::blueprint::table_by_fid;
use domain::engine::{RunObserver, RunPlan, migrate_run, sync_run};
use domain::migrate::TypesFrom;

use crate::acceptances::accepted;
use crate::config::{
    CONCURRENCY, JournalSettings, Settings, TableSettings, TypesSettings, at_once, duration,
};
use crate::evidence::{
    Ended, MogileSettings, PlaceSettings, begin, counted, says_something, write_end,
};
use crate::exit::{Exit, UsageError, Verdict};
use crate::journal::OperatorSettings;
use crate::report::migrate::{MigrateReport, verdict};
use crate::report::{Counted, FailureList, FailureListEnd, Observers, Teller};
use crate::route::Route;
use crate::selection::SelectionArguments;
use crate::session::Session;
use crate::wiring::{Services, Wiring};

/// The default of `--wait`.
const WAIT: Duration = Duration::from_hours(1);

/// What can be given to `migrate`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// How files may get to S3
    #[arg(long, value_enum, default_value_t = Route::Auto)]
    route: Route,

    #[command(flatten)]
    types: TypesSettings,

    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    run: RunArguments,
}

/// What can be given to every command that runs over the index.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Files in progress at the same time
    #[arg(long, default_value_t = CONCURRENCY, value_name = "N", value_parser = at_once)]
    concurrency: NonZeroU16,

    /// Wait this long for a system that was reached before (30s, 10m, 2h), then give up
    #[arg(long, default_value = "1h", value_name = "DURATION", value_parser = duration)]
    wait: Duration,

    /// Go on although 1,000 files in a row fail in a way that points to a setting
    #[arg(long)]
    keep_going: bool,

    /// Start no more files after N failures [default: no limit]
    #[arg(long, value_name = "N", value_parser = failures_allowed)]
    max_failures: Option<u64>,

    /// Write every failed file and rejected row to this new file as it happens, one a line: fid,
    /// reason, key and detail, separated by tabs. `--fids @FILE` reads it. Findings are in it, too,
    /// behind `#finding` and a tab, and `--fids` does not read them
    #[arg(long, value_name = "FILE")]
    failures: Option<PathBuf>,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    selection: SelectionArguments,

    #[command(flatten)]
    tables: TableSettings,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    settings: Settings,
}

const AFTER_HELP: &str = "\
With CONTENTREPO_DATABASE_URL each object that is written gets the content type and the download
name of its newest row in contentrepo, at no extra request. Its table is read once, before the
first file. An object that is there already keeps what it has.

Signals: after the first SIGINT or SIGTERM no new file is started, and files in progress have 20
seconds. The second signal abandons them. After either of the two, proven files are recorded and
the summary is printed. The third signal ends the process at once.

Exit codes: 0 every row is in a class and nothing failed; 1 files failed, rows were rejected or
missing, or the run was interrupted; 2 wrong usage or configuration, nothing was done; 3
something could not be reached; 130 after a third signal. After each of them the same command
continues where this run ended.";

/// Migrates what is selected.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { route, types, operator, run } = arguments;
    let session = Session::begin(run.json);
    let aim = Aim::Migrate(route, types.from(&run.wiring(&session))?);
    let flags = route.flag() + &types.flag();
    let begun = run.begin(&session).await;
    let report = run.carry_out(&session, aim, "mogile2s3 migrate", &flags).await?;
    let exit = session.print(&report)?;
    let ended = ("migrate", begun, report.verdict);
    Box::pin(run.journal_end(&session, &operator, ended, &report)).await;
    Ok(exit)
}

/// Where a run brings files.
pub enum Aim {
    /// To their final keys, by this route, with types and names from there.
    Migrate(Route, Option<TypesFrom>),
    /// To the keys of their intermediaries.
    Sync,
}

impl RunArguments {
    /// Whether the summary is for a machine.
    #[must_use]
    pub const fn json(&self) -> bool {
        self.json
    }

    /// Runs over the index. `name` and `flags` are how the next command begins.
    pub async fn carry_out(
        &self,
        session: &Session,
        aim: Aim,
        name: &str,
        flags: &str,
    ) -> anyhow::Result<MigrateReport> {
        let Settings { source, target, aws, .. } = &self.settings;
        let mut plan = self.plan(&aim)?;
        let ports = self.wiring(session).ports(target, &self.tables, aws).await?;
        let tables = [aws.ledger_table()?, self.tables.failures_table(aws)?].map(table_by_fid);
        let services = self.services(session);
        plan.guard = Some(services.guard(tables.into(), None).await?);
        match accepted(&services, &self.journal, &source.domain).await? {
            Ok(accepted) => plan.selection.accepted = accepted,
            Err(stopped) => {
                let summary = Summary { stopped: Some(stopped), ..Summary::default() };
                return Ok(self.report(session, summary, None, (name, flags)));
            }
        }
        let failures = self.failures.as_deref().map(FailureList::create).transpose()?;

        let (progress, stops) = session.watch(Counted::Rows, Teller::stop)?;
        let mut observers: Vec<&dyn RunObserver> = vec![&progress];
        observers.extend(failures.as_ref().map(|failures| failures as &dyn RunObserver));
        let observers = Observers(observers);
        let summary = match aim {
            Aim::Migrate(..) => migrate_run(&ports, &plan, stops, &observers).await,
            Aim::Sync => sync_run(&ports, &plan, stops, &observers).await,
        };
        progress.finish();

        let failure_list = failures.map(FailureList::finish);
        Ok(self.report(session, summary, failure_list, (name, flags)))
    }

    /// The last entry of the journal, before anything is read.
    pub async fn begin(&self, session: &Session) -> Option<u64> {
        begin(&self.services(session), &self.journal).await
    }

    /// Writes what a run came to into the journal, unless it took some of the files alone, or nothing was
    /// begun.
    pub async fn journal_end(
        &self,
        session: &Session,
        operator: &OperatorSettings,
        (step, begun, verdict): (&'static str, Option<u64>, Verdict),
        MigrateReport { summary, cost, .. }: &MigrateReport,
    ) {
        let was_begun = says_something(summary.stopped.as_ref(), summary.intake.rows);
        let Ok(buckets) = self.settings.target.bucket_map() else { return };
        if !was_begun || self.selection.takes_a_part() {
            return;
        }
        let Settings { source, aws, .. } = &self.settings;
        let place = PlaceSettings {
            source: MogileSettings::All(source),
            buckets: &buckets,
            aws,
            tables: &self.tables,
            journal: &self.journal,
            queue: None,
        };
        let mut counted = counted::migrate(summary, cost.took);
        if self.selection.again {
            // It took files that were proven, too.
            counted.remove("left");
        }
        let ended = Ended::new(step, verdict, counted, begun);
        write_end(&self.services(session), &place, operator, ended).await;
    }

    fn report(
        &self,
        session: &Session,
        summary: Summary,
        failure_list: Option<FailureListEnd>,
        (name, flags): (&str, &str),
    ) -> MigrateReport {
        MigrateReport {
            verdict: verdict(&summary, failure_list.as_ref()),
            summary,
            failure_list,
            cost: session.cost(),
            command: self.command(name, flags),
            fids: self.selection.fids_flag(),
        }
    }

    fn services<'a>(&'a self, session: &'a Session) -> Services<'a> {
        session.services(&self.settings.aws, &self.settings.time)
    }

    fn wiring<'a>(&'a self, session: &'a Session) -> Wiring<'a> {
        session.wiring(&self.settings.source, &self.settings.time)
    }

    fn plan(&self, aim: &Aim) -> Result<RunPlan, UsageError> {
        let target = &self.settings.target;
        let (route, types) = match aim {
            Aim::Migrate(route, types) => (*route, types.clone()),
            Aim::Sync => (Route::Mogile, None),
        };
        Ok(RunPlan {
            buckets: target.bucket_map()?,
            route: route.into(),
            selection: self.selection.selection()?,
            concurrency: self.concurrency.get().into(),
            wait: self.wait,
            keep_going: self.keep_going,
            moved_from: self.selection.moved_from()?,
            max_failures: self.max_failures,
            single_request_bytes: target.single_request_bytes,
            types,
            guard: None,
        })
    }

    /// This command, as far as other fids need it. Settings are not repeated: some are secret, and
    /// all can stand in the environment.
    fn command(&self, name: &str, flags: &str) -> String {
        let mut command = format!("{name}{}{flags}", self.selection.flags());
        if self.concurrency != CONCURRENCY {
            command = format!("{command} --concurrency {}", self.concurrency);
        }
        if self.wait != WAIT {
            let wait = humantime::format_duration(self.wait).to_string();
            command = format!("{command} --wait {}", wait.replace(' ', ""));
        }
        if let Some(failures) = self.max_failures {
            command = format!("{command} --max-failures {failures}");
        }
        if self.keep_going {
            command += " --keep-going";
        }
        command
    }
}

/// `--max-failures`: none at all would be a run that starts nothing.
pub fn failures_allowed(given: &str) -> Result<u64, String> {
    let number = given.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| {
        "give a whole number from 1 on: 1 ends the run at the first failure. Without the flag no number \
         of failures does"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn next(flags: &[&str]) -> (String, String) {
        let required = ["migrate", "--buckets", "a:bucket"];
        let line = Line::try_parse_from(required.iter().chain(flags)).expect("good flags");
        let Arguments { route, types, run, .. } = line.arguments;
        let flags = route.flag() + &types.flag();
        (run.command("mogile2s3 migrate", &flags), run.selection.fids_flag())
    }

    #[test]
    fn the_next_command_repeats_what_matters() {
        assert_eq!(next(&[]), ("mogile2s3 migrate".to_owned(), String::new()));
        let given = [
            "--again",
            "--fids",
            "@my list",
            "--exclude-file",
            "not these",
            "--moved-from",
            "old",
            "--route",
            "mogile",
            "--concurrency",
            "8",
            "--wait",
            "90m",
            "--max-failures",
            "3",
            "--keep-going",
            "--spool-dir",
            "/my disk",
        ];
        let expected = "mogile2s3 migrate --again --moved-from old --exclude-file 'not these' \
                        --route mogile --spool-dir '/my disk' --concurrency 8 --wait 1h30m --max-failures 3 --keep-going";
        assert_eq!(next(&given), (expected.to_owned(), " --fids '@my list'".to_owned()));
    }

    #[test]
    fn a_time_without_a_unit_is_refused_with_an_example() {
        let wait =
            |value| Line::try_parse_from(["migrate", "--buckets", "a:bucket", "--wait", value]);
        assert_eq!(wait("10m").expect("a time").arguments.run.wait, Duration::from_mins(10));
        for wrong in ["5", "2000y", "soon", "-1s"] {
            let given = format!("--wait={wrong}");
            let said = Line::try_parse_from(["migrate", "--buckets", "a:bucket", &given]);
            let said = said.expect_err("it is wrong").to_string();
            let words = "give a time from 0s to 365d with its unit, such as 30s, 10m or 2h";
            assert!(said.contains("--wait") && said.contains(words), "{said}");
        }
    }

    #[test]
    fn numbers_of_things_at_once_say_their_range() {
        for flag in ["--concurrency", "--tracker-connections", "--node-connections"] {
            for wrong in ["0", "70000", "many"] {
                let given = format!("{flag}={wrong}");
                let said = Line::try_parse_from(["migrate", "--buckets", "a:bucket", &given]);
                let said = said.expect_err("it is wrong").to_string();
                let words = "give a number from 1 to 65535, such as 16";
                assert!(said.contains(flag) && said.contains(words), "{said}");
            }
        }
    }
}
