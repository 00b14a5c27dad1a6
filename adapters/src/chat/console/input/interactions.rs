//! Button presses and reactions: finds the target message if the line names none.

use super::words::Word;
use super::{InputError, Location, Speaker};
use crate::chat::console::message_log::{Fact, State, number};
use crate::chat::console::style::emoji_name;
use crate::chat::console::{Console, Inner};
use crate::chat::{Action, Emoji, Inbound, Interaction, Reaction, Tone};

impl Console {
    pub(super) fn press(
        &self,
        inner: &mut Inner,
        speaker: &Speaker<'_>,
        what: &Word<'_>,
    ) -> Result<Inbound, InputError> {
        let (label, on) = match what.text.rsplit_once(char::is_whitespace) {
            Some((label, id)) if number(id).is_some() => (label.trim_end(), Some(id)),
            _ => (what.text, None),
        };
        let mut seen = inner.state.messages.values().rev();
        let named = |action: &&Action| action.label.to_lowercase() == label.to_lowercase();
        let found = match on {
            Some(id) => {
                let message = self.message(speaker, &inner.state, what, id)?;
                message.card.actions.iter().find(named).map(|action| (message, action))
            }
            None => seen
                .by_ref()
                .filter(|message| self.sees(&speaker.person, &message.message.channel))
                .find_map(|message| message.card.actions.iter().find(named).map(|action| (message, action))),
        };
        let Some((message, action)) = found else {
            return Err(speaker.line.error(what.at, self.no_button(speaker, &inner.state, label, on)));
        };
        let act = Interaction::ButtonClick { message: message.message.clone(), value: action.value.clone() };
        let spot = Location::of(message);
        self.inbound(inner, speaker, Fact::Heard, spot, act)
    }

    fn no_button(&self, speaker: &Speaker<'_>, state: &State, label: &str, on: Option<&str>) -> String {
        let messages = state.messages.values().rev().filter(|m| self.sees(&speaker.person, &m.message.channel));
        let buttons: Vec<String> = messages
            .flat_map(|m| m.card.actions.iter().map(|action| format!("{:?} on {}", action.label, m.message.id)))
            .take(8)
            .collect();
        let place = on.unwrap_or("any message that they see");
        let there = if buttons.is_empty() { "none at all".to_owned() } else { buttons.join(", ") };
        format!("there is no button {label:?} on {place}; there is {there}")
    }

    pub(super) fn react(
        &self,
        inner: &mut Inner,
        speaker: &Speaker<'_>,
        on: &Word<'_>,
        emoji: Emoji,
        added: bool,
    ) -> Result<Inbound, InputError> {
        let state = &inner.state;
        let message = if on.text.is_empty() {
            // Search all visible messages, not only the current thread. Votes go to messages with buttons, not to later
            // reminders or other questions.
            let mut seen = state.messages.values().rev().filter(|m| self.sees(&speaker.person, &m.message.channel));
            let voted_on = seen.clone().find(|m| !m.card.actions.is_empty());
            let nothing = || speaker.line.error(on.at, "nothing is being asked; name a message, like +1 m7".to_owned());
            voted_on.or_else(|| seen.find(|m| m.card.tone == Tone::Asking)).ok_or_else(nothing)?
        } else {
            self.message(speaker, state, on, on.text)?
        };
        let reaction = Reaction { person: speaker.person.clone(), emoji };
        if message.reactions.contains(&reaction) == added {
            let (who, what, id) = (&speaker.person.id, emoji_name(&reaction.emoji), &message.message.id);
            let already = if added { "already stands" } else { "does not stand" };
            return Err(speaker.line.error(on.at, format!("{who}'s {what} {already} on {id}")));
        }
        let (target, spot) = (message.message.clone(), Location::of(message));
        let Reaction { person, emoji } = reaction;
        let act = Interaction::Reaction { message: target.clone(), emoji: emoji.clone(), added };
        self.inbound(inner, speaker, Fact::Reacted { message: target, person, emoji, added }, spot, act)
    }
}
