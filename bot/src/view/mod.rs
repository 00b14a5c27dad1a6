//! Everything that a person reads, as pure functions of a run: no input, no output, no clock; the time is an argument.
//!
//! Text from outside (titles, reasons, subjects of commits, names of files and branches) stands in plain or code spans
//! only and is made visible first, so that it can neither call anybody nor look like something else. Only people who
//! must act are called. Called by the engine and by the command line.

mod announcement;
mod attribution;
mod audit;
mod branch_graph;
mod card;
mod direct_message;
mod duration;
#[cfg(test)]
mod fixture;
mod form;
mod group_mentions;
mod home;
mod list;
mod message;
mod plan;
mod postmortem;
mod pull_request;
mod read_failures;
#[cfg(test)]
mod rechecks;
mod refusal;
mod render;
mod reply;
mod stalled;
mod status;
mod text;
mod timeline;
mod vote_request;
mod waiting_on;
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
pub use direct_message::tell;
pub use duration::humane;
pub use form::{
    ACKNOWLEDGES, OPENS, add_form, hold_form, override_form, reject_form, start_form, triage_form, verify_form,
};
pub use home::{home, mine};
pub use list::{Holder, Lock, Whereabouts, list, locks, whereabouts};
pub use message::{late_message, line};
pub use plan::plan;
pub use postmortem::postmortem;
pub use pull_request::{merge_title, pull_body, pull_title};
pub use read_failures::Trouble;
pub(crate) use read_failures::{remedy, unread, unreadable_things};
pub use refusal::{named, refusals};
pub use render::{plain, to_markdown};
pub use reply::{
    answered_before, clock_believed, clock_doubted, done, joined, lane_changed, mergeback, opened, pong, preformatted,
    seen_before, too_late_to_ask, unreadable, who, wrong,
};
pub use stalled::{Stall, held_up};
pub use status::stands;
pub use timeline::timeline;
pub(crate) use vote_request::held_back;
pub use vote_request::{TooLarge, prompt};
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
        text::name(self.people, id)
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
