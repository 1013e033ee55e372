//! `mogile2s3 config`: what the clients' own configuration must say, and whether it does.

mod context_xml;
mod journalled;
mod rhino_yaml;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use adapters::clock::SystemClock;
use adapters::content_repo_api::NodeUrl;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use domain::BucketMap;
use domain::cutover::client_config::{
    AskedNode, RunningClient, RunningSeen, StoreKeys, TEMPORARY_KEY, check_context, check_rhino,
    client_config, read_running,
};

use crate::config::{
    AccessSettings, AwsSettings, JournalSettings, NodeSettings, RhinoUrlSettings, TableSettings,
    TimeSettings, parse_buckets,
};
use crate::exit::{Exit, UsageError, in_one_line};
use crate::journal::{OperatorSettings, random};
use crate::report::config::{ConfigReport, FileChecked, FileKind, Looked};
use crate::session::Session;
use crate::wiring::Services;

/// What can be given to `config`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// Say whether this context.xml or rhino.yaml is as it must be behind the cut-over. Can be repeated
    #[arg(long, value_name = "FILE")]
    check: Vec<PathBuf>,

    /// Ask a running node of contentrepo, or rhino, for its configuration. Can be repeated. Without a URL all of
    /// `CONTENTREPO_URL` and `RHINO_URL` are asked
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    check_url: Vec<String>,

    /// Print the keys in the texts that are printed: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` of the
    /// environment. Run this with contentrepo's own keys there
    #[arg(long, conflicts_with_all = ["check", "check_url"])]
    with_keys: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    /// S3 bucket for each MogileFS bucket, as `old:new` separated by commas
    #[arg(long, env = "BUCKETS", default_value = "", hide_default_value = true)]
    buckets: String,

    /// MogileFS buckets that are not migrated, separated by commas
    #[arg(long, env = "IGNORE_BUCKETS", default_value = "", hide_default_value = true)]
    ignore_buckets: String,

    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    access: AccessSettings,

    #[command(flatten)]
    nodes: NodeSettings,

    #[command(flatten)]
    rhino: RhinoUrlSettings,

    /// The MogileFS domain, for the journal
    #[arg(long, env = "MOGILE_DOMAIN", default_value = "plos_repo", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    domain: String,

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
Without --check and --check-url nothing is read: it prints what to put into contentrepo's context.xml
and into rhino.yaml, in which order the clients are started again, and what a stock contentrepo
refuses afterwards. Keys are placeholders.

A file is `done`, `not yet` (it is still as for MogileFS), `wrong`, or `unseen`: a part of it is
elsewhere. What contentrepo gets is the element <Resource name=\"repo/objectStore\">. Comments do not
count, and neither do other resources and attributes. rhino's buckets are those of
contentRepo.corpus.bucket, contentRepo.corpus.secondaryBuckets and contentRepo.editorial.bucket.

Where DYNAMODB_TABLE is set the journal gets what a check found. It counts as clean there only where
contentrepo and rhino were looked at by the same command.

Exit codes: 0 the texts are printed, or everything that was checked is done; 1 something is not yet
done, or wrong, or a stock contentrepo cannot use these buckets; 2 wrong usage or configuration, also
a file that is neither; 3 something could not be seen.";

/// A file of configuration that is longer is none.
const FILE_BYTES: u64 = 1 << 20;

/// Prints the texts, or checks.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    let buckets = parse_buckets(&arguments.buckets, &arguments.ignore_buckets)?;
    let services = session.services(&arguments.aws, &arguments.time);
    if arguments.check.is_empty() && arguments.check_url.is_empty() {
        let keys = arguments.keys()?;
        let (region, profile) = (services.region_if_set().await, arguments.access.profile());
        let config = client_config(&buckets, region.as_deref(), profile, keys.as_ref());
        return session.print(&ConfigReport::of_texts(config));
    }
    let nodes = arguments.asked()?;
    let files = arguments.check.iter().map(|path| checked(path, &buckets));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let running = arguments.running(&services, &nodes, &buckets).await?;
    let mut report = ConfigReport::of_checks(Looked { files, running });
    if arguments.aws.has_ledger_table() {
        let written = journalled::write(&arguments, &services, &report, &buckets).await;
        report.journalled(written.map_err(|error| in_one_line(&error)));
    }
    session.print(&report)
}

impl Arguments {
    /// The keys of the environment, where they are asked for.
    fn keys(&self) -> Result<Option<StoreKeys>, UsageError> {
        if !self.with_keys {
            return Ok(None);
        }
        let [id, secret] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
            .map(|name| std::env::var(name).unwrap_or_default().trim().to_owned());
        let token = std::env::var("AWS_SESSION_TOKEN").unwrap_or_default();
        if id.is_empty() || secret.is_empty() {
            let text = "--with-keys: AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set. Give contentrepo's keys, \
                        or leave the flag out and write them by hand";
            return Err(UsageError(text.to_owned()));
        }
        if id.starts_with(TEMPORARY_KEY) || !token.trim().is_empty() {
            let text = "--with-keys: the keys of the environment are temporary, and contentrepo takes static keys \
                        alone. Give those of an IAM user";
            return Err(UsageError(text.to_owned()));
        }
        Ok(Some(StoreKeys { id, secret }))
    }

    /// The URLs that are to be asked.
    fn asked(&self) -> Result<Vec<(NodeUrl, Option<RunningClient>)>, UsageError> {
        let mut all: Vec<(NodeUrl, Option<RunningClient>)> = Vec::new();
        for (number, text) in (1..).zip(&self.check_url) {
            if !text.trim().is_empty() {
                let url = text.parse().map_err(|error| {
                    UsageError(format!("--check-url number {number} cannot be used: {error}"))
                })?;
                all.push((url, None));
                continue;
            }
            let (nodes, rhino) = (self.nodes.nodes()?, self.rhino.url()?);
            if nodes.is_empty() && rhino.is_none() {
                let text = "--check-url has no URL, and neither CONTENTREPO_URL nor RHINO_URL is set: give the URL of \
                            the API of every node";
                return Err(UsageError(text.to_owned()));
            }
            all.extend(nodes.into_iter().map(|node| (node, Some(RunningClient::Contentrepo))));
            all.extend(rhino.map(|rhino| (rhino, Some(RunningClient::Rhino))));
        }
        Ok(all)
    }

    async fn running(
        &self,
        services: &Services<'_>,
        nodes: &[(NodeUrl, Option<RunningClient>)],
        buckets: &BucketMap,
    ) -> anyhow::Result<Vec<RunningSeen>> {
        if nodes.is_empty() {
            return Ok(Vec::new());
        }
        let configs =
            services.running_configs(nodes.iter().map(|(url, _)| url.clone()).collect())?;
        let asked = nodes.iter().map(|(url, client)| {
            let (url, client) = (url.to_string(), *client);
            AskedNode { url, client }
        });
        let asked: Vec<_> = asked.collect();
        Ok(read_running(&configs, &SystemClock, &asked, buckets, random()).await)
    }
}

/// Reads and checks one file, which its content says what it is.
fn checked(path: &Path, buckets: &BucketMap) -> Result<FileChecked, UsageError> {
    let cannot = |why: &dyn std::fmt::Display| {
        UsageError(format!("--check: `{}` cannot be checked: {why}", path.display()))
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| cannot(&error))?;
    file.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(cannot(&"it is longer than a configuration is"));
    }
    // All names that count are ASCII. Comments may be of any encoding.
    let text = String::from_utf8_lossy(&bytes);
    let is_xml = text.trim_start_matches('\u{feff}').trim_start().starts_with('<');
    let (kind, checked) = if is_xml {
        let document = context_xml::parse(&text).map_err(|why| cannot(&why))?;
        (FileKind::ContextXml, check_context(&document))
    } else {
        let config = rhino_yaml::parse(&text).map_err(|why| cannot(&why))?;
        (FileKind::RhinoYaml, check_rhino(&config, buckets))
    };
    Ok(FileChecked { file: path.to_owned(), kind, checked })
}
