//! Permissions and events of the GitHub App, for its manifest and for every token that is minted.

use serde_json::{Value, json};

use super::webhook::EVENTS;

/// Returns the least permissions that the ports need, plus two for workflow deploys.
pub(super) fn permissions(deploys: bool) -> Value {
    let mut least = json!({
        "metadata": "read", "contents": "write", "pull_requests": "write",
        "issues": "read", "checks": "read", "statuses": "read",
    });
    if deploys && let Some(least) = least.as_object_mut() {
        least.insert("actions".to_owned(), "write".into());
        least.insert("deployments".to_owned(), "read".into());
    }
    least
}

/// Builds the manifest of an App, as GitHub accepts it at `/settings/apps/new`. Without a webhook URL the webhook is
/// inactive, and the bot polls.
#[must_use]
pub fn app_manifest(name: &str, hook: Option<&str>, deploys: bool) -> Value {
    json!({
        "name": name,
        // GitHub requires a URL, but no user is sent there.
        "url": "https://example.org",
        "public": false,
        "hook_attributes": { "url": hook.unwrap_or("https://example.org/hooks/github"), "active": hook.is_some() },
        "default_permissions": permissions(deploys),
        "default_events": events(deploys),
    })
}

/// Returns the webhook events. GitHub refuses an event without its permission.
fn events(deploys: bool) -> Vec<&'static str> {
    let wanted = |event: &&str| deploys || !matches!(*event, "workflow_run" | "deployment_status");
    EVENTS.into_iter().filter(wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_without_an_address_is_not_called() {
        assert_eq!(app_manifest("hotfix", None, false)["hook_attributes"]["active"], false);
        let called = app_manifest("hotfix", Some("https://bot.example/hooks/github"), false);
        assert_eq!(called["hook_attributes"]["url"], "https://bot.example/hooks/github");
    }

    #[test]
    fn a_right_is_asked_for_where_it_is_used() {
        let (plain, deploys) = (app_manifest("hotfix", None, false), app_manifest("hotfix", None, true));
        assert_eq!(plain["default_permissions"].get("actions"), None);
        assert_eq!(deploys["default_permissions"]["actions"], "write");
        for never in ["administration", "workflows", "secrets", "members"] {
            assert_eq!(deploys["default_permissions"].get(never), None, "{never}");
        }
        assert_eq!(plain["default_events"].as_array().map(Vec::len), Some(6));
    }
}
