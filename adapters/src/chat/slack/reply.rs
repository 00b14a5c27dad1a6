//! Builds the acknowledgement of an action and its follow-up from a [`HandlerReply`]. Pure. The ingress and Socket Mode
//! send the acknowledgement at once; `follow_up.rs` does the rest.

use serde_json::{Value, json};
use slack_morphism::blocks::SlackView;
use tokio::sync::oneshot;

use super::decode::{ReplyTarget, Trigger};
use super::modal;
use super::render::{self, Rendered};
use crate::chat::{Card, Form, HandlerReply, Text, Tone};
use crate::failure::Failure;
use crate::ids::MessageRef;

const LOST: &str = "This could not be kept, and nothing was done. Please say it again.";

/// The acknowledgement and the follow-up for one action.
#[derive(Debug)]
pub(super) struct Acknowledgement {
    pub(super) ack: Ack,
    pub(super) follow_up: Option<FollowUp>,
}

/// The acknowledgement that Slack receives.
#[derive(Debug, PartialEq)]
pub(super) enum Ack {
    /// Received; no content.
    Empty,
    /// Received, with content for Slack to show.
    Body(Value),
    /// Not received; Slack has to redeliver.
    Refused,
}

/// The reply that follows the acknowledgement.
#[derive(Debug)]
pub(super) enum FollowUp {
    /// Shows a card to the user only.
    Say(Card),
    /// Opens a modal.
    Open(Box<SlackView>),
    /// Publishes the user's home page.
    Publish(Box<SlackView>),
    /// Waits for the deferred result, then shows it.
    Wait(oneshot::Receiver<Option<Card>>),
}

/// Builds the acknowledgement and the follow-up from the handler's reply.
pub(super) fn reply(heard: HandlerReply, way: &ReplyTarget) -> Acknowledgement {
    match heard {
        HandlerReply::Message(None) => Acknowledgement::empty(),
        HandlerReply::Message(Some(card)) => said(card, way),
        HandlerReply::OpenForm(form) => asked(&form, way),
        HandlerReply::FieldErrors(wrong) => corrected(wrong, way),
        HandlerReply::HomePage(cards) => {
            Acknowledgement::of(modal::home(&cards).map(|view| FollowUp::Publish(Box::new(view))))
        }
        HandlerReply::Deferred(more) => match way.trigger {
            Trigger::Command => Acknowledgement {
                ack: ephemeral(&note(Tone::Neutral, "On it …")),
                follow_up: Some(FollowUp::Wait(more)),
            },
            Trigger::Button
            | Trigger::ViewButton
            | Trigger::Shortcut
            | Trigger::Form(_)
            | Trigger::Mention
            | Trigger::Reaction
            | Trigger::Home => Acknowledgement { ack: Ack::Empty, follow_up: Some(FollowUp::Wait(more)) },
        },
        HandlerReply::Unavailable => lost(way),
    }
}

fn said(card: Card, way: &ReplyTarget) -> Acknowledgement {
    match way.trigger {
        Trigger::Command => Acknowledgement { ack: ephemeral(&card), follow_up: None },
        Trigger::Form(_) => match modal::notice(&card) {
            Ok(view) => {
                Acknowledgement { ack: Ack::Body(json!({"response_action": "update", "view": view})), follow_up: None }
            }
            Err(_) => Acknowledgement::say(card),
        },
        Trigger::ViewButton => Acknowledgement::of(modal::notice(&card).map(|view| FollowUp::Open(Box::new(view)))),
        Trigger::Home => Acknowledgement::of(modal::home(&[card]).map(|view| FollowUp::Publish(Box::new(view)))),
        Trigger::Button | Trigger::Shortcut | Trigger::Mention | Trigger::Reaction => Acknowledgement::say(card),
    }
}

fn asked(form: &Form, way: &ReplyTarget) -> Acknowledgement {
    if way.trigger_id.is_none() {
        return Acknowledgement::say(note(
            Tone::Warning,
            "More has to be known, and nothing can be asked here. Say it as a command.",
        ));
    }
    Acknowledgement::of(modal::form(form, &way.channel, way.thread.as_ref()).map(|view| FollowUp::Open(Box::new(view))))
}

fn corrected(wrong: Vec<(String, String)>, way: &ReplyTarget) -> Acknowledgement {
    match way.trigger {
        Trigger::Form(_) if !wrong.is_empty() => {
            let errors: serde_json::Map<String, Value> =
                wrong.into_iter().map(|(id, why)| (id, Value::String(render::label(&why, 1000)))).collect();
            Acknowledgement { ack: Ack::Body(json!({"response_action": "errors", "errors": errors})), follow_up: None }
        }
        Trigger::Form(_)
        | Trigger::Command
        | Trigger::Button
        | Trigger::ViewButton
        | Trigger::Shortcut
        | Trigger::Mention
        | Trigger::Reaction
        | Trigger::Home => {
            let lines = wrong.into_iter().map(|(id, why)| Text::new().strong(id).plain(format!(": {why}"))).collect();
            said(Card { tone: Tone::Warning, lines, ..Card::default() }, way)
        }
    }
}

/// Builds the reply to an action that could not be stored. Slack redelivers events only, so all other actions get an
/// error message.
fn lost(way: &ReplyTarget) -> Acknowledgement {
    let card = note(Tone::Bad, LOST);
    match &way.trigger {
        Trigger::Mention | Trigger::Reaction | Trigger::Home => Acknowledgement { ack: Ack::Refused, follow_up: None },
        Trigger::Form(Some(first)) => {
            let errors = serde_json::Map::from_iter([(first.clone(), Value::String(LOST.to_owned()))]);
            Acknowledgement { ack: Ack::Body(json!({"response_action": "errors", "errors": errors})), follow_up: None }
        }
        Trigger::Form(None) | Trigger::Command | Trigger::Button | Trigger::ViewButton | Trigger::Shortcut => {
            said(card, way)
        }
    }
}

impl Acknowledgement {
    fn empty() -> Self {
        Self { ack: Ack::Empty, follow_up: None }
    }

    fn say(card: Card) -> Self {
        Self { ack: Ack::Empty, follow_up: Some(FollowUp::Say(card)) }
    }

    fn of(then: Result<FollowUp, Failure>) -> Self {
        match then {
            Ok(then) => Self { ack: Ack::Empty, follow_up: Some(then) },
            Err(failure) => Self::say(note(Tone::Bad, failure.reason())),
        }
    }
}

/// Returns a card with one line of text.
pub(super) fn note(tone: Tone, text: &str) -> Card {
    Card::line(tone, Text::of(text))
}

/// Returns an ephemeral message in the JSON form of response URLs and command responses.
pub(super) fn private(card: &Card, thread: Option<&MessageRef>) -> Value {
    let rendered = render::message(card).or_else(|failure| render::message(&note(Tone::Bad, failure.reason())));
    let (text, blocks) =
        rendered.map_or_else(|_| (LOST.to_owned(), Vec::new()), |Rendered { text, blocks }| (text, blocks));
    let mut said = json!({
        "response_type": "ephemeral", "replace_original": false, "text": text, "blocks": blocks,
        "unfurl_links": false, "unfurl_media": false,
    });
    if let (Some(root), Some(said)) = (thread, said.as_object_mut()) {
        said.insert("thread_ts".to_owned(), root.id.clone().into());
    }
    said
}

fn ephemeral(card: &Card) -> Ack {
    Ack::Body(private(card, None))
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
