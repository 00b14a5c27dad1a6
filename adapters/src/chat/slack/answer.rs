//! What Slack is told about an act, and what follows. Pure: the acknowledgement goes out at once, by whichever way the act
//! came in, and `follow.rs` does the rest.

use serde_json::{Value, json};
use slack_morphism::blocks::SlackView;
use tokio::sync::oneshot;

use super::decode::{By, Way};
use super::modal;
use super::render::{self, Rendered};
use crate::chat::{Card, Form, Heard, Text, Tone};
use crate::failure::Failure;
use crate::vocabulary::MessageRef;

const LOST: &str = "This could not be kept, and nothing was done. Please say it again.";

/// What is told.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) ack: Ack,
    pub(super) then: Option<Then>,
}

/// The acknowledgement.
#[derive(Debug, PartialEq)]
pub(super) enum Ack {
    /// It arrived.
    Empty,
    /// It arrived, and this is shown.
    Body(Value),
    /// It did not arrive; it is to be sent again.
    Refused,
}

/// What follows the acknowledgement.
#[derive(Debug)]
pub(super) enum Then {
    /// Shown to the person alone.
    Say(Card),
    /// A modal is opened.
    Open(Box<SlackView>),
    /// The person's page is shown.
    Publish(Box<SlackView>),
    /// More comes.
    Wait(oneshot::Receiver<Option<Card>>),
}

/// The reply to an act.
pub(super) fn reply(heard: Heard, way: &Way) -> Reply {
    match heard {
        Heard::Said(None) => Reply::empty(),
        Heard::Said(Some(card)) => said(card, way),
        Heard::Form(form) => asked(&form, way),
        Heard::Wrong(wrong) => corrected(wrong, way),
        Heard::Home(cards) => Reply::of(modal::home(&cards).map(|view| Then::Publish(Box::new(view)))),
        Heard::Later(more) => match way.by {
            By::Command => Reply { ack: ephemeral(&note(Tone::Neutral, "On it …")), then: Some(Then::Wait(more)) },
            By::Button | By::ViewButton | By::Shortcut | By::Form(_) | By::Mention | By::Reaction | By::Home => {
                Reply { ack: Ack::Empty, then: Some(Then::Wait(more)) }
            }
        },
        Heard::Failed => lost(way),
    }
}

fn said(card: Card, way: &Way) -> Reply {
    match way.by {
        By::Command => Reply { ack: ephemeral(&card), then: None },
        By::Form(_) => match modal::notice(&card) {
            Ok(view) => Reply { ack: Ack::Body(json!({"response_action": "update", "view": view})), then: None },
            Err(_) => Reply::say(card),
        },
        By::ViewButton => Reply::of(modal::notice(&card).map(|view| Then::Open(Box::new(view)))),
        By::Home => Reply::of(modal::home(&[card]).map(|view| Then::Publish(Box::new(view)))),
        By::Button | By::Shortcut | By::Mention | By::Reaction => Reply::say(card),
    }
}

fn asked(form: &Form, way: &Way) -> Reply {
    if way.trigger.is_none() {
        return Reply::say(note(
            Tone::Warning,
            "More has to be known, and nothing can be asked here. Say it as a command.",
        ));
    }
    Reply::of(modal::form(form, &way.channel, way.thread.as_ref()).map(|view| Then::Open(Box::new(view))))
}

fn corrected(wrong: Vec<(String, String)>, way: &Way) -> Reply {
    match way.by {
        By::Form(_) if !wrong.is_empty() => {
            let errors: serde_json::Map<String, Value> =
                wrong.into_iter().map(|(id, why)| (id, Value::String(render::label(&why, 1000)))).collect();
            Reply { ack: Ack::Body(json!({"response_action": "errors", "errors": errors})), then: None }
        }
        By::Form(_)
        | By::Command
        | By::Button
        | By::ViewButton
        | By::Shortcut
        | By::Mention
        | By::Reaction
        | By::Home => {
            let lines = wrong.into_iter().map(|(id, why)| Text::new().strong(id).plain(format!(": {why}"))).collect();
            said(Card { tone: Tone::Warning, lines, ..Card::default() }, way)
        }
    }
}

/// Slack sends events again, and nothing else.
fn lost(way: &Way) -> Reply {
    let card = note(Tone::Bad, LOST);
    match &way.by {
        By::Mention | By::Reaction | By::Home => Reply { ack: Ack::Refused, then: None },
        By::Form(Some(first)) => {
            let errors = serde_json::Map::from_iter([(first.clone(), Value::String(LOST.to_owned()))]);
            Reply { ack: Ack::Body(json!({"response_action": "errors", "errors": errors})), then: None }
        }
        By::Form(None) | By::Command | By::Button | By::ViewButton | By::Shortcut => said(card, way),
    }
}

impl Reply {
    fn empty() -> Self {
        Self { ack: Ack::Empty, then: None }
    }

    fn say(card: Card) -> Self {
        Self { ack: Ack::Empty, then: Some(Then::Say(card)) }
    }

    fn of(then: Result<Then, Failure>) -> Self {
        match then {
            Ok(then) => Self { ack: Ack::Empty, then: Some(then) },
            Err(failure) => Self::say(note(Tone::Bad, failure.reason())),
        }
    }
}

/// One line.
pub(super) fn note(tone: Tone, text: &str) -> Card {
    Card::line(tone, Text::of(text))
}

/// A message that one person sees, as Slack's response URLs and commands take it.
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
