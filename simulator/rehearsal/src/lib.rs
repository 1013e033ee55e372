//! Rehearses the migration in a world of its own.
//!
//! ```text
//! corpus → planted with hazards in a world → migrated by the real command → judged by the oracle
//! ```
//!
pub mod corpus;
pub mod hazard;
pub mod planting;
mod end_state;
pub mod rehearsal;
pub mod measure;
pub mod function_figures;
pub mod cli;
