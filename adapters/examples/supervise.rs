//! The supervisor of the deploy tests: what the hidden sub-command of the bot does, and nothing else.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    std::env::args_os().nth(1).map_or(ExitCode::FAILURE, |folder| {
        ExitCode::from(hotfix_adapters::deploy::command::supervise(Path::new(&folder)))
    })
}
