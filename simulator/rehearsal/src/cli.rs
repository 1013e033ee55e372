//! The command line of `rehearse`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::hazard::Hazards;
use crate::measure::{self, MEASURED, Measure};
use crate::process::{COMMAND, FUNCTION};
use crate::queued::{Queued, Worker};
use crate::report::{Lacks, Report, Screen, Stories, Struck};
use crate::runbook::{self, Story};
use crate::serve::serve;
use crate::stage::Options;
use crate::{containers, function_figures, passes, queued};

/// Rehearses the migration in a world of its own on loopback, nothing to install.
///
/// A corpus is planted with what goes wrong in a real store, the real command migrates it three
/// times, and an oracle judges what came of every file.
#[derive(Debug, Parser)]
#[command(name = "rehearse", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    corpus: Corpus,

    /// Rehearse in this way alone
    #[arg(long, value_enum, default_value_t = By::All, value_name = "WAY")]
    by: By,

    /// Where the rehearsal happens
    #[arg(long, value_enum, default_value_t = World::Embedded, value_name = "WORLD")]
    world: World,

    #[command(flatten)]
    servers: RealServers,

    /// Print the report as JSON
    #[arg(long, conflicts_with = "verbose")]
    json: bool,

    /// Print everything: each hazard, each class of rows, each kind of request
    #[arg(long)]
    verbose: bool,

    /// Write everything to this file, too [default: a file in the folder for temporary ones, whose
    /// name is printed]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// How the rehearsal goes with real servers.
#[derive(Debug, Clone, Copy, Args)]
struct RealServers {
    /// With `--world containers`: servers fail in the middle of some commands
    #[arg(long)]
    faults: bool,

    /// Leave the containers up at the end, and print the environment that points any client at them
    #[arg(long)]
    keep: bool,
}

/// What the commands reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum World {
    /// Stand-ins on loopback, nothing to install
    Embedded,
    /// Real servers: MySQL, LocalStack and a tracker in containers. The runbook is played to its end
    Containers,
}

impl Cli {
    /// What goes with one world alone.
    fn checked(self) -> Result<Self, clap::Error> {
        let real = self.world == World::Containers;
        let wrong = [
            (self.servers.keep && !real, "`--keep` needs `--world containers`"),
            (self.servers.keep && self.json, "`--keep` prints no JSON: leave `--json` out"),
            (
                self.servers.faults && !real,
                "`--faults` needs `--world containers`: here hazards are planted",
            ),
            (
                real && !matches!(self.by, By::All | By::Runbook),
                "`--world containers` rehearses the runbook alone: leave `--by` out",
            ),
            (
                real && self.corpus.hazards.is_some_and(|it| it != Hazards::None),
                "with `--world containers` nothing is wrong on purpose: leave `--hazards` out",
            ),
        ];
        match wrong.into_iter().find(|(is_so, _)| *is_so) {
            Some((_, why)) => {
                Err(Self::command().error(clap::error::ErrorKind::ArgumentConflict, why))
            }
            None => Ok(self),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Be a tracker with a storage node, for the tracker's container
    #[command(hide = true)]
    Tracker(containers::tracker::Tracker),
    /// Keep the world up and print the environment that points any client at it; what people do is typed there
    Serve(Corpus),
    /// Measure what a migration costs the machine that it runs on, in CPU time and memory
    #[command(subcommand)]
    Measure(Measure),
    /// Measure the Lambda function's program: its start, its memory, its requests a file
    Lambda {
        /// The program, `bootstrap` as it is in the zip; without it this one
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,

        /// Print the figures as JSON
        #[arg(long)]
        json: bool,
    },
}

/// How the migration is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// In every way, each in a world of its own
    All,
    /// From here, without a queue, with all that can be wrong
    Migrate,
    /// Through the queue, by a worker here
    Queue,
    /// Through the queue, by processes of the Lambda function, in batches of 10 and of 100
    Lambda,
    /// The whole runbook with both cut-overs, to its end, back again, and with a file that is lost
    Runbook,
}

impl By {
    /// Who works on the queue, in each of its rehearsals.
    const fn workers(self) -> &'static [Worker] {
        let workers = &[Worker::Here, Worker::Lambda { batch: 10 }, Worker::Lambda { batch: 100 }];
        match self {
            Self::All => workers,
            Self::Migrate | Self::Runbook => &[],
            Self::Queue => workers.split_at(1).0,
            Self::Lambda => workers.split_at(1).1,
        }
    }
}

#[derive(Debug, Args)]
struct Corpus {
    /// Where the corpus, its hazards and their places come from
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,

    /// Files of the seeded corpus
    #[arg(long, default_value_t = 300, value_name = "N")]
    files: usize,

    /// Take the files of this folder as the corpus
    #[arg(long = "corpus", value_name = "DIR", conflicts_with = "files")]
    folder: Option<PathBuf>,

    /// What is to be wrong with it [default: all; mild for `serve`]
    #[arg(long, value_name = "WHICH")]
    hazards: Option<Hazards>,
}

impl Corpus {
    fn options(self, hazards: Hazards) -> Options {
        let Self { seed, files, folder, .. } = self;
        Options { seed, files, folder, hazards: self.hazards.unwrap_or(hazards) }
    }
}

/// Runs the command line; this is all that the binary does. Exit codes: 0 all is well, 1 it is
/// not, 2 wrong usage, 3 the world could not be set up.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|first| first == COMMAND) {
        return apps::cli::main(arguments.into_iter().skip(1));
    }
    if arguments.get(1).is_some_and(|first| first == MEASURED) {
        return measure::measured(arguments.into_iter().skip(2));
    }
    if arguments.get(1).is_some_and(|first| first == FUNCTION) {
        return apps::lambda::main();
    }
    let cli = match Cli::try_parse_from(arguments).and_then(Cli::checked) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    run(cli).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(3)
    })
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Some(Command::Measure(measure)) => measure::run(measure).await,
            Some(Command::Lambda { program, json }) => measure_lambda(program, json).await,
            Some(Command::Tracker(tracker)) => containers::tracker::run(tracker).await,
            Some(Command::Serve(corpus)) => serve(&corpus.options(Hazards::Mild)).await,
            None => {
                let file = cli.report.unwrap_or_else(|| {
                    let name = format!("mogile2s3-rehearsal-{}.txt", cli.corpus.seed);
                    std::env::temp_dir().join(name)
                });
                let shown = match (cli.json, cli.verbose) {
                    (true, _) => Shown::Json,
                    (false, true) => Shown::Everything,
                    (false, false) => Shown::Screen,
                };
                match cli.world {
                    World::Embedded => {
                        let options = cli.corpus.options(Hazards::All);
                        Box::pin(rehearse(&options, cli.by, shown, &file)).await
                    }
                    World::Containers => {
                        let options = cli.corpus.options(Hazards::None);
                        in_containers(&options, cli.servers, shown, &file).await
                    }
                }
            }
        }
    })
}

/// The whole of it, as machines read it.
#[derive(Serialize)]
struct Rehearsed {
    #[serde(flatten)]
    from_here: Option<Report>,
    through_the_queue: Vec<Queued>,
    runbook: Vec<Story>,
}

/// What is printed of a rehearsal.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Screen,
    Everything,
    Json,
}

async fn rehearse(
    options: &Options,
    by: By,
    shown: Shown,
    file: &Path,
) -> anyhow::Result<ExitCode> {
    let mut rehearsed =
        Rehearsed { from_here: None, through_the_queue: Vec::new(), runbook: Vec::new() };
    let (mut good, mut report) = (true, String::new());
    if matches!(by, By::All | By::Migrate) {
        let from_here = passes::rehearse(options).await?;
        good &= from_here.is_good();
        report += &from_here.to_string();
        rehearsed.from_here = Some(from_here);
    }
    let stories = async {
        if matches!(by, By::All | By::Runbook) { runbook::tell(options).await } else { Vec::new() }
    };
    let (queued, stories) = tokio::join!(queued::through_the_queue(options, by.workers()), stories);
    (rehearsed.through_the_queue, rehearsed.runbook) = (queued?, stories);
    for queued in &rehearsed.through_the_queue {
        good &= queued.is_good();
        report += &queued.to_string();
    }
    good &= rehearsed.runbook.iter().all(Story::is_good);
    report += &Stories(&rehearsed.runbook).to_string();
    if rehearsed.from_here.is_none() || !rehearsed.through_the_queue.is_empty() {
        report += if good { "\nALL WAYS ARE GOOD.\n" } else { "\nNOT ALL WAYS ARE GOOD.\n" };
    }
    let written = std::fs::write(file, &report);
    written.with_context(|| format!("writing the report to {}", file.display()))?;
    match shown {
        Shown::Json => println!("{}", serde_json::to_string(&rehearsed)?),
        Shown::Everything => print!("{report}"),
        Shown::Screen => {
            let Rehearsed { from_here, through_the_queue, runbook } = &rehearsed;
            print!("{}", Screen { from_here: from_here.as_ref(), through_the_queue, runbook });
            if from_here.is_none() || !through_the_queue.is_empty() {
                let verdict = if good { "All ways are good." } else { "NOT ALL WAYS ARE GOOD." };
                print!("{verdict} ");
            }
            println!("Everything, hazard by hazard: {}", file.display());
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The runbook against real servers.
async fn in_containers(
    options: &Options,
    servers: RealServers,
    shown: Shown,
    file: &Path,
) -> anyhow::Result<ExitCode> {
    let runbook = Box::pin(containers::rehearse(options, servers.faults, servers.keep)).await?;
    let good = runbook.iter().all(Story::is_good);
    let lacks = format!("{}{}", Struck(&runbook[0]), Lacks(&runbook[0]));
    let report = Stories(&runbook).to_string() + &lacks;
    let written = std::fs::write(file, &report);
    written.with_context(|| format!("writing the report to {}", file.display()))?;
    match shown {
        Shown::Json => println!("{}", serde_json::to_string(&runbook)?),
        Shown::Everything => print!("{report}"),
        Shown::Screen => {
            print!("{}", Screen { from_here: None, through_the_queue: &[], runbook: &runbook });
            print!("{lacks}");
            println!("Every command: {}", file.display());
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Exits with 1 when the figures are not what they should be.
async fn measure_lambda(program: Option<PathBuf>, json: bool) -> anyhow::Result<ExitCode> {
    let program = program.map_or_else(std::env::current_exe, std::path::absolute);
    let program = program.context("finding the function's program")?;
    let figures = function_figures::measure(&program).await?;
    if json {
        println!("{}", serde_json::to_string(&figures)?);
    } else {
        print!("{figures}");
    }
    Ok(if figures.are_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
