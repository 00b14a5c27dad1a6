//! What to set up in Discord: the invitation with the rights that are used and no others, and the commands.

use reqwest::Url;
use serde_json::{Value, json};

use super::commands::{CommandSpec, commands};
use super::gateway::INTENTS;
use super::rights::PERMISSIONS;

/// The invitation, the rights, the intents and the commands of an application. The commands are made known by the bot itself.
#[must_use]
pub fn manifest(application: &str, verbs: &[CommandSpec]) -> Value {
    let query =
        [("client_id", application), ("scope", "bot applications.commands"), ("permissions", &PERMISSIONS.to_string())];
    let invite = Url::parse_with_params("https://discord.com/oauth2/authorize", query);
    json!({
        "invite": invite.map(String::from).unwrap_or_default(),
        "permissions": PERMISSIONS.to_string(),
        // None of them is privileged, so none has to be switched on.
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
