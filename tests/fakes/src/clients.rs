//! Third-party clients and API descriptions in `tests/clients`, which check the fakes and the adapters independently of
//! the project's own code. `tests/run` installs them; a test that needs a missing one fails and says so.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use crate::server::Call;

/// Returns the folder `tests/clients`, which holds the scripts.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above").join("clients")
}

/// Returns the path of an installed file below the scripts' folder.
///
/// # Panics
/// Panics if it is not installed.
#[must_use]
pub fn installed(place: &str) -> PathBuf {
    let place = folder().join(place);
    assert!(place.exists(), "{} is missing. Run tests/run, which installs it.", place.display());
    place
}

/// Returns a command that runs a script with Node and the installed packages.
#[must_use]
pub fn node(script: &str) -> Command {
    let _ = installed("node_modules/.installed");
    let mut command = Command::new("node");
    command.arg(folder().join(script));
    command
}

/// Returns a command that runs a script with Python and the installed packages.
#[must_use]
pub fn python(script: &str) -> Command {
    let _ = installed(".venv/.installed");
    let mut command = Command::new(folder().join(".venv/bin/python"));
    command.arg("-B").arg(folder().join(script));
    command
}

/// Runs a script until it exits and returns its standard output.
///
/// # Panics
/// Panics if the script cannot be started or fails; the message contains its output.
#[must_use]
pub fn run(mut command: Command) -> String {
    // A proxy for internet access must not be used on loopback.
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let output = command.output();
    // Environment variables are not printed, because they contain keys.
    let told: Vec<_> = [command.get_program()].into_iter().chain(command.get_args()).collect();
    let output =
        output.unwrap_or_else(|error| panic!("{told:?}: {error}. Run tests/run, which installs what is missing."));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told:?}: {}\n{printed}\n{complaint}", output.status);
    printed
}

/// Validates calls and their answers against GitHub's OpenAPI description; returns the names of the operations.
///
/// # Panics
/// Panics if one does not conform; the message lists every violation.
#[must_use]
pub fn held_against_github(calls: &[Call]) -> Vec<String> {
    held_against("openapi.mjs", calls)
}

/// Validates calls and their answers against Discord's own API description; returns the operations that were used.
///
/// # Panics
/// Panics if one does not conform; the message lists every violation.
#[must_use]
pub fn held_against_discord(calls: &[Call]) -> Vec<String> {
    held_against("discord_spec.mjs", calls)
}

/// Validates app manifests against Slack's type definitions; returns their number, as one line.
///
/// # Panics
/// Panics if one does not conform; the message lists every violation.
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
