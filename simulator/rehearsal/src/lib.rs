//! Rehearses the migration in a world of its own.
//!
//! ```text
//! corpus → planted with hazards in a world → migrated by the real command → judged by the oracle
//! ```
//!
//! The [`oracle`] knows the corpus alone and shares no rule with the migrator.

pub mod corpus;
pub mod hazard;
pub mod planting;
pub mod oracle;
pub mod rehearsal;
pub mod measure;
pub mod function_figures;
pub mod cli;
