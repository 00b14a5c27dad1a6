//! What somebody is told about what they did: the first answer to an interaction, and what follows it. Pure.

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::decode::{AGAIN, Did, Interaction};
use super::render::{self, EPHEMERAL};
use super::{limit, modal};
use crate::chat::{Act, Card, Form, Heard, Text, Tone};

const LOST: &str = "This could not be kept, and nothing was done. Please say it again.";
const KEPT: &str = "This is kept and will be done; it shows in the channel.";

const MESSAGE: u8 = 4;
const DEFERRED: u8 = 5;
const NOTHING: u8 = 6;
const MODAL: u8 = 9;

/// The first answer, and what follows.
#[derive(Debug)]
pub(super) struct Reply {
    /// The body of the callback.
    pub(super) callback: Value,
    pub(super) then: Then,
}

/// What follows the first answer.
#[derive(Debug)]
pub(super) enum Then {
    Nothing,
    /// The form is remembered, to be shown again.
    Remember(Form),
    /// The first answer is replaced when more is known.
    Wait(oneshot::Receiver<Option<Card>>),
}

/// The answer to what was heard. `shown` is the form that was answered, if it is remembered.
pub(super) fn reply(heard: Heard, to: &Interaction, shown: Option<Form>) -> Reply {
    match heard {
        Heard::Said(Some(card)) => Reply::only(MESSAGE, private(&card)),
        // A button may stay silent; a command that is not answered looks like a fault.
        Heard::Said(None) if to.on_message => Reply::only(NOTHING, Value::Null),
        Heard::Said(None) => Reply::only(MESSAGE, private(&note(Tone::Good, "Done."))),
        Heard::Form(form) => asked(form, to),
        Heard::Wrong(wrong) => corrected(&wrong, to, shown),
        Heard::Home(cards) => Reply::only(MESSAGE, render::page(&cards)),
        Heard::Later(more) => Reply { then: Then::Wait(more), ..Reply::only(DEFERRED, json!({ "flags": EPHEMERAL })) },
        Heard::Failed => Reply::only(MESSAGE, private(&note(Tone::Bad, LOST))),
    }
}

/// Whoever acts where the bot does not listen.
pub(super) fn not_here() -> Reply {
    let text = "The bot does not take anything from here. Say it in a server that it serves.";
    Reply::only(MESSAGE, private(&note(Tone::Warning, text)))
}

/// What the bot does not use.
pub(super) fn not_known() -> Reply {
    Reply::only(MESSAGE, private(&note(Tone::Warning, "The bot does not know this any more. Say it as a command.")))
}

/// A form that is wanted again.
pub(super) fn again(form: Option<Form>) -> Reply {
    let over = || Reply::only(MESSAGE, private(&note(Tone::Warning, "The form is over. Please begin again.")));
    let made = form.and_then(|form| {
        Some(Reply { then: Then::Remember(form.clone()), ..Reply::only(MODAL, modal::modal(&form).ok()?) })
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

fn asked(form: Form, to: &Interaction) -> Reply {
    // A modal cannot be answered with another one.
    let made = match to.did {
        Did::Act(Act::Submitted { .. }) => Err("More has to be known, and nothing can be asked here.".to_owned()),
        Did::Act(_) | Did::Again(_) | Did::Other => modal::modal(&form).map_err(|failure| failure.reason().to_owned()),
    };
    match made {
        Ok(modal) => Reply { then: Then::Remember(form), ..Reply::only(MODAL, modal) },
        Err(why) => {
            let text = Text::of(format!("{why} Say it as a command: ")).code(form.instead).plain(".");
            Reply::only(MESSAGE, private(&Card::line(Tone::Warning, text)))
        }
    }
}

/// A modal is gone when it is answered, so the fields are named, and a button brings the form back as it was filled.
fn corrected(wrong: &[(String, String)], to: &Interaction, shown: Option<Form>) -> Reply {
    let input = |id: &str| shown.iter().flat_map(|form| &form.inputs).find(|input| input.id == id);
    let named = |id: &String| input(id).map_or_else(|| id.clone(), |input| input.label.clone());
    let lines = wrong.iter().map(|(id, why)| Text::new().strong(named(id)).plain(format!(" {why}"))).collect();
    let title = Text::of("That does not do yet");
    let card = Card { tone: Tone::Warning, title: Some(title), lines, ..Card::default() };
    let mut data = private(&card);
    let (Did::Act(Act::Submitted { answers, .. }), Some(form)) = (&to.did, shown) else {
        return Reply::only(MESSAGE, data);
    };
    let id = format!("{AGAIN}{}", form.key);
    if limit::length(&id) > limit::CUSTOM_ID {
        return Reply::only(MESSAGE, data);
    }
    if let Some(data) = data.as_object_mut() {
        let button = json!({ "type": 2, "style": 1, "label": "Correct it", "custom_id": id });
        data.insert("components".to_owned(), json!([{ "type": 1, "components": [button] }]));
    }
    Reply { then: Then::Remember(modal::filled(form, answers)), ..Reply::only(MESSAGE, data) }
}

impl Reply {
    fn only(kind: u8, data: Value) -> Self {
        let callback = if data.is_null() { json!({ "type": kind }) } else { json!({ "type": kind, "data": data }) };
        Self { callback, then: Then::Nothing }
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
