//! Passes decoded actions to the handler and sends the replies, each in a task of its own, so that nothing waits for
//! it. A reply may be lost; the action remains in effect.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::time::sleep;

use super::context::DiscordContext;
use super::decode::{Did, DiscordInteraction, MessageLocation, Reacted};
use super::reply::{self, Acknowledgement, FollowUp};
use super::web::DiscordCall;
use crate::chat::{Card, DeferredReply, HandlerReply, Inbound, InboundHandler, Interaction, ReplyStore};
use crate::failure::Failure;
use crate::ids::{ChannelRef, PersonRef};

/// Maximum number of attempts of a call that fails with [`Failure::Retry`].
const TRIES: u32 = 5;
const WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Handles an interaction. The callback is sent after the handler has returned, so an acknowledged action is durable.
pub(super) async fn interaction(core: &Arc<DiscordContext>, listener: &dyn InboundHandler, told: &DiscordInteraction) {
    let person = told.from.id.clone();
    let reply = match &told.did {
        _ if !told.welcome => reply::not_here(),
        Did::Other => reply::not_known(),
        Did::Again(key) => reply::again(core.forms.get(&(person.clone(), key.clone()))),
        Did::Act(act) => {
            let shown = if let Interaction::FormSubmit { key, .. } = act {
                core.forms.get(&(person.clone(), key.clone()))
            } else {
                None
            };
            reply::reply(listener.handle(inbound(told, act)).await, told, shown)
        }
    };
    let Acknowledgement { callback, follow_up: then } = reply;
    if let FollowUp::Remember(form) = &then {
        // Cache the form before it is shown, because the user may submit it quickly.
        core.forms.insert((person.clone(), form.key.clone()), form.clone());
    }
    let path = ["interactions", &told.id, &told.token, "callback"];
    let call = DiscordCall::new(&path, "answer an interaction");
    if let Err(refusal) = core.web.set(Method::POST, call, &callback).await {
        return tracing::warn!(why = refusal.failure.reason(), "an answer in Discord got lost");
    }
    core.tokens.insert((person, told.spot.channel.clone()), told.token.clone());
    if let FollowUp::Wait(more) = then {
        let more = more.await;
        let card = more.as_ref().ok().cloned().flatten();
        let said = core.replace(told, &reply::later(more)).await;
        kept(said, (&told.spot.channel, &told.from), card, listener.reply_store()).await;
    }
}

/// Defers a reply that Discord did not accept, if the failure is temporary and there is a reply store.
async fn kept(
    said: Result<(), Failure>,
    (channel, to): (&ChannelRef, &PersonRef),
    card: Option<Card>,
    keeper: Option<Arc<dyn ReplyStore>>,
) {
    match (said, keeper, card) {
        (Ok(()), _, _) => {}
        (Err(Failure::Retry { reason, .. } | Failure::Uncertain { reason }), Some(keeper), Some(card)) => {
            tracing::info!(discord.channel = %channel, why = %reason, "an answer in Discord is kept, and given later");
            keeper.defer(DeferredReply { channel: channel.clone(), to: to.clone(), card }).await;
        }
        (Err(failure), _, _) => {
            tracing::warn!(discord.channel = %channel, why = failure.reason(), "an answer in Discord got lost");
        }
    }
}

fn inbound(told: &DiscordInteraction, act: &Interaction) -> Inbound {
    Inbound {
        dedupe_key: format!("discord:{}", told.id),
        from: told.from.clone(),
        channel: told.spot.channel.clone(),
        thread: told.spot.thread.clone(),
        // Discord does not allow a modal in reply to a modal.
        can_ask: !matches!(act, Interaction::FormSubmit { .. }),
        interaction: act.clone(),
    }
}

/// Handles a reaction. `key` makes the dedupe key unique to this event. `read_later` is `true` if the reaction was
/// found by reconciliation and its reply may have been sent before.
pub(super) async fn reaction(
    core: &Arc<DiscordContext>,
    listener: &dyn InboundHandler,
    reacted: Reacted,
    key: &str,
    read_later: bool,
) {
    let Reacted { message, from, emoji, added } = reacted;
    let MessageLocation { channel, thread } = core.spot_of(&message.channel).await;
    let what = format!("discord:{}:{}:{emoji:?}:{added}", message.id, from.id);
    let dedupe_key = format!("{what}:{key}");
    let act = Interaction::Reaction { message, emoji, added };
    let told =
        Inbound { dedupe_key, from: from.clone(), channel: channel.clone(), thread, can_ask: false, interaction: act };
    let said = match listener.handle(told).await {
        HandlerReply::Message(card) => card,
        HandlerReply::Deferred(more) => more.await.unwrap_or_default(),
        HandlerReply::Unavailable => {
            return tracing::warn!("a reaction in Discord could not be kept; it is read again with the next votes");
        }
        HandlerReply::OpenForm(_) | HandlerReply::FieldErrors(_) | HandlerReply::HomePage(_) => None,
    };
    if let Some(card) = said {
        // A reaction that does not count is found again after every gap; do not repeat the same reply.
        if !read_later || core.spoken.get(&what).as_ref() != Some(&card) {
            core.spoken.insert(what, card.clone());
            let said = core.whisper(&channel, &from, &card).await;
            kept(said, (&channel, &from), Some(card), listener.reply_store()).await;
        }
    }
}

impl DiscordContext {
    /// Resolves a channel. If the lookup fails, it is treated as not a thread; the policy refuses unknown channels.
    async fn spot_of(&self, channel: &ChannelRef) -> MessageLocation {
        let parent = self.patiently(|| self.parent(channel)).await.unwrap_or_else(|failure| {
            tracing::warn!(discord.channel = %channel, why = failure.reason(), "what a channel in Discord is cannot be asked");
            None
        });
        MessageLocation::of(channel.clone(), parent)
    }

    /// Repeats a call that fails with [`Failure::Retry`], a limited number of times.
    pub(super) async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        for tried in 1.. {
            match ask().await {
                Err(Failure::Retry { after, .. }) if tried < TRIES => {
                    sleep(after.unwrap_or(WAIT * tried).min(LONGEST_WAIT)).await;
                }
                outcome => return outcome,
            }
        }
        Err(Failure::retry("it was asked too often"))
    }

    /// Replaces "is thinking…" with the result.
    async fn replace(&self, told: &DiscordInteraction, message: &Value) -> Result<(), Failure> {
        let mut message = message.clone();
        if let Some(message) = message.as_object_mut() {
            // The first reply determined that the message is ephemeral.
            message.remove("flags");
        }
        let path = ["webhooks", &self.application, &told.token, "messages", "@original"];
        let call = DiscordCall::new(&path, "say what came of it");
        self.patiently(|| async { Ok(self.web.set(Method::PATCH, call, &message).await?) }).await.map(drop)
    }
}
