use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::RoutePolicy;
use crate::blueprint::{ExpiryRule, ObjectLock, TableBlueprint};
use crate::ports::{Clock, QueueConsumers, SiteError, SiteLooks};
use crate::retried::retried;
use crate::{BucketMap, Misconfigured, S3Bucket, Stopped};

/// Looks at buckets, tables and the queue before anything is written or sent: where going on would harm
/// the files, nothing is begun.
pub struct SiteGuard {
    /// The settings of buckets, tables and queues.
    pub looks: Arc<dyn SiteLooks>,
    /// The tables that are used.
    pub tables: Vec<TableBlueprint>,
    /// The queue to which jobs are sent, if any are.
    pub queue: Option<GuardedQueue>,
}

/// A queue whose jobs only our own function may take.
pub struct GuardedQueue {
    /// Who takes messages.
    pub consumers: Arc<dyn QueueConsumers>,
    /// The queue's URL.
    pub url: String,
    /// The function that the settings name, by its name or ARN.
    pub function: Option<String>,
}

/// What is to be done to the buckets of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    /// Nothing.
    None,
    /// Final keys, by these routes.
    Files(RoutePolicy),
    /// Keys of intermediaries.
    Intermediaries,
}

/// What came of one look.
enum Look {
    Fit,
    /// It could not be looked at, in words.
    Unseen(String),
    Unfit(Misconfigured),
}

/// Errors where going on would harm. Returns what could not be looked at, in words: the run needs none
/// of these answers, and meets by itself what is away.
pub(crate) async fn require_fit_site(
    guard: Option<&SiteGuard>,
    clock: &dyn Clock,
    buckets: &BucketMap,
    writes: Writes,
) -> Result<Vec<String>, Stopped> {
    let Some(guard) = guard else { return Ok(Vec::new()) };
    let mut looks = Vec::new();
    if writes != Writes::None {
        let all: BTreeSet<_> = buckets.pairs().map(|(_, bucket)| bucket).collect();
        for bucket in all {
            looks.push(guard.look_at_rules(clock, bucket, writes).boxed());
            looks.push(guard.look_at_lock(clock, bucket, writes).boxed());
        }
    }
    for table in &guard.tables {
        looks.push(guard.look_at_table(clock, table).boxed());
    }
    if let Some(queue) = &guard.queue {
        looks.push(guard.look_at_queue(clock, queue).boxed());
    }
    let mut unseen = Vec::new();
    for look in join_all(looks).await {
        match look {
            Look::Fit => {}
            Look::Unseen(words) => unseen.push(words),
            Look::Unfit(why) => return Err(Stopped::Misconfigured(why)),
        }
    }
    Ok(unseen)
}

impl SiteGuard {
    async fn look_at_rules(&self, clock: &dyn Clock, bucket: &S3Bucket, writes: Writes) -> Look {
        let rules = retried(clock, 0, || self.looks.expiry_rules(bucket)).await;
        let rules = match rules {
            Ok(rules) => rules,
            Err(error) => return unseen(&format!("the lifecycle rules of `{bucket}`"), &error),
        };
        let is_copied = |policy| policy != RoutePolicy::Mogile;
        let harms = |rule: &&ExpiryRule| match writes {
            Writes::None => false,
            Writes::Files(policy) => rule.of_files && (!rule.of_tagged || is_copied(policy)),
            Writes::Intermediaries => !rule.of_tagged,
        };
        let rules: Vec<_> = rules.iter().filter(harms).map(ToString::to_string).collect();
        if rules.is_empty() {
            return Look::Fit;
        }
        Look::Unfit(Misconfigured::ExpiringObjects { bucket: bucket.to_string(), rules })
    }

    /// What comes from MogileFS is written with its SHA-1 and cannot come out wrong, but intermediaries are
    /// to go again.
    async fn look_at_lock(&self, clock: &dyn Clock, bucket: &S3Bucket, writes: Writes) -> Look {
        if writes == Writes::Files(RoutePolicy::Mogile) {
            return Look::Fit;
        }
        match retried(clock, 0, || self.looks.object_lock(bucket)).await {
            Ok(Some(ObjectLock::Each(retention))) => {
                let bucket = bucket.to_string();
                Look::Unfit(Misconfigured::LockedObjects { bucket, retention })
            }
            Ok(Some(ObjectLock::ByRequest) | None) => Look::Fit,
            Err(error) => unseen(&format!("Object Lock of `{bucket}`"), &error),
        }
    }

    async fn look_at_table(&self, clock: &dyn Clock, wanted: &TableBlueprint) -> Look {
        match retried(clock, 0, || self.looks.table_key(&wanted.name)).await {
            Ok(Some(found)) if found != wanted.key => {
                let table = wanted.name.clone();
                let (found, wanted) = (found.to_string(), wanted.key.to_string());
                Look::Unfit(Misconfigured::OtherTableKey { table, found, wanted })
            }
            // A table that is missing is told by whoever reads it.
            Ok(_) => Look::Fit,
            Err(error) => unseen(&format!("the key of table `{}`", wanted.name), &error),
        }
    }

    async fn look_at_queue(&self, clock: &dyn Clock, queue: &GuardedQueue) -> Look {
        let all = async {
            let arn = retried(clock, 0, || self.looks.queue_arn(&queue.url)).await?;
            retried(clock, 0, || queue.consumers.consumers(&arn)).await
        };
        let all = match all.await {
            Ok(all) => all,
            Err(error) => return unseen("who takes jobs from the queue", &error),
        };
        let named = queue.function.as_deref();
        let mut others = all.into_iter().filter(|one| one.enabled);
        match others.find(|one| !named.is_some_and(|named| one.is_of(named))) {
            Some(other) => Look::Unfit(Misconfigured::OtherConsumer {
                function: other.function,
                mapping: other.uuid,
                named: queue.function.clone(),
            }),
            None => Look::Fit,
        }
    }
}

fn unseen(subject: &str, error: &SiteError) -> Look {
    Look::Unseen(format!("{subject}: {error}"))
}
