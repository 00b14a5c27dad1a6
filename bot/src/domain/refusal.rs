//! A no that helps: which rule, why, and what to do next.

use serde::{Deserialize, Serialize};

use hotfix_adapters::ids::ChannelRef;

use super::id::RequirementId;

/// A channel as the text of a refusal names it. What it is called there only the chat knows: whoever shows the text lets the
/// chat say it.
#[must_use]
pub fn marked_channel(channel: &ChannelRef) -> String {
    format!("<#{channel}>")
}

/// The channel at the beginning of a text that follows `<#`, and what is behind its mark.
#[must_use]
pub fn channel_in(text: &str) -> Option<(ChannelRef, &str)> {
    let (channel, behind) = text.split_once('>')?;
    Some((ChannelRef::parse(channel).ok()?, behind))
}

/// Why something is not done. Nothing was changed when one is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A stable name for the rule, such as `vote.requester`; scripts may rely on it.
    pub code: String,
    /// The sentence of the runbook it comes from, if it comes from one.
    pub requirement: Option<RequirementId>,
    /// The reason, one sentence for a person.
    pub reason: String,
    /// The next step, one sentence for a person.
    pub next: String,
}

impl Refusal {
    /// A refusal by a rule of ours.
    pub fn new(code: &str, reason: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code: code.to_owned(), requirement: None, reason: reason.into(), next: next.into() }
    }

    /// The same refusal, with the sentence of the runbook it comes from.
    #[must_use]
    pub fn because_of(mut self, requirement: &str) -> Self {
        self.requirement = requirement.parse().ok();
        self
    }
}
