//! What a migration costs the machine that it runs on: CPU time a file, and memory.
//!
//! The world is in this process, the client in another of the very same binary: only the client is
//! measured, by its own account at its end.

mod audit;
mod bare;
mod client;
mod cpu;
mod field;
mod freeze;
mod growth;
mod memory;
mod plan;
mod types;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

pub use client::{MEASURED, measured};

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum Measure {
    /// CPU time a file by either route, beside a bare loop of the same requests
    Cpu(cpu::Arguments),
    /// The most memory that `migrate` ever holds: many files, few, and a large one
    Memory(memory::Arguments),
    /// The time and the memory that `plan` takes for a million rows
    Plan(plan::Arguments),
    /// The time and the memory that `audit` takes for many rows, and the memory that each row takes
    Audit(audit::Arguments),
    /// The time and the memory that `verify` takes for many rows, the memory of each, and the CPU time
    Verify(verify::Arguments),
    /// The time and the memory that `freeze` takes for many rows
    Freeze(freeze::Arguments),
    /// The time, memory and disk that the types and names of a million files take
    Types(types::Arguments),
}

/// Measures, prints, and exits with 1 where a goal is missed. Build with `--release` first.
pub async fn run(measure: Measure) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        eprintln!("This is a debug build: its figures say nothing of a release.");
    }
    let met = match measure {
        Measure::Cpu(arguments) => cpu::run(&arguments).await?,
        Measure::Memory(arguments) => memory::run(&arguments).await?,
        Measure::Plan(arguments) => plan::run(&arguments).await?,
        Measure::Audit(arguments) => audit::run(&arguments).await?,
        Measure::Verify(arguments) => verify::run(&arguments).await?,
        Measure::Freeze(arguments) => freeze::run(&arguments).await?,
        Measure::Types(arguments) => types::run(&arguments).await?,
    };
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A goal and whether it is met, for the end of a line.
fn verdict(goal: &str, met: bool) -> String {
    format!("goal {goal}: {}", if met { "met" } else { "MISSED" })
}
