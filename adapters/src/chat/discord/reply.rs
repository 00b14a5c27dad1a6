//! What somebody is told about what they did: the first answer to an interaction, and what follows it. Pure.

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::decode::{AGAIN, Did, DiscordInteraction};
use super::render::{self, EPHEMERAL};
use super::{limits, modal};
use crate::chat::{Card, Form, HandlerReply, Interaction, Text, Tone};

const LOST: &str = "This could not be kept, and nothing was done. Please say it again.";
const KEPT: &str = "This is kept and will be done; it shows in the channel.";

const MESSAGE: u8 = 4;
const DEFERRED: u8 = 5;
const NOTHING: u8 = 6;
const MODAL: u8 = 9;

/// The first answer, and what follows.
#[derive(Debug)]
pub(super) struct Acknowledgement {
    /// The body of the callback.
    pub(super) callback: Value,
    pub(super) follow_up: FollowUp,
}

/// What follows the first answer.
#[derive(Debug)]
pub(super) enum FollowUp {
    Nothing,
    /// The form is remembered, to be shown again.
    Remember(Form),
    /// The first answer is replaced when more is known.
    Wait(oneshot::Receiver<Option<Card>>),
}

/// The answer to what was heard. `shown` is the form that was answered, if it is remembered.
pub(super) fn reply(heard: HandlerReply, to: &DiscordInteraction, shown: Option<Form>) -> Acknowledgement {
    match heard {
        HandlerReply::Message(Some(card)) => Acknowledgement::only(MESSAGE, private(&card)),
        // A button may stay silent; a command that is not answered looks like a fault.
        HandlerReply::Message(None) if to.on_message => Acknowledgement::only(NOTHING, Value::Null),
        HandlerReply::Message(None) => Acknowledgement::only(MESSAGE, private(&note(Tone::Good, "Done."))),
        HandlerReply::OpenForm(form) => asked(form, to),
        HandlerReply::FieldErrors(wrong) => corrected(&wrong, to, shown),
        HandlerReply::HomePage(cards) => Acknowledgement::only(MESSAGE, render::page(&cards)),
        HandlerReply::Deferred(more) => Acknowledgement {
            follow_up: FollowUp::Wait(more),
            ..Acknowledgement::only(DEFERRED, json!({ "flags": EPHEMERAL }))
        },
        HandlerReply::Unavailable => Acknowledgement::only(MESSAGE, private(&note(Tone::Bad, LOST))),
    }
}

/// Whoever acts where the bot does not listen.
pub(super) fn not_here() -> Acknowledgement {
    let text = "The bot does not take anything from here. Say it in a server that it serves.";
    Acknowledgement::only(MESSAGE, private(&note(Tone::Warning, text)))
}

/// What the bot does not use.
pub(super) fn not_known() -> Acknowledgement {
    Acknowledgement::only(
        MESSAGE,
        private(&note(Tone::Warning, "The bot does not know this any more. Say it as a command.")),
    )
}

/// A form that is wanted again.
pub(super) fn again(form: Option<Form>) -> Acknowledgement {
    let over =
        || Acknowledgement::only(MESSAGE, private(&note(Tone::Warning, "The form is over. Please begin again.")));
    let made = form.and_then(|form| {
        Some(Acknowledgement {
            follow_up: FollowUp::Remember(form.clone()),
            ..Acknowledgement::only(MODAL, modal::modal(&form).ok()?)
        })
    });
    made.unwrap_or_else(over)
}

/// What replaces "is thinking…". Nothing to say is said too: it would go on for ever.
pub(super) fn later(more: Result<Option<Card>, oneshot::error::RecvError>) -> Value {
    match more {
        Ok(Some(card)) => private(&card),
        Ok(None) => private(&note(Tone::Good, "Done.")),
        Err(_) => private(&note(Tone::Neutral, KEPT)),
    }
}

fn asked(form: Form, to: &DiscordInteraction) -> Acknowledgement {
    // A modal cannot be answered with another one.
    let made = match to.did {
        Did::Act(Interaction::FormSubmit { .. }) => {
            Err("More has to be known, and nothing can be asked here.".to_owned())
        }
        Did::Act(_) | Did::Again(_) | Did::Other => modal::modal(&form).map_err(|failure| failure.reason().to_owned()),
    };
    match made {
        Ok(modal) => Acknowledgement { follow_up: FollowUp::Remember(form), ..Acknowledgement::only(MODAL, modal) },
        Err(why) => {
            let text = Text::of(format!("{why} Say it as a command: ")).code(form.instead).plain(".");
            Acknowledgement::only(MESSAGE, private(&Card::line(Tone::Warning, text)))
        }
    }
}

/// A modal is gone when it is answered, so the fields are named, and a button brings the form back as it was filled.
fn corrected(wrong: &[(String, String)], to: &DiscordInteraction, shown: Option<Form>) -> Acknowledgement {
    let input = |id: &str| shown.iter().flat_map(|form| &form.inputs).find(|input| input.id == id);
    let named = |id: &String| input(id).map_or_else(|| id.clone(), |input| input.label.clone());
    let lines = wrong.iter().map(|(id, why)| Text::new().strong(named(id)).plain(format!(" {why}"))).collect();
    let title = Text::of("That does not do yet");
    let card = Card { tone: Tone::Warning, title: Some(title), lines, ..Card::default() };
    let mut data = private(&card);
    let (Did::Act(Interaction::FormSubmit { answers, .. }), Some(form)) = (&to.did, shown) else {
        return Acknowledgement::only(MESSAGE, data);
    };
    let id = format!("{AGAIN}{}", form.key);
    if limits::length(&id) > limits::CUSTOM_ID {
        return Acknowledgement::only(MESSAGE, data);
    }
    if let Some(data) = data.as_object_mut() {
        let button = json!({ "type": 2, "style": 1, "label": "Correct it", "custom_id": id });
        data.insert("components".to_owned(), json!([{ "type": 1, "components": [button] }]));
    }
    Acknowledgement {
        follow_up: FollowUp::Remember(modal::filled(form, answers)),
        ..Acknowledgement::only(MESSAGE, data)
    }
}

impl Acknowledgement {
    fn only(kind: u8, data: Value) -> Self {
        let callback = if data.is_null() { json!({ "type": kind }) } else { json!({ "type": kind, "data": data }) };
        Self { callback, follow_up: FollowUp::Nothing }
    }
}

/// One line.
pub(super) fn note(tone: Tone, text: &str) -> Card {
    Card::line(tone, Text::of(text))
}

/// A message that one person sees. It calls nobody.
pub(super) fn private(card: &Card) -> Value {
    let message =
        render::message(card, None).or_else(|failure| render::message(&note(Tone::Bad, failure.reason()), None));
    let mut message = message.unwrap_or_else(|_| json!({ "embeds": [{ "description": LOST }] }));
    if let Some(message) = message.as_object_mut() {
        message.insert("allowed_mentions".to_owned(), json!({ "parse": [] }));
        message.insert("flags".to_owned(), EPHEMERAL.into());
        message.remove("content");
    }
    message
}
