//! Self-check of the Discord adapter: token, application, gateway, servers, commands and permissions. Posts nothing.
//! Called by [`super::Discord`].

use serde::Deserialize;

use super::commands;
use super::context::DiscordContext;
use super::gateway;
use super::rights::{self, Role};
use super::web::DiscordCall;
use crate::chat::ChannelKind;
use crate::check_result::CheckResult;
use crate::failure::Failure;
use crate::ids::ChannelRef;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Application {
    id: String,
    name: String,
    interactions_endpoint_url: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Guild {
    name: String,
    roles: Vec<Role>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Own {
    roles: Vec<String>,
}

impl DiscordContext {
    pub(super) async fn examine(&self, channels: &[ChannelRef]) -> Vec<CheckResult> {
        let mut found = Vec::new();
        match self.me().await {
            Ok(me) => found.push(CheckResult::ok("the bot token", format!("it is {}", me.username))),
            Err(failure) => return vec![not(failure, "the bot token")],
        }
        found.push(self.own_application().await.unwrap_or_else(|failure| not(failure, "the application")));
        found.push(self.sessions().await.unwrap_or_else(|failure| not(failure, "the gateway")));
        for guild in &self.guilds {
            let what = format!("the server {guild}");
            found.push(self.membership(guild, &what).await.unwrap_or_else(|failure| not(failure, &what)));
        }
        if !self.commands.is_empty() {
            found.push(self.known_commands().await.unwrap_or_else(|failure| not(failure, "the commands")));
        }
        for channel in channels {
            let what = format!("the channel {channel}");
            found.push(self.room(channel, &what).await.unwrap_or_else(|failure| not(failure, &what)));
        }
        found
    }

    /// Checks that roles exist and that anyone may mention them; the bot does not ask for the permission to
    /// mention all roles.
    pub(super) async fn examine_groups(&self, groups: &[String]) -> Vec<CheckResult> {
        let mut known: Vec<Role> = Vec::new();
        if groups.is_empty() {
            return Vec::new();
        }
        for guild in &self.guilds {
            match self.web.read::<Guild>(DiscordCall::new(&["guilds", guild], "ask about a server")).await {
                Ok(guild) => known.extend(guild.roles),
                Err(failure) => return vec![not(failure.into(), &format!("the roles of the server {guild}"))],
            }
        }
        let found = groups.iter().map(|id| {
            let what = format!("the role {id}");
            match known.iter().find(|role| &role.id == id) {
                Some(role) if role.mentionable => CheckResult::ok(what, format!("it is @{}", role.name)),
                Some(role) => CheckResult::warning(
                    what,
                    format!("nobody may mention @{}, so it is shown and called by nobody", role.name),
                    "Allow anyone to mention this role, in the settings of the server.",
                ),
                None => CheckResult::error(
                    what,
                    "no server that the bot listens to has it",
                    "Correct `notify` in the service's file.",
                ),
            }
        });
        found.collect()
    }

    async fn own_application(&self) -> Result<CheckResult, Failure> {
        let what = "the application";
        let path = ["applications", "@me"];
        let asked: Application = self.web.read(DiscordCall::new(&path, "ask which application it is")).await?;
        if asked.id != self.application {
            let seen = format!("the token belongs to {}, and {} is configured", asked.id, self.application);
            return Ok(CheckResult::error(what, seen, "Set the application's number, or the token of the other one."));
        }
        if asked.interactions_endpoint_url.is_some_and(|url| !url.is_empty()) {
            let next = "Clear the Interactions Endpoint URL in Discord's developer portal.";
            return Ok(CheckResult::error(what, "commands and buttons go to another address than the bot's", next));
        }
        Ok(CheckResult::ok(what, format!("it is {}", asked.name)))
    }

    async fn sessions(&self) -> Result<CheckResult, Failure> {
        let limit = gateway::ask(self).await?.session_start_limit;
        if limit.remaining == 0 {
            let seen = format!("no more sessions may be opened for {} minutes", limit.reset_after / 60_000);
            return Ok(CheckResult::warning("the gateway", seen, "Look why the bot was connected so often."));
        }
        Ok(CheckResult::ok("the gateway", format!("{} more sessions may be opened today", limit.remaining)))
    }

    async fn membership(&self, guild: &str, what: &str) -> Result<CheckResult, Failure> {
        let asked: Guild = self.web.read(DiscordCall::new(&["guilds", guild], "ask about a server")).await?;
        let own = self.own_roles(guild).await?;
        if rights::in_guild(guild, &asked.roles, &own.roles) == u64::MAX {
            let seen = format!("the bot is an administrator of {}", asked.name);
            return Ok(CheckResult::warning(what, seen, "Take that right from its role: it needs six lesser ones."));
        }
        Ok(CheckResult::ok(what, format!("the bot is in {}", asked.name)))
    }

    async fn own_roles(&self, guild: &str) -> Result<Own, Failure> {
        let me = self.me().await?;
        let path = ["guilds", guild, "members", &me.id];
        Ok(self.web.read(DiscordCall::new(&path, "ask what the bot is in a server")).await?)
    }

    async fn known_commands(&self) -> Result<CheckResult, Failure> {
        if commands::are_the_same(&commands::commands(&self.commands), &self.registered().await?) {
            return Ok(CheckResult::ok("the commands", "Discord knows them"));
        }
        let next = "Start the bot: it makes them known.";
        Ok(CheckResult::warning("the commands", "Discord knows others, or none", next))
    }

    async fn room(&self, channel: &ChannelRef, what: &str) -> Result<CheckResult, Failure> {
        let asked = self.channel_info(channel).await?;
        let name = asked.name.as_deref().map_or_else(|| channel.to_string(), |name| format!("#{name}"));
        match self.kind_of_channel(&asked) {
            ChannelKind::Own => {}
            ChannelKind::Direct => return Ok(CheckResult::ok(what, "a direct conversation")),
            ChannelKind::Shared => {
                let next = "Add its server to those that the bot listens to, or name a channel of your own.";
                return Ok(CheckResult::error(
                    what,
                    format!("{name} is in a server to which the bot does not listen"),
                    next,
                ));
            }
        }
        // A channel's permissions apply to its threads too.
        let asked = match asked.above() {
            Some(above) => self.channel_info(&above).await?,
            None => asked,
        };
        let guild = asked.guild_id.clone().unwrap_or_default();
        let (me, own) = (self.me().await?, self.own_roles(&guild).await?);
        let roles: Guild = self.web.read(DiscordCall::new(&["guilds", &guild], "ask about a server")).await?;
        let granted = rights::in_guild(&guild, &roles.roles, &own.roles);
        let granted = rights::in_channel(granted, &asked, &guild, &own.roles, &me.id);
        let missing = rights::missing(granted);
        if missing.is_empty() {
            return Ok(CheckResult::ok(what, format!("the bot may do what it has to in {name}")));
        }
        let next = format!("Give the bot's role in {name}: {}.", missing.join(", "));
        Ok(CheckResult::error(what, format!("the bot lacks {} in {name}", missing.join(", ")), next))
    }
}

/// Turns a failure into a check result: a rejection is an error, any other failure is a warning.
fn not(failure: Failure, what: &str) -> CheckResult {
    match failure {
        Failure::Rejected { reason } => CheckResult::error(what, reason, "Do what it says, and look again."),
        Failure::Retry { reason, .. } | Failure::Uncertain { reason } => {
            CheckResult::warning(what, reason, "Look again when Discord can be reached.")
        }
    }
}
