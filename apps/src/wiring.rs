//! The only place where adapters are made.

use std::sync::Arc;

use adapters::aws;
use adapters::calls::Calls;
use adapters::clock::SystemClock;
use adapters::dynamodb::DynamoLedger;
use adapters::mogile::{MogileFiles, StorageNodes, TrackerIndex, Trackers};
use adapters::s3::S3ObjectStore;
use domain::ports::{Ledger, SourceIndex};
use domain::steps::Ports;

use crate::config::{AwsSettings, SourceSettings, TargetSettings};
use crate::exit::UsageError;

/// All that a migration reaches, and the counts of its calls.
pub async fn ports(
    source: &SourceSettings,
    target: &TargetSettings,
    aws: &AwsSettings,
    calls: &Arc<Calls>,
) -> Result<Ports, UsageError> {
    let hosts = source.storage_hosts()?;
    let table = aws.ledger_table()?;
    let trackers = trackers(source, calls)?;
    let nodes = StorageNodes::new(source.node_connections.into(), calls.clone());
    let domain = source.domain.clone();
    let config = aws_config(aws).await?;
    Ok(Ports {
        index: Arc::new(TrackerIndex::new(trackers.clone(), domain.clone())),
        files: Arc::new(MogileFiles::new(trackers, nodes, hosts, domain)),
        objects: Arc::new(s3_of(&config, target, aws, calls)),
        ledger: Arc::new(ledger_of(&config, table, aws, calls)),
        clock: Arc::new(SystemClock),
    })
}

/// The index alone.
pub fn index(
    source: &SourceSettings,
    calls: &Arc<Calls>,
) -> Result<Arc<dyn SourceIndex>, UsageError> {
    Ok(Arc::new(TrackerIndex::new(trackers(source, calls)?, source.domain.clone())))
}

fn trackers(source: &SourceSettings, calls: &Arc<Calls>) -> Result<Arc<Trackers>, UsageError> {
    let connections = source.tracker_connections.into();
    Ok(Arc::new(Trackers::new(&source.trackers()?, connections, calls.clone())))
}

/// S3 alone, as its canaries need it.
pub async fn s3(
    target: &TargetSettings,
    aws: &AwsSettings,
    calls: &Arc<Calls>,
) -> Result<S3ObjectStore, UsageError> {
    Ok(s3_of(&aws_config(aws).await?, target, aws, calls))
}

/// The ledger alone.
pub async fn ledger(aws: &AwsSettings, calls: &Arc<Calls>) -> Result<Arc<dyn Ledger>, UsageError> {
    let table = aws.ledger_table()?;
    Ok(Arc::new(ledger_of(&aws_config(aws).await?, table, aws, calls)))
}

fn s3_of(
    config: &aws::SdkConfig,
    target: &TargetSettings,
    aws: &AwsSettings,
    calls: &Arc<Calls>,
) -> S3ObjectStore {
    let conditionals = target.conditionals(aws::has_own_s3_endpoint(config));
    let store = S3ObjectStore::new(config, conditionals, target.parts(), calls.clone());
    store.with_timeouts(aws.timeouts())
}

fn ledger_of(
    config: &aws::SdkConfig,
    table: String,
    aws: &AwsSettings,
    calls: &Arc<Calls>,
) -> DynamoLedger {
    DynamoLedger::new(config, table, calls.clone()).with_timeouts(aws.timeouts())
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
