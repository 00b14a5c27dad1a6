//! `hotfix requirements`: prints the sentences of the runbooks with how each is met, and the security cases with their tests.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::bail;

use crate::config::requirements::{REQUIREMENTS, Requirement};
use crate::config::security::SECURITY_CASES;

pub(super) fn run(runbook: Option<&str>) -> anyhow::Result<ExitCode> {
    if runbook.is_some_and(|name| name.eq_ignore_ascii_case("security")) {
        return security();
    }
    let wanted = runbook.map(|name| format!("{}-", name.to_ascii_uppercase()));
    let chosen = |requirement: &&Requirement| wanted.as_ref().is_none_or(|prefix| requirement.id.starts_with(prefix));
    let rows: Vec<&Requirement> = REQUIREMENTS.iter().filter(chosen).collect();
    if rows.is_empty() {
        bail!(
            "no runbook has this name; there are SRE, HOCS, APPLY, PROMO and MAIN, and the security cases: `security`"
        );
    }
    let rows = rows.into_iter().map(|row| {
        let shown = if row.proof.is_empty() { "–" } else { row.proof };
        let lacks = if row.lacks.is_empty() { String::new() } else { format!("\n{:<63}Missing: {}", "", row.lacks) };
        format!("{:<9} {:<27} {shown:<24} {}{lacks}", row.id, row.how(), row.summary)
    });
    Ok(print(rows))
}

/// Prints the security cases, each with the tests that prove it.
fn security() -> anyhow::Result<ExitCode> {
    let rows = SECURITY_CASES.iter().map(|case| {
        let tests = if case.tests.is_empty() { "no test yet".to_owned() } else { case.tests.join("\n     ") };
        format!("{:<4} {}.\n     {}.\n     {tests}", case.number, case.threat, case.defense)
    });
    Ok(print(rows))
}

/// Prints lines until the reader closes the pipe.
fn print(lines: impl Iterator<Item = String>) -> ExitCode {
    let mut out = io::stdout().lock();
    for line in lines {
        if writeln!(out, "{line}").is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            break;
        }
    }
    ExitCode::SUCCESS
}
