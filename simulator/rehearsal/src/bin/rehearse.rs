//! Rehearses the migration in a world of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    rehearsal::cli::main(std::env::args_os())
}
