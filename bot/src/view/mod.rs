//! Everything that a person reads, as pure functions of a run: no input, no output, no clock; the time is an argument.
//!
//! Text from outside (titles, reasons, subjects of commits, names of files and branches) stands in plain or code spans
//! only and is made visible first, so that it can neither call anybody nor look like something else. Only people who
//! must act are called. Called by the engine and by the command line.

mod announcement;
mod ask;
mod attribution;
mod audit;
mod called;
mod card;
mod duration;
#[cfg(test)]
mod fixture;
mod form;
mod hitch;
mod home;
mod line;
mod list;
mod phrase;
mod picture;
mod plan;
mod postmortem;
mod prompt;
mod pull;
#[cfg(test)]
mod rechecks;
mod refusal;
mod render;
mod reply;
mod standing;
mod tell;
mod timeline;
mod unread;
mod whoami;

use std::collections::BTreeMap;

use hotfix_adapters::chat::Span;
use hotfix_adapters::ids::Platform;

use crate::domain::group::ChatGroup;
use crate::domain::id::{PersonId, ServiceName};
use crate::domain::people::People;
use crate::policy::Policy;

pub use announcement::started;
pub use audit::audit;
pub use card::card;
pub use duration::humane;
pub use form::{
    ACKNOWLEDGES, OPENS, add_form, hold_form, override_form, reject_form, start_form, triage_form, verify_form,
};
pub use hitch::{Hitch, held_up};
pub use home::{home, mine};
pub use line::{line, line_of_old};
pub use list::{Holder, Lock, Whereabouts, list, locks, whereabouts};
pub use plan::plan;
pub use postmortem::postmortem;
pub(crate) use prompt::held_back;
pub use prompt::{TooMuch, prompt};
pub use pull::{merge_title, pull_body, pull_title};
pub use refusal::{named, refusals};
pub use render::{plain, to_markdown};
pub use reply::{
    answered_before, clock_believed, clock_doubted, done, joined, lane_changed, mergeback, opened, pong, preformatted,
    seen_before, too_late_to_ask, unreadable, who, wrong,
};
pub use standing::stands;
pub use tell::tell;
pub use timeline::timeline;
pub use unread::Trouble;
pub(crate) use unread::{remedy, unread, unreadable_things};
pub use whoami::{Me, Rights, Worth, whoami};

/// For whom a text is made: everybody's names, who may vote, and the platform on which they are called.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a> {
    /// Everybody the bot knows.
    pub people: &'a People,
    /// Who may do what.
    pub policy: &'a Policy,
    /// Which groups of the chat are called when.
    pub groups: &'a BTreeMap<ServiceName, Vec<ChatGroup>>,
    /// Where the text will be read.
    pub platform: Platform,
}

impl Audience<'_> {
    /// What a person is called.
    fn name(&self, id: &PersonId) -> String {
        phrase::name(self.people, id)
    }

    /// A text of the domain, with the names of those whom it marks.
    fn named(&self, text: &str) -> String {
        self.people.named(text)
    }

    /// Calls a person, or names them when they have no account here.
    fn call(&self, id: &PersonId) -> Span {
        let account = self.people.get(id).and_then(|person| person.account(self.platform)).cloned();
        Span::Mention { account, name: self.name(id) }
    }
}
