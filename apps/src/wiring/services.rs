//! AWS's services, each as a port.

use std::sync::Arc;

use adapters::aws::{self, NoCredentials, SdkConfig};
use adapters::calls::Calls;
use adapters::clock::SystemClock;
#[cfg(feature = "command-line")]
use adapters::content_repo_api::{NoCertificates, NodeUrl};
use adapters::dynamodb::{DynamoFailureLog, DynamoJournal, DynamoLedger, DynamoVerificationLog};
use adapters::lambda::LambdaWorkerFunction;
#[cfg(feature = "command-line")]
use adapters::running_config_api::RunningConfigApi;
use adapters::s3::S3ObjectStore;
use adapters::site::AwsSite;
use adapters::sqs::{QueueUrl, SqsJobQueue};
#[cfg(feature = "command-line")]
use adapters::sts::{self, CallerError};
#[cfg(feature = "command-line")]
use domain::KeyTrouble;
#[cfg(feature = "command-line")]
use domain::blueprint::TableBlueprint;
#[cfg(feature = "command-line")]
use domain::migrate::{GuardedQueue, SiteGuard};
use domain::ports::{
    FailureLog, JobQueue, Journal, Ledger, QueueRole, ServiceTime, VerificationLog, WatchPorts,
    WorkerFunction,
};
use tokio::sync::OnceCell;

use crate::config::{
    AwsSettings, DEAD_LETTERS, JournalSettings, QUEUE, QueueSettings, TableSettings,
    TargetSettings, TimeSettings,
};
use crate::exit::UsageError;
#[cfg(feature = "command-line")]
use crate::report::advice_on_keys;

/// The services of one account and region. Their common settings are read when the first is asked
/// for, and once; the settings of each are checked before that.
pub struct Services<'a> {
    aws: &'a AwsSettings,
    time: &'a TimeSettings,
    calls: &'a Arc<Calls>,
    config: OnceCell<Result<SdkConfig, UsageError>>,
}

impl<'a> Services<'a> {
    /// Of these settings.
    #[must_use]
    pub const fn new(aws: &'a AwsSettings, time: &'a TimeSettings, calls: &'a Arc<Calls>) -> Self {
        Self { aws, time, calls, config: OnceCell::const_new() }
    }

    /// S3.
    pub async fn s3(&self, target: &TargetSettings) -> Result<S3ObjectStore, UsageError> {
        let config = self.config().await?;
        let conditionals = target.conditionals(aws::has_own_s3_endpoint(config));
        let store = S3ObjectStore::new(config, conditionals, target.parts(), self.calls.clone());
        Ok(store.with_timeouts(self.time.aws()))
    }

    /// The ledger.
    pub async fn ledger(&self) -> Result<Arc<dyn Ledger>, UsageError> {
        let table = self.aws.ledger_table()?;
        let ledger = DynamoLedger::new(self.config().await?, table, self.calls.clone());
        Ok(Arc::new(ledger.with_timeouts(self.time.aws())))
    }

    /// Why files failed.
    pub async fn failures(
        &self,
        tables: &TableSettings,
    ) -> Result<Arc<dyn FailureLog>, UsageError> {
        let table = tables.failures_table(self.aws)?;
        let failures = DynamoFailureLog::new(self.config().await?, table, self.calls.clone());
        Ok(Arc::new(failures.with_timeouts(self.time.aws())))
    }

    /// What was found whole.
    pub async fn verifications(
        &self,
        tables: &TableSettings,
    ) -> Result<Arc<dyn VerificationLog>, UsageError> {
        let table = tables.verifications_table(self.aws)?;
        let log = DynamoVerificationLog::new(self.config().await?, table, self.calls.clone());
        Ok(Arc::new(log.with_timeouts(self.time.aws())))
    }

    /// The journal of the migration, which has the ledger's name.
    pub async fn journal(
        &self,
        settings: &JournalSettings,
    ) -> Result<Arc<dyn Journal>, UsageError> {
        Ok(self.journal_with_time(settings).await?.0)
    }

    /// The same, with the clock of the service that keeps it.
    pub async fn journal_with_time(
        &self,
        settings: &JournalSettings,
    ) -> Result<(Arc<dyn Journal>, Arc<dyn ServiceTime>), UsageError> {
        let (table, migration) = (settings.journal_table(self.aws)?, self.aws.ledger_table()?);
        let journal =
            DynamoJournal::new(self.config().await?, table, migration, self.calls.clone());
        let journal = Arc::new(journal.with_timeouts(self.time.aws()));
        Ok((journal.clone(), journal))
    }

    /// Whose keys are used, as an ARN. `salt` spreads the pauses between tries.
    #[cfg(feature = "command-line")]
    pub async fn caller(&self, salt: u64) -> anyhow::Result<String> {
        self.caller_or(salt, "--operator NAME").await
    }

    /// The same, where another flag makes the question needless: an error advises it.
    #[cfg(feature = "command-line")]
    pub async fn caller_or(&self, salt: u64, flag: &str) -> anyhow::Result<String> {
        let caller = sts::caller(self.config().await?, self.time.aws(), self.calls, salt).await;
        caller.map_err(|error| match error {
            // Another name would not help: DynamoDB is asked with the same keys.
            CallerError::Keys { trouble, .. } => {
                let text = format!("{error}\n  → {}", advice_on_keys(trouble));
                match trouble {
                    KeyTrouble::Unknown | KeyTrouble::WrongClock | KeyTrouble::NotSignedUp => {
                        UsageError(text).into()
                    }
                    KeyTrouble::Expired => anyhow::Error::msg(text),
                }
            }
            CallerError::Refused(_) => UsageError(format!("{error}: give {flag}")).into(),
            CallerError::Unavailable(_) => {
                anyhow::Error::from(error).context(format!("give {flag}, or try again later"))
            }
        })
    }

    /// The job queue.
    pub async fn queue(&self, queue: &QueueSettings) -> Result<Arc<dyn JobQueue>, UsageError> {
        self.queue_at(queue.queue_url()?, QueueRole::Jobs).await
    }

    /// Its dead-letter queue.
    pub async fn dead_letters(
        &self,
        queue: &QueueSettings,
    ) -> Result<Arc<dyn JobQueue>, UsageError> {
        self.queue_at(queue.dead_letters_url()?, QueueRole::DeadLetters).await
    }

    /// Its dead-letter queue, where the settings name one.
    pub async fn dead_letters_if_named(
        &self,
        queue: &QueueSettings,
    ) -> Result<Option<Arc<dyn JobQueue>>, UsageError> {
        match queue.dead_letters_url_if_named()? {
            Some(url) => self.queue_at(url, QueueRole::DeadLetters).await.map(Some),
            None => Ok(None),
        }
    }

    /// What watching workers needs: both queues, and what workers record.
    pub async fn watch_ports(&self, queue: &QueueSettings) -> Result<WatchPorts, UsageError> {
        Ok(WatchPorts {
            queue: self.queue(queue).await?,
            dead_letters: self.dead_letters(queue).await?,
            failures: self.failures(&queue.tables).await?,
            ledger: self.ledger().await?,
            clock: Arc::new(SystemClock),
        })
    }

    /// The worker function of this name.
    pub async fn worker_function(&self, name: &str) -> Result<Arc<dyn WorkerFunction>, UsageError> {
        let config = self.config().await?;
        let function = LambdaWorkerFunction::new(config, name.to_owned(), self.calls.clone());
        Ok(Arc::new(function.with_timeouts(self.time.aws())))
    }

    /// Whether Lambda can be asked which functions take jobs from the queue.
    pub async fn has_lambda(&self) -> Result<bool, UsageError> {
        Ok(aws::has_lambda_beside_sqs(self.config().await?))
    }

    /// The account and region in which things are set up, and the region's name.
    pub async fn site(&self) -> Result<(AwsSite, String), UsageError> {
        let config = self.config().await?;
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        Ok((AwsSite::new(config, self.calls.clone()).with_timeouts(self.time.aws()), region))
    }

    /// The region's name.
    #[cfg(feature = "command-line")]
    pub async fn region(&self) -> Result<String, UsageError> {
        Ok(self.config().await?.region().map(ToString::to_string).unwrap_or_default())
    }

    /// The endpoint of S3 that is not Amazon's, without a password; [`None`] for Amazon's own.
    pub async fn s3_endpoint(&self) -> Result<Option<String>, UsageError> {
        Ok(aws::own_s3_endpoint(self.config().await?))
    }

    /// What looks at the site before a run begins. `queue` has the queue's URL and the function that may
    /// take its jobs, where jobs are sent.
    #[cfg(feature = "command-line")]
    pub async fn guard(
        &self,
        tables: Vec<TableBlueprint>,
        queue: Option<(&QueueUrl, Option<&str>)>,
    ) -> Result<SiteGuard, UsageError> {
        let looks = Arc::new(self.site().await?.0);
        let has_lambda = self.has_lambda().await?;
        let queue = queue.filter(|_| has_lambda).map(|(url, function)| GuardedQueue {
            consumers: looks.clone(),
            url: url.to_string(),
            function: function.map(str::to_owned),
        });
        Ok(SiteGuard { looks, tables, queue })
    }

    async fn queue_at(
        &self,
        url: QueueUrl,
        role: QueueRole,
    ) -> Result<Arc<dyn JobQueue>, UsageError> {
        let config = self.config().await?;
        let region = config.region().map(AsRef::as_ref);
        // Amazon would say that there is no such queue.
        if url.region().is_some_and(|of_url| Some(of_url) != region)
            && !aws::has_own_sqs_endpoint(config)
        {
            let region = region.unwrap_or_default();
            let setting = match role {
                QueueRole::Jobs => QUEUE,
                QueueRole::DeadLetters => DEAD_LETTERS,
            };
            let text = format!("{setting} is of another region than `{region}`: `{url}`");
            return Err(UsageError(text));
        }
        let queue = SqsJobQueue::new(config, url, role, self.calls.clone());
        Ok(Arc::new(queue.with_timeouts(self.time.aws())))
    }

    /// What is missing in the settings of AWS itself, or cannot be used. Nothing is asked of AWS.
    #[cfg(feature = "command-line")]
    pub async fn wrong_settings(&self) -> Vec<UsageError> {
        let Err(error) = self.config().await else { return Vec::new() };
        let config = load(self.aws).await;
        // Without a region nothing has asked for keys.
        let keys = match require_region(&config) {
            Ok(()) => None,
            Err(_) => require_keys(&config).await.err(),
        };
        [error].into_iter().chain(keys).collect()
    }

    /// The clients of MogileFS that are asked with which configuration they run.
    #[cfg(feature = "command-line")]
    pub fn running_configs(&self, nodes: Vec<NodeUrl>) -> Result<RunningConfigApi, NoCertificates> {
        RunningConfigApi::new(nodes, self.time.request(), self.calls.clone())
    }

    /// The region of the settings, of the environment or of the profile, where one of them has it. No keys are
    /// needed for it.
    #[cfg(feature = "command-line")]
    pub async fn region_if_set(&self) -> Option<String> {
        load(self.aws).await.region().map(ToString::to_string)
    }

    async fn config(&self) -> Result<&SdkConfig, UsageError> {
        // The error, too: who gives the keys may take long to say that there are none.
        let config = self.config.get_or_init(|| aws_config(self.aws)).await;
        config.as_ref().map_err(Clone::clone)
    }
}

const NO_KEYS: &str = "no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (temporary keys need \
     AWS_SESSION_TOKEN too), in the environment or in .env; or name a profile in AWS_PROFILE that has \
     some; or give this machine a role";

async fn load(aws: &AwsSettings) -> SdkConfig {
    aws::load(aws.region.clone().filter(|region| !region.trim().is_empty())).await
}

async fn aws_config(aws: &AwsSettings) -> Result<SdkConfig, UsageError> {
    let config = load(aws).await;
    require_region(&config)?;
    require_keys(&config).await?;
    Ok(config)
}

fn require_region(config: &SdkConfig) -> Result<(), UsageError> {
    let text = "no AWS region is set: give AWS_S3_REGION_NAME, AWS_REGION or a profile with one";
    config.region().map(drop).ok_or_else(|| UsageError(text.to_owned()))
}

async fn require_keys(config: &SdkConfig) -> Result<(), UsageError> {
    match aws::require_credentials(config).await {
        Ok(()) => Ok(()),
        Err(NoCredentials::Absent) => Err(UsageError(NO_KEYS.to_owned())),
        Err(NoCredentials::Misconfigured(why)) => Err(UsageError(format!(
            "the AWS credentials cannot be used as they are configured: {why}. Correct the profile, or \
             name another one in AWS_PROFILE"
        ))),
        Err(NoCredentials::NotGiven(why)) => Err(UsageError(format!(
            "no AWS credentials were given: {why}. Sign in again (`aws sso login`, or the program of \
             credential_process in the profile), or name another profile in AWS_PROFILE"
        ))),
    }
}
