//! `hotfix requirements`: the sentences of the runbooks, the way and degree in which each is met, its proof and
//! its gaps.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::bail;

use crate::config::requirements::{REQUIREMENTS, Requirement};

pub(super) fn run(runbook: Option<&str>) -> anyhow::Result<ExitCode> {
    let wanted = runbook.map(|name| format!("{}-", name.to_ascii_uppercase()));
    let chosen = |requirement: &&Requirement| wanted.as_ref().is_none_or(|prefix| requirement.id.starts_with(prefix));
    let rows: Vec<&Requirement> = REQUIREMENTS.iter().filter(chosen).collect();
    if rows.is_empty() {
        bail!("no runbook has this name; there are SRE, HOCS, APPLY, PROMO and MAIN");
    }
    let mut out = io::stdout().lock();
    for row in rows {
        let shown = if row.proof.is_empty() { "–" } else { row.proof };
        let lacks = if row.lacks.is_empty() { String::new() } else { format!("\n{:<63}Missing: {}", "", row.lacks) };
        let written = writeln!(out, "{:<9} {:<27} {shown:<24} {}{lacks}", row.id, row.how(), row.summary);
        // A broken pipe is not an error: the reader has seen enough.
        if written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}
