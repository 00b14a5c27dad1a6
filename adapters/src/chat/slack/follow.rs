//! What follows an acknowledgement. It runs beside whatever took the act, so that nothing waits for it; it may be lost, and
//! the act stands all the same.

use std::sync::Arc;

use serde::de::IgnoredAny;
use slack_morphism::api::{SlackApiViewsOpenRequest, SlackApiViewsPublishRequest};
use slack_morphism::blocks::SlackView;
use slack_morphism::{SlackTriggerId, SlackUserId};

use super::answer::{self, Then, note};
use super::core::Core;
use super::decode::{By, Way};
use super::modal;
use super::person;
use super::web::Call;
use crate::chat::{Card, Keeper, Tone, Unsaid};
use crate::failure::Failure;

/// Does what follows, in a task of its own. What is to be said and cannot be now is left to the keeper.
pub(super) fn follow(core: &Arc<Core>, then: Then, way: Way, keeper: Option<Arc<dyn Keeper>>) {
    let core = Arc::clone(core);
    tokio::spawn(async move {
        let done = match then {
            Then::Say(card) => kept(core.say(&way, &card).await, &way, card, keeper).await,
            Then::Open(view) => core.open(&way, *view).await,
            Then::Publish(view) => core.publish(&way, *view).await,
            Then::Wait(more) => match more.await {
                Ok(Some(card)) => kept(core.say_later(&way, &card).await, &way, card, keeper).await,
                Ok(None) | Err(_) => Ok(()),
            },
        };
        if let Err(failure) = done {
            tracing::warn!(slack.channel = %way.channel, why = failure.reason(), "an answer in Slack got lost");
        }
    });
}

/// Leaves an answer that Slack did not take to the keeper.
async fn kept(
    said: Result<(), Failure>,
    way: &Way,
    card: Card,
    keeper: Option<Arc<dyn Keeper>>,
) -> Result<(), Failure> {
    match (said, keeper) {
        (Err(Failure::Retry { reason, .. } | Failure::Uncertain { reason }), Some(keeper)) => {
            tracing::info!(slack.channel = %way.channel, why = %reason, "an answer in Slack is kept, and given later");
            keeper.keep(Unsaid { channel: way.channel.clone(), to: way.person.clone(), card }).await;
            Ok(())
        }
        (said, _) => said,
    }
}

impl Core {
    /// Tells one person something, by the response URL if there is one and it still serves.
    async fn say(&self, way: &Way, card: &Card) -> Result<(), Failure> {
        if let Some(url) = &way.response_url {
            match self.hook.respond(url, &answer::private(card, way.thread.as_ref())).await {
                Ok(()) => return Ok(()),
                Err(failure) => tracing::info!(why = failure.reason(), "a response URL of Slack's does not serve"),
            }
        }
        self.whisper_to(&way.channel, way.thread.as_ref(), &way.person, card).await
    }

    /// Triggers are over by then; the page is still there.
    async fn say_later(&self, way: &Way, card: &Card) -> Result<(), Failure> {
        match way.by {
            By::Home => self.publish(way, modal::home(std::slice::from_ref(card))?).await,
            By::Command | By::Button | By::ViewButton | By::Shortcut | By::Form(_) | By::Mention | By::Reaction => {
                self.say(way, card).await
            }
        }
    }

    /// The trigger lives 3 seconds and serves once, so this comes before anything else.
    async fn open(&self, way: &Way, view: SlackView) -> Result<(), Failure> {
        let trigger = SlackTriggerId::new(way.trigger.clone().unwrap_or_default());
        let call = Call { method: "views.open", channel: "", act: "show a form" };
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

    async fn publish(&self, way: &Way, view: SlackView) -> Result<(), Failure> {
        let user = person::user(&way.person).unwrap_or_default().to_owned();
        let call = Call { method: "views.publish", channel: "", act: "show somebody's page" };
        let published = SlackApiViewsPublishRequest::new(SlackUserId::new(user), view);
        self.web.set::<IgnoredAny>(call, &published).await.map(drop)
    }
}
