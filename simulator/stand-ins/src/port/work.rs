//! What jobs come from and leave behind: the queues and tables beside those of a migration.

use std::sync::Arc;

use dynoxide::Database;

use super::VirtualClock;
use crate::world::dynamodb::{create_failures_table, create_verifications_table};
use crate::world::queue::{SqsWorld, create_job_queues};

/// The queues and tables of a worker.
pub struct PortWork {
    /// SQS.
    pub sqs: Arc<SqsWorld>,
    /// The name of the job queue in it.
    pub queue: String,
    /// The name of its dead-letter queue.
    pub dead_letters: String,
    /// The failures table.
    pub failures: String,
    /// The verifications table.
    pub verifications: String,
}

/// Seconds that a delivery in [`PortWork::new`] is invisible to others: more than any file takes
/// there.
const VISIBILITY_SECONDS: u32 = 120;

/// Deliveries in [`PortWork::new`] before a message is a dead letter: what production has.
const DELIVERIES: u32 = domain::limits::DELIVERIES;

impl PortWork {
    /// Empty queues, `jobs` and `jobs-dead`, by this clock; and empty tables, `failures` and
    /// `verifications`, in this database.
    ///
    /// # Panics
    /// If the database has one of the tables already.
    #[must_use]
    pub fn new(clock: &Arc<VirtualClock>, database: &Database) -> Self {
        let now = Arc::clone(clock);
        let sqs = SqsWorld::with_clock(Arc::new(move || now.system_time()));
        let work = Self {
            sqs: Arc::new(sqs),
            queue: "jobs".to_owned(),
            dead_letters: "jobs-dead".to_owned(),
            failures: "failures".to_owned(),
            verifications: "verifications".to_owned(),
        };
        create_job_queues(
            &work.sqs,
            &work.queue,
            &work.dead_letters,
            VISIBILITY_SECONDS,
            DELIVERIES,
        )
        .expect("new queues, attributes that SQS takes");
        create_failures_table(database, &work.failures).expect("a new table");
        create_verifications_table(database, &work.verifications).expect("a new table");
        work
    }
}
