//! The only place where adapters are made.

use std::sync::Arc;

use adapters::aws;
use adapters::calls::Calls;
use adapters::clock::SystemClock;
use adapters::dynamodb::DynamoLedger;
use adapters::mogile::{MogileFiles, StorageNodes, TrackerIndex, Trackers};
use adapters::mysql::MysqlIndex;
use adapters::s3::S3ObjectStore;
use adapters::site::AwsSite;
use domain::ports::{Ledger, SourceIndex};
use domain::steps::Ports;

use crate::config::{AwsSettings, SourceSettings, TargetSettings, TimeSettings};
use crate::exit::UsageError;

/// What adapters are made of: the settings, and the counts of all calls.
#[derive(Clone, Copy)]
pub struct Wiring<'a> {
    /// Where files come from.
    pub source: &'a SourceSettings,
    /// How long may be waited.
    pub time: &'a TimeSettings,
    /// Where calls are counted.
    pub calls: &'a Arc<Calls>,
}

impl Wiring<'_> {
    /// All that a migration reaches.
    pub async fn ports(
        &self,
        target: &TargetSettings,
        aws: &AwsSettings,
    ) -> Result<Ports, UsageError> {
        let hosts = self.source.storage_hosts()?;
        let table = aws.ledger_table()?;
        let trackers = self.trackers()?;
        let nodes = StorageNodes::new(self.source.node_connections.into(), self.calls.clone())
            .with_timeouts(self.time.mogile());
        let config = aws_config(aws).await?;
        Ok(Ports {
            index: self.index()?,
            files: Arc::new(MogileFiles::new(trackers, nodes, hosts, self.source.domain.clone())),
            objects: Arc::new(s3_of(&config, target, self.time, self.calls)),
            ledger: Arc::new(ledger_of(&config, table, self.time, self.calls)),
            clock: Arc::new(SystemClock),
        })
    }

    /// The index alone: from the database where its URL is given, else from the trackers.
    pub fn index(&self) -> Result<Arc<dyn SourceIndex>, UsageError> {
        let domain = self.source.domain.clone();
        Ok(match self.source.database()? {
            Some(url) => Arc::new(MysqlIndex::new(url, domain, self.calls.clone())),
            None => Arc::new(TrackerIndex::new(self.trackers()?, domain)),
        })
    }

    /// The trackers alone.
    pub fn trackers(&self) -> Result<Arc<Trackers>, UsageError> {
        let connections = self.source.tracker_connections.into();
        let addresses = self.source.trackers()?;
        let trackers = Trackers::new(&addresses, connections, self.calls.clone());
        Ok(Arc::new(trackers.with_timeouts(self.time.mogile())))
    }
}

/// S3 alone, as its canaries need it.
pub async fn s3(
    target: &TargetSettings,
    aws: &AwsSettings,
    time: &TimeSettings,
    calls: &Arc<Calls>,
) -> Result<S3ObjectStore, UsageError> {
    Ok(s3_of(&aws_config(aws).await?, target, time, calls))
}

/// The ledger alone.
pub async fn ledger(
    aws: &AwsSettings,
    time: &TimeSettings,
    calls: &Arc<Calls>,
) -> Result<Arc<dyn Ledger>, UsageError> {
    let table = aws.ledger_table()?;
    Ok(Arc::new(ledger_of(&aws_config(aws).await?, table, time, calls)))
}

/// The account and region in which things are set up, and the region's name.
pub async fn site(
    aws: &AwsSettings,
    time: &TimeSettings,
    calls: &Arc<Calls>,
) -> Result<(AwsSite, String), UsageError> {
    let config = aws_config(aws).await?;
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    Ok((AwsSite::new(&config, calls.clone()).with_timeouts(time.aws()), region))
}

fn s3_of(
    config: &aws::SdkConfig,
    target: &TargetSettings,
    time: &TimeSettings,
    calls: &Arc<Calls>,
) -> S3ObjectStore {
    let conditionals = target.conditionals(aws::has_own_s3_endpoint(config));
    let store = S3ObjectStore::new(config, conditionals, target.parts(), calls.clone());
    store.with_timeouts(time.aws())
}

fn ledger_of(
    config: &aws::SdkConfig,
    table: String,
    time: &TimeSettings,
    calls: &Arc<Calls>,
) -> DynamoLedger {
    DynamoLedger::new(config, table, calls.clone()).with_timeouts(time.aws())
}

async fn aws_config(aws: &AwsSettings) -> Result<aws::SdkConfig, UsageError> {
    let config = aws::load(aws.region.clone()).await;
    if config.region().is_none() {
        let text =
            "no AWS region is set: give AWS_S3_REGION_NAME, AWS_REGION or a profile with one";
        return Err(UsageError(text.to_owned()));
    }
    Ok(config)
}
