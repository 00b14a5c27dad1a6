//! Read queries of the Slack adapter: posts by key, reactions, channel members, account kinds and channel kinds.

use serde::Deserialize;

use super::context::{Me, SlackContext};
use super::escape::emoji;
use super::person;
use super::post::{KEY, METADATA, user};
use super::web::SlackCall;
use crate::chat::{AccountKind, ChannelKind, Destination, Reaction};
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

/// Maximum number of history pages that [`SlackContext::find`] reads. A post that is looked up is recent, so it is not
/// farther back.
const PAGES: usize = 50;
const PAGE: &str = "200";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Next {
    next_cursor: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Messages {
    messages: Vec<Message>,
    response_metadata: Next,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Message {
    ts: Option<String>,
    user: Option<String>,
    bot_id: Option<String>,
    metadata: Option<Metadata>,
    reactions: Vec<Reacted>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    event_type: String,
    event_payload: serde_json::Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reacted {
    name: String,
    users: Vec<String>,
}

#[derive(Deserialize)]
struct ReactedTo {
    #[serde(default)]
    message: Message,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Members {
    members: Vec<String>,
    response_metadata: Next,
}

#[derive(Deserialize)]
struct AskedUser {
    user: User,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User {
    team_id: Option<String>,
    enterprise_user: Option<EnterpriseUser>,
    deleted: Option<bool>,
    is_bot: Option<bool>,
    is_app_user: Option<bool>,
    is_workflow_bot: Option<bool>,
    is_restricted: Option<bool>,
    is_ultra_restricted: Option<bool>,
    is_invited_user: Option<bool>,
    is_stranger: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EnterpriseUser {
    enterprise_id: Option<String>,
}

#[derive(Deserialize)]
struct AskedChannel {
    channel: Channel,
}

/// The fields of a channel that the adapter uses.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Channel {
    is_im: Option<bool>,
    is_mpim: Option<bool>,
    is_ext_shared: Option<bool>,
    is_pending_ext_shared: Option<bool>,
    is_org_shared: Option<bool>,
    shared_team_ids: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) is_member: Option<bool>,
    pub(super) is_archived: Option<bool>,
}

impl Message {
    /// Returns `true` if the bot posted the message. A message of another author with the same metadata is a forgery
    /// (security case 32).
    fn is_of(&self, me: &Me) -> bool {
        let user = self.user.is_some() && self.user == me.user_id;
        user || (self.bot_id.is_some() && self.bot_id == me.bot_id)
    }

    fn has(&self, key: &str) -> bool {
        let payload =
            |metadata: &Metadata| metadata.event_payload.get(KEY).and_then(serde_json::Value::as_str) == Some(key);
        self.metadata.as_ref().is_some_and(|metadata| metadata.event_type == METADATA && payload(metadata))
    }
}

impl SlackContext {
    pub(super) async fn find(&self, place: &Destination, key: &str) -> Result<Option<MessageRef>, Failure> {
        let (me, spot) = (self.me().await?, self.spot(place).await?);
        let channel = spot.channel.as_str();
        let method = if spot.thread.is_some() { "conversations.replies" } else { "conversations.history" };
        let call = SlackCall { method, channel, act: "look for a message" };
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let mut query =
                vec![("channel", channel), ("include_all_metadata", "true"), ("limit", PAGE), ("cursor", &*cursor)];
            query.extend(spot.thread.as_deref().map(|root| ("ts", root)));
            query.retain(|(_, value)| !value.is_empty());
            let page: Messages = self.web.read(call, &query).await?;
            let found = page.messages.iter().find(|message| message.is_of(me) && message.has(key));
            if let Some(id) = found.and_then(|message| message.ts.clone()) {
                return Ok(Some(MessageRef { channel: spot.channel, id }));
            }
            match next(page.response_metadata) {
                Some(next) => cursor = next,
                None => break,
            }
        }
        Ok(None)
    }

    pub(super) async fn reactions(&self, message: &MessageRef) -> Result<Vec<Reaction>, Failure> {
        let me = self.me().await?;
        let channel = message.channel.as_str();
        let call = SlackCall { method: "reactions.get", channel, act: "read the reactions to a message" };
        let query = [("channel", channel), ("timestamp", &message.id), ("full", "true")];
        let asked: ReactedTo = self.web.read(call, &query).await?;
        if !asked.message.is_of(me) {
            return Err(Failure::rejected(format!(
                "{} in {channel} is not a message of the bot: reactions to it count for nothing",
                message.id
            )));
        }
        let each = |reacted: Reacted| {
            let emoji = emoji(&reacted.name);
            reacted.users.into_iter().map(move |user| (user, emoji.clone()))
        };
        let all = asked.message.reactions.into_iter().flat_map(each).filter(|(user, _)| !me.is(user));
        Ok(all.filter_map(|(user, emoji)| Some(Reaction { person: me.person(&user)?, emoji })).collect())
    }

    /// Returns all members of a channel except the bot.
    pub(super) async fn readers(&self, channel: &ChannelRef) -> Result<Vec<PersonRef>, Failure> {
        let me = self.me().await?;
        let call =
            SlackCall { method: "conversations.members", channel: channel.as_str(), act: "ask who is in a channel" };
        let (mut people, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut query = vec![("channel", channel.as_str()), ("limit", PAGE), ("cursor", &*cursor)];
            query.retain(|(_, value)| !value.is_empty());
            let page: Members = self.web.read(call, &query).await?;
            people.extend(page.members.iter().filter(|user| !me.is(user)).filter_map(|user| me.person(user)));
            match next(page.response_metadata) {
                Some(next) => cursor = next,
                None => return Ok(people),
            }
        }
    }

    pub(super) async fn account(&self, person: &PersonRef) -> Result<AccountKind, Failure> {
        user(person)?;
        match self.accounts.get(&person.id) {
            Some(known) => Ok(known),
            None => self.account_now(person).await,
        }
    }

    pub(super) async fn account_now(&self, person: &PersonRef) -> Result<AccountKind, Failure> {
        let id = user(person)?;
        if person::scope(person).is_some_and(|scope| !self.listens_to(scope)) {
            return Ok(AccountKind::Stranger);
        }
        let call = SlackCall { method: "users.info", channel: "", act: "ask what an account is" };
        let kind = match self.web.seek::<AskedUser>(call, &[("user", id)], "user_not_found").await? {
            Some(asked) => self.kind_of(&asked.user),
            None => AccountKind::Gone,
        };
        self.accounts.insert(person.id.clone(), kind);
        Ok(kind)
    }

    pub(super) async fn channel(&self, channel: &ChannelRef) -> Result<ChannelKind, Failure> {
        // A direct message with the bot or a user's home page: the id prefix tells, and a query would
        // need another scope.
        if channel.as_str().starts_with(['D', 'U', 'W']) {
            return Ok(ChannelKind::Direct);
        }
        if let Some(known) = self.channels.get(channel) {
            return Ok(known);
        }
        let asked = self.channel_info(channel).await?;
        let yes = |flag: Option<bool>| flag.unwrap_or(false);
        let foreign =
            !asked.shared_team_ids.iter().all(|team| self.listens_to(team)) || asked.shared_team_ids.is_empty();
        let kind =
            if yes(asked.is_ext_shared) || yes(asked.is_pending_ext_shared) || (yes(asked.is_org_shared) && foreign) {
                ChannelKind::Shared
            } else if yes(asked.is_im) || yes(asked.is_mpim) {
                ChannelKind::Direct
            } else {
                ChannelKind::Own
            };
        self.channels.insert(channel.clone(), kind);
        Ok(kind)
    }

    pub(super) async fn channel_info(&self, channel: &ChannelRef) -> Result<Channel, Failure> {
        let call = SlackCall { method: "conversations.info", channel: channel.as_str(), act: "ask what a channel is" };
        let asked: AskedChannel = self.web.read(call, &[("channel", channel.as_str())]).await?;
        Ok(asked.channel)
    }

    /// Classifies a user; never returns `Member` for a deactivated, foreign, bot or restricted account (security cases
    /// 30 and 31).
    fn kind_of(&self, user: &User) -> AccountKind {
        let yes = |flags: &[Option<bool>]| flags.iter().any(|flag| flag.unwrap_or(false));
        let organisation = user.enterprise_user.as_ref().and_then(|user| user.enterprise_id.as_deref());
        let listed = user.team_id.as_deref().into_iter().chain(organisation).any(|home| self.listens_to(home));
        if yes(&[user.deleted]) {
            AccountKind::Gone
        } else if yes(&[user.is_stranger]) || !listed {
            AccountKind::Stranger
        } else if yes(&[user.is_bot, user.is_app_user, user.is_workflow_bot]) {
            AccountKind::Bot
        } else if yes(&[user.is_restricted, user.is_ultra_restricted, user.is_invited_user]) {
            AccountKind::Guest
        } else {
            AccountKind::Member
        }
    }

    fn listens_to(&self, team: &str) -> bool {
        self.allowed.teams.iter().any(|listed| listed == team)
    }
}

fn next(page: Next) -> Option<String> {
    page.next_cursor.filter(|cursor| !cursor.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use secrecy::SecretString;
    use serde_json::{Value, json};

    use super::super::options::{SLACK_API, SlackOptions};
    use super::*;

    fn kind(user: &Value) -> AccountKind {
        let token = SecretString::from("xoxb-1");
        let teams = vec!["T1".to_owned(), "E1".to_owned()];
        let mut options = SlackOptions::new(SLACK_API.parse().unwrap(), token, "A1", teams);
        options.app_token = Some(SecretString::from("xapp-1"));
        let core = SlackContext::new(options).unwrap();
        core.kind_of(&serde_json::from_value(user.clone()).unwrap())
    }

    /// Missing fields in Slack's response never make an account a member (security case 31).
    #[test]
    fn a_member_is_of_a_home_that_is_listed() {
        assert_eq!(kind(&json!({"team_id": "T1"})), AccountKind::Member);
        assert_eq!(kind(&json!({"team_id": "T9"})), AccountKind::Stranger);
        assert_eq!(kind(&json!({"team_id": "T9", "enterprise_user": {"enterprise_id": "E1"}})), AccountKind::Member);
        assert_eq!(kind(&json!({})), AccountKind::Stranger);
        assert_eq!(kind(&json!({"team_id": "T1", "is_invited_user": true})), AccountKind::Guest);
        assert_eq!(kind(&json!({"team_id": "T1", "is_workflow_bot": true})), AccountKind::Bot);
        assert_eq!(kind(&json!({"team_id": "T1", "deleted": true, "is_bot": true})), AccountKind::Gone);
    }
}
