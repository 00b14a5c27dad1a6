//! The binary: calls the command line in [`hotfix::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    hotfix::cli::main()
}
