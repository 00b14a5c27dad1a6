//! git as the users run it, with fixed dates: the same scenario produces the same commit ids every time.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use hotfix_adapters::program;

/// Runs git in a folder, as this user at this time, without the machine's git configuration. Returns trimmed output.
///
/// # Errors
/// Fails if git fails, with its error output.
pub fn git(folder: &Path, who: &str, at: jiff::Timestamp, arguments: &[&str]) -> anyhow::Result<String> {
    let date = format!("@{} +0000", at.as_second());
    let (name, email) = signature(who);
    let output = Command::new(program::git()?)
        .args([
            "-c",
            "init.defaultBranch=main",
            "-c",
            "safe.directory=*",
            "-c",
            "commit.gpgSign=false",
            "-c",
            "advice.detachedHead=false",
            "-c",
            "maintenance.auto=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_EDITOR", "true")
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .envs([("GIT_AUTHOR_NAME", &name), ("GIT_COMMITTER_NAME", &name)])
        .envs([("GIT_AUTHOR_EMAIL", &email), ("GIT_COMMITTER_EMAIL", &email)])
        .stdin(Stdio::null())
        .output()
        .context("git could not be run")?;
    if !output.status.success() {
        bail!("git {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Returns the name and the email address that a user's commits carry.
#[must_use]
pub fn signature(who: &str) -> (String, String) {
    let name = match who {
        "ana" => "Ana Alvarez",
        "ben" => "Ben Okafor",
        "chi" => "Chi Nwosu",
        "dee" => "Dee Osei",
        other => other,
    };
    (name.to_owned(), format!("{who}@example.org"))
}
