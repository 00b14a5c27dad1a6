//! Discord setup: the invitation link with exactly the permissions that the bot uses, its intents and its commands.
//! Called by the CLI.

use reqwest::Url;
use serde_json::{Value, json};

use super::commands::{CommandSpec, commands};
use super::gateway::INTENTS;
use super::rights::PERMISSIONS;

/// Returns the invitation link, permissions, intents and commands of an application. The bot registers
/// the commands itself.
#[must_use]
pub fn manifest(application: &str, verbs: &[CommandSpec]) -> Value {
    let query =
        [("client_id", application), ("scope", "bot applications.commands"), ("permissions", &PERMISSIONS.to_string())];
    let invite = Url::parse_with_params("https://discord.com/oauth2/authorize", query);
    json!({
        "invite": invite.map(String::from).unwrap_or_default(),
        "permissions": PERMISSIONS.to_string(),
        // No intent is privileged, so none has to be enabled in the developer portal.
        "intents": INTENTS,
        "commands": commands(verbs),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invitation_asks_for_little() {
        let made = manifest("7", &[]);
        let invite =
            "https://discord.com/oauth2/authorize?client_id=7&scope=bot+applications.commands&permissions=309237730304";
        assert_eq!(made["invite"], invite);
        assert_eq!(made["intents"].as_u64(), Some(1025));
    }
}
