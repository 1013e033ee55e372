//! A world on loopback to rehearse the migration in: MogileFS, S3, DynamoDB and SQS, with faults.
//!
//! ```text
//! corpus → planted with hazards in a world → migrated by the real command → judged by the oracle
//! ```
//!
//! [`world`] is plain state; [`wire`] serves it on sockets, [`port`] hands the very same state to
//! the domain's steps. The [`oracle`] knows the corpus alone and shares no rule with the migrator.

pub mod fault;
pub mod world;
pub mod wire;
pub mod port;

pub mod corpus;
pub mod hazard;
pub mod planting;
pub mod embedded;
pub mod oracle;
pub mod rehearsal;
pub mod measure;
pub mod function_figures;
pub mod cli;
