//! `hotfix complete`: shell completion from the table of verbs.

use std::path::Path;
use std::process::ExitCode;

use super::print_line;
use crate::command::{self, Lexicon};
use crate::config;

/// Answers `complete -C` of bash, which passes the line in `COMP_LINE` and the cursor in `COMP_POINT`.
pub(super) fn run(folder: &Path, words: &[String]) -> anyhow::Result<ExitCode> {
    let line = std::env::var("COMP_LINE").unwrap_or_else(|_| words.join(" "));
    let cursor = std::env::var("COMP_POINT").ok().and_then(|point| point.parse().ok()).unwrap_or(line.len());
    let typed = line.get(..cursor).unwrap_or(&line);
    // The program name is not part of the completed text.
    let text = typed.split_once(' ').map_or("", |(_, text)| text);
    for completion in command::complete(text, &known(folder)) {
        print_line(&mut std::io::stdout(), &completion)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the vocabulary of the configuration; empty if it is invalid, because completion has no place for
/// error messages.
fn known(folder: &Path) -> Lexicon {
    config::load(folder).map(|config| Lexicon::of(&config)).unwrap_or_default()
}
