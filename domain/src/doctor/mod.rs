//! Checks every system that a migration needs, and counts the rows of the index.

mod alike;
mod arrived;
mod buckets;
mod census;
mod client_changes;
mod clients;
mod clock;
mod consumers;
mod content_set;
mod contents;
mod data_costs;
mod database;
mod estimate;
mod examine;
mod first_rows;
mod function_time;
mod key_changes;
mod mogile_database;
mod named_ports;
mod pace;
mod public_reads;
mod queues;
mod replicas;
mod tables;
mod types_planned;
mod verdicts;
mod way;
mod window;

pub use alike::{Candidates, KeysAlike, names_alike};
pub use arrived::{Arrived, BucketArrivals};
pub use buckets::{BucketChecks, examine_buckets, examine_locks, examine_readers_of};
pub use census::{Census, census};
pub use client_changes::{CONTENT_REPO_CHANGES, RHINO_CHANGES, examine_client_changes};
pub use clients::{CONTENT_REPO, RHINO, examine_content_repo, examine_rhino};
pub use clock::examine_clock;
pub use consumers::examine_consumers;
pub use contents::{Contents, lists_at_most};
pub use data_costs::{DataCosts, through_nat};
pub use estimate::{CostLine, RequestsNeeded, Stage, WriteSizes, costs, scan_reads};
pub use examine::{
    BUCKETS_OF_FIRST_ROWS, DELIVERIES, FIRST_ROWS, examine, examine_copies, examine_failures,
    examine_queues, examine_work,
};
pub use key_changes::{KEY_CHANGES, examine_key_changes};
pub use mogile_database::{MOGILE, examine_mogile_database};
pub use named_ports::NamedPorts;
pub use pace::{Pace, TimeLimit, TimeNeeded, Worker};
pub use public_reads::{Readers, examine_public_reads};
pub use queues::{QueueUrls, examine_queue_settings};
pub use replicas::STORAGE_NODE;
pub use tables::{TABLE_KEY, examine_tables};
pub use types_planned::{NamedObjects, TypesPlanned, plan_types};
pub use verdicts::{VerdictLine, VerdictNeeded, VerdictSize, verdicts};
pub use window::{Basis, RhinoRows, Window, WindowGate, WindowSize, count_rhino_rows};
