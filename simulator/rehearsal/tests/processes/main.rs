//! All that starts `rehearse`, and by it `mogile2s3` and the Lambda function, in processes of their
//! own. One binary, for each takes a while to link.

mod cli;

mod commands;
mod connections;
mod environment;
mod faults;
mod killed;
mod killed_world;
mod lambda;
mod oracle;
mod provision;
mod queue;
mod runbook;
mod verdicts;
mod whole;
