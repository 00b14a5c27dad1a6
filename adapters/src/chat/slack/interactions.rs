//! Decoder of the individual payload types: commands, buttons, shortcuts, forms and events. Called by `decode.rs` after
//! it has identified the author.

use serde_json::Value;

use super::decode::{Decoded, ReplyTarget, Sender, Trigger};
use super::escape::{emoji, unescaped};
use super::modal::{self, FORM, FormState};
use super::payload::Payload;
use super::person;
use crate::chat::{Inbound, Interaction};
use crate::ids::{ChannelRef, MessageRef};

/// Callback id of the message shortcut "add to hotfix".
pub(super) const SHORTCUT: &str = "add_to_hotfix";

/// A payload from an accepted workspace.
pub(super) struct Decoder<'a> {
    pub(super) raw: &'a Payload,
    /// Fallback dedupe key, derived from the delivery.
    pub(super) key: &'a str,
    pub(super) from: Sender<'a>,
}

/// The decoded action, or the reason why the payload is ignored.
type Found = Result<Decoded, &'static str>;

impl Decoder<'_> {
    pub(super) fn command(&self) -> Found {
        let channel = self.channel(&["/channel_id"])?;
        let text = self.raw.text(&["/text"]).unwrap_or_default().trim().to_owned();
        Ok(self.decoded(Trigger::Command, channel, None, Interaction::Command { text }))
    }

    pub(super) fn interaction(&self) -> Found {
        match self.raw.text(&["/type"]).unwrap_or_default() {
            "block_actions" => self.button(),
            "message_action" => self.shortcut(),
            "view_submission" => self.form(),
            _ => Err("an interaction of a kind that the bot does not use"),
        }
    }

    fn button(&self) -> Found {
        let value = self.raw.text(&["/actions/0/value"]).ok_or("a button that says nothing")?.to_owned();
        if let Some(view) = self.raw.text(&["/view/id"]).filter(|_| self.raw.at("/message").is_none()) {
            let channel = self.own()?;
            let message = MessageRef { channel: channel.clone(), id: view.to_owned() };
            return Ok(self.decoded(Trigger::ViewButton, channel, None, Interaction::ButtonClick { message, value }));
        }
        let channel = self.channel(&["/channel/id", "/container/channel_id"])?;
        let ts = self.raw.text(&["/container/message_ts", "/message/ts"]).ok_or("a button on nothing")?;
        let thread = self.raw.text(&["/message/thread_ts", "/container/thread_ts"]);
        let (message, thread) = (at(&channel, ts), thread.map(|root| at(&channel, root)));
        Ok(self.decoded(Trigger::Button, channel, thread, Interaction::ButtonClick { message, value }))
    }

    fn shortcut(&self) -> Found {
        if self.raw.text(&["/callback_id"]) != Some(SHORTCUT) {
            return Err("another shortcut");
        }
        let channel = self.channel(&["/channel/id"])?;
        let ts = self.raw.text(&["/message/ts", "/message_ts"]).ok_or("a shortcut at nothing")?;
        let text = unescaped(self.raw.text(&["/message/text"]).unwrap_or_default());
        let (message, thread) =
            (at(&channel, ts), self.raw.text(&["/message/thread_ts"]).map(|root| at(&channel, root)));
        Ok(self.decoded(Trigger::Shortcut, channel, thread, Interaction::MessageShortcut { message, text }))
    }

    fn form(&self) -> Found {
        if self.raw.text(&["/view/callback_id"]) != Some(FORM) {
            return Err("another form");
        }
        let kept = self
            .raw
            .text(&["/view/private_metadata"])
            .and_then(FormState::read)
            .ok_or("a form that was not asked by the bot")?;
        let answers = modal::answers(self.raw.at("/view/state/values").unwrap_or(&Value::Null));
        let first = self.raw.at("/view/blocks").and_then(Value::as_array).and_then(|blocks| {
            let input = blocks.iter().find(|block| block.get("type").and_then(Value::as_str) == Some("input"))?;
            input.get("block_id").and_then(Value::as_str).map(str::to_owned)
        });
        let channel = kept.channel.map_or_else(|| self.own(), Ok)?;
        let thread = kept.thread.map(|root| at(&channel, &root));
        let act = Interaction::FormSubmit { key: kept.key, answers };
        Ok(self.decoded(Trigger::Form(first), channel, thread, act))
    }

    pub(super) fn event(&self) -> Found {
        if self.raw.at("/event/bot_id").is_some_and(|bot| !bot.is_null()) {
            return Err("a bot's");
        }
        let bot = self.raw.text(&["/authorizations/0/user_id"]);
        if bot.is_some() && bot == self.raw.text(&["/event/user"]) {
            return Err("the bot's own");
        }
        match self.raw.text(&["/event/type"]).unwrap_or_default() {
            "app_mention" => self.mention(bot),
            "reaction_added" => self.reaction(bot, true),
            "reaction_removed" => self.reaction(bot, false),
            "app_home_opened" if self.raw.text(&["/event/tab"]) == Some("home") => {
                let channel = self.channel(&["/event/channel"]).or_else(|_| self.own())?;
                Ok(self.decoded(Trigger::Home, channel, None, Interaction::HomeOpened))
            }
            _ => Err("an event of a kind that the bot does not use"),
        }
    }

    fn mention(&self, bot: Option<&str>) -> Found {
        let channel = self.channel(&["/event/channel"])?;
        let said = self.raw.text(&["/event/text"]).unwrap_or_default();
        let thread = self.raw.text(&["/event/thread_ts"]).map(|root| at(&channel, root));
        let act = Interaction::Command { text: behind_the_mention(said, bot).trim().to_owned() };
        Ok(self.decoded(Trigger::Mention, channel, thread, act))
    }

    /// Decodes a reaction; reactions to messages of other authors are ignored (security case 32).
    fn reaction(&self, bot: Option<&str>, added: bool) -> Found {
        if self.raw.text(&["/event/item/type"]) != Some("message") {
            return Err("a reaction to no message");
        }
        let author = self.raw.text(&["/event/item_user"]);
        if author.is_some() && bot.is_some() && author != bot {
            return Err("a reaction to somebody else's message");
        }
        let channel = self.channel(&["/event/item/channel"])?;
        let ts = self.raw.text(&["/event/item/ts"]).ok_or("a reaction to nothing")?;
        let name = self.raw.text(&["/event/reaction"]).ok_or("no reaction")?;
        let act = Interaction::Reaction { message: at(&channel, ts), emoji: emoji(name), added };
        Ok(self.decoded(Trigger::Reaction, channel, None, act))
    }

    fn decoded(&self, by: Trigger, channel: ChannelRef, thread: Option<MessageRef>, act: Interaction) -> Decoded {
        let trigger = self.raw.text(&["/trigger_id"]).map(str::to_owned);
        let can_ask = trigger.is_some()
            && matches!(by, Trigger::Command | Trigger::Button | Trigger::ViewButton | Trigger::Shortcut);
        let (person, url) = (self.from.person.clone(), self.raw.text(&["/response_url"]).map(str::to_owned));
        let way = ReplyTarget {
            trigger: by,
            person: person.clone(),
            channel: channel.clone(),
            thread: thread.clone(),
            response_url: url,
            trigger_id: trigger,
        };
        Decoded {
            inbound: Inbound { dedupe_key: self.key(), from: person, channel, thread, can_ask, interaction: act },
            reply_to: way,
        }
    }

    /// Returns the channel of a home page: the user's own id, which the bot can post to.
    fn own(&self) -> Result<ChannelRef, &'static str> {
        let user = person::user(&self.from.person).ok_or("nobody's")?;
        ChannelRef::parse(user).map_err(|_| "nobody's")
    }

    fn channel(&self, places: &[&str]) -> Result<ChannelRef, &'static str> {
        self.raw.text(places).and_then(|id| ChannelRef::parse(id).ok()).ok_or("in no channel")
    }

    /// Returns the dedupe key. An event id is the same over webhooks and Socket Mode and for every redelivery. A
    /// trigger id belongs to one command or click. A payload with neither uses the fallback key.
    fn key(&self) -> String {
        let home = self.from.team.or(self.from.enterprise).unwrap_or("-");
        let id = self.raw.text(&["/event_id", "/trigger_id"]);
        id.map_or_else(|| self.key.to_owned(), |id| format!("slack:{home}:{id}"))
    }
}

/// Returns the text after the mention of the bot.
fn behind_the_mention<'a>(said: &'a str, bot: Option<&str>) -> &'a str {
    let called =
        bot.and_then(|bot| said.find(&format!("<@{bot}"))).or_else(|| said.trim_start().starts_with("<@").then_some(0));
    let behind = called.and_then(|at| said.get(at..)).and_then(|rest| rest.split_once('>'));
    behind.map_or(said, |(_, words)| words)
}

fn at(channel: &ChannelRef, ts: &str) -> MessageRef {
    MessageRef { channel: channel.clone(), id: ts.to_owned() }
}
