//! Everything that users read, as pure functions of a run: no I/O and no clock; the time is an argument.
//!
//! External text (titles, reasons, commit subjects, names of files and branches) is sanitized first and only appears in
//! plain or code spans, so that it can neither mention anybody nor imitate other content. Only people who must act are
//! mentioned. Called by the engine and by the command line.

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

/// The readers of a text: the names of all people, the policy, and the platform whose accounts are mentioned.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a> {
    /// Everybody in `people.toml`.
    pub people: &'a People,
    /// The policy; decides who can be asked to vote.
    pub policy: &'a Policy,
    /// The chat groups that each service mentions at certain moments.
    pub groups: &'a BTreeMap<ServiceName, Vec<ChatGroup>>,
    /// The platform on which the text is shown.
    pub platform: Platform,
}

impl Audience<'_> {
    /// Returns the display name of a person.
    fn name(&self, id: &PersonId) -> String {
        text::name(self.people, id)
    }

    /// Replaces the person markers in a text of the domain by names.
    fn named(&self, text: &str) -> String {
        self.people.named(text)
    }

    /// Mentions a person, or names them if they have no account on this platform.
    fn call(&self, id: &PersonId) -> Span {
        let account = self.people.get(id).and_then(|person| person.account(self.platform)).cloned();
        Span::Mention { account, name: self.name(id) }
    }
}
