//! Read queries of the Discord adapter: posts by key, reactions, account kinds and channel kinds.

use serde::Deserialize;

use super::context::{Channel, DiscordContext, User};
use super::decode::{emoji, person};
use super::post::user;
use super::render;
use super::web::{DiscordCall, code};
use crate::chat::{AccountKind, ChannelKind, Destination, Emoji, Reaction};
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

/// Maximum number of history pages that [`SlackContext::find`] reads. A post that is looked up is recent, so it is not
/// farther back.
const PAGES: usize = 10;
const PAGE: &str = "100";
/// Maximum number of pages of 100 users per emoji; beyond it, the reactions are not counted at all.
const REACTION_PAGES: usize = 20;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Message {
    id: String,
    author: User,
    embeds: Vec<Embed>,
    reactions: Vec<Reacted>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Embed {
    footer: Option<Footer>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Footer {
    text: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reacted {
    emoji: Named,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Named {
    id: Option<String>,
    name: Option<String>,
}

/// A member of a server.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Member {
    user: User,
    pending: Option<bool>,
    pub(super) roles: Vec<String>,
}

impl Message {
    fn has(&self, mark: &str) -> bool {
        let footers = self.embeds.iter().filter_map(|embed| embed.footer.as_ref());
        footers.into_iter().any(|footer| footer.text == mark || footer.text.ends_with(&format!(" · {mark}")))
    }
}

impl DiscordContext {
    pub(super) async fn find(&self, place: &Destination, key: &str) -> Result<Option<MessageRef>, Failure> {
        let channel = match place {
            Destination::Channel(channel) => channel.clone(),
            Destination::Thread(root) | Destination::ThreadAndChannel(root) => {
                match self.parent(&root.channel).await? {
                    Some(_) => root.channel.clone(),
                    None => ChannelRef::parse(&root.id).map_err(|error| Failure::rejected(error.to_string()))?,
                }
            }
            Destination::Direct(person) => self.direct(person).await?,
        };
        self.find_in(&channel, key).await
    }

    /// Searches the recent messages of a channel for the mark of this key. Only the bot's own messages match (security
    /// case 32). A thread that does not exist has no messages.
    pub(super) async fn find_in(&self, channel: &ChannelRef, key: &str) -> Result<Option<MessageRef>, Failure> {
        let (me, mark) = (self.me().await?, render::mark(key));
        let path = ["channels", channel.as_str(), "messages"];
        let mut before = String::new();
        for _ in 0..PAGES {
            let mut query = vec![("limit", PAGE)];
            query.extend(Some(("before", before.as_str())).filter(|(_, id)| !id.is_empty()));
            let call = DiscordCall { query: &query, ..DiscordCall::new(&path, "look for a message") };
            let page: Vec<Message> = match self.web.read(call).await {
                Ok(page) => page,
                Err(refusal) if refusal.code == code::UNKNOWN_CHANNEL => return Ok(None),
                Err(refusal) => return Err(refusal.into()),
            };
            if let Some(found) = page.iter().find(|message| message.author.id == me.id && message.has(&mark)) {
                return Ok(Some(MessageRef { channel: channel.clone(), id: found.id.clone() }));
            }
            match page.last() {
                Some(oldest) if page.len() >= 100 => before.clone_from(&oldest.id),
                Some(_) | None => break,
            }
        }
        Ok(None)
    }

    pub(super) async fn reactions(&self, message: &MessageRef) -> Result<Vec<Reaction>, Failure> {
        let me = self.me().await?;
        let path = ["channels", message.channel.as_str(), "messages", &message.id];
        let asked: Message = self.web.read(DiscordCall::new(&path, "read the reactions to a message")).await?;
        if asked.author.id != me.id {
            return Err(Failure::rejected(format!(
                "{} in {} is not a message of the bot: reactions to it count for nothing",
                message.id, message.channel
            )));
        }
        let mut found = Vec::new();
        for reacted in asked.reactions {
            // Custom emojis have an id and no meaning to the bot.
            let Some(name) = reacted.emoji.name.filter(|_| reacted.emoji.id.is_none()) else { continue };
            let emoji = emoji(&name);
            if matches!(emoji, Emoji::Yes | Emoji::No) {
                self.reacted_with(message, &name, &emoji, &mut found).await?;
            }
        }
        Ok(found)
    }

    /// Adds all users who reacted with one emoji, except bots (security case 30).
    async fn reacted_with(
        &self,
        message: &MessageRef,
        name: &str,
        emoji: &Emoji,
        found: &mut Vec<Reaction>,
    ) -> Result<(), Failure> {
        let path = ["channels", message.channel.as_str(), "messages", &message.id, "reactions", name];
        let mut after = String::new();
        for _ in 0..REACTION_PAGES {
            let mut query = vec![("limit", PAGE)];
            query.extend(Some(("after", after.as_str())).filter(|(_, id)| !id.is_empty()));
            let call = DiscordCall { query: &query, ..DiscordCall::new(&path, "read who reacted to a message") };
            let users: Vec<User> = self.web.read(call).await?;
            let people = users.iter().filter(|user| !user.bot.unwrap_or_default());
            found.extend(people.map(|user| Reaction { person: person(&user.id), emoji: emoji.clone() }));
            match users.last() {
                Some(last) if users.len() >= 100 => after.clone_from(&last.id),
                Some(_) | None => return Ok(()),
            }
        }
        Err(Failure::rejected(format!("more people reacted to {} than can be counted: ask anew", message.id)))
    }

    /// Returns the kind of an account, cached. A bot or a pending member is never a `Member` (security cases 30 and
    /// 31). Membership in one of the configured servers is enough.
    pub(super) async fn account(&self, person: &PersonRef) -> Result<AccountKind, Failure> {
        user(person)?;
        match self.accounts.get(&person.id) {
            Some(known) => Ok(known),
            None => self.account_now(person).await,
        }
    }

    pub(super) async fn account_now(&self, person: &PersonRef) -> Result<AccountKind, Failure> {
        let id = user(person)?;
        let mut kind = AccountKind::Gone;
        for guild in &self.guilds {
            match self.member(guild, id).await?.map(|member| kind_of(&member, id)).transpose()? {
                // The account may be a full member of another server.
                Some(AccountKind::Guest) => kind = AccountKind::Guest,
                Some(known) => {
                    kind = known;
                    break;
                }
                None => {}
            }
        }
        self.accounts.insert(person.id.clone(), kind);
        Ok(kind)
    }

    /// Returns a member of a server, or `None` if the user is not in it.
    pub(super) async fn member(&self, guild: &str, user: &str) -> Result<Option<Member>, Failure> {
        let path = ["guilds", guild, "members", user];
        match self.web.read(DiscordCall::new(&path, "ask what an account is")).await {
            Ok(member) => Ok(Some(member)),
            Err(refusal) if [code::UNKNOWN_MEMBER, code::UNKNOWN_USER].contains(&refusal.code) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    pub(super) async fn channel(&self, channel: &ChannelRef) -> Result<ChannelKind, Failure> {
        let asked = self.channel_info(channel).await?;
        Ok(self.kind_of_channel(&asked))
    }

    /// Classifies a channel: types 1 and 3 are direct messages; a channel outside the configured servers is `Shared`.
    pub(super) fn kind_of_channel(&self, channel: &Channel) -> ChannelKind {
        let own = channel.guild_id.as_deref().is_some_and(|guild| self.listens_to(guild));
        match channel.kind {
            1 | 3 => ChannelKind::Direct,
            _ if own => ChannelKind::Own,
            _ => ChannelKind::Shared,
        }
    }
}

fn kind_of(member: &Member, id: &str) -> Result<AccountKind, Failure> {
    if member.user.id != id {
        return Err(Failure::retry("Discord answered about somebody else (could not ask what an account is)"));
    }
    Ok(if member.user.bot.unwrap_or_default() {
        AccountKind::Bot
    } else if member.pending.unwrap_or_default() {
        AccountKind::Guest
    } else {
        AccountKind::Member
    })
}
