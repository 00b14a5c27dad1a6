//! Determines which accounts can read a channel: server members who have the permission to view it.

use serde::Deserialize;

use super::context::{Channel, DiscordContext, User};
use super::post::user;
use super::rights::{self, Role, VIEW_CHANNEL};
use super::web::DiscordCall;
use crate::failure::Failure;
use crate::ids::{ChannelRef, PersonRef};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Guild {
    owner_id: String,
    roles: Vec<Role>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DirectChannel {
    recipients: Vec<User>,
}

impl DiscordContext {
    pub(super) async fn audience(&self, channel: &ChannelRef, among: &[PersonRef]) -> Result<Vec<PersonRef>, Failure> {
        let asked = self.channel_info(channel).await?;
        let Some(guild) = asked.guild_id.clone() else {
            return self.in_conversation(channel, among).await;
        };
        // A channel's permissions apply to its threads too.
        let asked = match asked.above() {
            Some(above) => self.channel_info(&above).await?,
            None => asked,
        };
        let told: Guild = self.web.read(DiscordCall::new(&["guilds", &guild], "ask about a server")).await?;
        let mut readers = Vec::new();
        for person in among {
            if self.reads(&guild, &told, &asked, user(person)?).await? {
                readers.push(person.clone());
            }
        }
        Ok(readers)
    }

    async fn reads(&self, guild: &str, told: &Guild, channel: &Channel, user: &str) -> Result<bool, Failure> {
        let Some(member) = self.member(guild, user).await? else { return Ok(false) };
        let had = if told.owner_id == user { u64::MAX } else { rights::in_guild(guild, &told.roles, &member.roles) };
        Ok(rights::in_channel(had, channel, guild, &member.roles, user) & VIEW_CHANNEL > 0)
    }

    async fn in_conversation(&self, channel: &ChannelRef, among: &[PersonRef]) -> Result<Vec<PersonRef>, Failure> {
        let path = ["channels", channel.as_str()];
        let asked: DirectChannel = self.web.read(DiscordCall::new(&path, "ask who is in a channel")).await?;
        let there = |person: &&PersonRef| asked.recipients.iter().any(|user| user.id == person.id);
        Ok(among.iter().filter(there).cloned().collect())
    }
}
