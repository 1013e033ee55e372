//! All that starts `rehearse`, and by it `mogile2s3` and the Lambda function, in processes of their
//! own. One binary, for each takes a while to link.

mod afterwards;
mod check_list;
mod cli;
#[path = "../../../../tests/src/python.rs"]
mod python;

mod commands;
mod connections;
mod containers;
mod cutover;
mod environment;
mod faults;
mod freeze;
mod killed;
mod killed_world;
mod lambda;
mod operating;
mod oracle;
mod plan;
mod provision;
mod queue;
mod references;
mod rekey;
mod runbook;
mod smoke;
mod tmp;
mod types;
mod verdicts;
mod verify;
mod whole;
