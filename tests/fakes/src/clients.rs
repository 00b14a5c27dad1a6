//! Other people's clients and descriptions, below `tests/clients`: a fake that they understand is more than our own opinion.
//! `tests/run` installs them; without them a test fails and says so.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use crate::server::Call;

/// The folder of the scripts.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above").join("clients")
}

/// Something that was installed.
///
/// # Panics
/// It is not there.
#[must_use]
pub fn installed(place: &str) -> PathBuf {
    let place = folder().join(place);
    assert!(place.exists(), "{} is missing. Run tests/run, which installs it.", place.display());
    place
}

/// A script for Node, with its packages.
#[must_use]
pub fn node(script: &str) -> Command {
    let _ = installed("node_modules/.installed");
    let mut command = Command::new("node");
    command.arg(folder().join(script));
    command
}

/// A script for Python, with its packages.
#[must_use]
pub fn python(script: &str) -> Command {
    let _ = installed(".venv/.installed");
    let mut command = Command::new(folder().join(".venv/bin/python"));
    command.arg("-B").arg(folder().join(script));
    command
}

/// Runs a script to its end and answers what it printed.
///
/// # Panics
/// It cannot be run, or it failed: with all that it said.
#[must_use]
pub fn run(mut command: Command) -> String {
    // A proxy that is meant for the world is of no use on loopback.
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let output = command.output();
    // The variables are left out: there are keys among them.
    let told: Vec<_> = [command.get_program()].into_iter().chain(command.get_args()).collect();
    let output =
        output.unwrap_or_else(|error| panic!("{told:?}: {error}. Run tests/run, which installs what is missing."));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told:?}: {}\n{printed}\n{complaint}", output.status);
    printed
}

/// Holds calls and their answers against GitHub's own description of its API; answers the names of the operations.
///
/// # Panics
/// One does not fit: with everything that is wrong.
#[must_use]
pub fn held_against_github(calls: &[Call]) -> Vec<String> {
    held_against("openapi.mjs", calls)
}

/// Holds calls and their answers against Discord's own description of its API; answers the operations.
///
/// # Panics
/// One does not fit: with everything that is wrong.
#[must_use]
pub fn held_against_discord(calls: &[Call]) -> Vec<String> {
    held_against("discord_spec.mjs", calls)
}

/// Holds app manifests against Slack's own types of them; answers how many there were.
///
/// # Panics
/// One does not fit: with everything that is wrong.
#[must_use]
pub fn held_against_slack(manifests: &[serde_json::Value]) -> Vec<String> {
    held_against("slack_manifest.mjs", manifests)
}

fn held_against<T: Serialize>(description: &str, lines: &[T]) -> Vec<String> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    for line in lines {
        writeln!(file, "{}", serde_json::to_string(line).expect("it is JSON")).expect("a line is written");
    }
    let mut script = node(description);
    script.arg(file.path());
    run(script).lines().map(str::to_owned).collect()
}
