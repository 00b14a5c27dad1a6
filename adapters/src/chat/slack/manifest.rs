//! Slack app manifest: generates the app's definition with exactly the scopes and events that the bot uses. Called by
//! the CLI.

use reqwest::Url;
use serde_json::{Value, json};

use super::interactions::SHORTCUT;

/// OAuth scopes of the bot token. The three history scopes are used only to look up a post whose outcome is uncertain.
pub const SCOPES: [&str; 11] = [
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "reactions:read",
    "users:read",
];

/// Scope that is needed to check that user groups exist.
const GROUPS_SCOPE: &str = "usergroups:read";

/// Bot events that the app subscribes to.
const EVENTS: [&str; 4] = ["app_home_opened", "app_mention", "reaction_added", "reaction_removed"];

/// The parameters of a manifest.
#[derive(Debug, Clone)]
pub struct ManifestOptions {
    /// Display name of the app; truncated to 35 characters.
    pub name: String,
    /// Slash command, `/hotfix`.
    pub command: String,
    /// Usage hint that Slack shows while the command is typed: the verbs.
    pub usage_hint: String,
    /// `true` if user groups are mentioned; adds the scope that `hotfix doctor` needs to check them.
    pub groups: bool,
    /// `true` for Socket Mode, `false` for webhooks.
    pub socket_mode: bool,
    /// URL of the webhook receiver; ignored in Socket Mode.
    pub request_url: Option<Url>,
}

/// Returns the manifest in the JSON form that Slack accepts under "create an app from a manifest".
#[must_use]
pub fn manifest(options: &ManifestOptions) -> Value {
    let name: String = options.name.chars().take(35).collect();
    let scopes: Vec<&str> = SCOPES.into_iter().chain(options.groups.then_some(GROUPS_SCOPE)).collect();
    let url = options.request_url.as_ref().filter(|_| !options.socket_mode);
    let command = json!({
        "command": options.command,
        "description": "Takes a production hotfix from the first word to the post-mortem",
        "usage_hint": options.usage_hint,
        "should_escape": true,
    });
    let command = called_at(command, "url", url);
    let events = called_at(json!({ "bot_events": EVENTS }), "request_url", url);
    let interactivity = called_at(json!({ "is_enabled": true }), "request_url", url);
    json!({
        "display_information": {
            "name": name,
            "description": "Takes production hotfixes from the first word to the post-mortem",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": true,
                "messages_tab_enabled": true,
                "messages_tab_read_only_enabled": true,
            },
            "bot_user": { "display_name": name, "always_online": true },
            "shortcuts": [{
                "name": "Add to hotfix",
                "type": "message",
                "callback_id": SHORTCUT,
                "description": "Keeps this message with the hotfix of its channel",
            }],
            "slash_commands": [command],
        },
        "oauth_config": { "scopes": { "bot": scopes } },
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": false,
            "socket_mode_enabled": options.socket_mode,
            "token_rotation_enabled": false,
        },
    })
}

fn called_at(mut part: Value, name: &str, url: Option<&Url>) -> Value {
    if let (Some(part), Some(url)) = (part.as_object_mut(), url) {
        part.insert(name.to_owned(), url.as_str().into());
    }
    part
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn made(socket_mode: bool) -> Value {
        manifest(&ManifestOptions {
            name: "hotfix".to_owned(),
            command: "/hotfix".to_owned(),
            usage_hint: "start <service> | status".to_owned(),
            groups: false,
            socket_mode,
            request_url: Url::parse("https://bot.example/slack").ok(),
        })
    }

    #[test]
    fn slack_calls_one_address_or_none() {
        let called = made(false);
        for place in [
            "/features/slash_commands/0/url",
            "/settings/event_subscriptions/request_url",
            "/settings/interactivity/request_url",
        ] {
            assert_eq!(called.pointer(place).unwrap(), "https://bot.example/slack", "{place}");
            assert_eq!(made(true).pointer(place), None, "{place}");
        }
        assert_eq!(made(true)["settings"]["socket_mode_enabled"], true);
    }

    #[test]
    fn no_right_is_asked_for_that_lets_the_bot_act_for_others() {
        let scopes = made(true)["oauth_config"]["scopes"].clone();
        assert!(scopes.get("user").is_none());
        for scope in scopes["bot"].as_array().unwrap() {
            let scope = scope.as_str().unwrap();
            assert!(
                !scope.starts_with("admin") && !scope.contains("customize") && !scope.contains("public"),
                "{scope}"
            );
        }
    }
}
