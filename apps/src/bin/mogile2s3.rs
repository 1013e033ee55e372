//! The operator's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    apps::cli::main(std::env::args_os())
}
