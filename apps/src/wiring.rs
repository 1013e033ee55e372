//! The only place where adapters are made.

use std::sync::Arc;

use adapters::aws;
use adapters::calls::Calls;
use adapters::clock::SystemClock;
use adapters::dynamodb::DynamoLedger;
use adapters::mogile::{MogileFiles, StorageNodes, TrackerIndex, Trackers};
use adapters::s3::S3ObjectStore;
use domain::ports::Ledger;
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
    let connections = source.tracker_connections.into();
    let trackers = Arc::new(Trackers::new(&source.trackers()?, connections, calls.clone()));
    let nodes = StorageNodes::new(source.node_connections.into(), calls.clone());
    let domain = source.domain.clone();
    let config = aws_config(aws).await?;
    let conditionals = target.conditionals(aws::has_own_s3_endpoint(&config));
    Ok(Ports {
        index: Arc::new(TrackerIndex::new(trackers.clone(), domain.clone())),
        files: Arc::new(MogileFiles::new(trackers, nodes, hosts, domain)),
        objects: Arc::new(S3ObjectStore::new(&config, conditionals, calls.clone())),
        ledger: Arc::new(DynamoLedger::new(&config, table, calls.clone())),
        clock: Arc::new(SystemClock),
    })
}

/// The ledger alone.
pub async fn ledger(aws: &AwsSettings, calls: &Arc<Calls>) -> Result<Arc<dyn Ledger>, UsageError> {
    let table = aws.ledger_table()?;
    let config = aws_config(aws).await?;
    Ok(Arc::new(DynamoLedger::new(&config, table, calls.clone())))
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
