//! Parser of input lines: the user, the place and the action. The syntax is in [`FORMS`]. Any other line is chatter,
//! but a failed attempt at a known form is an error.

mod error;
mod interactions;
mod words;

use self::words::{Line, Said, Word, vote};
use super::message_log::{Chatter, Fact, Message, State, number};
use super::transcript::hash;
use super::{Console, Inner};
use crate::chat::{Inbound, Interaction};
use crate::ids::{ChannelRef, MessageRef, PersonRef};

pub use self::error::InputError;
pub(super) use self::words::typeable;

/// Syntax help, shown to a user after a malformed line.
const FORMS: &str = "\
What can be typed:
  ana: /hotfix status           a command, in the main channel
  ana: #other /hotfix status    in another channel
  ana @m3: /hotfix status       in the thread of the message m3
  ben: +1    ben: -1 m7         a reaction, on the last question or on m7
  ben: take back +1 m7          the reaction taken back
  ben: press Approve            a button; with `m7` behind it, the one on m7
  ana: anything else            chatter, which the bot does not hear";

/// The author and place of the line.
struct Speaker<'a> {
    line: &'a Line<'a>,
    person: PersonRef,
    spot: Location,
}

/// A channel with an optional thread.
#[derive(Clone)]
struct Location {
    channel: ChannelRef,
    thread: Option<MessageRef>,
}

impl Location {
    /// Returns the location of a message.
    fn of(message: &Message) -> Self {
        Self { channel: message.message.channel.clone(), thread: message.thread() }
    }
}

impl Console {
    /// Parses one line and records it. Returns `None` for an empty line or one that is not addressed to the bot.
    ///
    /// # Errors
    /// Returns [`InputError`], which points at the error and includes the syntax help if the form is wrong.
    pub fn parse_input(&self, line: &str) -> Result<Option<Inbound>, InputError> {
        let line = Line::check(line)?;
        let Some(said) = line.split()? else { return Ok(None) };
        let mut inner = self.lock();
        let mut speaker = self.speaker(&line, &said, &inner.state)?;
        let mut rest = said.rest;
        if speaker.spot.thread.is_none() && rest.text.starts_with('#') {
            let (channel, behind) = rest.first();
            speaker.spot.channel = self.named_channel(&line, &channel)?;
            self.present(&speaker, &said.name)?;
            rest = behind;
        }
        let (first, behind) = rest.first();
        if first.text.starts_with('/') {
            return self.command(&mut inner, &speaker, &first, &behind).map(Some);
        }
        if first.text.eq_ignore_ascii_case("press") && !behind.text.is_empty() {
            return self.press(&mut inner, &speaker, &behind).map(Some);
        }
        let (added, vote_word, on) = match taken_back(&first, &behind) {
            Some((word, on)) => (false, word, on),
            None => (true, first, behind),
        };
        match vote(vote_word.text) {
            // With more than one word after it, it is chatter.
            Some(emoji) if !on.text.contains(char::is_whitespace) => {
                self.react(&mut inner, &speaker, &on, emoji, added).map(Some)
            }
            _ => self.chatter_of(&mut inner, speaker, &rest),
        }
    }

    fn speaker<'a>(&self, line: &'a Line<'a>, said: &Said<'a>, state: &State) -> Result<Speaker<'a>, InputError> {
        let person = self.members.values().flatten().find(|person| person.id == said.name.text).cloned();
        let person = person.ok_or_else(|| {
            let mut names: Vec<&str> = self.members.values().flatten().map(|person| person.id.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            line.error(
                said.name.at,
                format!("nobody is called {:?} here; there are {}", said.name.text, names.join(", ")),
            )
        })?;
        let mut speaker = Speaker { line, person, spot: Location { channel: self.main.clone(), thread: None } };
        if let Some(under) = &said.under {
            let message = self.message(&speaker, state, under, under.text)?;
            speaker.spot.channel = message.message.channel.clone();
            speaker.spot.thread = Some(message.root().clone());
        } else if !said.rest.text.starts_with('#') {
            self.present(&speaker, &said.name)?;
        }
        Ok(speaker)
    }

    fn present(&self, speaker: &Speaker<'_>, name: &Word<'_>) -> Result<(), InputError> {
        if self.sees(&speaker.person, &speaker.spot.channel) {
            return Ok(());
        }
        let channel = hash(speaker.spot.channel.as_str());
        Err(speaker.line.error(name.at, format!("{} is not in {channel}", speaker.person.id)))
    }

    fn sees(&self, person: &PersonRef, channel: &ChannelRef) -> bool {
        self.audience_of(channel).is_ok_and(|members| members.contains(person))
    }

    /// Finds the channel named `#other`, or `other`.
    fn named_channel(&self, line: &Line<'_>, word: &Word<'_>) -> Result<ChannelRef, InputError> {
        let bare = word.text.trim_start_matches('#');
        let named = self.members.keys().find(|channel| channel.as_str() == word.text || channel.as_str() == bare);
        named.cloned().ok_or_else(|| {
            let known: Vec<String> = self.members.keys().map(|channel| hash(channel.as_str())).collect();
            line.error(word.at, format!("there is no channel {}; there are {}", word.text, known.join(", ")))
        })
    }

    fn message<'s>(
        &self,
        speaker: &Speaker<'_>,
        state: &'s State,
        word: &Word<'_>,
        id: &str,
    ) -> Result<&'s Message, InputError> {
        let found = number(id).and_then(|number| state.messages.get(&number));
        found.filter(|message| self.sees(&speaker.person, &message.message.channel)).ok_or_else(|| {
            speaker
                .line
                .error(word.at, format!("{} sees no message {id:?}; a message is written m7", speaker.person.id))
        })
    }

    fn command(
        &self,
        inner: &mut Inner,
        speaker: &Speaker<'_>,
        word: &Word<'_>,
        text: &Word<'_>,
    ) -> Result<Inbound, InputError> {
        if word.text != "/hotfix" {
            return Err(speaker.line.error(word.at, format!("{} is no command; there is one, /hotfix", word.text)));
        }
        let act = Interaction::Command { text: text.text.to_owned() };
        self.inbound(inner, speaker, Fact::Heard, speaker.spot.clone(), act)
    }

    fn chatter_of(
        &self,
        inner: &mut Inner,
        speaker: Speaker<'_>,
        rest: &Word<'_>,
    ) -> Result<Option<Inbound>, InputError> {
        let Speaker { line, person, spot: Location { channel, thread } } = speaker;
        if rest.text.is_empty() {
            return Err(line.wrong_form(rest.at, "nothing is said"));
        }
        let chatter = Chatter { from: person, channel, thread, text: rest.text.to_owned() };
        inner.take(Fact::Said(chatter)).map_err(|failure| line.error(rest.at, failure.to_string()))?;
        Ok(None)
    }

    /// Records the action and builds its [`Inbound`]. With a file, the counter in the dedupe key continues
    /// after a restart.
    fn inbound(
        &self,
        inner: &mut Inner,
        speaker: &Speaker<'_>,
        fact: Fact,
        spot: Location,
        act: Interaction,
    ) -> Result<Inbound, InputError> {
        inner.take(fact).map_err(|failure| speaker.line.error(0, failure.to_string()))?;
        let dedupe_key = format!("console:{}:{}", self.boot, inner.state.heard);
        let Location { channel, thread } = spot;
        Ok(Inbound { dedupe_key, from: speaker.person.clone(), channel, thread, can_ask: false, interaction: act })
    }
}

/// Parses `take back +1 m7`: the reaction and the message.
fn taken_back<'a>(first: &Word<'a>, behind: &Word<'a>) -> Option<(Word<'a>, Word<'a>)> {
    let (second, rest) = behind.first();
    let taken = first.text.eq_ignore_ascii_case("take") && second.text.eq_ignore_ascii_case("back");
    taken.then(|| rest.first()).filter(|(word, _)| vote(word.text).is_some())
}
