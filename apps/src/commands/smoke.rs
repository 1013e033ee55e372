//! `mogile2s3 smoke`: reads by the names in the clients' databases, from S3 and by contentrepo's own API.

mod evidence;

use std::path::PathBuf;
use std::sync::Arc;

use adapters::clock::SystemClock;
use clap::Args;
use domain::ports::{Clock, ContentRepoDatabase, RepoService, RhinoDatabase};
use domain::runbook::JournalWriter;
use domain::smoke::{
    IngestPlan, SamplePlan, ShadowPlan, ShadowPorts, SmokePlan, SmokePorts, SmokeSummary, shadow,
    smoke, smoke_write, trial,
};
use domain::{Acceptances, limits};

use crate::acceptances::accepted_or_trouble;
use crate::config::{
    AwsSettings, CONTENT_REPO, ClientSettings, JournalSettings, NodeSettings, RHINO,
    SourceSettings, TableSettings, TargetSettings, TimeSettings,
};
use crate::evidence::begin;
use crate::exit::{Exit, UsageError};
use crate::journal::{OperatorSettings, random, refused};
use crate::report::smoke::{Mode, SmokeReport};
use crate::session::Session;
use crate::wiring::{IndexFrom, Services};

/// What can be given to `smoke`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Arguments {
    /// Before the window: try a second contentrepo, by the URL of its API. Its database is a scratch
    /// database that has the new bucket names and no row of today's contentrepo, and its store is S3. The
    /// nodes of `CONTENTREPO_URL` are not asked
    #[arg(long, value_name = "URL", conflicts_with_all = ["shadow", "sample", "seed", "no_ingest"])]
    trial: Option<String>,

    /// Before the cut-over: compare the content in MogileFS with the one in S3, for sampled rows of the
    /// clients' databases and for the keys of --keys
    #[arg(long)]
    shadow: bool,

    /// With --shadow: also the files of these keys of MogileFS (`SHA1-BUCKET`), one in each line, such as a
    /// log of reads has them
    #[arg(long, value_name = "FILE", requires = "shadow")]
    keys: Option<PathBuf>,

    /// Read N rows of each bucket of each table, and its oldest, newest, smallest and largest one
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::SMOKE_MOST_ROWS)))]
    sample: u32,

    /// Draw the sample by this seed: the same seed draws the same rows of the same tables
    /// [default: another one each time; the report names it]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Leave rhino's database out. Without this and without `RHINO_DATABASE_URL` the test is not complete
    #[arg(long)]
    no_rhino: bool,

    /// Leave contentrepo's API out. Without this and without `CONTENTREPO_URL` the test is not complete
    #[arg(long, conflicts_with_all = ["trial", "shadow"])]
    no_api: bool,

    /// Read by contentrepo's API, and write nothing by it
    #[arg(long, conflicts_with = "shadow")]
    no_ingest: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    target: TargetSettings,

    #[command(flatten)]
    clients: ClientSettings,

    #[command(flatten)]
    nodes: NodeSettings,

    #[command(flatten)]
    tables: TableSettings,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

const AFTER_HELP: &str = "\
Behind the cut-over, with all clients at their new settings: it reads every row of both databases, draws
a sample, and reads each content from S3 by the bucket name in the row. SHA-1 and size must be those of
the row. Each content that is in use is also read by a node of contentrepo, the bytes and not the
metadata. Then every node gets a random object of 4 KiB, so that every bucket gets one: it is created,
read, looked for in S3 and purged. The journal names its key before each of these writes: `freeze check`
and the way back leave exactly these rows out. Where contentrepo sends readers to S3, one object of each
bucket is read without AWS keys.

The result is noted in the journal.

Exit codes: 0 all that was drawn is as it must be; 1 something is not: wrong or missing content, a
refusal of contentrepo, an old bucket name; 2 wrong usage or configuration; 3 something could not be
looked at, or nothing was, or the journal does not have the result; 4 another process wrote into the
journal meanwhile, or it was changed. The report is printed with 3 and 4, too.";

/// Tests, notes the result in the journal and prints it.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    let services = session.services(&arguments.aws, &arguments.time);
    let seed = arguments.seed.unwrap_or_else(random);
    let mode = match (&arguments.trial, arguments.shadow) {
        (Some(_), _) => Mode::Trial,
        (None, true) => Mode::Shadow,
        (None, false) => Mode::CutOver,
    };
    let from = if arguments.aws.has_ledger_table() {
        begin(&services, &arguments.journal).await
    } else {
        None
    };
    let Tested { summary, writer } = match mode {
        Mode::Shadow => arguments.shadow(&session, &services, seed).await?,
        Mode::Trial | Mode::CutOver => arguments.test(&session, &services, seed).await?,
    };
    let noted = match writer {
        Ok(writer) => arguments.note(&services, mode, (&summary, from), writer).await,
        Err(error) => Err(error),
    };
    let seed = (mode != Mode::Trial).then_some(seed);
    session.print(&SmokeReport::new(mode, summary, seed, &noted))
}

/// What was tested, and what goes on writing into the journal.
struct Tested {
    summary: SmokeSummary,
    /// [`None`] where nothing was written yet. An error does not take away what was found.
    writer: anyhow::Result<Option<JournalWriter>>,
}

impl Arguments {
    fn sample(&self, seed: u64) -> SamplePlan {
        SamplePlan { rows: usize::try_from(self.sample).unwrap_or(usize::MAX), seed }
    }

    /// The test behind the cut-over, or of a second contentrepo.
    async fn test(
        &self,
        session: &Session,
        services: &Services<'_>,
        seed: u64,
    ) -> anyhow::Result<Tested> {
        let buckets = self.target.bucket_map()?;
        let wiring = session.wiring(&self.source, &self.time);
        let nodes = self.services_of_repo(session)?;
        let (content_repo, rhino) = (self.clients.content_repo()?, self.clients.rhino()?);
        if content_repo.is_none() && self.trial.is_none() {
            return Err(missing_content_repo().into());
        }
        let is_to_write = !nodes.is_empty() && !self.no_ingest;
        if is_to_write {
            self.journal.journal_table(&self.aws)?;
        }
        let objects = services.s3(&self.target).await?;
        let (site, _) = services.site().await?;
        let content_repo = content_repo.map(|url| wiring.content_repo(url));
        let rhino = rhino.filter(|_| !self.no_rhino).map(|url| wiring.rhino(url));
        let ports = SmokePorts {
            content_repo: content_repo.as_ref().map(|it| it as &dyn ContentRepoDatabase),
            rhino: rhino.as_ref().map(|rhino| rhino as &dyn RhinoDatabase),
            objects: &objects,
            anonymous: &site,
            nodes: &nodes,
            clock: &SystemClock,
        };
        let ingest = IngestPlan { random: random() };
        if self.trial.is_some() {
            let (mut summary, mut writer) = (SmokeSummary::default(), self.writer(services).await?);
            let tried = trial(ports, &buckets, ingest, &mut writer, &mut summary).await;
            let writer = tried.map(|()| Some(writer)).map_err(refused);
            return Ok(Tested { summary, writer });
        }
        let plan = SmokePlan {
            buckets,
            sample: self.sample(seed),
            accepted: self.accepted(services).await?,
            without_rhino: self.no_rhino,
            without_api: self.no_api,
        };
        let mut summary = smoke(ports, &plan).await;
        if !is_to_write {
            return Ok(Tested { summary, writer: Ok(None) });
        }
        // Opened behind the reading, which takes minutes.
        let writer = match self.writer(services).await {
            Ok(mut writer) => {
                let to = &mut writer;
                let written = smoke_write(ports, &plan.buckets, ingest, to, &mut summary).await;
                written.map(|()| Some(writer)).map_err(refused)
            }
            Err(error) => {
                summary.not_written("the journal cannot be continued");
                Err(error)
            }
        };
        Ok(Tested { summary, writer })
    }

    /// The comparison of MogileFS with S3.
    async fn shadow(
        &self,
        session: &Session,
        services: &Services<'_>,
        seed: u64,
    ) -> anyhow::Result<Tested> {
        let buckets = self.target.bucket_map()?;
        let wiring = session.wiring(&self.source, &self.time);
        let (content_repo, rhino) = (self.clients.content_repo()?, self.clients.rhino()?);
        if content_repo.is_none() && self.keys.is_none() {
            return Err(missing_content_repo().into());
        }
        let keys = match &self.keys {
            Some(file) => keys_of(file)?,
            None => Vec::new(),
        };
        let plan = ShadowPlan {
            buckets,
            sample: self.sample(seed),
            accepted: self.accepted(services).await?,
            keys,
            without_rhino: self.no_rhino,
        };
        let content_repo = content_repo.map(|url| wiring.content_repo(url));
        let rhino = rhino.filter(|_| !self.no_rhino).map(|url| wiring.rhino(url));
        let (_, files) = wiring.mogile(IndexFrom::Settings)?;
        let objects = services.s3(&self.target).await?;
        let ports = ShadowPorts {
            content_repo: content_repo.as_ref().map(|it| it as &dyn ContentRepoDatabase),
            rhino: rhino.as_ref().map(|rhino| rhino as &dyn RhinoDatabase),
            files: &*files,
            objects: &objects,
            clock: &SystemClock,
        };
        Ok(Tested { summary: shadow(ports, &plan).await, writer: Ok(None) })
    }

    /// The nodes that are asked.
    fn services_of_repo(&self, session: &Session) -> anyhow::Result<Vec<Arc<dyn RepoService>>> {
        let known = self.nodes.nodes()?;
        let nodes = match &self.trial {
            Some(url) => {
                let node = url.parse().map_err(|error| UsageError(format!("--trial: {error}")))?;
                if known.contains(&node) {
                    return Err(UsageError(format!(
                        "--trial and CONTENTREPO_URL both name `{node}`: a trial writes, and is for a second \
                         contentrepo with a scratch database"
                    ))
                    .into());
                }
                vec![node]
            }
            None if self.no_api => Vec::new(),
            None => known,
        };
        let wiring = session.wiring(&self.source, &self.time);
        nodes.into_iter().map(|node| Ok(wiring.repo_service(node)?)).collect()
    }

    /// The files that are accepted as lost. Without a ledger's name there is no journal, and none is.
    async fn accepted(&self, services: &Services<'_>) -> anyhow::Result<Acceptances> {
        if !self.aws.has_ledger_table() {
            return Ok(Acceptances::default());
        }
        accepted_or_trouble(services, &self.journal, &self.source.domain).await
    }

    async fn writer(&self, services: &Services<'_>) -> anyhow::Result<JournalWriter> {
        let journal = services.journal(&self.journal).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let by = (self.operator.name(services).await?, random());
        JournalWriter::open(journal, clock, by).await.map_err(refused)
    }

    /// Notes the result in the journal; returns the number of the entry. Without a ledger's name there is no
    /// journal.
    async fn note(
        &self,
        services: &Services<'_>,
        mode: Mode,
        found: (&SmokeSummary, Option<u64>),
        writer: Option<JournalWriter>,
    ) -> anyhow::Result<Option<u64>> {
        let mut writer = match writer {
            Some(writer) => writer,
            None if self.aws.has_ledger_table() => self.writer(services).await?,
            None => return Ok(None),
        };
        let content = self.evidence(services, mode, found).await?;
        Ok(Some(writer.append(content).await.map_err(refused)?.sequence))
    }
}

fn missing_content_repo() -> UsageError {
    UsageError(format!(
        "{CONTENT_REPO} is not set: `smoke` draws its sample from the rows of contentrepo, and with {RHINO} of \
         rhino. Give mysql://user:password@host:port/db, by flag, environment or .env; an account with SELECT on \
         `buckets` and `objects` is enough"
    ))
}

/// The keys in a file, one in each line. Empty lines and those that begin with `#` are passed over.
fn keys_of(file: &std::path::Path) -> Result<Vec<String>, UsageError> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        UsageError(format!("--keys: `{}` cannot be read: {error}", file.display()))
    })?;
    let keys: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    if keys.is_empty() {
        return Err(UsageError(format!("--keys: `{}` has no key", file.display())));
    }
    Ok(keys)
}
