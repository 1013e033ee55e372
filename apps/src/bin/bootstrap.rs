//! The Lambda function's program, under the name that Lambda starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    apps::lambda::main()
}
