//! Builds the callback for an interaction and its follow-up from a [`HandlerReply`]. Pure. `follow_up.rs` sends both.

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

/// The callback and the follow-up for one interaction.
#[derive(Debug)]
pub(super) struct Acknowledgement {
    /// Request body of the interaction callback.
    pub(super) callback: Value,
    pub(super) follow_up: FollowUp,
}

/// The action after the callback.
#[derive(Debug)]
pub(super) enum FollowUp {
    Nothing,
    /// Caches the form, so that it can be shown again.
    Remember(Form),
    /// Waits for the deferred result, then replaces the first reply.
    Wait(oneshot::Receiver<Option<Card>>),
}

/// Builds the reply to an interaction. `shown` is the submitted form, if it is still cached.
pub(super) fn reply(heard: HandlerReply, to: &DiscordInteraction, shown: Option<Form>) -> Acknowledgement {
    match heard {
        HandlerReply::Message(Some(card)) => Acknowledgement::only(MESSAGE, private(&card)),
        // A click needs no visible reply, but Discord shows an unanswered command as failed.
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

/// Refuses an action from a server that is not configured.
pub(super) fn not_here() -> Acknowledgement {
    let text = "The bot does not take anything from here. Say it in a server that it serves.";
    Acknowledgement::only(MESSAGE, private(&note(Tone::Warning, text)))
}

/// Replies to an interaction that the bot does not use.
pub(super) fn not_known() -> Acknowledgement {
    Acknowledgement::only(
        MESSAGE,
        private(&note(Tone::Warning, "The bot does not know this any more. Say it as a command.")),
    )
}

/// Reopens a cached form.
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

/// Returns the message that replaces "is thinking…". It is never empty, because that indicator would stay forever.
pub(super) fn later(more: Result<Option<Card>, oneshot::error::RecvError>) -> Value {
    match more {
        Ok(Some(card)) => private(&card),
        Ok(None) => private(&note(Tone::Good, "Done.")),
        Err(_) => private(&note(Tone::Neutral, KEPT)),
    }
}

fn asked(form: Form, to: &DiscordInteraction) -> Acknowledgement {
    // Discord does not allow a modal in reply to a modal.
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

/// Replies to an invalid form. Discord closes a modal on submission, so the reply lists the fields and has a button
/// that reopens the form with its answers.
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

/// Returns a card with one line of text.
pub(super) fn note(tone: Tone, text: &str) -> Card {
    Card::line(tone, Text::of(text))
}

/// Renders a card as an ephemeral message without mentions.
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
