//! `mogile2s3 audit accept`: files that no replica can give any more, accepted by name.

use std::sync::Arc;

use adapters::clock::SystemClock;
use clap::Args;
use domain::accept::{AcceptMode, AcceptPlan, AcceptPorts, accept_files, end_acceptances};
use domain::ports::Clock;
use domain::{Fid, limits};

use crate::acceptances::decisions;
use crate::config::{
    AwsSettings, JournalSettings, SourceSettings, TableSettings, TargetSettings, TimeSettings,
};
use crate::exit::{Exit, UsageError};
use crate::fid_list::FidList;
use crate::journal::{OperatorSettings, random, refused, trouble};
use crate::report::accept::{AcceptReport, AcceptedReport, EndReport};
use crate::session::Session;
use crate::wiring::{IndexFrom, Services};

/// What can be given to `audit accept`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(after_long_help = AFTER_HELP)]
pub struct Accept {
    /// The files: `7,9`, or `@FILE` with one fid a line, as `migrate --failures FILE` writes it
    #[arg(long, value_name = "LIST", required_unless_present = "list")]
    fids: Option<String>,

    /// Why S3 may do without them. The journal and every report have it
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    reason: Option<String>,

    /// Accept files also where a replica cannot be asked. The journal has what was not asked
    #[arg(long, conflicts_with_all = ["list", "end"])]
    with_unreachable: bool,

    /// Take the acceptance of these files back: they must be in S3 again
    #[arg(long, conflicts_with = "list")]
    end: bool,

    /// Print the files that are accepted, with their reasons, and change nothing
    #[arg(long, conflicts_with_all = ["fids", "reason", "execute"])]
    list: bool,

    /// Write it into the journal. Without it nothing is changed
    #[arg(long)]
    execute: bool,

    #[command(flatten)]
    operator: OperatorSettings,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    target: TargetSettings,

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
A file is accepted when it is not in S3 and every replica was tried: none gives the content that
the key names. Each replica is read to its end. A replica that cannot be asked is no evidence. A
row whose key names no content is accepted as it is. All files of the list are accepted, or none.

An acceptance is of one fid, one key and one S3 bucket. It ends by itself when the row gets another
key, when BUCKETS takes it to another bucket, when the ledger has proven its content since, or when a
replica gives the content again: `audit` tries the replicas of accepted files each time. The journal
has every replica with what came of it: `mogile2s3 runbook export`.

Exit codes: 0 all are accepted, or may be (without --execute); 1 some are not, and nothing was
written; 2 wrong usage or configuration; 3 something could not be reached; 4 another process wrote
into the journal meanwhile, or it was changed.";

impl Accept {
    /// Accepts files, takes that back, or shows what is accepted.
    pub async fn run(self) -> anyhow::Result<Exit> {
        let session = Session::begin(self.json);
        let services = session.services(&self.aws, &self.time);
        if self.list {
            let read = decisions(&services, &self.journal, &self.source.domain).await?;
            let read = read.map_err(|why| trouble(&why))?;
            return session.print(&AcceptedReport::new(&self.source.domain, &read.accepted));
        }
        let (fids, reason) = (self.fids()?, self.reason()?);
        if self.end {
            return self.end(&session, &services, &fids, &reason).await;
        }
        let buckets = self.target.bucket_map()?;
        let wiring = session.wiring(&self.source, &self.time);
        let (index, files) = wiring.mogile(IndexFrom::Settings)?;
        let ports = AcceptPorts {
            index,
            files,
            ledger: services.ledger().await?,
            failures: services.failures(&self.tables).await?,
            objects: Arc::new(services.s3(&self.target).await?),
            journal: services.journal(&self.journal).await?,
            clock: Arc::new(SystemClock),
        };
        let mode = self.mode(&services).await?;
        let (_, stop) = Session::stop_request()?;
        let plan = AcceptPlan {
            buckets: &buckets,
            fids,
            reason,
            with_unreachable: self.with_unreachable,
            mode,
            salt: random(),
            stop,
        };
        let accepting = accept_files(&ports, &plan).await.map_err(refused)?;
        session.print(&AcceptReport::new(accepting, plan.reason, self.execute))
    }

    async fn end(
        &self,
        session: &Session,
        services: &Services<'_>,
        fids: &[Fid],
        reason: &str,
    ) -> anyhow::Result<Exit> {
        let journal = services.journal(&self.journal).await?;
        let clock = Arc::new(SystemClock) as Arc<dyn Clock>;
        let (domain, mode) = (&*self.source.domain, self.mode(services).await?);
        let what = (domain, fids, reason);
        let ending = end_acceptances(&journal, &clock, what, &mode, random()).await;
        session.print(&EndReport::new(ending.map_err(refused)?, self.execute))
    }

    async fn mode(&self, services: &Services<'_>) -> anyhow::Result<AcceptMode> {
        Ok(if self.execute {
            AcceptMode::Accept { by: self.operator.name(services).await? }
        } else {
            AcceptMode::DryRun
        })
    }

    /// The files, each named by itself: a range may have files that the operator has not looked at.
    fn fids(&self) -> Result<Vec<Fid>, UsageError> {
        let list = FidList::parse("--fids", self.fids.as_deref().unwrap_or_default())?;
        if let Some(fid) = list.in_ranges().min() {
            return Err(UsageError(format!(
                "--fids: there is a range, from fid {fid} on: name each file by itself, since S3 never gets it"
            )));
        }
        let fids: Vec<_> = list.all().iter().map(Fid).collect();
        match fids.len() {
            0 => Err(UsageError("--fids: it names no fid".to_owned())),
            many if many > limits::ACCEPTED_FILES => Err(UsageError(format!(
                "--fids: {many} files are more than one command takes: {} at most",
                limits::ACCEPTED_FILES
            ))),
            _ => Ok(fids),
        }
    }

    fn reason(&self) -> Result<String, UsageError> {
        let reason = self.reason.as_deref().unwrap_or_default().trim();
        if reason.is_empty() || reason.len() > limits::LONGEST_REASON_BYTES {
            return Err(UsageError(format!(
                "--reason: give 1 to {} bytes",
                limits::LONGEST_REASON_BYTES
            )));
        }
        Ok(reason.to_owned())
    }
}
