//! Replies that are sent after an acknowledgement, in a separate task, so that they delay nothing. They may be lost;
//! the action remains in effect.

use std::sync::Arc;

use serde::de::IgnoredAny;
use slack_morphism::api::{SlackApiViewsOpenRequest, SlackApiViewsPublishRequest};
use slack_morphism::blocks::SlackView;
use slack_morphism::{SlackTriggerId, SlackUserId};

use super::context::SlackContext;
use super::decode::{ReplyTarget, Trigger};
use super::modal;
use super::person;
use super::reply::{self, FollowUp, note};
use super::web::SlackCall;
use crate::chat::{Card, DeferredReply, ReplyStore, Tone};
use crate::failure::Failure;

/// Spawns the task that sends the follow-up. A reply that cannot be sent for now is stored in `keeper`.
pub(super) fn spawn_follow_up(
    core: &Arc<SlackContext>,
    then: FollowUp,
    way: ReplyTarget,
    keeper: Option<Arc<dyn ReplyStore>>,
) {
    let core = Arc::clone(core);
    tokio::spawn(async move {
        let done = match then {
            FollowUp::Say(card) => kept(core.say(&way, &card).await, &way, card, keeper).await,
            FollowUp::Open(view) => core.open(&way, *view).await,
            FollowUp::Publish(view) => core.publish(&way, *view).await,
            FollowUp::Wait(more) => match more.await {
                Ok(Some(card)) => kept(core.say_later(&way, &card).await, &way, card, keeper).await,
                Ok(None) | Err(_) => Ok(()),
            },
        };
        if let Err(failure) = done {
            tracing::warn!(slack.channel = %way.channel, why = failure.reason(), "an answer in Slack got lost");
        }
    });
}

/// Defers a reply that Slack did not accept, if the failure is temporary and there is a reply store.
async fn kept(
    said: Result<(), Failure>,
    way: &ReplyTarget,
    card: Card,
    keeper: Option<Arc<dyn ReplyStore>>,
) -> Result<(), Failure> {
    match (said, keeper) {
        (Err(Failure::Retry { reason, .. } | Failure::Uncertain { reason }), Some(keeper)) => {
            tracing::info!(slack.channel = %way.channel, why = %reason, "an answer in Slack is kept, and given later");
            keeper.defer(DeferredReply { channel: way.channel.clone(), to: way.person.clone(), card }).await;
            Ok(())
        }
        (said, _) => said,
    }
}

impl SlackContext {
    /// Shows a card to one user: by response URL if there is one and it works, otherwise as an ephemeral message.
    async fn say(&self, way: &ReplyTarget, card: &Card) -> Result<(), Failure> {
        if let Some(url) = &way.response_url {
            match self.response_urls.respond(url, &reply::private(card, way.thread.as_ref())).await {
                Ok(()) => return Ok(()),
                Err(failure) => tracing::info!(why = failure.reason(), "a response URL of Slack's does not serve"),
            }
        }
        self.whisper_to(&way.channel, way.thread.as_ref(), &way.person, card).await
    }

    /// Sends a late reply. The trigger id has expired by then, but a home page can still be published.
    async fn say_later(&self, way: &ReplyTarget, card: &Card) -> Result<(), Failure> {
        match way.trigger {
            Trigger::Home => self.publish(way, modal::home(std::slice::from_ref(card))?).await,
            Trigger::Command
            | Trigger::Button
            | Trigger::ViewButton
            | Trigger::Shortcut
            | Trigger::Form(_)
            | Trigger::Mention
            | Trigger::Reaction => self.say(way, card).await,
        }
    }

    /// Opens a modal, or tells the user that it failed. This is the first call after the acknowledgement, because the
    /// trigger id expires after 3 seconds and works once.
    async fn open(&self, way: &ReplyTarget, view: SlackView) -> Result<(), Failure> {
        let trigger = SlackTriggerId::new(way.trigger_id.clone().unwrap_or_default());
        let call = SlackCall { method: "views.open", channel: "", act: "show a form" };
        let opened: Result<IgnoredAny, Failure> =
            self.web.write(call, &SlackApiViewsOpenRequest::new(trigger, view)).await;
        match opened {
            Ok(_) => Ok(()),
            Err(failure) => {
                tracing::warn!(why = failure.reason(), "a form could not be shown in Slack");
                let sorry =
                    note(Tone::Warning, "The form could not be shown, and nothing was done. Please do it again.");
                self.say(way, &sorry).await
            }
        }
    }

    async fn publish(&self, way: &ReplyTarget, view: SlackView) -> Result<(), Failure> {
        let user = person::user(&way.person).unwrap_or_default().to_owned();
        let call = SlackCall { method: "views.publish", channel: "", act: "show somebody's page" };
        let published = SlackApiViewsPublishRequest::new(SlackUserId::new(user), view);
        self.web.set::<IgnoredAny>(call, &published).await.map(drop)
    }
}
