//! Refusals: the answer to a command that is not accepted, with the rule, the reason and the next step.

use serde::{Deserialize, Serialize};

use hotfix_adapters::ids::ChannelRef;

use super::id::RequirementId;

/// Returns the mark of a channel for a text of the domain. Only the chat knows the channel's name, so the view replaces
/// the mark.
#[must_use]
pub fn marked_channel(channel: &ChannelRef) -> String {
    format!("<#{channel}>")
}

/// Parses a channel mark after its `<#`. Returns the channel and the text after the mark.
#[must_use]
pub fn channel_in(text: &str) -> Option<(ChannelRef, &str)> {
    let (channel, behind) = text.split_once('>')?;
    Some((ChannelRef::parse(channel).ok()?, behind))
}

/// A refusal of a command or a deployment. A refused command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable code of the rule, such as `vote.requester`; part of the public interface, for scripts.
    pub code: String,
    /// The runbook requirement behind the rule; `None` for rules of the bot itself.
    pub requirement: Option<RequirementId>,
    /// Reason, one or two sentences for the user.
    pub reason: String,
    /// Next step for the user, in plain text.
    pub next: String,
}

impl Refusal {
    /// Creates a refusal without a runbook requirement.
    pub fn new(code: &str, reason: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code: code.to_owned(), requirement: None, reason: reason.into(), next: next.into() }
    }

    /// Adds the runbook requirement behind the rule. An invalid id is ignored.
    #[must_use]
    pub fn because_of(mut self, requirement: &str) -> Self {
        self.requirement = requirement.parse().ok();
        self
    }
}
