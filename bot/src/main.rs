//! The program: its arguments, and what they run.

use std::process::ExitCode;

fn main() -> ExitCode {
    hotfix::cli::main()
}
