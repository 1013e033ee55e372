//! Rehearses the migration in a world of its own.
//!
//! ```text
//! corpus → planted with hazards on a stage → passes and scenarios, by the real commands → report
//!                                             └→ the oracle judges what came of every file
//! ```

pub mod corpus;
pub mod hazard;
pub mod planting;
mod end_state;
pub mod stage;
mod site;

pub mod process;
mod progress;
mod stall;
pub mod passes;
pub mod queued;
pub mod scenarios;
pub mod verified;
pub mod runbook;
mod serve;
pub mod containers;
pub mod report;

pub mod measure;
pub mod function_figures;
pub mod cli;
