//! `hotfix manifest …`: prints the manifest for installing the app, with exactly the permissions that the bot uses.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use hotfix_adapters::chat::discord;
use hotfix_adapters::chat::slack::{ManifestOptions, manifest};
use hotfix_adapters::forge::github::app_manifest;

use super::print_line;
use crate::command::{Group, VERBS};
use crate::wire;

/// A platform with something to install.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ManifestKind {
    /// The Slack app: "Create New App", "From a manifest"
    Slack,
    /// The Discord application: the address that invites it, and the commands that it registers
    Discord,
    /// The GitHub App, as `POST /settings/apps/new` takes it
    GithubApp,
}

/// Arguments of `hotfix manifest`.
#[derive(Debug, Args)]
pub(super) struct ManifestArgs {
    /// The platform
    what: ManifestKind,
    /// Name of the app
    #[arg(long, default_value = "hotfix")]
    name: String,
    /// Where the bot can be reached from outside, such as https://bot.example.org; without it nothing calls the bot
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// For Discord: the number of the application
    #[arg(long, value_name = "NUMBER")]
    application: Option<String>,
    /// For Slack: a service's file names user groups to be called
    #[arg(long)]
    groups: bool,
    /// For a GitHub App: something is deployed by a workflow, which takes more rights
    #[arg(long)]
    workflows: bool,
}

/// Prints the manifest as JSON.
pub(super) fn run(args: &ManifestArgs) -> anyhow::Result<ExitCode> {
    let ManifestArgs { what, name, url, application, groups, workflows } = args;
    let at = |path: &str| url.as_ref().map(|url| format!("{}{path}", url.trim_end_matches('/')));
    let made = match what {
        ManifestKind::Slack => manifest(&ManifestOptions {
            name: name.clone(),
            command: "/hotfix".to_owned(),
            usage_hint: usage_hint(),
            groups: *groups,
            socket_mode: url.is_none(),
            request_url: at("/slack").map(|url| url.parse()).transpose().context("--url is no address")?,
        }),
        ManifestKind::Discord => {
            let application =
                application.as_deref().context("Discord knows the bot by a number: --application 1234")?;
            discord::manifest(application, &wire::commands())
        }
        ManifestKind::GithubApp => app_manifest(name, at("/hooks/github").as_deref(), *workflows),
    };
    print_line(&mut std::io::stdout(), &serde_json::to_string_pretty(&made)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the usage hint of the slash command, from the table of verbs.
fn usage_hint() -> String {
    let shown = VERBS.iter().filter(|verb| matches!(verb.group, Group::Begin | Group::Look | Group::Say));
    let names: Vec<&str> = shown.map(|verb| verb.name).collect();
    format!("{} | help", names.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_hint_names_verbs_and_is_short_enough_for_slack() {
        let hint = usage_hint();
        assert!(hint.starts_with("start | "), "{hint}");
        assert!(hint.chars().count() <= 1000, "{hint}");
    }
}
